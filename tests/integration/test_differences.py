"""What differs between two recorded states, against a comparison made without the database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql
from pyproj import Geod

from config.model import Catalogue
from config.vocabulary import EditionKey, LayerId
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from providers.database import DatabaseRole, connect
from providers.difference_statements import Comparison, RecordedState
from providers.differences import Differences, class_field, differences
from providers.editions import Edition, edition_now
from providers.errors import Refused
from providers.revisions import Revision, RevisionKind

LAYER = "land_use"
CLASSES, REMARKS = ("010100", "020100", "030100"), ("a", None)
WEST, SOUTH, STEP = 125.0, 43.0, 0.01
CGCS2000 = Geod(a=6378137.0, rf=298.257222101)
# An edge of 0.01° is a geodesic to the oracle and straight in the equal-area plane to us: some 7 m².
# The oracle's edges are cut in ten, which leaves a hundredth of that.
AREA_TOLERANCE_M2 = 20.0
type Loader = Callable[..., Revision]
type Squares = Callable[..., FeatureTable]


@dataclass(frozen=True)
class Parcel:
    """A parcel in a slot of its own: parcels of one state never overlap."""

    name: str
    slot: int
    form: int
    code: str
    remark: str | None

    @property
    def shape(self) -> shapely.Polygon:
        west = WEST + STEP * self.slot
        east, north = west + STEP, SOUTH + STEP
        if self.form == 0:
            return shapely.box(west, SOUTH, east, north)
        if self.form == 1:
            return shapely.box(west, SOUTH, west + STEP / 2, north)
        return shapely.Polygon([(west, SOUTH), (east, SOUTH), (west + STEP / 3, north)])


type State = list[Parcel]
parcels = st.builds(
    Parcel,
    name=st.sampled_from("12345"),
    slot=st.integers(0, 4),
    form=st.integers(0, 2),
    code=st.sampled_from(CLASSES),
    remark=st.sampled_from(REMARKS),
)
states = st.lists(parcels, max_size=5, unique_by=(lambda p: p.name, lambda p: p.slot))


@pytest.fixture
def publish(
    database_url: str, make_squares: Squares, load_squares: Loader, catalogue: Catalogue
) -> Loader:
    """Publish parcels as an edition of land use."""
    layer = catalogue.layers[LAYER]

    def load(key: str, state: State) -> Revision:
        if edition(database_url, key) is None:
            load_squares(LAYER, key, ["1"])
        held = edition(database_url, key)
        assert held is not None
        columns: dict[str, list[Any]] = {
            "YDYHFLDM": [p.code for p in state],
            "BZ": [p.remark for p in state],
        }
        table = make_squares(layer, [p.name for p in state], columns=columns)
        table = replace(table, geometry=np.array([p.shape for p in state], dtype=object))
        return load_edition(database_url, layer, held, table.of(layer), author="t", note="")

    return load


def edition(url: str, key: str, layer: str = LAYER) -> Edition | None:
    with connect(url, DatabaseRole.READER) as connection:
        return edition_now(connection, LayerId(layer), EditionKey(key))


@contextmanager
def comparing(url: str) -> Iterator[Connection[Any]]:
    with connect(url, DatabaseRole.WRITER) as connection:
        yield connection
        connection.rollback()


def diff(url: str, before: RecordedState, after: RecordedState) -> Differences:
    with comparing(url) as connection:
        return differences(connection, before, after, by=class_field(before.layer))


def geodesic_m2(whole: shapely.Geometry) -> float:
    """Independent of the product: geodesic edges on the ellipsoid."""
    shape = shapely.segmentize(whole, STEP / 10)
    parts = [p for p in shapely.get_parts(shape).tolist() if p.geom_type == "Polygon"]
    return sum(CGCS2000.geometry_area_perimeter(shapely.orient_polygons(p))[0] for p in parts)


def expected_acts(before: State, after: State) -> dict[str, tuple[str, frozenset[str]]]:
    """Which feature differs how, from the two states alone."""
    a, b = {p.name: p for p in before}, {p.name: p for p in after}
    acts: dict[str, tuple[str, frozenset[str]]] = {}
    for name in a.keys() | b.keys():
        if name not in a:
            acts[name] = ("added", frozenset())
        elif name not in b:
            acts[name] = ("removed", frozenset())
        else:
            x, y = a[name], b[name]
            fields = {
                "YDYHFLDM": x.code != y.code,
                "BZ": x.remark != y.remark,
                "geometry": x.shape != y.shape,
            }
            if any(fields.values()):
                acts[name] = ("changed", frozenset(f for f, differs in fields.items() if differs))
    return acts


def check_against(found: Differences, before: State, after: State) -> None:
    acts = expected_acts(before, after)
    assert {one.om_id: (one.act, frozenset(one.fields)) for one in found.listed} == acts
    kinds = [act for act, _ in acts.values()]
    assert (found.added, found.changed, found.removed) == (
        kinds.count("added"),
        kinds.count("changed"),
        kinds.count("removed"),
    )
    names = {name for _, fields in acts.values() for name in fields}
    assert found.fields == {n: sum(n in fields for _, fields in acts.values()) for n in names}
    held = {p.code for p in (*before, *after)}
    assert {c.code: (c.before, c.after) for c in found.classes} == {
        code: tuple(sum(p.code == code for p in state) for state in (before, after))
        for code in held
    }
    for one in found.classes:
        for m2, state in ((one.before_m2, before), (one.after_m2, after)):
            wanted = sum(geodesic_m2(p.shape) for p in state if p.code == one.code)
            assert m2 == pytest.approx(wanted, abs=5 * AREA_TOLERANCE_M2)
    was, will_be = {p.name: p.code for p in before}, {p.name: p.code for p in after}
    moves = [(was[n], will_be[n]) for n in was.keys() & will_be.keys() if was[n] != will_be[n]]
    assert {(t.before, t.after): t.features for t in found.transitions} == {
        move: moves.count(move) for move in moves
    }
    all_a, all_b = (shapely.union_all([p.shape for p in state]) for state in (before, after))
    assert found.lost_m2 == pytest.approx(
        geodesic_m2(shapely.difference(all_a, all_b)), abs=5 * AREA_TOLERANCE_M2
    )
    assert found.gained_m2 == pytest.approx(
        geodesic_m2(shapely.difference(all_b, all_a)), abs=5 * AREA_TOLERANCE_M2
    )


def check_mirror(one: Differences, other: Differences) -> None:
    """What came is what goes, where one looks the other way."""
    assert (one.added, one.removed, one.changed) == (other.removed, other.added, other.changed)
    assert one.fields == other.fields
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [(d.om_id, turned[d.act], d.fields, d.before_m2, d.after_m2) for d in one.listed] == [
        (d.om_id, d.act, d.fields, d.after_m2, d.before_m2) for d in other.listed
    ]
    assert [(c.code, c.before, c.after) for c in one.classes] == [
        (c.code, c.after, c.before) for c in other.classes
    ]
    assert {(t.before, t.after, t.features) for t in one.transitions} == {
        (t.after, t.before, t.features) for t in other.transitions
    }
    assert (one.lost_m2, one.gained_m2) == pytest.approx((other.gained_m2, other.lost_m2))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chain=st.lists(states, min_size=2, max_size=3), elsewhere=states)
def test_a_difference_is_that_of_the_rows_and_turns_round_with_its_states(
    publish: Loader,
    database_url: str,
    catalogue: Catalogue,
    chain: list[State],
    elsewhere: State,
) -> None:
    layer = catalogue.layers[LAYER]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS planning.land_use, planning_history.land_use CASCADE"
        )
        connection.execute("TRUNCATE onemap.edition CASCADE")
    history: list[tuple[RecordedState, State]] = []
    made: list[Revision] = []
    for key, state in [*(("a", state) for state in chain), ("b", elsewhere)]:
        revision = publish(key, state)
        at = RecordedState(layer=layer, edition=EditionKey(key), revision=revision.number)
        history.append((at, state))
        made.append(revision)

    for i, (before, was) in enumerate(history):
        for after, will_be in history[i:]:
            found = diff(database_url, before, after)
            check_against(found, was, will_be)
            check_mirror(found, diff(database_url, after, before))
    for (before, _), (after, _), revision in zip(history, history[1:-1], made[1:], strict=False):
        found = diff(database_url, before, after)
        if before.revision < after.revision:  # what was written down when it was published
            counted = (revision.added, revision.changed, revision.removed)
            assert (found.added, found.changed, found.removed) == counted
    last, _ = history[len(chain) - 1]
    totals = diff(database_url, history[0][0], last)
    with connect(database_url, DatabaseRole.READER) as connection:
        row = connection.execute(
            "SELECT count(*), coalesce(sum(om_area_m2), 0) FROM planning.land_use__a"
        ).fetchone()
    assert row == (
        sum(c.after for c in totals.classes),
        pytest.approx(sum(c.after_m2 or 0 for c in totals.classes)),
    )


def parcel(name: str, slot: int, *, form: int = 0, code: str = CLASSES[0]) -> Parcel:
    return Parcel(name=name, slot=slot, form=form, code=code, remark=None)


def recorded(catalogue: Catalogue, key: str, number: int, layer: str = LAYER) -> RecordedState:
    return RecordedState(layer=catalogue.layers[layer], edition=EditionKey(key), revision=number)


def test_what_was_changed_and_changed_back_does_not_differ(
    publish: Loader, database_url: str, catalogue: Catalogue
) -> None:
    state, other = [parcel("1", 0), parcel("2", 1)], [parcel("1", 0, form=1)]
    first = publish("a", state).number
    publish("a", other)
    last = publish("a", state).number

    assert last == first + 2
    found = diff(database_url, recorded(catalogue, "a", first), recorded(catalogue, "a", last))
    assert (found.added, found.changed, found.removed) == (0, 0, 0)
    assert (found.lost_m2, found.gained_m2) == (0, 0)
    assert not any(one.changed for one in found.classes)


def test_a_parcel_that_was_only_renumbered_is_neither_lost_nor_gained(
    publish: Loader, database_url: str, catalogue: Catalogue
) -> None:
    publish("a", [parcel("1", 0), parcel("2", 1)])
    publish("b", [parcel("1", 0), parcel("9", 1)])
    a, b = edition_states(catalogue, database_url, "a", "b")

    found = diff(database_url, a, b)

    assert [(d.om_id, d.act) for d in found.listed] == [("2", "removed"), ("9", "added")]
    assert (found.lost_m2, found.gained_m2) == (0, 0)


def test_what_is_lost_with_a_whole_parcel_is_its_official_area(
    publish: Loader, database_url: str, catalogue: Catalogue
) -> None:
    publish("a", [parcel("1", 0), parcel("2", 1, form=2)])
    publish("b", [parcel("1", 0)])
    a, b = edition_states(catalogue, database_url, "a", "b")

    found = diff(database_url, a, b)

    assert found.lost_m2 == pytest.approx(found.listed[0].before_m2, rel=1e-9)


def test_a_parcel_that_was_cut_in_two_loses_nothing_though_its_neighbours_stand_by(
    publish: Loader, database_url: str, catalogue: Catalogue
) -> None:
    whole = shapely.box(WEST, SOUTH, WEST + STEP, SOUTH + STEP)
    publish("a", [parcel("1", 0), parcel("2", 1)])
    publish("b", [parcel("1", 0, form=1), parcel("2", 1)])
    a, b = edition_states(catalogue, database_url, "a", "b")

    found = diff(database_url, a, b)

    assert found.lost_m2 == pytest.approx(geodesic_m2(whole) / 2, abs=AREA_TOLERANCE_M2)
    assert found.gained_m2 == 0


def edition_states(catalogue: Catalogue, url: str, *keys: str) -> list[RecordedState]:
    """The named editions as they stand."""
    with connect(url, DatabaseRole.READER) as connection:
        held = dict(connection.execute("SELECT edition, revision FROM onemap.edition").fetchall())
    return [recorded(catalogue, key, held[key]) for key in keys]


def test_plan_and_basis_tell_revisions_apart_but_not_editions(
    publish: Loader, database_url: str, make_squares: Squares, catalogue: Catalogue
) -> None:
    layer = catalogue.layers[LAYER]
    publish("a", [parcel("1", 0)])
    publish("b", [parcel("1", 0)])
    (before, b) = edition_states(catalogue, database_url, "a", "b")
    held = edition(database_url, "a")
    assert held is not None
    held = replace(held, plan="P2", basis="吉自然资〔2024〕1号")
    table = make_squares(layer, ["1"], columns={"YDYHFLDM": [CLASSES[0]], "BZ": [None]})
    table = replace(table, geometry=np.array([parcel("1", 0).shape], dtype=object))
    load_edition(database_url, layer, held, table.of(layer), author="t", note="")
    (after,) = edition_states(catalogue, database_url, "a")

    assert after.revision == before.revision + 1
    assert diff(database_url, before, after).fields == {"om_plan": 1, "om_basis": 1}
    assert diff(database_url, after, b).fields == {}


def test_an_issued_copy_and_a_local_proposal_differ_by_the_areas_that_shapely_finds(
    database_url: str, make_squares: Squares, load_squares: Loader, catalogue: Catalogue
) -> None:
    layer = catalogue.layers["ecological_redline"]
    rng = np.random.default_rng(4)
    issued = [wavy(rng, 125.05 + 0.1 * i, 43.05, 0.04) for i in range(6)]
    east = np.array([0.002, 0.001])
    moved = [shapely.Polygon(shapely.get_coordinates(g) + i * east) for i, g in enumerate(issued)]
    proposal = [issued[0], *moved[1:5], wavy(rng, 125.65, 43.05, 0.02)]
    for key, shapes, names in (
        ("issued_2023", issued, "123456"),
        ("proposal_2025", proposal, "123457"),
    ):
        load_squares(layer.id, key, list(names))
        held = edition(database_url, key, layer.id)
        assert held is not None
        table = replace(make_squares(layer, list(names)), geometry=np.array(shapes, dtype=object))
        load_edition(database_url, layer, held, table.of(layer), author="t", note="")

    found = diff(
        database_url,
        recorded(catalogue, "issued_2023", 2, layer.id),
        recorded(catalogue, "proposal_2025", 2, layer.id),
    )

    a, b = shapely.union_all(issued), shapely.union_all(proposal)
    assert found.lost_m2 == pytest.approx(geodesic_m2(shapely.difference(a, b)), rel=1e-4)
    assert found.gained_m2 == pytest.approx(geodesic_m2(shapely.difference(b, a)), rel=1e-4)
    assert (found.added, found.changed, found.removed) == (1, 4, 1)


def wavy(rng: np.random.Generator, x: float, y: float, radius: float) -> shapely.Polygon:
    """A star-shaped polygon of 60 vertices."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    reach = radius * rng.uniform(0.7, 1.0, 60)
    return shapely.Polygon(np.c_[x + reach * np.cos(angles), y + reach * np.sin(angles)])


def test_a_table_has_differences_but_no_areas(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    load_squares("census_2020", "2020", ["1", "2"], columns={"XZQDM": ["220102", "220103"]})
    load_squares(
        "census_2020",
        "2020",
        ["1", "2"],
        columns={"XZQDM": ["220102", "220103"], "RKZS": [1, 7]},
    )

    found = diff(
        database_url,
        recorded(catalogue, "2020", 1, "census_2020"),
        recorded(catalogue, "2020", 2, "census_2020"),
    )

    assert found.fields == {"RKZS": 1}
    assert (found.lost_m2, found.gained_m2, found.by) == (None, None, None)
    assert [(d.om_id, d.act, d.before_m2) for d in found.listed] == [("220103", "changed", None)]


def test_classes_that_are_none_and_fields_that_the_tables_lack_are_refused(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    layer = catalogue.layers[LAYER]
    load_squares(LAYER, "a", [str(n) for n in range(1_001)], size=0.001)
    state = recorded(catalogue, "a", 1)

    too_many = pytest.raises(Refused, match="BSM has more than 1,000 values")
    with comparing(database_url) as connection, too_many:
        differences(connection, state, state, by=layer.field("BSM"))
    with connect(database_url, DatabaseRole.OWNER) as connection:
        connection.execute("ALTER TABLE planning.land_use DROP COLUMN bz")
    with comparing(database_url) as connection, pytest.raises(Refused, match="onemap migrate"):
        differences(connection, state, state, by=None)


def test_any_field_may_tell_classes_apart_whatever_its_type(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    layer = catalogue.layers[LAYER]
    load_squares(LAYER, "a", ["1", "2", "3"], columns={"TBMJ": [1.5, 1.5, 10.0]})

    with comparing(database_url) as connection:
        state = recorded(catalogue, "a", 1)
        found = differences(connection, state, state, by=layer.field("TBMJ"))

    assert [(c.code, c.before, c.after) for c in found.classes] == [("1.5", 2, 2), ("10", 1, 1)]


def test_two_revisions_are_compared_by_their_indexes(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    layer = catalogue.layers[LAYER]
    names = [str(n) for n in range(20_000)]
    placed: dict[str, Any] = {"west": 115.0, "size": 0.0005}
    load_squares(LAYER, "a", names, **placed)
    load_squares(LAYER, "a", names, columns={"BZ": ["again"] * len(names)}, **placed)
    load_squares(
        LAYER, "a", names[:3], columns={"BZ": ["x"] * 3}, kind=RevisionKind.MERGE, **placed
    )
    second, third = recorded(catalogue, "a", 2), recorded(catalogue, "a", 3)

    for before, after in ((second, third), (third, second)):
        plan = explained(database_url, Comparison(before, after, class_field(layer)))
        assert "Index" in plan
        assert "Seq Scan" not in plan
    found = diff(database_url, second, third)
    assert (found.added, found.changed, found.removed) == (0, 3, 0)
    assert diff(database_url, recorded(catalogue, "a", 1), third).changed == len(names)


def explained(url: str, comparison: Comparison) -> str:
    with comparing(url) as connection:
        rows: Sequence[tuple[str]] = connection.execute(
            sql.SQL("EXPLAIN ") + comparison.differing, comparison.binds
        ).fetchall()
    return "\n".join(line for (line,) in rows)
