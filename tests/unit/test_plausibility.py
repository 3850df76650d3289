"""Data displaced as web maps displace them are seen, and nothing else is accused."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from processes.algorithms.gcj02 import to_gcj02
from providers.plausibility import MAX_FEATURES, displacement

CENTRES = {"220102": (125.35, 43.80), "220103": (125.75, 43.80), "220104": (125.55, 44.15)}


def county(centre: tuple[float, float], ripple: float = 0.0) -> shapely.Polygon:
    """A county of some 15 km around its centre; *ripple*: another drawing of its boundary."""
    angles = np.linspace(0, 2 * math.pi, 400, endpoint=False)
    reach = 0.14 + 0.02 * np.sin(5 * angles) + ripple * np.sin(37 * angles + centre[0])
    places = np.column_stack([reach * np.cos(angles) / 0.72, reach * np.sin(angles)])
    return shapely.Polygon(places + centre)


REGISTER: dict[str, shapely.Geometry] = {c: county(p) for c, p in CENTRES.items()}
REDRAWN = {code: county(place, ripple=0.001) for code, place in CENTRES.items()}


def moved(shapes: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    result: NDArray[np.object_] = shapely.transform(np.array(shapes, dtype=object), to_gcj02)
    return list(result)


def parcels(code: str, size: float = 0.01) -> list[shapely.Geometry]:
    """Squares that tile a county."""
    polygon = REGISTER[code]
    west, south, east, north = shapely.bounds(polygon).tolist()
    cells = [
        shapely.intersection(polygon, shapely.box(x, y, x + size, y + size))
        for x in np.arange(west, east, size)
        for y in np.arange(south, north, size)
    ]
    return [cell for cell in cells if shapely.area(cell) > 0]


def scattered(code: str, count: int, beside: float, seed: int) -> list[shapely.Geometry]:
    """Squares anywhere in and around a county, as wrong codes put them."""
    random = np.random.default_rng(seed)
    west, south, east, north = shapely.bounds(REGISTER[code]).tolist()
    x = random.uniform(west - beside, east + beside, count)
    y = random.uniform(south - beside, north + beside, count)
    return [shapely.box(a, b, a + 0.002, b + 0.002) for a, b in zip(x, y, strict=True)]


def test_counties_of_a_web_map_are_found_and_the_numbers_say_so() -> None:
    found = displacement(moved(list(REDRAWN.values())), list(REDRAWN), REGISTER)

    assert found.found
    assert found.outside_share_as_given is not None
    assert found.outside_share_rectified is not None
    assert found.outside_share_rectified < found.outside_share_as_given / 2
    assert found.offset_m == pytest.approx(580, abs=60)
    assert "GCJ-02" in found.message
    assert f"{found.outside_share_as_given:.2%}" in found.message


@pytest.mark.parametrize("code", list(CENTRES))
def test_one_county_and_its_parcels_are_found_by_themselves(code: str) -> None:
    tiles = parcels(code)
    points = [shapely.centroid(tile) for tile in tiles]

    assert displacement(moved([REDRAWN[code]]), [code], REGISTER).found
    assert displacement(moved(tiles), [code] * len(tiles), REGISTER).found
    assert displacement(moved(points), [code] * len(points), REGISTER).found


def test_another_drawing_of_the_same_boundaries_is_not_accused() -> None:
    found = displacement(list(REDRAWN.values()), list(REDRAWN), REGISTER)

    assert not found.found
    assert found.outside_share_as_given is not None
    assert found.outside_share_as_given > 0.001
    assert not displacement(list(REGISTER.values()), list(REGISTER), REGISTER).found


def test_displaced_data_are_not_called_so_where_the_register_is_displaced_likewise() -> None:
    register = dict(zip(REGISTER, moved(list(REGISTER.values())), strict=True))

    assert not displacement(moved(list(REDRAWN.values())), list(REDRAWN), register).found
    assert not displacement(list(REDRAWN.values()), list(REDRAWN), register).found


def test_inside_one_county_there_is_no_evidence_and_no_verdict() -> None:
    x, y = CENTRES["220102"]
    inside = [shapely.box(x + d, y + d, x + d + 0.001, y + d + 0.001) for d in (0.0, 0.01, 0.02)]
    found = displacement(moved(inside), ["220102"] * 3, REGISTER)

    assert not found.found
    assert found.outside_share_as_given == 0
    assert found.outside_share_rectified is None


@pytest.mark.parametrize("seed", range(20))
def test_parcels_with_wrong_codes_are_not_accused(seed: int) -> None:
    for count in (1, 3, 10, 40, 200):
        for beside in (0.0, 0.02, 0.2):
            shapes = scattered("220102", count, beside, seed)
            assert not displacement(shapes, ["220102"] * count, REGISTER).found


@pytest.mark.parametrize("bearing", [90, 135, 180, 225, 270])
def test_a_displacement_in_another_direction_is_not_taken_for_that_of_web_maps(
    bearing: int,
) -> None:
    """Degrees from the direction of the offset, to the left."""
    centre = np.array([CENTRES["220102"]])
    east, north = ((to_gcj02(centre) - centre)[0] * (0.72, 1)).tolist()
    turn = complex(east, north) * complex(
        math.cos(math.radians(bearing)), math.sin(math.radians(bearing))
    )
    away = np.array([turn.real / 0.72, turn.imag])
    shapes = [shapely.transform(p, lambda points: points + away) for p in REDRAWN.values()]

    assert not displacement(shapes, list(REDRAWN), REGISTER).found


def test_what_cannot_be_compared_is_not_judged() -> None:
    square = shapely.box(125.0, 43.0, 125.1, 43.1)

    for shapes, codes in (
        ([], []),
        ([square], ["999999"]),
        ([shapely.Polygon()], ["220102"]),
        ([shapely.box(9.5, 47.1, 9.6, 47.2)], ["220102"]),  # no offset there
    ):
        found = displacement(shapes, codes, REGISTER)
        assert not found.found
        assert found.outside_share_as_given is None
        assert found.message


def test_the_work_is_bounded_whatever_is_given() -> None:
    tiles = moved(parcels("220102", size=0.004))
    fine = shapely.segmentize(REGISTER["220102"], 1e-6)
    assert len(tiles) > MAX_FEATURES
    assert shapely.get_num_coordinates(fine) > 500_000

    found = displacement([*tiles, *moved([fine])], ["220102"] * (len(tiles) + 1), {"220102": fine})

    assert found.found
