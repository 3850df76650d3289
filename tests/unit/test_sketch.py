"""Small maps: true to scale, within their frame, in the style's symbols."""

import math
import re

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from config.model import Style, StyleRule
from config.vocabulary import GeometryKind, Text
from server.web.sketch import (
    HEIGHT,
    WIDTH,
    extent_sketch,
    frame_of,
    mark_of,
    metres_per_degree,
    outline,
    rule_of,
    rules_of,
    sketch,
)

TITLE = Text(zh="甲", en="A")
EXACT = StyleRule(title=TITLE, codes=("0101",), fill="#ff0000", outline="#000000")
PREFIX = StyleRule(title=TITLE, codes=("01", "02"), match="prefix", fill="#00ff00")
REST = StyleRule(title=TITLE, fill="#0000ff")
STYLE = Style(
    id="s", title=TITLE, source=TITLE, geometry=GeometryKind.POLYGON, field="DLBM",
    rules=(EXACT, PREFIX, REST),
)  # fmt: skip
ELLIPSOID = Geod(a=6378137.0, rf=298.257222101)


@pytest.mark.parametrize("latitude", [0.0, 18.2, 31.5, 43.9, 53.5, -60.0])
def test_a_degree_is_as_long_as_on_the_ellipsoid_of_cgcs2000(latitude: float) -> None:
    _, _, east = ELLIPSOID.inv(-0.0005, latitude, 0.0005, latitude)
    _, _, north = ELLIPSOID.inv(0.0, latitude - 0.0005, 0.0, latitude + 0.0005)

    assert metres_per_degree(latitude) == pytest.approx((east * 1000, north * 1000), rel=1e-5)


@given(
    st.floats(-179, 179),
    st.floats(-80, 80),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(1, 3),
)
def test_bounds_lie_in_the_middle_of_their_frame(
    west: float, south: float, wide: float, high: float, factor: float
) -> None:
    frame = frame_of((west, south, west + wide, south + high), factor=factor)

    assert frame is not None
    corners = frame.pixels(
        shapely.get_coordinates(shapely.box(west, south, west + wide, south + high))
    )
    assert corners.min() >= -1e-4
    assert (corners[:, 0] <= WIDTH + 1e-4).all()
    assert (corners[:, 1] <= HEIGHT + 1e-4).all()
    assert corners[:, 0].min() + corners[:, 0].max() == pytest.approx(WIDTH, abs=1e-3)


@pytest.mark.parametrize("bounds", [(math.nan,) * 4, (0, 91, 1, 92), (0, 0, math.inf, 1)])
def test_what_is_no_place_on_earth_has_no_frame(bounds: tuple[float, ...]) -> None:
    west, south, east, north = bounds
    assert frame_of((west, south, east, north), factor=2) is None


def test_a_scale_bar_is_as_long_as_it_says() -> None:
    frame = frame_of((125.0, 43.0, 125.1, 43.05), factor=2)
    assert frame is not None

    pixels, text = sketch(frame, "x").bar

    metres = float(text.removesuffix(" km")) * 1000
    _, _, long = ELLIPSOID.inv(125.05, 43.025, 125.05 + pixels / frame.pixels_per_degree[0], 43.025)
    assert long == pytest.approx(metres, rel=0.005)


def test_a_shape_beyond_the_frame_is_cut_and_one_outside_is_not_drawn() -> None:
    frame = frame_of((125.0, 43.0, 125.1, 43.05), factor=1)
    assert frame is not None

    wide = mark_of(shapely.box(100, 30, 150, 60), frame, None)

    assert wide is not None
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", wide.path)]
    assert all(-9 <= n <= WIDTH + 9 for n in numbers)
    assert mark_of(shapely.box(10, 10, 11, 11), frame, None) is None


def test_what_is_smaller_than_a_pixel_is_a_dot() -> None:
    frame = frame_of((125.0, 43.0, 126.0, 44.0), factor=1)
    assert frame is not None

    tiny = mark_of(shapely.box(125.5, 43.5, 125.500001, 43.500001), frame, EXACT)

    assert tiny is not None
    assert len(tiny.points) == 1


def test_holes_are_rings_of_their_own() -> None:
    frame = frame_of((0, 0, 10, 10), factor=1)
    assert frame is not None
    ring = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], [[(4, 4), (6, 4), (6, 6), (4, 6)]])

    mark = mark_of(ring, frame, EXACT)

    assert mark is not None
    assert mark.path.count("M") == mark.path.count("Z") == 2
    assert (mark.fill, mark.outline) == ("#ff0000", "#000000")


@pytest.mark.parametrize(
    ("code", "rule"),
    [("0101", EXACT), ("0102", PREFIX), ("02", PREFIX), ("03", REST), (None, REST)],
)
def test_the_first_rule_that_takes_a_code_draws_it(code: str | None, rule: StyleRule) -> None:
    assert rule_of(STYLE, code) is rule


def test_a_legend_explains_what_is_drawn_in_the_order_of_the_style() -> None:
    assert rules_of(STYLE, ["09", "0101", "09"]) == (EXACT, REST)
    assert rules_of(None, ["1"]) == ()


def test_an_extent_stands_in_a_graticule_with_round_degrees() -> None:
    found = extent_sketch([124.5, 43.1, 127.1, 45.2], "x")

    assert found is not None
    assert [line.text for line in found.parallels] == ["43°N", "44°N", "45°N"]
    assert "125°E" in [line.text for line in found.meridians]


@pytest.mark.parametrize("box", [[], [1, 2, 3], ["a", 0, 1, 1], [0, None, 1, 1]])
def test_an_extent_that_is_none_has_no_picture(box: list[object]) -> None:
    assert extent_sketch(box, "x") is None


def test_a_geometry_that_cannot_be_read_has_no_picture() -> None:
    assert outline({"type": "Polygon", "coordinates": "x"}, "x") is None
    assert outline({"type": "Polygon", "coordinates": []}, "x") is None
