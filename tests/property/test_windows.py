"""Whatever text a bbox is: a window on the globe, or a bad parameter."""

import math

import numpy as np
import pyproj
import shapely
from hypothesis import given
from hypothesis import strategies as st

from providers.crs import CRS84, Crs, from_epsg
from providers.errors import BadParameter
from providers.windows import parse_bbox

CODES = list(range(4513, 4555))
FRAMES = [CRS84, *(from_epsg(code) for code in (4490, 4326, 3857, *CODES))]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.floats(), max_size=7).map(lambda n: ",".join(map(str, n))),
    st.lists(st.floats(-1e8, 1e8), min_size=4, max_size=4).map(lambda n: ",".join(map(str, n))),
    st.tuples(st.floats(-90, 89), st.floats(-180, 179), st.floats(0, 9), st.floats(0, 9)).map(
        lambda n: f"{n[0]},{n[1]},{n[0] + n[2]},{n[1] + n[3]}"
    ),
)


@given(TEXTS, st.sampled_from(FRAMES))
def test_any_text_is_a_window_on_the_globe_or_a_bad_parameter(text: str, crs: Crs) -> None:
    try:
        window = parse_bbox(text, crs)
    except BadParameter as error:
        assert error.name == "bbox"
        return
    hash(window.shape)
    for west, south, east, north in window.bounds:
        assert -180 - 65 <= west <= east <= 180 + 65
        assert -90 <= south <= north <= 90
    numbers = [v for v in window.parameters.values() if isinstance(v, float)]
    assert all(map(math.isfinite, numbers))
    if window.outline is not None:
        outline = shapely.from_wkb(window.outline)
        assert np.isfinite(shapely.get_coordinates(outline)).all()
        assert outline.geom_type != "Polygon" or outline.area >= 0


@given(
    st.sampled_from(CODES),
    st.floats(-200_000, 200_000),
    st.floats(400_000, 5_900_000),
    st.floats(1, 300_000),
    st.floats(1, 300_000),
    st.floats(0.001, 0.999),
    st.floats(0.001, 0.999),
)
def test_the_outline_of_a_rectangle_in_a_zone_is_within_a_millimetre_of_it(
    code: int, x: float, y: float, width: float, height: float, u: float, v: float
) -> None:
    crs = from_epsg(code)
    projected = pyproj.CRS.from_epsg(code).coordinate_operation
    assert projected is not None
    easting = float(next(p.value for p in projected.params if p.code == "8806")) + x
    window = parse_bbox(f"{y!r},{easting!r},{y + height!r},{easting + width!r}", crs)
    assert window.outline is not None
    outline = shapely.from_wkb(window.outline)
    back = pyproj.Transformer.from_crs(code, 4490, always_xy=True)

    for inside, off in ((True, -0.001), (False, 0.001)):
        along = [
            (easting + u * width, y - off),
            (easting + u * width, y + height + off),
            (easting - off, y + v * height),
            (easting + width + off, y + v * height),
        ]
        for place in along:
            margin = min(u * width, (1 - u) * width, v * height, (1 - v) * height)
            if margin < 0.002:
                continue
            assert outline.intersects(shapely.Point(back.transform(*place))) is inside
