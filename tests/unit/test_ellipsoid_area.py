"""The official ellipsoidal area against worked numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import yaml
from pyproj import Transformer
from shapely import Polygon

from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

WORKED = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "worked_areas.yaml").read_text(encoding="utf-8")
)
TO_DEGREES = Transformer.from_crs(4551, 4490, always_xy=True)


def area_m2(geometry: shapely.Geometry | None) -> float:
    return float(ellipsoid_area_m2(np.array([geometry], dtype=object))[0])


def from_plane(ring: list[list[float]], piece_m: float | None = None) -> Polygon:
    plane = Polygon(ring)
    if piece_m is not None:
        plane = shapely.segmentize(plane, piece_m)
    points = shapely.get_coordinates(plane)
    return Polygon(np.column_stack(TO_DEGREES.transform(points[:, 0], points[:, 1])))


def worked() -> Iterator[Any]:
    for case in WORKED["rings"]:
        shell, *holes = case["rings"]
        yield pytest.param(Polygon(shell, holes), case["official"], id=case["id"])
    for case in WORKED["cells"]:
        west, south = case["lon"], case["lat"]
        cell = shapely.box(west, south, west + case["dlon"], south + case["dlat"])
        yield pytest.param(cell, case["official"], id=case["id"])
    for case in WORKED["planes"]:
        polygon = from_plane(case["ring"], case.get("piece_m"))
        yield pytest.param(polygon, case["official"], id=case["id"])
    for case in WORKED["rectangles"]:
        x, y = TO_DEGREES.transform(case["lon"], case["lat"], direction="INVERSE")
        rectangle = shapely.box(x, y, x + case["width_m"], y + case["height_m"])
        ring = shapely.get_coordinates(rectangle).tolist()
        yield pytest.param(from_plane(ring), case["official"], id=case["id"])


@pytest.mark.parametrize(("polygon", "official_m2"), list(worked()))
def test_the_official_formula_gives_the_worked_number(polygon: Polygon, official_m2: float) -> None:
    assert area_m2(polygon) == pytest.approx(official_m2, abs=WORKED["tolerance_m2"], rel=0)


@pytest.mark.parametrize("case", WORKED["cells"], ids=lambda case: case["id"])
def test_the_series_stays_within_two_hundredths_of_a_square_metre_of_the_closed_form(
    case: dict[str, float],
) -> None:
    cell = shapely.box(
        case["lon"], case["lat"], case["lon"] + case["dlon"], case["lat"] + case["dlat"]
    )

    assert area_m2(cell) == pytest.approx(case["exact"], abs=0.02, rel=0)


def test_an_empty_polygon_has_no_area_and_a_missing_one_has_an_unknown_area() -> None:
    areas = ellipsoid_area_m2(np.array([Polygon(), None], dtype=object))

    assert areas[0] == 0.0
    assert np.isnan(areas[1])


def test_no_polygons_give_no_areas() -> None:
    assert ellipsoid_area_m2(np.array([], dtype=object)).shape == (0,)


def test_a_multipolygon_is_the_sum_of_its_parts_in_its_own_place() -> None:
    one, other = shapely.box(125, 43, 125.01, 43.01), shapely.box(126, 44, 126.01, 44.01)
    both = shapely.MultiPolygon([one, other])

    areas = ellipsoid_area_m2(np.array([one, Polygon(), both, other], dtype=object))

    assert areas[2] == pytest.approx(areas[0] + areas[3], rel=1e-15)


@pytest.mark.parametrize(
    "polygon",
    [
        shapely.box(443667, 4851838, 443767, 4851938),
        shapely.box(43.8, 125.3, 43.9, 125.4),
    ],
    ids=["metres", "latitude first"],
)
def test_coordinates_that_are_no_degrees_are_refused(polygon: Polygon) -> None:
    with pytest.raises(ValueError, match="not longitude/latitude degrees"):
        area_m2(polygon)


def test_a_line_has_no_area_to_ask_for() -> None:
    with pytest.raises(ValueError, match="expected polygons"):
        area_m2(shapely.LineString([(125, 43), (125.1, 43.1)]))
