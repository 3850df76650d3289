"""What a publication touched: envelopes that hold all of it, and not too many."""

from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.model import Catalogue
from config.vocabulary import EditionKey
from processes.workflows.rollback import rollback
from providers.database import DatabaseRole, connect
from providers.revisions import Revision, RevisionKind
from providers.touched import MAX_ENVELOPES, record_touched

LAYER, KEY = "land_use", EditionKey("a")
type Loader = Callable[..., Revision]
type Rows = dict[str, tuple[str, bytes]]  # identity -> hash, shape

acts = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([RevisionKind.LOAD, RevisionKind.MERGE]),
            st.sets(st.sampled_from("12345"), max_size=4),
            st.sampled_from([0.01, 0.013]),
            st.sampled_from(["x", "y"]),
        ),
        st.tuples(st.just(RevisionKind.ROLLBACK), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=5,
)


def envelopes(url: str, revision: int) -> list[shapely.Polygon]:
    with connect(url, DatabaseRole.READER) as connection:
        rows = connection.execute(
            "SELECT ST_AsBinary(envelope) FROM onemap.touch WHERE layer = 'land_use'"
            " AND edition = 'a' AND revision = %s AND below IS NULL",  # else an overview's own
            (revision,),
        ).fetchall()
    return [shapely.box(*shapely.from_wkb(bytes(wkb)).bounds) for (wkb,) in rows]


def rows_at(url: str, number: int) -> Rows:
    statement = """
        SELECT om_id, om_hash, ST_AsBinary(geom) FROM planning.land_use__a WHERE om_rev <= %(n)s
        UNION ALL SELECT om_id, om_hash, ST_AsBinary(geom) FROM planning_history.land_use
        WHERE om_edition = 'a' AND rev_from <= %(n)s AND rev_to >= %(n)s
    """
    with connect(url, DatabaseRole.READER) as connection:
        found = connection.execute(statement, {"n": number}).fetchall()
    return {name: (content, bytes(wkb)) for name, content, wkb in found}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=acts)
def test_whatever_came_changed_or_went_lies_in_an_envelope_of_its_revision(
    load_squares: Loader, database_url: str, catalogue: Catalogue, steps: list[Any]
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS planning.land_use, planning_history.land_use CASCADE"
        )
        connection.execute("TRUNCATE onemap.edition CASCADE")
    last = load_squares(LAYER, KEY, ["1", "2"]).number
    for kind, *what in steps:
        if kind is RevisionKind.ROLLBACK:
            number = what[0] % last + 1
            made = rollback(
                database_url,
                catalogue.layers[LAYER],
                KEY,
                number,
                author="t",
                note="",
                issued_from_above=True,
            )
            last = made.number if made else last
        else:
            names, size, remark = what
            columns = {"BZ": [remark] * len(names)}
            options = {"size": size, "columns": columns, "kind": kind}
            last = load_squares(LAYER, KEY, sorted(names), **options).number

    for number in range(1, last + 1):
        before, after = rows_at(database_url, number - 1), rows_at(database_url, number)
        differing = before.items() ^ after.items()
        touched = envelopes(database_url, number)
        assert touched or not differing
        for _, (_, wkb) in differing:
            extent = shapely.box(*shapely.from_wkb(wkb).bounds)
            assert any(envelope.covers(extent) for envelope in touched)


def test_few_envelopes_are_kept_one_by_one_and_a_changed_attribute_counts_once(
    load_squares: Loader, database_url: str
) -> None:
    load_squares(LAYER, KEY, ["1", "2", "9"])
    load_squares(LAYER, KEY, ["1", "2", "9"], columns={"BZ": ["x", None, None]})

    (touched,) = envelopes(database_url, 2)

    assert touched.covers(shapely.box(125.01, 43, 125.02, 43.01))
    assert touched.area == pytest.approx(0.01**2, rel=0.01)


def test_a_reload_without_change_and_a_changed_fact_touch_nothing(
    load_squares: Loader, database_url: str
) -> None:
    load_squares(LAYER, KEY, ["1", "2"])
    load_squares(LAYER, KEY, ["1", "2"])
    first = len(envelopes(database_url, 1))
    load_squares(LAYER, KEY, ["1", "2"], start=date(2022, 1, 1))

    assert (first, len(envelopes(database_url, 1)), len(envelopes(database_url, 2))) == (1, 1, 0)


def test_a_table_touches_no_place(load_squares: Loader, database_url: str) -> None:
    load_squares("census_2020", "2020", ["1"], columns={"XZQDM": ["220102"]})

    with connect(database_url, DatabaseRole.READER) as connection:
        assert connection.execute("SELECT count(*) FROM onemap.touch").fetchone() == (0,)


DELTA = """
CREATE TEMPORARY TABLE delta ON COMMIT DROP AS
SELECT n AS fid, n::text AS om_id, 'changed' AS act,
    CASE WHEN mod(n, 3) > 0 THEN Box2D(ST_MakeEnvelope(x, y, x + 0.001, y + 0.001)) END AS before,
    CASE WHEN mod(n, 3) < 2 THEN Box2D(ST_MakeEnvelope(x, y, x + 0.001, y + 0.002)) END AS after
FROM (SELECT n, 124 + mod(n, 500) * 0.002 AS x, 42 + (n / 500) * 0.003 AS y
    FROM generate_series(0, %(count)s - 1) AS n) placed
"""


@pytest.mark.parametrize(("features", "kept"), [(6_000, 8_000), (25_000, None)])
def test_however_many_features_change_the_envelopes_are_few_and_hold_them_all(
    load_squares: Loader,
    database_url: str,
    catalogue: Catalogue,
    features: int,
    kept: int | None,
) -> None:
    load_squares(LAYER, KEY, ["1"])
    load_squares(LAYER, KEY, ["1", "2"])
    with connect(database_url, DatabaseRole.WRITER) as connection:
        connection.execute(DELTA, {"count": features})
        held = connection.execute("SELECT coalesce(max(number), 0) FROM onemap.touch").fetchone()
        assert held is not None
        record_touched(connection, catalogue.layers[LAYER], KEY, 2)
        found = connection.execute(
            "SELECT count(*), sum(ST_Area(envelope)) FROM onemap.touch WHERE number > %s", held
        ).fetchone()
        missed = connection.execute(
            "SELECT count(*) FROM pg_temp.delta, unnest(ARRAY[before, after]) AS b WHERE b IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM onemap.touch WHERE number > %s"
            " AND ST_XMin(envelope) <= ST_XMin(b) AND ST_YMin(envelope) <= ST_YMin(b)"
            " AND ST_XMax(envelope) >= ST_XMax(b) AND ST_YMax(envelope) >= ST_YMax(b)"
            " AND envelope && ST_SetSRID(b, 4490))",
            held,
        ).fetchone()
        connection.rollback()

    assert found is not None
    count, area = found
    assert missed == (0,)
    assert 0 < count <= MAX_ENVELOPES == 10_000
    assert kept is None or count == kept
    assert area < 2 * features * 0.001 * 0.002 * 10  # gathered near by, not over the whole country
