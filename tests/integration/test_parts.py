"""Subdivided copies of polygons: they are the polygons, and overlays find by them what they should."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.model import Binding, Catalogue, EditionChoice, Layer
from config.vocabulary import Classification, EditionKey, LayerId
from processes.algorithms.compliance.evidence import Need
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from processes.workflows.rollback import rollback
from providers.access import ALL, Scope
from providers.bindings import Bound
from providers.database import DatabaseRole, connect
from providers.editions import edition_now, list_editions_now
from providers.parcel_overlay import ask_layer
from providers.parts import MAX_PART_VERTICES, complete_parts
from providers.revisions import Revision, RevisionKind
from providers.tables import ensure_tables

LAYER, KEY = LayerId("ecological_redline"), EditionKey("a")
EVERYTHING = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL)
type Loader = Callable[..., Revision]
type Squares = Callable[..., FeatureTable]

acts = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([RevisionKind.LOAD, RevisionKind.MERGE]),
            st.dictionaries(st.sampled_from("123"), st.integers(0, 3), max_size=3),
        ),
        st.tuples(st.just(RevisionKind.ROLLBACK), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=4,
)


def ragged(seed: int, x: float, y: float, reach: float = 0.04) -> shapely.Geometry:
    """A star-shaped polygon of 700 vertices, every second one with a hole."""
    rng = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 700, endpoint=False)
    radius = reach * (0.6 + 0.3 * np.sin(7 * angles + seed) + rng.uniform(-0.02, 0.02, 700))
    outer = shapely.Polygon(np.c_[x + radius * np.cos(angles), y + radius * np.sin(angles)])
    hole = shapely.Point(x, y).buffer(reach * 0.15, quad_segs=40)
    return outer if seed % 2 else shapely.difference(outer, hole)


@pytest.fixture
def publish(
    database_url: str, load_squares: Loader, make_squares: Squares, catalogue: Catalogue
) -> Callable[..., Revision]:
    """Publish polygons by identity as the edition."""
    layer = catalogue.layers[LAYER]

    def load(
        shapes: dict[str, shapely.Geometry],
        kind: RevisionKind = RevisionKind.LOAD,
        of: Layer = layer,
    ) -> Revision:
        with connect(database_url, DatabaseRole.READER) as connection:
            held = edition_now(connection, LAYER, KEY)
        if held is None:
            load_squares(LAYER, KEY, ["1"])
            return load(shapes, kind, of)
        table = replace(
            make_squares(layer, list(shapes)),
            geometry=np.array(list(shapes.values()), dtype=object),
        )
        return load_edition(database_url, of, held, table.of(layer), author="t", note="", kind=kind)

    return load


def check_parts(url: str) -> int:
    """The parts are the current polygons, no more and no less; answers how many parts there are."""
    with connect(url, DatabaseRole.READER) as connection:
        whole = dict(
            connection.execute(
                "SELECT fid, ST_AsBinary(geom) FROM planning.ecological_redline__a"
            ).fetchall()
        )
        parts = connection.execute(
            "SELECT fid, ST_AsBinary(geom) FROM planning_parts.ecological_redline__a"
        ).fetchall()
    pieces: dict[int, list[shapely.Geometry]] = {fid: [] for fid in whole}
    for fid, wkb in parts:
        pieces[fid].append(shapely.from_wkb(bytes(wkb)))  # KeyError: left over
    for fid, wkb in whole.items():
        shape = shapely.from_wkb(bytes(wkb))
        assert shapely.area(pieces[fid]).sum() == pytest.approx(shape.area, rel=1e-9)
        covered = shapely.union_all(pieces[fid])
        assert shapely.symmetric_difference(shape, covered).area < 1e-9 * shape.area
        most = max(shapely.get_num_coordinates(piece) for piece in pieces[fid])
        assert most <= MAX_PART_VERTICES
    return len(parts)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=acts)
def test_after_any_loads_merges_and_rollbacks_the_parts_are_the_current_polygons(
    publish: Loader, database_url: str, catalogue: Catalogue, steps: list[Any]
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS planning.ecological_redline,"
            " planning_history.ecological_redline, planning_parts.ecological_redline__a CASCADE"
        )
        connection.execute("TRUNCATE onemap.edition CASCADE")
    last = publish({"1": ragged(1, 125.05, 43.05)}).number
    for kind, what in steps:
        if kind is RevisionKind.ROLLBACK:
            made = rollback(
                database_url,
                catalogue.layers[LAYER],
                KEY,
                what % last + 1,
                author="t",
                note="",
                issued_from_above=True,
            )
            last = made.number if made else last
        else:
            shapes = {n: ragged(seed, 125 + 0.1 * int(n), 43.05) for n, seed in what.items()}
            last = publish(shapes, kind).number
        check_parts(database_url)


def test_a_layer_that_is_declared_subdivided_later_gets_the_parts_of_what_it_holds(
    publish: Loader, database_url: str, catalogue: Catalogue
) -> None:
    layer = catalogue.layers[LAYER]
    shapes = {n: ragged(int(n), 125 + 0.1 * int(n), 43.05) for n in "1234"}
    publish(shapes)
    with connect(database_url, DatabaseRole.OWNER) as connection:
        connection.execute("DROP TABLE planning_parts.ecological_redline__a")
    publish({**shapes, "5": ragged(5, 125.5, 43.05)}, of=replace(layer, subdivided=False))
    with connect(database_url, DatabaseRole.READER) as connection:
        none = connection.execute("SELECT to_regclass('planning_parts.ecological_redline__a')")
        assert none.fetchone() == (None,)

    for _ in range(2):  # what is complete stays as it is
        with connect(database_url, DatabaseRole.OWNER) as connection:
            ensure_tables(connection, layer, KEY)
            complete_parts(connection, layer, KEY)
        assert check_parts(database_url) > len(shapes) + 1


def test_parts_that_are_there_stay_right_while_the_layer_is_not_declared_subdivided(
    publish: Loader, database_url: str, catalogue: Catalogue
) -> None:
    layer = catalogue.layers[LAYER]
    publish({"1": ragged(1, 125.1, 43.05), "2": ragged(2, 125.2, 43.05)})

    publish({"1": ragged(3, 125.1, 43.05)}, of=replace(layer, subdivided=False))

    check_parts(database_url)


@pytest.fixture
def many(publish: Loader) -> list[shapely.Geometry]:
    """Polygons that partly overlap."""
    places = [(125.05 + 0.06 * (i % 3), 43.05 + 0.06 * (i // 3)) for i in range(9)]
    shapes = [ragged(seed, *place) for seed, place in enumerate(places)]
    publish({str(n): shape for n, shape in enumerate(shapes)})
    return shapes


corners = st.tuples(st.floats(124.98, 125.26), st.floats(42.98, 43.26))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=st.lists(corners, min_size=3, max_size=6), near=st.integers(0, 8))
def test_a_polygon_meets_the_same_features_by_their_parts_as_by_their_whole_shapes(
    many: list[shapely.Geometry],
    database_url: str,
    catalogue: Catalogue,
    points: list[tuple[float, float]],
    near: int,
) -> None:
    polygon = shapely.MultiPoint(points).convex_hull
    if polygon.geom_type != "Polygon":
        polygon = shapely.Point(points[0]).buffer(0.001)
    neighbour = shapely.difference(polygon, many[near])  # shares an edge, or nothing at all

    for asked in [polygon, *shapely.get_parts(neighbour).tolist()]:
        by_parts, by_shapes = (
            met(database_url, replace(catalogue.layers[LAYER], subdivided=parts), asked)
            for parts in (True, False)
        )
        differing = by_parts ^ by_shapes
        for name in differing:  # at the most a touch, by the last bit of a cut
            assert shapely.intersection(many[int(name)], asked).area < 1e-15
        if shapely.equals(asked, polygon):
            assert not differing


def met(url: str, layer: Layer, polygon: shapely.Geometry) -> set[str]:
    with connect(url, DatabaseRole.READER) as connection:
        (state,) = [s for s in list_editions_now(connection) if s.edition.layer == LAYER]
        binding = Binding(id="red", title=layer.title, layer=layer, edition=EditionChoice())
        bound = Bound(binding=binding, layer=layer, state=state)
        parcels = np.array([polygon], dtype=object)
        need = Need(overlaps=True)
        found = ask_layer(connection, bound, parcels, EVERYTHING, need, most=100).evidence(parcels)
    shared = shapely.area(found.overlaps) > 0
    return {found.ids[feature] for feature in found.feature[shared].tolist()}
