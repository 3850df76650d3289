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

PARCELS, SEED = 600, 3
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
        (field,) = declared.layers[name].identity
        assert len(set(one.table.values[field])) == one.table.count, (name, key)


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


def test_generated_layers_say_that_they_are_synthetic(loads: Loads, declared: Catalogue) -> None:
    for (name, _), one in loads.items():
        layer = declared.layers[name]
        assert layer.synthetic is (name not in ("county", "census_2020"))
        if layer.synthetic:
            assert "模拟" in layer.title.zh
            assert "模拟数据" in layer.description.zh
            assert "模拟" in (one.facts.title_zh or "")
            assert "模拟" in (one.facts.document or "")
