"""Every case of the compliance rules as rows of layers: all parcels are read as one batch.

Each case lies at a place of its own, moved by a binary fraction of a degree of longitude, so that
nothing is rounded; ellipsoidal areas do not know where on its parallel a shape lies.
"""

import runpy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from psycopg import sql
from shapely import Geometry

from config.model import Binding, Catalogue, EditionChoice, Field, Layer
from config.ruleset import Ruleset
from config.vocabulary import (
    Classification,
    EditionKey,
    EditionStatus,
    FieldType,
    GeometryKind,
    Issuer,
    LayerId,
    Outcome,
    Text,
)
from processes.algorithms.compliance.evidence import (
    Geometries,
    LayerEvidence,
    Need,
)
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.needs import needs_of
from providers.access import ALL, SRID, Scope
from providers.bindings import Bound
from providers.database import DatabaseRole, connect
from providers.editions import Edition, declare, list_editions_now
from providers.parcel_overlay import ask_layer
from providers.parts import complete_parts
from providers.tables import analyse, edition_name, ensure_tables

TOLD = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "compliance_cases.py")))
CASES, COMPUTED = TOLD.CASES, TOLD.COMPUTED
EVERYTHING = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL)
KEY = EditionKey("a")
STEP_DEG = 1 / 32  # from one case to the next, to the west
CELL_DEG = (0.015, 0.1)  # half of what belongs to one case
SQUARE_METRE_DEG2 = 1 / (111_000 * 80_000)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What was read of each binding for the parcels of all cases, moved to their places."""

    ruleset: Ruleset
    needs: Mapping[str, Need]
    parcels: Geometries
    evidence: Mapping[str, LayerEvidence]


def at_place(shapes: Any, number: int) -> Any:
    """The same shapes where the case of this number lies; of a negative number, back again."""
    return shapely.transform(shapes, lambda points: points - [number * STEP_DEG, 0.0])


def all_needs(ruleset: Ruleset) -> dict[str, Need]:
    """What the cases read of each binding, taken together."""
    found: dict[str, Need] = {}
    for case in COMPUTED:
        rules = TOLD.with_parameters(ruleset, case.get("parameters", {}))
        for name, need in needs_of(rules, [case["rule"]], case.get("replace", {})).items():
            before = found.get(name, need)
            margins = [m for m in (before.margin_m, need.margin_m) if m is not None]
            found[name] = replace(
                need,
                fields=before.fields | need.fields,
                overlaps=before.overlaps or need.overlaps,
                margin_m=max(margins, default=None),
            )
    return found


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The features of one binding in all cases, and where its edition says something."""

    shapes: list[Geometry]
    fields: list[Mapping[str, Any]]
    coverage: Geometry

    @classmethod
    def of(cls, binding: str) -> "Rows":
        shapes, fields, cells = [], [], []
        for number, case in enumerate(COMPUTED):
            told = case.get("bindings", {}).get(binding, {})
            for feature in told.get("features", ()):
                shapes.append(at_place(TOLD.shape(feature), number))
                fields.append(feature.get("fields", {}))
            middle = shapely.get_coordinates(TOLD.parcel_of(case))[0] - [number * STEP_DEG, 0.0]
            cell = shapely.box(*(middle - CELL_DEG), *(middle + CELL_DEG))
            covered = told.get("coverage")
            cells.append(cell if covered is None else at_place(TOLD.shape(covered), number))
        return cls(shapes=shapes, fields=fields, coverage=shapely.MultiPolygon(cells))


def a_layer(like: Layer, binding: str, kind: str, codes: frozenset[str], rows: Rows) -> Layer:
    """A layer for a binding, with the fields that rules read."""
    numbers = {
        code for told in rows.fields for code, value in told.items() if isinstance(value, float)
    }
    title = Text(zh=binding, en=binding)
    fields = tuple(
        Field(
            code=code,
            title=title,
            type=FieldType.DECIMAL if code in numbers else FieldType.TEXT,
        )
        for code in sorted(codes | {code for told in rows.fields for code in told})
    )
    specification = replace(
        like.specification, id=binding.upper(), geometry=GeometryKind(kind), fields=fields
    )
    return replace(
        like,
        id=LayerId(binding),
        specification=specification,
        identity=(),
        plan="none",
        style=None,
        subdivided=binding == "farmland_issued",
    )


def publish(connection: psycopg.Connection[Any], layer: Layer, rows: Rows) -> None:
    """The rows as an edition of the layer, without the checks of a load."""
    ensure_tables(connection, layer, KEY)
    system = ["fid", "om_edition", "om_id", "om_hash", "om_rev", "geom"]
    columns = [*system, *(f.column for f in layer.fields)]
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
        edition_name(layer, KEY), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(copy) as into:
        for number, (one, told) in enumerate(zip(rows.shapes, rows.fields, strict=True)):
            placed = shapely.set_srid(as_multi(one), SRID)
            wkb = shapely.to_wkb(placed, hex=True, include_srid=True)
            values = (told.get(f.code) for f in layer.fields)
            into.write_row((number, KEY, str(number), "", 1, wkb, *values))
    complete_parts(connection, layer, KEY)
    title = Text(zh="a", en="a")
    edition = Edition(
        layer=layer.id,
        key=KEY,
        title=title,
        valid_from=date(2025, 1, 1),
        valid_to=None,
        status=EditionStatus.IN_FORCE,
        issuer=Issuer.ABOVE,
        document="",
        coverage=shapely.to_wkb(rows.coverage),
    )
    declare(connection, edition, "1")
    connection.execute(
        "UPDATE onemap.edition SET revision = 1 WHERE layer = %s AND edition = %s", (layer.id, KEY)
    )
    analyse(connection, layer, KEY)


def as_multi(one: Any) -> Any:
    if one.geom_type.startswith("Multi"):
        return one
    return getattr(shapely, f"Multi{one.geom_type}")([one])


@pytest.fixture(scope="module")
def batch(new_database: Any, cluster: Any, catalogue: Catalogue) -> Batch:
    """All bindings that cases name, as layers, read for the parcels of all cases at once."""
    url = cluster.address(new_database())
    (ruleset,) = catalogue.rulesets["national_default"]
    needs = all_needs(ruleset)
    named = sorted({name for case in COMPUTED for name in case.get("bindings", {})})
    layers = {}
    with connect(url, DatabaseRole.OWNER) as connection:
        for name in named:
            rows = Rows.of(name)
            kind, codes = ruleset.bindings[name].geometry, needs[name].fields
            layers[name] = a_layer(catalogue.layers["land_use"], name, kind, codes, rows)
            publish(connection, layers[name], rows)
    parcels = np.array(
        [at_place(TOLD.parcel_of(c), n) for n, c in enumerate(COMPUTED)], dtype=object
    )
    with connect(url, DatabaseRole.READER) as connection:
        states = {state.edition.layer: state for state in list_editions_now(connection)}
        evidence = {
            name: ask_layer(
                connection,
                Bound(
                    binding=Binding(
                        id=name, title=layer.title, layer=layer, edition=EditionChoice()
                    ),
                    layer=layer,
                    state=states[layer.id],
                ),
                parcels,
                EVERYTHING,
                needs[name],
                most=10_000,
            ).evidence(parcels)
            for name, layer in layers.items()
        }
    return Batch(ruleset=ruleset, needs=needs, parcels=parcels, evidence=evidence)


def of_case(read: LayerEvidence, number: int, told: Mapping[str, Any]) -> LayerEvidence:
    """What was read for the parcel of one case, back where the file has it."""
    hits = read.parcel == number
    gap = read.gaps.get(number)
    return replace(
        read,
        parcel=np.zeros(hits.sum(), dtype=np.intp),
        feature=read.feature[hits],
        overlaps=at_place(read.overlaps[hits], -number),
        near=None if read.near is None else at_place(read.near[hits], -number),
        gaps={} if gap is None else {0: replace(gap, geometry=at_place(gap.geometry, -number))},
        released=TOLD.day(told.get("released")),
        latest_release=TOLD.day(told.get("latest_release")),
    )


def finding_of(batch: Batch, number: int) -> RuleFinding:
    case = COMPUTED[number]
    evidence = {
        name: of_case(batch.evidence[name], number, told)
        for name, told in case.get("bindings", {}).items()
    }
    finding: RuleFinding = TOLD.judged(batch.ruleset, case, evidence)
    return finding


@cache
def shared(number: int, binding: str) -> Geometries:
    """What the features of a binding share with the parcel of a case, by shapely."""
    features = COMPUTED[number].get("bindings", {}).get(binding, {}).get("features", [])
    shapes = np.array([TOLD.shape(feature) for feature in features], dtype=object)
    cut: Geometries = shapely.intersection(shapes, TOLD.parcel_of(COMPUTED[number]))
    return cut[shapely.area(cut) > 0]


def test_overlaps_are_those_of_the_same_shapes_in_memory(batch: Batch) -> None:
    compared = 0
    for name, read in batch.evidence.items():
        if not batch.needs[name].overlaps:
            continue
        for number in range(len(COMPUTED)):
            found = of_case(read, number, {}).overlaps
            found = found[~shapely.is_empty(found)]
            known = shared(number, name)
            assert len(found) == len(known)
            whole = shapely.symmetric_difference(shapely.union_all(found), shapely.union_all(known))
            assert whole.area < 1e-6 * SQUARE_METRE_DEG2
            compared += len(known)
    assert compared > 150


@pytest.mark.parametrize("number", range(len(COMPUTED)), ids=lambda n: COMPUTED[n]["id"])
def test_a_case_read_from_layers_gives_its_fact_clause_areas_and_suggestion(
    batch: Batch, number: int
) -> None:
    expected = COMPUTED[number]["expected"]
    finding = finding_of(batch, number)
    tolerance_m2 = CASES["tolerance_m2"]

    assert (finding.fact, finding.outcome, finding.clause) == (
        expected["fact"],
        expected["outcome"],
        expected["clause"],
    )
    assert finding.reasons == frozenset(expected.get("reasons", ()))
    for told, measure in zip(finding.concerns, expected.get("measures", ()), strict=True):
        assert told.binding == measure["binding"]
        for name in ("planar_m2", "ellipsoid_m2", "noise_m2", "net_m2"):
            if name in measure:
                assert getattr(told, name) == pytest.approx(measure[name], abs=tolerance_m2), name
        if "share" in measure:
            assert told.share == pytest.approx(measure["share"], abs=1e-5)
        reach_m = batch.needs[told.binding].margin_m
        if measure.get("distance_m", np.inf) < (reach_m or 0.0):  # what is further off is not read
            assert told.distance_m == pytest.approx(measure["distance_m"], abs=0.001)
    summed: dict[tuple[int, Outcome], float] = {}
    for piece in finding.pieces:
        key = piece.clause, piece.outcome
        summed[key] = summed.get(key, 0.0) + piece.planar_m2
    for piece in expected.get("pieces", ()):
        found_m2 = summed[piece["clause"], Outcome(piece["outcome"])]
        assert found_m2 == pytest.approx(piece["planar_m2"], abs=tolerance_m2)
