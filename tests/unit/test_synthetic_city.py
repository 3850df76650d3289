"""The synthetic city: numbers, shares and refusals."""

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from config.loader import load
from config.settings import PACKAGE_ROOT
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.synthetic_city import Line, SyntheticCity, dissolve, generate
from processes.algorithms.synthetic_city.classes import FORM_USE, ROAD_USE, SHARES, Use
from processes.algorithms.synthetic_city.convex import cut_lots, cut_streets, from_polygons

CENTRE = (125.3235, 43.8868)
PARCELS = 6_000
WINDOW = shapely.box(125.265, 43.844, 125.382, 43.929)  # about 9.4 km square, 1.5 ha per parcel


@pytest.fixture(scope="module")
def city() -> SyntheticCity:
    return generate(CENTRE, WINDOW, parcels=PARCELS, seed=7)


@pytest.fixture(scope="module")
def areas_ha(city: SyntheticCity) -> NDArray[np.float64]:
    return ellipsoid_area_m2(city.parcels) / 1e4


def group(codes: NDArray[np.str_], *beginnings: str) -> NDArray[np.bool_]:
    return np.isin(np.array([code[:2] for code in codes]), beginnings)


def test_every_code_is_in_its_code_list(city: SyntheticCity) -> None:
    lists = load([PACKAGE_ROOT / "standards"]).code_lists

    assert {use.value for use in Use} <= set(lists["YDYH"].codes)
    assert set(city.zone.tolist()) <= set(lists["GHFQ"].codes)
    assert set(city.settlement.tolist()) - {""} <= set(lists["CZCSXM"].codes)


def test_every_class_is_one_that_the_tables_name(city: SyntheticCity) -> None:
    named = {use for shares in SHARES.values() for use in shares}
    named |= set(ROAD_USE.values()) | set(FORM_USE.values())

    assert set(Use) == named
    for uses in (city.use, city.next_use, city.planned_use):
        assert set(uses.tolist()) <= {use.value for use in Use}


def test_the_shares_of_classes_are_those_of_a_city_on_a_plain(
    city: SyntheticCity, areas_ha: NDArray[np.float64]
) -> None:
    share = {
        name: areas_ha[group(city.use, *groups)].sum() / areas_ha.sum()
        for name, groups in {
            "cultivated": ["01"],
            "wood": ["02", "03", "04"],
            "housing": ["07"],
            "roads": ["06", "12"],
            "water": ["05", "17"],
        }.items()
    }

    assert 0.4 < share["cultivated"] < 0.65
    assert 0.08 < share["wood"] < 0.25
    assert 0.07 < share["housing"] < 0.18
    assert 0.04 < share["roads"] < 0.14
    assert 0.015 < share["water"] < 0.08


def test_parcels_have_believable_sizes(city: SyntheticCity, areas_ha: NDArray[np.float64]) -> None:
    fields = group(city.use, "01") & (city.line == Line.FARMLAND)
    lots = group(city.use, "08", "09") & (city.settlement == "201")

    assert np.quantile(areas_ha[fields], 0.05) > 0.4
    assert np.quantile(areas_ha[fields], 0.95) < 6
    assert np.quantile(areas_ha[lots], 0.05) > 0.15
    assert np.quantile(areas_ha[lots], 0.95) < 4
    assert areas_ha.min() * 1e4 > 50  # square metres: no slivers


def test_the_lines_hold_what_they_are_for(city: SyntheticCity) -> None:
    line = city.line
    assert group(city.use, "01")[line == Line.FARMLAND].all()
    assert group(city.planned_use, "01")[line == Line.FARMLAND].all()
    assert not group(city.use, "01", "07", "08", "09", "10")[line == Line.REDLINE].any()
    assert set(city.zone[line == Line.BOUNDARY].tolist()) <= {"410", "420", "430"}
    assert set(city.zone[line == Line.REDLINE].tolist()) == {"100"}
    assert set(city.zone[line == Line.FARMLAND].tolist()) == {"300"}
    kept = group(city.use, "01")
    assert 0.4 < np.count_nonzero(line[kept] == Line.FARMLAND) / np.count_nonzero(kept) < 0.95


def test_about_two_percent_of_the_fields_are_built_on_in_a_year(city: SyntheticCity) -> None:
    changed = city.use != city.next_use

    assert group(city.use, "01")[changed].all()
    assert group(city.next_use, "07", "08", "09", "10", "11", "12", "13", "14")[changed].all()
    fields = np.count_nonzero(group(city.use, "01"))
    assert np.count_nonzero(changed) == pytest.approx(0.02 * fields, rel=0.1)
    assert not (city.line[changed] == Line.FARMLAND).any()


def test_plots_are_built_up_lots_in_the_boundary_with_limits(city: SyntheticCity) -> None:
    planned = city.planned_use[city.plots]
    built = group(planned, "07", "08", "09", "10", "11")

    assert (city.zone[city.plots] == "410").all()
    assert not group(planned, "01", "12", "17").any()
    far = city.limits.far_most[built]
    assert ((far >= 0.8) & (far <= 6)).all()
    assert np.isnan(city.limits.far_most[~built]).all()
    assert (city.limits.far_least <= city.limits.far_most)[group(planned, "10", "11")].all()


def test_neighbours_share_their_vertices_on_a_grid_of_a_billionth_of_a_degree(
    city: SyntheticCity,
) -> None:
    points = shapely.get_coordinates(city.parcels)

    assert (np.round(points, 9) == points).all()


def test_dissolving_keeps_the_area_and_leaves_separate_parts_apart() -> None:
    west = np.array([0.0, 1.0, 5.0, 9.0])
    tiles = shapely.box(west, np.zeros(4), west + 1, np.ones(4))

    parts, label = dissolve(tiles, np.array([3, 3, 3, -1]))

    assert shapely.area(parts).tolist() == [2.0, 1.0]
    assert label.tolist() == [3, 3]


def test_lots_are_exactly_as_many_as_asked_for_and_lose_no_area() -> None:
    cells = from_polygons(np.array([shapely.box(0, 0, 300, 200), shapely.box(0, 0, 90, 900)]))
    lots, owner, chords = cut_lots(
        cells,
        pieces=np.array([17, 1]),
        angle=np.array([0.3, 0.0]),
        slenderness=np.array([2.0, 1.0]),
        rng=np.random.default_rng(5),
    )

    assert np.bincount(owner).tolist() == [17, 1]
    sums = np.bincount(owner, weights=lots.area_m2())
    assert sums == pytest.approx([60_000, 81_000], rel=1e-12)
    assert sum(len(chord) for chord in chords) == 16


def test_blocks_and_streets_together_are_the_whole() -> None:
    cells = from_polygons(np.array([shapely.box(0, 0, 700, 600)]))
    blocks, _, streets, _, chords = cut_streets(
        cells,
        angle=np.array([0.4]),
        block_m2=np.array([40_000.0]),
        width_m=np.array([16.0]),
        rng=np.random.default_rng(5),
    )

    assert blocks.area_m2().sum() + streets.area_m2().sum() == pytest.approx(420_000, rel=1e-12)
    assert len(streets) == len(blocks) - 1
    assert sum(len(chord) for chord in chords) == 2 * len(streets)


@pytest.mark.parametrize("parcels", [49, 10_000_001])
def test_a_number_of_parcels_out_of_range_is_refused(parcels: int) -> None:
    with pytest.raises(ValueError, match="expected 50 to 10000000"):
        generate(CENTRE, WINDOW, parcels=parcels, seed=1)


def test_a_centre_outside_the_study_area_is_refused() -> None:
    with pytest.raises(ValueError, match="lies outside"):
        generate((120.0, 40.0), WINDOW, parcels=100, seed=1)


def test_metres_are_refused() -> None:
    with pytest.raises(ValueError, match="not longitude/latitude degrees"):
        generate((443667.0, 4851838.0), shapely.box(4e5, 4e6, 5e5, 5e6), parcels=100, seed=1)
