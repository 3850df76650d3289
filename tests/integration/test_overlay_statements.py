"""The overlay as SQL, held against the overlay of the same rows as values."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from psycopg import sql

from config.model import Catalogue
from config.vocabulary import Classification, EditionKey
from processes.workflows.feature_input import Rows, stored_rows
from processes.workflows.polygon_overlay import lay_over
from providers.access import ALL, Scope
from providers.conditions import parse_equals
from providers.dialect import compile_sql
from providers.overlay_statements import Side, overlay_statement
from providers.relations import current, recorded
from providers.tables import edition_name

EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
)
type Areas = Mapping[tuple[str, str | None, str | None], tuple[int, float]]


def told(connection: psycopg.Connection[Any], left: Side, right: Side, **bound: Any) -> Areas:
    """What the statement answers, by kind and classes."""
    compiled = compile_sql(overlay_statement(left, right))
    values = {**left.parameters("left", bound), **right.parameters("right", bound)}
    rows = connection.execute(compiled.text, compiled.binds(values)).fetchall()
    return {(kind, one, other): (parts, area_m2) for kind, one, other, parts, area_m2 in rows}


def rows_of(connection: psycopg.Connection[Any], chosen: Any, region: str | None = None) -> Rows:
    """An edition's rows as a computation gets them."""
    layer, key, code = chosen
    found = connection.execute(
        sql.SQL(
            "SELECT om_id, {code}, ST_AsBinary(geom) FROM {rows}"
            " WHERE %(region)s::text IS NULL OR om_region = %(region)s ORDER BY fid"
        ).format(code=sql.Identifier(layer.field(code).column), rows=edition_name(layer, key)),
        {"region": region},
    ).fetchall()
    shapes = shapely.from_wkb(np.array([bytes(row[2]) for row in found], dtype=object))
    return stored_rows(shapes, [{code: row[1]} for row in found], [row[0] for row in found])


def one_value(connection: psycopg.Connection[Any], statement: str, chosen: Any) -> Any:
    """What a statement over an edition's rows answers."""
    query = sql.SQL(statement).format(rows=edition_name(chosen[0], chosen[1]))  # type: ignore[arg-type]
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def editions(demo_database_url: str, catalogue: Catalogue) -> Any:
    """A connection, and of two layers of the demo city the layer, edition and class field."""
    with psycopg.connect(demo_database_url, autocommit=True) as connection:
        known = dict(
            connection.execute(
                "SELECT layer, max(edition) FROM onemap.edition GROUP BY layer"
            ).fetchall()
        )
        chosen = []
        for name, code in (("land_use", "YDYHFLDM"), ("planning_zone", "GHFQDM")):
            layer = catalogue.layers[name]
            chosen.append((layer, EditionKey(known[name]), code))
        yield connection, *chosen


def a_side(chosen: Any, scope: Scope = EVERYTHING, **more: Any) -> Side:
    layer, key, code = chosen
    return Side(relation=current(layer, key), scope=scope, by=layer.field(code), **more)


def test_areas_by_class_are_those_of_the_same_rows_as_values(editions: Any) -> None:
    connection, one, other = editions
    left, right = (rows_of(connection, side) for side in (one, other))

    by_sql = told(connection, a_side(one), a_side(other))
    laid = lay_over(left, right, left_class=one[2], right_class=other[2])

    shared = {(p.left, p.right): p for p in laid.pairs if p.relation == "both"}
    both = {key[1:]: row for key, row in by_sql.items() if key[0] == "both"}
    assert len(shared) > 5
    assert both.keys() == shared.keys()
    for key, pair in shared.items():
        assert both[key][1] == pytest.approx(pair.area_m2, rel=1e-9, abs=1e-4)
    for kind, closing in (("left", laid.found.left), ("right", laid.found.right)):
        whole_m2 = sum(area_m2 for key, (_, area_m2) in by_sql.items() if key[0] == kind)
        assert whole_m2 == pytest.approx(closing.whole_m2, rel=1e-9)


def test_whole_areas_are_the_stored_official_ones(editions: Any) -> None:
    connection, one, other = editions
    stored_m2 = one_value(connection, "SELECT sum(om_area_m2) FROM {rows}", one)

    found = told(connection, a_side(one), a_side(other))

    whole_m2 = sum(area_m2 for key, (_, area_m2) in found.items() if key[0] == "left")
    assert whole_m2 == pytest.approx(stored_m2, rel=1e-9)


def test_each_side_shows_what_its_own_scope_lets_through(editions: Any) -> None:
    connection, one, other = editions
    region = one_value(connection, "SELECT min(om_region) FROM {rows}", one)
    limited, nothing = (replace(EVERYTHING, regions=(code,)) for code in (region, "999999"))
    left = rows_of(connection, one, region)
    right = rows_of(connection, other)

    found = told(connection, a_side(one, limited), a_side(other))
    none = told(connection, a_side(one, nothing), a_side(other))

    laid = lay_over(left, right)
    shared_m2 = sum(area_m2 for key, (_, area_m2) in found.items() if key[0] == "both")
    assert shared_m2 == pytest.approx(laid.found.left.shared_m2, rel=1e-9)
    assert {key[0] for key in none} == {"right"}


def test_conditions_narrow_their_own_side_even_where_both_bind_the_same_name(editions: Any) -> None:
    connection, one, other = editions
    every = told(connection, a_side(one), a_side(other))
    _, code, zone = max((k for k in every if k[0] == "both"), key=lambda k: every[k][1])
    first, second = parse_equals(one[0], {one[2]: code}), parse_equals(other[0], {other[2]: zone})
    assert first is not None
    assert second is not None

    found = told(connection, a_side(one, conditions=(first,)), a_side(other, conditions=(second,)))

    assert {key for key in found if key[0] == "both"} == {("both", code, zone)}
    assert found["both", code, zone][1] == pytest.approx(every["both", code, zone][1], rel=1e-12)


def test_an_edition_as_it_was_recorded_is_read_from_both_of_its_tables(editions: Any) -> None:
    connection, one, other = editions
    layer, key, code = one
    then = Side(relation=recorded(layer, key), scope=EVERYTHING, by=layer.field(code))
    revision = connection.execute(
        "SELECT revision FROM onemap.edition WHERE layer = %s AND edition = %s", (layer.id, key)
    ).fetchone()[0]

    found = told(connection, then, a_side(other), at=revision, edition=key)

    expected = told(connection, a_side(one), a_side(other))
    assert found.keys() == expected.keys()
    for row, (parts, area_m2) in expected.items():
        assert found[row] == (parts, pytest.approx(area_m2, rel=1e-9))


def test_pairs_come_from_the_index_of_the_stored_shapes(editions: Any) -> None:
    connection, one, other = editions
    compiled = compile_sql(overlay_statement(a_side(one), a_side(other)))
    connection.execute("SET enable_seqscan = off")

    plan = "\n".join(
        row[0] for row in connection.execute(f"EXPLAIN {compiled.text}", compiled.binds({}))
    )

    assert "geom &&" in plan
    assert "Index" in plan
