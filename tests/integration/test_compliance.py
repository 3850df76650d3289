"""The compliance check over real tables: bindings, editions, scope, and missing data."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from config.model import Catalogue
from config.vocabulary import Classification, ControlLine, Fact
from processes.context import Context
from processes.registry import SPECS
from processes.spec import InvalidBody
from providers.access import ALL, Scope
from providers.database import DatabaseRole, connect, connection_options

LINES = [line.value for line in ControlLine]
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
)
NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)


def parcel(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


INSIDE = parcel(125.002, 43.002, 125.004, 43.004)  # in the first square
ACROSS = parcel(125.005, 43.002, 125.015, 43.004)  # half in the first, half in the second
BESIDE = parcel(125.002, 43.02, 125.004, 43.024)


@contextmanager
def a_context(
    url: str,
    catalogue: Catalogue,
    scope: Scope = EVERYTHING,
    planar_crs: str | None = None,
) -> Iterator[Context]:
    with psycopg.connect(
        url, autocommit=True, **connection_options(DatabaseRole.READER)
    ) as connection:
        yield Context(
            entry=catalogue.processes["compliance-check"],
            scope=scope,
            reader=lambda: connection,
            report=lambda percent, message: None,
            now=NOON,
            planar_crs=planar_crs,
        )


def check(context: Context, place: Mapping[str, Any], **inputs: Any) -> dict[str, Any]:
    spec = SPECS["compliance_check"]
    execution = spec.parse({"inputs": {"parcel": place, **inputs}})
    result: dict[str, Any] = dict(spec.run(context, execution.inputs)["result"])
    return result


def facts(result: Mapping[str, Any]) -> dict[str, str]:
    return {line["control_line"]: line["fact"] for line in result["control_lines"]}


def line(result: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(dict(f) for f in result["control_lines"] if f["control_line"] == name)


@pytest.fixture
def three_lines(load_squares: Callable[..., Any]) -> None:
    """Farmland on two squares, a red line far away, the growth boundary on both squares."""
    load_squares("permanent_farmland", "2023", ["0", "1"], columns={"XZQDM": ["220102", "220103"]})
    load_squares("ecological_redline", "2023", ["50"])
    load_squares("urban_growth_boundary", "2023", ["0", "1"])


@pytest.mark.usefixtures("three_lines")
def test_a_parcel_is_told_what_it_touches_and_by_how_much(
    database_url: str, catalogue: Catalogue
) -> None:
    with a_context(database_url, catalogue) as context:
        result = check(context, ACROSS, declared_area_m2=200_000)

    assert facts(result) == {
        "permanent_farmland": Fact.CONCERNED,
        "ecological_redline": Fact.NOT_CONCERNED,
        "urban_growth_boundary": Fact.CONCERNED,
    }
    farmland = line(result, "permanent_farmland")
    area = result["parcel"]["area_m2"]
    assert farmland["inside"]["share"] == pytest.approx(1.0)
    assert farmland["inside"]["ellipsoid_m2"] == pytest.approx(area["ellipsoid"], rel=1e-9)
    assert farmland["inside"]["declared_m2"] == pytest.approx(200_000)
    assert sorted(feature["id"] for feature in farmland["features"]) == ["0", "1"]
    assert sum(f["area_m2"] for f in farmland["features"]) == pytest.approx(area["ellipsoid"])
    assert farmland["features"][0]["plan"] == "P1"
    assert (farmland["edition"]["key"], farmland["revision"]) == ("2023", 1)
    assert result["parcel"]["planar_crs"].startswith("EPSG:4551 ")
    assert result["check_date"] == "2026-06-01"
    assert "不作为审批依据" in result["advisory"]["zh"]
    assert [read["layer"] for read in result["lineage"]] == LINES
    assert result["parameters"]["source"]


@pytest.mark.usefixtures("three_lines")
def test_land_outside_every_line_but_inside_the_boundary_conforms(
    database_url: str, catalogue: Catalogue, load_squares: Callable[..., Any]
) -> None:
    load_squares("permanent_farmland", "2023", ["70"])

    with a_context(database_url, catalogue) as context:
        result = check(context, INSIDE)
        outside = check(context, BESIDE)

    assert result["suggestion"]["value"] == "符合"
    assert outside["suggestion"]["value"] == "需核实"
    assert facts(outside)["urban_growth_boundary"] == Fact.NOT_CONCERNED


def test_a_line_that_is_not_connected_is_missing_data_never_zero(
    database_url: str, load_squares: Callable[..., Any], catalogue: Catalogue
) -> None:
    load_squares("permanent_farmland", "2023", ["70"])
    load_squares("urban_growth_boundary", "2023", ["0"])

    with a_context(database_url, catalogue) as context:
        result = check(context, INSIDE)

    redline = line(result, "ecological_redline")
    assert redline["fact"] == Fact.DATA_MISSING
    assert redline["reason"] == "no_edition:redline_issued"
    assert redline["inside"] is None
    assert redline["outside"] is None
    assert redline["edition"] is None
    assert result["suggestion"]["value"] == "需核实"


@pytest.mark.usefixtures("three_lines")
def test_the_edition_in_force_at_the_check_date_is_read_and_no_other(
    database_url: str, catalogue: Catalogue, load_squares: Callable[..., Any]
) -> None:
    load_squares(
        "permanent_farmland", "2020", ["0", "9"], start=date(2020, 1, 1), end=date(2022, 12, 31)
    )
    nine = parcel(125.092, 43.002, 125.094, 43.004)

    with a_context(database_url, catalogue) as context:
        then = check(context, nine, check_date="2022-12-31")
        now = check(context, nine)
        before = check(context, nine, check_date="2019-12-31")

    assert line(then, "permanent_farmland")["edition"]["key"] == "2020"
    assert line(then, "permanent_farmland")["fact"] == Fact.CONCERNED
    assert line(now, "permanent_farmland")["edition"]["key"] == "2023"
    assert line(now, "permanent_farmland")["fact"] == Fact.NOT_CONCERNED
    assert line(before, "permanent_farmland")["fact"] == Fact.DATA_MISSING


@pytest.mark.usefixtures("three_lines")
def test_the_callers_scope_bounds_what_is_read(database_url: str, catalogue: Catalogue) -> None:
    one_region = Scope(
        layers=ALL,
        regions=("220103",),
        areas=ALL,
        ceiling=Classification.INTERNAL,
        functions=ALL,
    )
    no_farmland = Scope(
        layers=frozenset({"ecological_redline", "urban_growth_boundary"}),
        regions=ALL,
        areas=ALL,
        ceiling=Classification.INTERNAL,
        functions=ALL,
    )

    with a_context(database_url, catalogue, one_region) as context:
        narrow = line(check(context, ACROSS), "permanent_farmland")
    with a_context(database_url, catalogue, no_farmland) as context:
        blind = line(check(context, ACROSS), "permanent_farmland")

    assert [feature["id"] for feature in narrow["features"]] == ["1"]
    assert narrow["fact"] == Fact.CONCERNED
    assert narrow["outside"] is None, "what lies beyond the scope is unknown, not free"
    assert narrow["reason"] == "outside_scope:farmland_issued"
    assert blind["fact"] == Fact.DATA_MISSING
    assert blind["reason"] == "not_visible:farmland_issued"
    assert blind["layer"] is None


@pytest.mark.usefixtures("three_lines")
def test_beyond_the_callers_regions_nothing_is_said_to_be_free(
    database_url: str, catalogue: Catalogue
) -> None:
    regional = Scope(
        layers=ALL,
        regions=("220103",),
        areas=ALL,
        ceiling=Classification.INTERNAL,
        functions=ALL,
    )
    with a_context(database_url, catalogue, regional) as context:
        before = check(context, BESIDE)
    with connect(database_url, DatabaseRole.WRITER) as connection:
        connection.execute(
            "INSERT INTO onemap.region (code, level, name_zh, name_en, path, valid_from, geom)"
            " VALUES ('220103', 'county', '区', 'county', '{220103}', '2020-01-01',"
            " ST_Multi(ST_MakeEnvelope(124, 42, 126, 44, 4490)))"
        )
    with a_context(database_url, catalogue, regional) as context:
        after = check(context, BESIDE)

    assert before["parcel"]["visible_share"] == 0
    assert line(before, "permanent_farmland")["fact"] == Fact.DATA_MISSING
    assert line(before, "permanent_farmland")["inside"] is None
    assert before["suggestion"]["value"] == "需核实"
    assert after["parcel"]["visible_share"] == pytest.approx(1.0)
    assert line(after, "permanent_farmland")["fact"] == Fact.NOT_CONCERNED


@pytest.mark.usefixtures("three_lines")
def test_a_survey_file_is_read_in_its_zone_northing_first(
    database_url: str, catalogue: Catalogue
) -> None:
    # the square 125.002..125.004 E, 43.002..43.004 N in the zone of 126 E, northing first
    corners = [
        [4764025.0, 418600.0],
        [4764025.0, 418760.0],
        [4764240.0, 418760.0],
        [4764240.0, 418600.0],
        [4764025.0, 418600.0],
    ]
    place = {"type": "Polygon", "coordinates": [corners]}

    with a_context(database_url, catalogue) as context:
        result = check(context, place, crs="http://www.opengis.net/def/crs/EPSG/0/4551")

    assert result["parcel"]["planar_crs"] == "EPSG:4551 CGCS2000 / 3-degree Gauss-Kruger CM 126E"
    assert result["parcel"]["area_m2"]["planar"] == pytest.approx(160 * 215, abs=1e-3)
    assert result["parcel"]["crs"]["operation"] == "Inverse of 3-degree Gauss-Kruger CM 126E"


def test_abroad_a_plane_must_be_configured(database_url: str, catalogue: Catalogue) -> None:
    andorra = parcel(1.52, 42.50, 1.53, 42.51)

    with (
        a_context(database_url, catalogue) as context,
        pytest.raises(InvalidBody, match="zones of China"),
    ):
        check(context, andorra)
    with a_context(database_url, catalogue, planar_crs="EPSG:25831") as context:
        result = check(context, andorra)

    assert result["parcel"]["planar_crs"].startswith("EPSG:25831 ")
    assert set(facts(result).values()) == {Fact.DATA_MISSING}


@pytest.mark.usefixtures("three_lines")
def test_where_an_edition_says_nothing_nothing_is_known(
    database_url: str, catalogue: Catalogue
) -> None:
    elsewhere = parcel(116.40, 39.90, 116.401, 39.901)

    with a_context(database_url, catalogue) as context:
        result = check(context, elsewhere)

    assert set(facts(result).values()) == {Fact.DATA_MISSING}
    assert line(result, "permanent_farmland")["reason"] == "outside_coverage:farmland_issued"
    assert result["suggestion"]["value"] == "需核实"


@pytest.mark.usefixtures("three_lines")
def test_an_edition_that_does_not_tell_how_far_it_reaches_proves_no_absence(
    database_url: str, catalogue: Catalogue
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE onemap.edition SET coverage = NULL")

    with a_context(database_url, catalogue) as context:
        result = check(context, INSIDE)

    assert line(result, "permanent_farmland")["fact"] == Fact.CONCERNED
    assert line(result, "ecological_redline")["fact"] == Fact.DATA_MISSING


@pytest.mark.usefixtures("three_lines")
def test_a_feature_that_the_scope_keeps_back_is_not_absent(
    database_url: str, catalogue: Catalogue
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO onemap.region (code, level, name_zh, name_en, path, valid_from, geom)"
            " VALUES ('220102', 'county', 'a', 'a', '{220102}', '2024-01-01',"
            " ST_Multi(ST_MakeEnvelope(124, 42, 127, 45, 4490)))"
        )
        connection.execute("UPDATE planning.permanent_farmland SET om_region = NULL")
    scope = Scope(
        layers=ALL,
        regions=("220102",),
        areas=ALL,
        ceiling=Classification.INTERNAL,
        functions=ALL,
    )

    with a_context(database_url, catalogue, scope) as context:
        farmland = line(check(context, INSIDE), "permanent_farmland")

    assert (farmland["fact"], farmland["reason"]) == (
        Fact.DATA_MISSING,
        "outside_scope:farmland_issued",
    )


@pytest.mark.usefixtures("three_lines")
@pytest.mark.parametrize(
    ("place", "says"),
    [
        (parcel(125.0, 43.0, 125.004, 43.0000007), "boundary noise"),
        (parcel(73, 18, 135, 53), "spans more than"),
    ],
)
def test_a_parcel_of_which_nothing_can_be_said_is_refused(
    database_url: str, catalogue: Catalogue, place: dict[str, Any], says: str
) -> None:
    with a_context(database_url, catalogue) as context, pytest.raises(InvalidBody, match=says):
        check(context, place)


@pytest.mark.usefixtures("three_lines")
def test_a_parcel_that_meets_too_much_is_refused_by_name(
    database_url: str, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from processes.workflows import compliance
    from processes.workflows.parcel import ParcelBounds

    few = ParcelBounds(max_span_deg=1.0, max_features=1)
    monkeypatch.setattr(compliance, "parcel_bounds", lambda: few)

    with (
        a_context(database_url, catalogue) as context,
        pytest.raises(InvalidBody, match="more than 1"),
    ):
        check(context, ACROSS)
