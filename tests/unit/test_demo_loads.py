"""What the demo loads: editions, order, identities, and rows that satisfy their specifications."""

from datetime import date

import numpy as np
import pytest
import shapely

from config.loader import load
from config.model import Catalogue
from config.settings import PACKAGE_ROOT
from config.vocabulary import EditionStatus
from processes.workflows.demo import DemoLoad, demo_loads
from processes.workflows.feature_table import FeatureTable
from processes.workflows.intake import Intake, Rejects, checked_batches

PARCELS, SEED = 2_000, 3
type Loads = dict[tuple[str, str], DemoLoad]


@pytest.fixture(scope="module")
def declared() -> Catalogue:
    return load([PACKAGE_ROOT / name for name in ("standards", "catalogue", "demo")])


@pytest.fixture(scope="module")
def loads() -> Loads:
    return {(one.layer, one.edition): one for one in demo_loads(PARCELS, SEED)}


def test_the_demo_loads_its_layers_in_order_with_two_survey_years(loads: Loads) -> None:
    assert list(loads) == [
        ("county", "2024"),
        ("census_2020", "2020"),
        ("land_use", "2023"),
        ("land_use", "2024"),
        ("planned_land_use", "2021_2035"),
        ("planning_zone", "2021_2035"),
        ("permanent_farmland", "issued_2023"),
        ("ecological_redline", "issued_2023"),
        ("urban_growth_boundary", "issued_2023"),
        ("detailed_plan_parcel", "2021_2035"),
        ("survey_parcel", "2020"),
        ("survey_parcel", "2024"),
        ("nature_reserve", "2021_2035"),
        ("green_line", "2021_2035"),
        ("yellow_line", "2021_2035"),
        ("road_line", "2021_2035"),
        ("detailed_plan_unit", "2021_2035"),
        ("major_facility", "2021_2035"),
        ("major_transport", "2021_2035"),
        ("airport_surface", "2022"),
        ("approved_conversion", "2025"),
        ("pending_batch", "2025"),
        ("land_use_permit", "2025"),
        ("permanent_farmland", "proposal_2025"),
        ("ecological_redline", "proposal_2025"),
        ("urban_growth_boundary", "proposal_2025"),
    ]


def test_every_row_satisfies_its_specification(loads: Loads, declared: Catalogue) -> None:
    for (name, key), one in loads.items():
        layer, rejects = declared.layers[name], Rejects()
        taken = sum(
            len(rows.numbers)
            for rows in checked_batches(Intake.of(layer, one.table.of(layer), None), rejects)
        )
        assert rejects.reasons == {}, (name, key)
        assert taken == one.table.count > 0, (name, key)


def test_no_identity_is_given_twice(loads: Loads, declared: Catalogue) -> None:
    for (name, key), one in loads.items():
        values = one.table.values
        identities = zip(*(values[code] for code in declared.layers[name].identity), strict=True)
        assert len(set(identities)) == one.table.count, (name, key)


def test_identifiers_are_unique_in_the_whole_database(loads: Loads) -> None:
    identifiers = [
        bsm
        for (layer, key), one in loads.items()
        if (layer, key) != ("land_use", "2024") and key != "proposal_2025"
        for bsm in one.table.values.get("BSM", ())
    ]

    assert len(set(identifiers)) == len(identifiers)
    assert {len(bsm) for bsm in identifiers} == {18}
    assert all(bsm.isdigit() for bsm in identifiers)


def test_the_survey_years_follow_each_other_and_share_their_parcels(loads: Loads) -> None:
    first, second = loads["land_use", "2023"], loads["land_use", "2024"]
    before, after = first.table.values, second.table.values

    assert (first.facts.valid_from, first.facts.valid_to) == (
        date(2023, 12, 31),
        date(2024, 12, 30),
    )
    assert (second.facts.valid_from, second.facts.valid_to) == (date(2024, 12, 31), None)
    assert before["BSM"] == after["BSM"]
    codes = zip(before["YDYHFLDM"], after["YDYHFLDM"], strict=True)
    changed = sum(one != other for one, other in codes)
    assert 0 < changed < 0.05 * first.table.count


def test_control_lines_are_issued_from_above_and_in_force(loads: Loads) -> None:
    for layer in ("permanent_farmland", "ecological_redline", "urban_growth_boundary"):
        one = loads[layer, "issued_2023"]
        assert one.issued_from_above
        assert one.facts.status in (None, EditionStatus.IN_FORCE)
        assert one.facts.valid_from == date(2023, 1, 1)
        assert one.facts.plan
        assert one.facts.basis


def test_the_local_proposal_exchanges_farmland_and_keeps_its_balance(loads: Loads) -> None:
    issued = loads["permanent_farmland", "issued_2023"].table
    proposed = loads["permanent_farmland", "proposal_2025"].table
    given_up = set(issued.values["BSM"]) - set(proposed.values["BSM"])
    added = set(proposed.values["BSM"]) - set(issued.values["BSM"])

    assert len(given_up) == len(added) > 0
    assert loads["permanent_farmland", "proposal_2025"].facts.status is EditionStatus.DRAFT
    assert not loads["permanent_farmland", "proposal_2025"].issued_from_above


def test_the_proposed_lines_do_not_overlap_either(loads: Loads) -> None:
    assert_no_overlap(loads, "proposal_2025")


def test_control_lines_do_not_overlap(loads: Loads) -> None:
    assert_no_overlap(loads, "issued_2023")


def assert_no_overlap(loads: Loads, key: str) -> None:
    lines = []
    for layer in ("permanent_farmland", "ecological_redline", "urban_growth_boundary"):
        geometry = loads[layer, key].table.geometry
        assert geometry is not None
        lines.append(shapely.union_all(geometry))

    for i, one in enumerate(lines):
        for other in lines[i + 1 :]:
            assert shapely.intersection(one, other).area == 0.0


def test_zones_and_parcels_cover_the_same_ground(loads: Loads) -> None:
    land_use = loads["land_use", "2023"].table.values["TBMJ"]
    zones = loads["planning_zone", "2021_2035"].table.values["MJ"]

    assert sum(zones) == pytest.approx(sum(land_use), abs=0.01 * (len(zones) + len(land_use)))


def test_farmland_is_its_parcel_less_the_ridges(loads: Loads) -> None:
    columns = loads["permanent_farmland", "issued_2023"].table.values
    gross, ridges, net = (np.array(columns[c]) for c in ("YJJBNTTBMJ", "KCMJ", "YJJBNTMJ"))

    assert net == pytest.approx(gross - ridges, abs=0.006)
    assert set(columns["DLBM"]) <= {"0101", "0102", "0103"}


def test_each_parcel_names_the_county_that_holds_it(loads: Loads) -> None:
    counties: FeatureTable = loads["county", "2024"].table
    parcels = loads["land_use", "2023"].table
    assert counties.geometry is not None
    assert parcels.geometry is not None
    polygon = dict(zip(counties.values["XZQDM"], counties.geometry, strict=True))
    points = shapely.point_on_surface(parcels.geometry)

    for code, point in zip(parcels.values["XZQDM"], points, strict=True):
        assert shapely.intersects(polygon[code], point)


def test_the_census_adds_up_to_the_city_with_the_development_zones(loads: Loads) -> None:
    columns = loads["census_2020", "2020"].table.values

    assert sum(columns["RKZS"]) == 9_066_906
    assert len(columns["XZQDM"]) == 15
    assert [code for code in columns["XZQDM"] if code[4] == "7"] == [
        f"2201{n}000000" for n in (71, 72, 73, 74)
    ]


def test_what_the_census_does_not_give_stays_missing(loads: Loads) -> None:
    columns = loads["census_2020", "2020"].table.values
    given = dict(zip(columns["XZQMC"], columns["CQRK"], strict=True))

    assert given["南关区"] is None
    assert given["榆树市"] == 202_198


@pytest.mark.parametrize("matter", ["site_preapproval", "planning_conditions", "land_permit"])
def test_the_demo_has_each_layer_that_a_mandatory_rule_of_a_profile_reads(
    loads: Loads, declared: Catalogue, matter: str
) -> None:
    (ruleset,) = declared.rulesets["national_default"]
    read = ruleset.profiles[matter].bindings_mandatory
    loaded = {layer for layer, _ in loads}

    for name in read:
        layer = declared.bindings[name].layer
        assert layer is not None, name
        assert layer.id in loaded


def test_the_rules_know_each_planning_zone_of_the_demo(loads: Loads, declared: Catalogue) -> None:
    (ruleset,) = declared.rulesets["national_default"]
    known = {zone for zone, _ in ruleset.tables["zone_class"].rows}

    assert set(loads["planning_zone", "2021_2035"].table.values["GHFQDM"]) <= known


def test_the_survey_holds_the_ground_of_the_land_use_layer(loads: Loads) -> None:
    survey = loads["survey_parcel", "2024"].table.values
    land_use = loads["land_use", "2024"].table.values["TBMJ"]
    gross, ridges, net = (np.array(survey[code]) for code in ("TBMJ", "KCMJ", "TBDLMJ"))

    assert gross.sum() == pytest.approx(sum(land_use), abs=0.01 * len(land_use))
    assert net == pytest.approx(gross - ridges, abs=0.006)
    for code, share, slope in zip(survey["DLBM"], survey["KCXS"], survey["GDPDJB"], strict=True):
        assert (slope is not None) == code.startswith("01")
        assert share is None or slope == "2"


def test_the_core_of_the_reserve_is_the_core_of_the_red_line(loads: Loads) -> None:
    reserve = loads["nature_reserve", "2021_2035"].table
    redline = loads["ecological_redline", "issued_2023"].table
    assert reserve.geometry is not None
    assert redline.geometry is not None
    core = reserve.geometry[np.array(reserve.values["GKFQ"]) == "核心保护区"]
    named = redline.geometry[np.array(redline.values["HXLX"]) == "核心保护区"]

    assert shapely.equals(shapely.union_all(core), shapely.union_all(named))


def test_no_road_line_crosses_a_plot(loads: Loads) -> None:
    lines = loads["road_line", "2021_2035"].table.geometry
    plots = loads["detailed_plan_parcel", "2021_2035"].table.geometry
    assert lines is not None
    assert plots is not None

    line, plot = shapely.STRtree(plots).query(lines, predicate="intersects")
    assert len(line) > 0
    assert not shapely.relate_pattern(lines[line], plots[plot], "T********").any()


def test_a_pending_project_has_no_approval_and_overlaps_none(loads: Loads) -> None:
    approved = loads["approved_conversion", "2025"].table
    pending = loads["pending_batch", "2025"].table
    assert approved.geometry is not None
    assert pending.geometry is not None

    assert all(approved.values["PFWH"])
    assert "PFWH" not in pending.values
    assert not set(approved.values["AJBH"]) & set(pending.values["AJBH"])
    both = shapely.intersection(
        shapely.union_all(approved.geometry), shapely.union_all(pending.geometry)
    )
    assert both.area == 0.0


def test_a_permit_carries_the_limits_of_its_plot(loads: Loads) -> None:
    permits = loads["land_use_permit", "2025"].table
    plots = loads["detailed_plan_parcel", "2021_2035"].table
    assert permits.geometry is not None
    assert plots.geometry is not None
    place = {shape.wkb: row for row, shape in enumerate(plots.geometry)}

    for row, shape in enumerate(permits.geometry):
        for code in ("RJLGX", "RJLDX", "JZGDGX", "JZMDGX", "LDLDX"):
            assert permits.values[code][row] == plots.values[code][place[shape.wkb]]


def test_the_surfaces_of_the_airport_rise_outwards_and_do_not_overlap(loads: Loads) -> None:
    surfaces = loads["airport_surface", "2022"].table
    assert surfaces.geometry is not None
    limits = list(surfaces.values["XGGC"])

    assert limits == sorted(limits)
    assert shapely.union_all(surfaces.geometry).area == pytest.approx(
        shapely.area(surfaces.geometry).sum(), rel=1e-9
    )


def test_generated_layers_say_that_they_are_synthetic(loads: Loads, declared: Catalogue) -> None:
    for (name, _), one in loads.items():
        layer = declared.layers[name]
        assert layer.synthetic is (name not in ("county", "census_2020"))
        if layer.synthetic:
            assert "模拟" in layer.title.zh
            assert "模拟数据" in layer.description.zh
            assert "模拟" in (one.facts.title_zh or "")
            assert "模拟" in (one.facts.document or "")
