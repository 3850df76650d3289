from collections.abc import Callable
from datetime import date

import psycopg
import pytest

from config.model import Catalogue
from providers.database import DatabaseRole, connect
from providers.errors import LoadRejected
from providers.migrations import migrate
from providers.revisions import Revision

LAYER = "ecological_redline"
type Loader = Callable[..., Revision]


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with connect(url, DatabaseRole.READER) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


def counts(revision: Revision) -> tuple[int, int, int, int]:
    return revision.number, revision.added, revision.changed, revision.removed


def test_each_load_is_one_revision_and_an_equal_load_is_none(
    load_squares: Loader, database_url: str
) -> None:
    assert counts(load_squares(LAYER, "a", ["1", "2", "3"])) == (1, 3, 0, 0)
    assert counts(load_squares(LAYER, "a", ["1", "2", "3"])) == (1, 0, 0, 0)
    assert counts(load_squares(LAYER, "a", ["1", "2", "3", "4"])) == (2, 1, 0, 0)
    assert counts(load_squares(LAYER, "a", ["1", "2"])) == (3, 0, 0, 2)
    assert rows(database_url, "SELECT number, added FROM onemap.revision ORDER BY number") == [
        (1, 3),
        (2, 1),
        (3, 0),
    ]


def test_a_feature_keeps_its_fid_when_it_changes_and_when_it_comes_back(
    load_squares: Loader, database_url: str
) -> None:
    fids = "SELECT om_id, fid FROM planning.ecological_redline ORDER BY om_id"
    load_squares(LAYER, "a", ["1", "2"])
    first = rows(database_url, fids)

    load_squares(LAYER, "a", ["1", "2"], size=0.02)
    assert rows(database_url, fids) == first
    load_squares(LAYER, "a", ["1"], size=0.02)
    load_squares(LAYER, "a", ["1", "2"], size=0.02)
    assert rows(database_url, fids) == first


def test_what_is_replaced_goes_to_history_with_the_revisions_it_held_for(
    load_squares: Loader, database_url: str
) -> None:
    load_squares(LAYER, "a", ["1", "2"])
    load_squares(LAYER, "a", ["2"])  # 1 goes
    load_squares(LAYER, "a", ["2"], west=126.0)  # 2 moves
    load_squares(LAYER, "a", ["1", "2"], west=126.0)  # 1 comes back, elsewhere

    history = (
        "SELECT om_id, rev_from, rev_to FROM planning_history.ecological_redline ORDER BY 2, 1"
    )
    current = "SELECT om_id, om_rev FROM planning.ecological_redline ORDER BY 1"
    assert rows(database_url, history) == [("1", 1, 1), ("2", 1, 2)]
    assert rows(database_url, current) == [("1", 4), ("2", 3)]


def test_editions_have_their_own_rows_and_chains(load_squares: Loader, database_url: str) -> None:
    load_squares(LAYER, "a", ["1", "2"], end=date(2023, 12, 31))
    load_squares(LAYER, "b", ["1"], start=date(2024, 1, 1))
    load_squares(LAYER, "b", ["1", "3"], start=date(2024, 1, 1))

    held = "SELECT edition, revision, features FROM onemap.edition ORDER BY 1"
    assert rows(database_url, held) == [("a", 1, 2), ("b", 2, 2)]


def test_stored_areas_are_ellipsoidal_and_extents_are_those_of_the_rows(
    load_squares: Loader, database_url: str
) -> None:
    load_squares(LAYER, "a", ["1", "2"], size=0.01)

    (area,), _ = rows(
        database_url, "SELECT om_area_m2 FROM planning.ecological_redline ORDER BY fid"
    )
    extent = rows(database_url, "SELECT west, south, east, north FROM onemap.edition")
    # pyproj's geodesic area of the same square on the CGCS2000 ellipsoid: 905,788 m²
    assert area == pytest.approx(905_788, abs=2)
    assert extent == [pytest.approx((125.01, 43.0, 125.03, 43.01))]


def test_a_load_that_fails_changes_nothing(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    load_squares(LAYER, "a", ["1"])

    with pytest.raises(LoadRejected):
        load_squares(LAYER, "a", ["1", "2"], columns={"BSM": ["1", None]})

    assert rows(database_url, "SELECT count(*) FROM planning.ecological_redline") == [(1,)]
    assert rows(database_url, "SELECT revision FROM onemap.edition") == [(1,)]


def test_every_fault_of_a_load_is_named_with_its_row(load_squares: Loader) -> None:
    areas = [1.0, float("nan"), 2.0, 3.0]

    with pytest.raises(LoadRejected) as refused:
        load_squares(LAYER, "a", ["1", "2", "3", "3"], columns={"MJ": areas}, west=179.985)

    told = refused.value.findings
    assert any(line.startswith("row 1: MJ") and "finite" in line for line in told)
    assert any(line.startswith("row 0:") and "longitude within" in line for line in told)


def test_an_identity_that_is_given_twice_is_loaded_not_even_once(
    load_squares: Loader, database_url: str
) -> None:
    with pytest.raises(LoadRejected) as refused:
        load_squares(LAYER, "a", ["1", "2", "2"])

    assert [line.split(":")[0] for line in refused.value.findings] == ["row 1", "row 2"]
    assert rows(database_url, "SELECT to_regclass('planning.ecological_redline__a')") == [(None,)]


def test_a_code_outside_its_list_is_a_fault(load_squares: Loader, catalogue: Catalogue) -> None:
    coded = next(f for f in catalogue.layers["land_use"].fields if f.code_list is not None)

    with pytest.raises(LoadRejected) as refused:
        load_squares("land_use", "2024", ["1"], columns={coded.code: ["no such"]})

    assert any(
        coded.code in line and "expected a code of" in line for line in refused.value.findings
    )


def test_the_reader_reads_layers_and_nothing_secret(
    load_squares: Loader, database_url: str
) -> None:
    load_squares(LAYER, "a", ["1"])

    with connect(database_url, DatabaseRole.READER) as connection:
        connection.execute("SELECT 1 FROM planning.ecological_redline")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT 1 FROM onemap.api_key")
    with connect(database_url, DatabaseRole.READER) as connection, pytest.raises(psycopg.Error):
        connection.execute("DELETE FROM planning.ecological_redline")


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)

    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM schema_version").fetchone() == (1,)


def test_an_added_field_becomes_a_column_of_current_and_history(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    load_squares(LAYER, "a", ["1"])
    with connect(database_url, DatabaseRole.OWNER) as connection:
        connection.execute("ALTER TABLE planning.ecological_redline DROP COLUMN hxlx")
        connection.execute("ALTER TABLE planning_history.ecological_redline DROP COLUMN hxlx")

    load_squares(LAYER, "a", ["1", "2"])

    names = (
        "SELECT hxlx FROM planning.ecological_redline"
        " UNION ALL SELECT hxlx FROM planning_history.ecological_redline"
    )
    assert rows(database_url, names) == [(None,), (None,)]


def test_rows_know_the_region_of_their_declared_field(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    field = catalogue.layers["land_use"].field(catalogue.layers["land_use"].region)
    assert field is not None
    length = field.length or 6
    codes = ["220102".ljust(length, "0")[:length], "220103".ljust(length, "0")[:length]]

    load_squares("land_use", "2024", ["1", "2"], columns={field.code: codes})

    found = rows(database_url, "SELECT om_region FROM planning.land_use ORDER BY om_id")
    assert found == [("220102",), ("220103",)]


def test_a_changed_fact_of_an_edition_is_a_revision_too(
    load_squares: Loader, database_url: str
) -> None:
    load_squares(LAYER, "a", ["1"])

    changed = load_squares(LAYER, "a", ["1"], end=date(2024, 12, 31))

    assert counts(changed) == (2, 0, 0, 0)
    kinds = "SELECT number, kind FROM onemap.revision ORDER BY number"
    assert rows(database_url, kinds) == [(1, "load"), (2, "declaration")]


def test_a_village_code_is_lifted_to_the_division_that_is_registered(
    load_squares: Loader, database_url: str, catalogue: Catalogue
) -> None:
    with connect(database_url, DatabaseRole.WRITER) as connection:
        connection.execute(
            "INSERT INTO onemap.region (code, level, name_zh, name_en, path, valid_from)"
            " VALUES ('220102', 'county', '南关区', 'Nanguan', '{220102}', '2024-01-01')"
        )
    layer = catalogue.layers["land_use"]

    load_squares("land_use", "2024", ["1"], columns={layer.region: ["220102001001"]})

    assert rows(database_url, "SELECT om_region FROM planning.land_use") == [("220102",)]
    with pytest.raises(LoadRejected, match="division code"):
        load_squares("land_use", "2024", ["1"], columns={layer.region: ["22"]})
