"""The compliance check over real tables: bindings, editions, scope, revisions, missing data."""

import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest

from config.model import Catalogue
from config.rulebook import rulebook_of
from config.ruleset import Override
from config.ruleset_reading import read_override
from config.vocabulary import Classification, Fact, Outcome
from processes.compute import Hands
from processes.context import Context
from processes.registry import SPECS
from processes.spec import InvalidBody
from providers.access import ALL, Scope
from providers.database import DatabaseRole, connect, connection_options

FARMLAND, REDLINE, BOUNDARY = "CR01", "CR04", "CR05"
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
    now: datetime = NOON,
) -> Iterator[Context]:
    with psycopg.connect(
        url, autocommit=True, **connection_options(DatabaseRole.READER)
    ) as connection:
        yield Context(
            entry=catalogue.processes["compliance-check"],
            scope=scope,
            reader=lambda: connection,
            report=lambda percent, message: None,
            now=now,
            planar_crs=planar_crs,
            rulebook=rulebook_of(catalogue),
        )


def check(context: Context, place: Mapping[str, Any], **inputs: Any) -> dict[str, Any]:
    spec = SPECS["compliance_check"]
    execution = spec.parse({"inputs": {"parcels": place, **inputs}})
    value = spec.run(context, execution.inputs)["result"]
    result: dict[str, Any] = orjson.loads(orjson.dumps(value))
    return result


def feature(place: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": place, "properties": properties}


def rule(result: Mapping[str, Any], name: str, parcel: int = 0) -> dict[str, Any]:
    return next(dict(r) for r in result["parcels"][parcel]["rules"] if r["rule"] == name)


def layer(result: Mapping[str, Any], binding: str) -> dict[str, Any]:
    return next(dict(one) for one in result["layers"] if one["binding"] == binding)


@pytest.fixture
def three_lines(load_squares: Callable[..., Any]) -> None:
    """Farmland on two squares, a red line far away, the growth boundary on both squares."""
    load_squares("permanent_farmland", "2023", ["0", "1"], columns={"XZQDM": ["220102", "220103"]})
    load_squares("ecological_redline", "2023", ["50"])
    load_squares("urban_growth_boundary", "2023", ["0", "1"])


@pytest.mark.usefixtures("three_lines")
def test_a_parcel_is_told_what_it_touches_by_how_much_and_on_what_that_rests(
    database_url: str, catalogue: Catalogue
) -> None:
    with a_context(database_url, catalogue) as context:
        result = check(context, feature(ACROSS, declared_area_m2=200_000, name="甲地"))

    [parcel] = result["parcels"]
    farmland = rule(result, FARMLAND)
    [concern] = farmland["concerns"]
    assert (farmland["fact"], farmland["suggestion"]) == (Fact.CONCERNED, Outcome.FAIL)
    assert rule(result, REDLINE)["fact"] == Fact.NOT_CONCERNED
    assert rule(result, BOUNDARY)["fact"] == Fact.CONCERNED
    assert parcel["name"] == "甲地"
    assert concern["share"] == pytest.approx(1.0)
    assert concern["ellipsoid_m2"] == pytest.approx(parcel["areas"]["ellipsoid_m2"], rel=1e-9)
    assert concern["planar_m2"] == pytest.approx(parcel["areas"]["planar_m2"], rel=1e-9)
    assert concern["declared_m2"] == pytest.approx(200_000)
    assert sorted(found["id"] for found in concern["features"]) == ["0", "1"]
    assert concern["features"][0]["plan"] == "P1"
    issued = layer(result, "farmland_issued")
    assert (issued["edition"]["key"], issued["revision"]) == ("2023", 1)
    assert result["planar_crs"]["name"].startswith("EPSG:4551 ")
    assert result["planar_crs"]["zone"] == 42
    assert result["check_date"] == "2026-06-01"
    assert "不作为审批依据" in result["advisory"]["zh"]
    assert parcel["overall"] == Outcome.FAIL


@pytest.mark.usefixtures("three_lines")
def test_equal_inputs_have_an_equal_hash_and_any_other_input_has_another(
    database_url: str, catalogue: Catalogue
) -> None:
    with a_context(database_url, catalogue) as context:
        first, again = check(context, ACROSS), check(context, ACROSS)
        others = [
            check(context, ACROSS, project={"flags": {"national_major_project": True}}),
            check(context, INSIDE),
            check(context, ACROSS, profile="land_permit"),
            check(context, feature(ACROSS, declared_area_m2=1000)),
        ]

    assert first == again
    assert len({first["hash"], *(one["hash"] for one in others)}) == 1 + len(others)


def test_a_layer_that_is_not_connected_is_missing_data_never_zero(
    database_url: str, load_squares: Callable[..., Any], catalogue: Catalogue
) -> None:
    load_squares("permanent_farmland", "2023", ["70"])
    load_squares("urban_growth_boundary", "2023", ["0"])

    with a_context(database_url, catalogue) as context:
        result = check(context, INSIDE)

    redline = rule(result, REDLINE)
    assert redline["fact"] == Fact.DATA_MISSING
    assert redline["reasons"] == ["no_edition:redline_issued"]
    assert redline["suggestion"] == Outcome.VERIFY
    assert (layer(result, "redline_issued")["connected"]) is False
    assert result["parcels"][0]["overall"] == Outcome.VERIFY


@pytest.mark.usefixtures("three_lines")
def test_the_edition_in_force_at_the_check_date_is_read_and_no_other(
    database_url: str, catalogue: Catalogue, load_squares: Callable[..., Any]
) -> None:
    load_squares(
        "permanent_farmland", "2020", ["0", "9"], start=date(2020, 1, 1), end=date(2026, 3, 31)
    )
    load_squares("permanent_farmland", "2023", ["0", "1"], start=date(2026, 4, 1))
    nine = parcel(125.092, 43.002, 125.094, 43.004)

    with a_context(database_url, catalogue) as context:
        then = check(context, nine, check_date="2026-03-31")
        now = check(context, nine)

    assert layer(then, "farmland_issued")["edition"]["key"] == "2020"
    assert rule(then, FARMLAND)["fact"] == Fact.CONCERNED
    assert layer(now, "farmland_issued")["edition"]["key"] == "2023"
    assert rule(now, FARMLAND)["fact"] != Fact.CONCERNED


@pytest.mark.usefixtures("three_lines")
def test_a_check_of_the_past_can_be_repeated_after_the_data_have_changed(
    database_url: str, catalogue: Catalogue, load_squares: Callable[..., Any]
) -> None:
    with a_context(database_url, catalogue, now=datetime.now(UTC)) as context:
        before = check(context, INSIDE)
    moment = datetime.now(UTC) + timedelta(milliseconds=1)
    load_squares("permanent_farmland", "2023", ["1"])

    with a_context(database_url, catalogue, now=datetime.now(UTC)) as context:
        now = check(context, INSIDE)
        then = check(context, INSIDE, as_of=moment.isoformat())

    assert rule(before, FARMLAND)["fact"] == Fact.CONCERNED
    assert rule(now, FARMLAND)["fact"] == Fact.NOT_CONCERNED
    assert rule(then, FARMLAND) == rule(before, FARMLAND)
    assert layer(then, "farmland_issued")["revision"] == 1
    assert layer(now, "farmland_issued")["revision"] == 2


@pytest.mark.usefixtures("three_lines")
def test_no_rules_are_in_force_before_their_first_day(
    database_url: str, catalogue: Catalogue
) -> None:
    with a_context(database_url, catalogue) as context, pytest.raises(InvalidBody) as refused:
        check(context, INSIDE, check_date="2019-12-31")

    assert [error.pointer for error in refused.value.errors] == ["/inputs/ruleset"]


@pytest.mark.usefixtures("three_lines")
def test_what_the_rules_do_not_know_is_refused_at_its_place(
    database_url: str, catalogue: Catalogue
) -> None:
    project = {"flags": {"moon": True}, "attributes": {"colour": "red"}}
    with a_context(database_url, catalogue) as context:
        with pytest.raises(InvalidBody) as unknown:
            check(context, INSIDE, project=project)
        with pytest.raises(InvalidBody) as matter:
            check(context, INSIDE, profile="no_such_matter")

    pointers = [error.pointer for error in unknown.value.errors]
    assert pointers == ["/inputs/project/attributes/colour", "/inputs/project/flags/moon"]
    assert [error.pointer for error in matter.value.errors] == ["/inputs/profile"]


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
        narrow = rule(check(context, ACROSS), FARMLAND)
    with a_context(database_url, catalogue, no_farmland) as context:
        told = check(context, ACROSS)
        blind = rule(told, FARMLAND)

    assert [found["id"] for found in narrow["concerns"][0]["features"]] == ["1"]
    assert narrow["fact"] == Fact.CONCERNED
    assert blind["fact"] == Fact.DATA_MISSING
    assert blind["reasons"] == ["not_visible:farmland_issued"]
    assert layer(told, "farmland_issued")["layer"] is None


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

    assert rule(before, FARMLAND)["fact"] == Fact.DATA_MISSING
    assert rule(before, FARMLAND)["reasons"] == ["outside_scope:farmland_issued"]
    assert rule(before, FARMLAND)["suggestion"] == Outcome.VERIFY
    assert rule(after, FARMLAND)["fact"] == Fact.NOT_CONCERNED
    placed = after["parcels"][0]["region"]
    assert placed == {"code": "220103", "name": "区", "lowest": "220103", "others": []}


@pytest.mark.usefixtures("three_lines")
def test_a_survey_zone_measures_the_plane_in_which_its_parcels_are_drawn(
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

    named = result["planar_crs"]["name"]
    assert named == "EPSG:4551 CGCS2000 / 3-degree Gauss-Kruger CM 126E"
    assert result["parcels"][0]["areas"]["planar_m2"] == pytest.approx(160 * 215, abs=1e-3)


def test_abroad_a_plane_must_be_configured(database_url: str, catalogue: Catalogue) -> None:
    andorra = parcel(1.52, 42.50, 1.53, 42.51)

    with (
        a_context(database_url, catalogue) as context,
        pytest.raises(InvalidBody, match="zones of China"),
    ):
        check(context, andorra)
    with a_context(database_url, catalogue, planar_crs="EPSG:25831") as context:
        result = check(context, andorra)

    assert result["planar_crs"]["name"].startswith("EPSG:25831 ")
    assert rule(result, FARMLAND)["fact"] == Fact.DATA_MISSING


@pytest.mark.usefixtures("three_lines")
def test_where_an_edition_says_nothing_nothing_is_known(
    database_url: str, catalogue: Catalogue
) -> None:
    elsewhere = parcel(116.40, 39.90, 116.401, 39.901)

    with a_context(database_url, catalogue) as context:
        result = check(context, elsewhere)

    assert rule(result, FARMLAND)["fact"] == Fact.DATA_MISSING
    assert rule(result, FARMLAND)["reasons"] == ["outside_coverage:farmland_issued"]
    assert result["parcels"][0]["overall"] == Outcome.VERIFY


@pytest.mark.usefixtures("three_lines")
def test_an_edition_that_does_not_tell_how_far_it_reaches_proves_no_absence(
    database_url: str, catalogue: Catalogue
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE onemap.edition SET coverage = NULL")

    with a_context(database_url, catalogue) as context:
        result = check(context, INSIDE)

    assert rule(result, FARMLAND)["fact"] == Fact.CONCERNED
    assert rule(result, REDLINE)["fact"] == Fact.DATA_MISSING


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
        farmland = rule(check(context, INSIDE), FARMLAND)

    assert farmland["fact"] == Fact.DATA_MISSING
    assert farmland["reasons"] == ["outside_scope:farmland_issued"]


@pytest.mark.usefixtures("three_lines")
def test_a_parcel_of_which_nothing_can_be_said_stops_no_other(
    database_url: str, catalogue: Catalogue
) -> None:
    bow_tie = {
        "type": "Polygon",
        "coordinates": [
            [[125.0, 43.0], [125.01, 43.01], [125.01, 43.0], [125.0, 43.01], [125.0, 43.0]]
        ],
    }
    places = [parcel(125.0, 43.0, 125.004, 43.0000007), bow_tie, INSIDE]
    batch = {"type": "FeatureCollection", "features": [feature(one) for one in places]}

    with a_context(database_url, catalogue) as context:
        result = check(context, batch)

    noise, crossed, sound = result["parcels"]
    for faulty in (noise, crossed):
        assert (faulty["rules"], faulty["overall"]) == ([], Outcome.VERIFY)
        assert [fault["severity"] for fault in faulty["faults"]] == ["error"]
    assert sound["rules"]
    assert rule(result, FARMLAND, 2)["fact"] == Fact.CONCERNED


@pytest.mark.usefixtures("three_lines")
@pytest.mark.parametrize("span", [(73.0, 18.0, 135.0, 53.0)])
def test_a_parcel_as_large_as_a_country_is_refused(
    database_url: str, catalogue: Catalogue, span: tuple[float, float, float, float]
) -> None:
    with a_context(database_url, catalogue) as context, pytest.raises(InvalidBody, match="span"):
        check(context, parcel(*span))


@pytest.mark.usefixtures("three_lines")
def test_a_parcel_that_meets_too_much_is_told_and_stops_no_other(
    database_url: str, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from processes.workflows import check_evidence
    from processes.workflows.parcel_bounds import ParcelBounds

    few = ParcelBounds(max_span_deg=1.0, max_features=1)
    monkeypatch.setattr(check_evidence, "parcel_bounds", lambda: few)
    monkeypatch.setattr(check_evidence, "HITS_PER_PARCEL", 1)
    batch = {"type": "FeatureCollection", "features": [feature(ACROSS), feature(INSIDE)]}

    with a_context(database_url, catalogue) as context:
        large, small = check(context, batch)["parcels"]

    assert (large["rules"], large["overall"]) == ([], Outcome.VERIFY)
    assert "more than 1 features of urban_growth_boundary" in large["faults"][0]["message"]["en"]
    assert small["rules"]


class Far(ThreadPoolExecutor):
    """Who computes gets a function and its block as another process would, and answers so."""

    def submit[R](self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        sent = pickle.dumps((fn, args))

        def answered() -> R:
            function, given = pickle.loads(sent)
            result: R = pickle.loads(pickle.dumps(function(*given)))
            return result

        return super().submit(answered)


@contextmanager
def far_away(blocks: int) -> Iterator[Hands]:
    with Far(2) as executor:
        yield Hands(executor=executor, count=2)


@pytest.mark.usefixtures("three_lines")
def test_what_is_read_in_several_blocks_says_the_same_whoever_judges(
    database_url: str, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from processes.workflows import compliance_check

    places = [feature(one) for one in (INSIDE, ACROSS, BESIDE, INSIDE, BESIDE)]
    batch = {"type": "FeatureCollection", "features": places}
    with a_context(database_url, catalogue) as context:
        whole = check(context, batch)
        monkeypatch.setattr(compliance_check, "BLOCK", 2)
        parts = check(context, batch)
        elsewhere = check(replace(context, crew=far_away), batch)

    assert parts == elsewhere == whole


def an_override(name: str, region: str, **sets: Any) -> Override:
    return read_override(
        {
            "kind": "ruleset_override",
            "id": name,
            "ruleset": "national_default",
            "version": "2026.1.0",
            "valid_from": "2026-01-01",
            "source": "试〔2026〕1号",
            "title": {"zh": "补充规定", "en": "Supplement"},
            "region": [region],
            **sets,
        }
    )


@pytest.fixture
def two_counties(database_url: str) -> None:
    """Counties side by side: one ends and the other begins at 125.01 E; a town lies in the second."""
    with connect(database_url, DatabaseRole.WRITER) as connection:
        for code, level, west, east in (
            ("220102", "county", 124, 125.01),
            ("220103", "county", 125.01, 126),
            ("220103001", "town", 125.01, 125.02),
        ):
            connection.execute(
                "INSERT INTO onemap.region (code, level, name_zh, name_en, path, valid_from, geom)"
                " VALUES (%s, %s, '区', 'x', ARRAY[%s], '2020-01-01',"
                " ST_Multi(ST_MakeEnvelope(%s, 42, %s, 44, 4490)))",
                (code, level, code, west, east),
            )


@pytest.mark.usefixtures("three_lines", "two_counties")
def test_each_parcel_is_judged_by_the_rules_of_its_own_division(
    database_url: str, catalogue: Catalogue
) -> None:
    off = {"switch_off": [{"rule": FARMLAND, "reason": "试行"}]}
    second = replace(catalogue, ruleset_overrides=(an_override("second", "220103", **off),))
    town = replace(catalogue, ruleset_overrides=(an_override("town", "220103001", **off),))
    first_place, second_place = INSIDE, parcel(125.012, 43.002, 125.014, 43.004)
    beyond = parcel(125.022, 43.002, 125.024, 43.004)
    batch = {
        "type": "FeatureCollection",
        "features": [feature(one) for one in (first_place, second_place, ACROSS, beyond)],
    }

    def rules_of(result: Mapping[str, Any]) -> list[bool]:
        return [any(r["rule"] == FARMLAND for r in one["rules"]) for one in result["parcels"]]

    with a_context(database_url, second) as context:
        result = check(context, batch)
    with a_context(database_url, town) as context:
        in_town = check(context, batch)

    one, other, torn, outer = result["parcels"]
    assert rules_of(result)[:2] == [True, False]
    assert not rules_of(result)[3]
    assert "ruleset" not in one
    assert other["ruleset"]["overrides"] == [{"id": "second", "version": "2026.1.0"}]
    assert torn["region"]["others"]
    assert [fault["code"] for fault in torn["faults"]] == ["other_rules"]
    assert Outcome(torn["overall"]).rank >= Outcome.VERIFY.rank
    assert outer["region"]["lowest"] == "220103"
    assert other["region"]["lowest"] == "220103001"
    assert rules_of(in_town)[:2] == [True, False]
    assert rules_of(in_town)[3], "the override is the town's alone"


@pytest.mark.usefixtures("three_lines")
@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({"check_date": "2108-01-01"}, "/inputs/check_date"),
        ({"project": {"dates": {"approval": "1900-01-01"}}}, "/inputs/project/dates/approval"),
        ({"as_of": "9999-12-31T23:59:59Z"}, "/inputs/as_of"),
        ({"project": {"flags": {"military_hit": False}}}, "/inputs/project/flags/military_hit"),
        (
            {"project": {"documents": {"argument_report": "verified"}}},
            "/inputs/project/documents/argument_report",
        ),
    ],
)
def test_what_a_caller_may_not_say_is_refused_at_its_place(
    database_url: str, catalogue: Catalogue, inputs: dict[str, Any], pointer: str
) -> None:
    applicant = Scope(
        layers=ALL,
        regions=ALL,
        areas=ALL,
        ceiling=Classification.INTERNAL,
        functions=frozenset({"compliance-check"}),
    )
    with (
        a_context(database_url, catalogue, applicant) as context,
        pytest.raises(InvalidBody) as refused,
    ):
        check(context, INSIDE, **inputs)

    assert [error.pointer for error in refused.value.errors] == [pointer]
