"""The map and the corners of a parcel in a report."""

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from PIL import Image
from shapely.geometry import mapping

from config.vocabulary import Outcome
from processes.workflows.check_reports.findings_map import (
    HATCHES,
    HEIGHT_MM,
    WIDTH_MM,
    findings_map,
)
from processes.workflows.check_reports.plane_shapes import (
    Found,
    PlaneParcel,
    boundary_points,
    in_plane,
)

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "data" / "compliance_check.json").read_text(encoding="utf-8")
)
PLANE = SAMPLE["planar_crs"]
SQUARE = shapely.box(447_000, 4_861_000, 447_100, 4_861_080)
HOLE = shapely.box(447_040, 4_861_020, 447_060, 4_861_040)


def parcel(outline: Any, *areas: Any) -> PlaneParcel:
    found = [
        Found(rule=f"CR{number:02}", title="", outcome=Outcome.FAIL, areas=(area,))
        for number, area in enumerate(areas, start=1)
    ]
    return PlaneParcel(outline=outline, found=tuple(found), left_out=0)


def pixels(drawn: PlaneParcel) -> NDArray[np.uint8]:
    png = findings_map(drawn, boundary_points(drawn.outline)).png
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def near(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.abs(picture.astype(int) - np.array(colour)).sum(axis=2) < 40


def test_equal_parcels_give_equal_pictures() -> None:
    one = parcel(SQUARE, HOLE)

    assert findings_map(one, []).png == findings_map(parcel(SQUARE, HOLE), []).png


def test_the_scale_is_round_and_the_parcel_has_room() -> None:
    for factor in (0.01, 0.4, 1.0, 3.3, 250.0):
        grown = shapely.transform(SQUARE, lambda points, by=factor: points * by)
        scale = findings_map(parcel(grown), []).scale
        west, south, east, north = grown.bounds

        assert scale / 10 ** math.floor(math.log10(scale)) in (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
        assert (east - west) * 1000 / scale < WIDTH_MM
        assert (north - south) * 1000 / scale < HEIGHT_MM


def test_a_place_is_hatched_in_its_colour_and_its_hole_and_all_else_are_not() -> None:
    ring = shapely.difference(SQUARE, HOLE)

    inked = near(pixels(parcel(SQUARE, ring)), HATCHES[0].colour)
    rows, columns = np.nonzero(inked)

    assert inked.sum() > 2_000
    assert inked.shape == (880, 1248)
    middle = (624, 440)  # of the picture and of the parcel
    dots_per_m = 8 * 1000 / findings_map(parcel(SQUARE), []).scale
    assert np.all(np.abs(columns - middle[0]) < 50 * dots_per_m + 3)
    assert np.all(np.abs(rows - middle[1]) < 40 * dots_per_m + 3)
    hole = inked[
        round(440 + 2 * dots_per_m) : round(440 + 18 * dots_per_m),
        round(624 - 8 * dots_per_m) : round(624 + 8 * dots_per_m),
    ]
    assert not hole.any()


def test_north_is_up() -> None:
    south = shapely.box(447_000, 4_861_000, 447_100, 4_861_010)

    rows, _ = np.nonzero(near(pixels(parcel(SQUARE, south)), HATCHES[0].colour))

    assert rows.min() > 440


def test_corners_go_ring_by_ring_and_sides_add_up_to_the_perimeter() -> None:
    outline = shapely.difference(SQUARE, HOLE)

    points = boundary_points(outline)

    assert [one.name for one in points] == [f"J{number}" for number in range(1, 9)]
    assert [one.ring for one in points] == [1] * 4 + [2] * 4
    assert sum(one.side_m for one in points) == pytest.approx(shapely.length(outline))
    assert all(4_861_000 <= one.north_m <= 4_861_080 for one in points)


def test_a_parcel_comes_into_the_plane_with_what_is_not_fulfilled_worst_first() -> None:
    placed = in_plane(SAMPLE["parcels"][0], PLANE)

    assert placed is not None
    assert [one.rule for one in placed.found] == ["CR01", "CR05", "CR07"]
    assert placed.outline.area == pytest.approx(SAMPLE["parcels"][0]["areas"]["planar_m2"])
    outside = SAMPLE["parcels"][0]["rules"][2]["pieces"][1]
    assert shapely.area(placed.found[1].areas[0]) == pytest.approx(outside["planar_m2"], abs=1e-3)


def test_a_parcel_without_usable_coordinates_has_no_map() -> None:
    assert in_plane(SAMPLE["parcels"][2], PLANE) is None


def test_findings_beyond_the_hatches_of_one_map_are_counted() -> None:
    rule = SAMPLE["parcels"][0]["rules"][0]
    many = [{**rule, "rule": f"CR{number}"} for number in range(11)]

    placed = in_plane({**SAMPLE["parcels"][0], "rules": many}, PLANE)

    assert placed is not None
    assert (len(placed.found), placed.left_out) == (8, 3)


def test_any_plane_that_a_check_names_is_used() -> None:
    box = shapely.box(1.50, 42.50, 1.501, 42.501)
    one = {**SAMPLE["parcels"][1], "geometry": mapping(box), "rules": []}
    uri = "http://www.opengis.net/def/crs/EPSG/0/25831"

    placed = in_plane(one, {"uri": uri, "name": "ETRS89 / UTM zone 31N", "zone": None})

    assert placed is not None
    assert shapely.area(placed.outline) == pytest.approx(9_120, rel=0.01)
