"""Small maps as SVG: shapes in degrees become paths in pixels; pure, no script, no tiles."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from config.model import Style, StyleRule
from server.web.values import colour

WIDTH: Final = 640
HEIGHT: Final = 420
MARGIN: Final = 8.0  # pixels beyond the frame, so that no cut edge shows
TOLERANCE: Final = 0.4  # pixels
SMALLEST_M: Final = 60.0  # of the shorter side: a point wants its surroundings
LONGEST_BAR: Final = 160.0
ROUND: Final = (1, 2, 5)
PLAIN: Final = {"fill": "#9db4c8", "outline": "#3d5166", "width": 1.0, "opacity": 0.6}
type Bounds = tuple[float, float, float, float]  # west, south, east, north in degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The piece of the world that a picture shows, north up, true to scale in its middle."""

    west: float
    north: float
    pixels_per_degree: tuple[float, float]  # to the east, to the north
    pixels_per_metre: float

    @property
    def bounds(self) -> Bounds:
        x, y = self.pixels_per_degree
        return self.west, self.north - HEIGHT / y, self.west + WIDTH / x, self.north

    @property
    def around(self) -> Bounds:
        """The bounds with the margin that is drawn and not seen."""
        x, y = (MARGIN / each for each in self.pixels_per_degree)
        west, south, east, north = self.bounds
        return west - x, max(-90.0, south - y), east + x, min(90.0, north + y)

    @property
    def tolerance_deg(self) -> float:
        """What is smaller than this is not seen."""
        return TOLERANCE / max(self.pixels_per_degree)

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = self.pixels_per_degree
        return np.column_stack(((points[:, 0] - self.west) * x, (self.north - points[:, 1]) * y))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One drawn feature: a path, or the places of points, with its symbol."""

    path: str
    points: tuple[tuple[float, float], ...]
    fill: str | None
    outline: str | None
    width: float
    opacity: float
    dash: str
    hatch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the graticule: where it stands, and its degrees."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A picture with what makes it a map: scale, corners, graticule, legend."""

    label: str
    bounds: Bounds
    marks: tuple[Mark, ...] = ()
    backdrop: tuple[Mark, ...] = ()
    chosen: Mark | None = None
    bar: tuple[float, str]  # pixels, and the length that they stand for
    meridians: tuple[Line, ...] = ()
    parallels: tuple[Line, ...] = ()
    legend: tuple[StyleRule, ...] = ()
    form: str | None = None  # of the legend's signs: point, line, polygon
    synthetic: bool = False
    left_out: bool = False  # more features lie in the window than are drawn

    @property
    def corners(self) -> tuple[str, str]:
        """North-west and south-east, as longitude and latitude."""
        west, south, east, north = self.bounds
        digits = 5 if east - west < 0.5 else 3
        west, east = max(west, -180.0), min(east, 180.0)
        return (
            _place(west, min(north, 90.0), digits),
            _place(east, max(south, -90.0), digits),
        )

    @property
    def hatched(self) -> list[str]:
        """The colours of hatches, without their sign: each is a pattern."""
        every = [*self.marks, *self.backdrop, *([self.chosen] if self.chosen else [])]
        return sorted({mark.outline[1:] for mark in every if mark.hatch and mark.outline})

    @property
    def centre(self) -> tuple[float, float]:
        west, south, east, north = self.bounds
        return (west + east) / 2, (south + north) / 2

    @property
    def denominator(self) -> int:
        """The scale at which a screen of usual size shows about the same."""
        west, _, east, _ = self.bounds
        metres = (east - west) * metres_per_degree(self.centre[1])[0]
        return max(250, round(metres / (WIDTH * 0.00028)))


def frame_of(bounds: Bounds, *, factor: float) -> Frame | None:
    """A frame *factor* times as wide or high as the bounds; None for what is no place on Earth."""
    west, south, east, north = bounds
    if not all(map(math.isfinite, bounds)) or abs(south) > 90 or abs(north) > 90:
        return None
    middle = (south + north) / 2
    to_east, to_north = metres_per_degree(min(85.0, max(-85.0, middle)))
    wide = max((east - west) * to_east * factor, SMALLEST_M * WIDTH / HEIGHT)
    high = max((north - south) * to_north * factor, SMALLEST_M)
    scale = min(WIDTH / wide, HEIGHT / high)  # pixels per metre
    x, y = to_east * scale, to_north * scale
    return Frame(
        west=(west + east) / 2 - WIDTH / 2 / x,
        north=middle + HEIGHT / 2 / y,
        pixels_per_degree=(x, y),
        pixels_per_metre=scale,
    )


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """Along the parallel and along the meridian, on the ellipsoid of CGCS2000, within a metre."""
    phi = math.radians(latitude)
    east = 111412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi) + 0.118 * math.cos(5 * phi)
    north = 111132.954 - 559.822 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi)
    return east, north


def mark_of(shape: BaseGeometry, frame: Frame, rule: StyleRule | None) -> Mark | None:
    """A shape in degrees as it is drawn in the frame; None where nothing of it is seen."""
    placed = shapely.transform(shapely.force_2d(shape), frame.pixels)
    sides = (-MARGIN, -MARGIN, WIDTH + MARGIN, HEIGHT + MARGIN)
    left, top, right, bottom = placed.bounds
    if left < sides[0] or top < sides[1] or right > sides[2] or bottom > sides[3]:
        placed = shapely.clip_by_rect(placed, *sides)
    plainer = shapely.simplify(placed, TOLERANCE, preserve_topology=False)
    parts = shapely.get_parts(plainer).tolist()
    path = "".join(_path(part) for part in parts)
    points = tuple((round(p.x, 1), round(p.y, 1)) for p in parts if p.geom_type == "Point")
    areas = [p for p in parts if p.geom_type == "Polygon"]
    if not path and not points:
        if placed.is_empty:
            return None
        middle = placed.centroid  # smaller than a pixel: a dot says that it is there
        points = ((round(middle.x, 1), round(middle.y, 1)),)
    symbol = {name: getattr(rule, name) for name in PLAIN} if rule else PLAIN
    fill, outline = colour(symbol["fill"]), colour(symbol["outline"])
    return Mark(
        path=path,
        points=points,
        fill=fill if areas or points else None,
        outline=outline or (None if areas else fill),
        width=float(str(symbol["width"])),
        opacity=float(str(symbol["opacity"])),
        dash=" ".join(f"{each:g}" for each in rule.dash) if rule else "",
        hatch=bool(rule and rule.hatch and areas),
    )


def rule_of(style: Style | None, code: str | None) -> StyleRule | None:
    """The first rule of a style that takes a code; without a code, the one for the rest."""

    def takes(rule: StyleRule) -> bool:
        if not rule.codes or (style is not None and style.field is None):
            return True
        if code is None:
            return False
        return code in rule.codes if rule.match == "exact" else code.startswith(rule.codes)

    return next((rule for rule in (style.rules if style else ()) if takes(rule)), None)


def rules_of(style: Style | None, codes: Iterable[str | None]) -> tuple[StyleRule, ...]:
    """The rules that draw these codes, in the style's order: what a legend explains."""
    seen = [rule_of(style, code) for code in dict.fromkeys(codes)]
    return tuple(rule for rule in (style.rules if style else ()) if any(rule is s for s in seen))


def sketch(frame: Frame, label: str, **parts: Any) -> Sketch:
    """A picture of the frame with its scale bar."""
    return Sketch(label=label, bounds=frame.bounds, bar=_bar(frame), **parts)


def extent_sketch(box: Sequence[Any], label: str) -> Sketch | None:
    """An extent in its graticule: west, south, east, north in degrees."""
    if len(box) not in (4, 6) or not all(isinstance(side, int | float) for side in box):
        return None
    west, south, *_ = box
    east, north = box[len(box) // 2], box[len(box) // 2 + 1]
    return outline_sketch(shapely.box(west, south, east, north), label)


def outline(geometry: Mapping[str, Any], label: str) -> Sketch | None:
    """A GeoJSON geometry in degrees in its graticule."""
    try:
        return outline_sketch(shapely.from_geojson(json.dumps(geometry)), label)
    except (shapely.errors.GEOSException, TypeError):
        return None


def outline_sketch(shape: BaseGeometry, label: str) -> Sketch | None:
    """One shape in its graticule."""
    west, south, east, north = shape.bounds  # of an empty one no numbers: no frame
    frame = frame_of((west, south, east, north), factor=1.5)
    chosen = mark_of(shape, frame, None) if frame else None
    if frame is None or chosen is None:
        return None
    west, south, east, north = frame.bounds
    x, y = frame.pixels_per_degree
    step = _round((east - west) / 4)
    return sketch(
        frame,
        label,
        chosen=chosen,
        meridians=tuple(
            Line(at=round((degree - west) * x, 1), text=_degrees(degree, step, "EW"))
            for degree in _steps(west, east, step)
        ),
        parallels=tuple(
            Line(at=round((north - degree) * y, 1), text=_degrees(degree, step, "NS"))
            for degree in _steps(south, north, step)
        ),
    )


def _path(part: Any) -> str:
    match part.geom_type:
        case "Polygon":
            rings = [part.exterior, *part.interiors]
            return "".join(f"M{_points(ring)[:-1]}Z" for ring in rings if not ring.is_empty)
        case "LineString" | "LinearRing":
            return f"M{_points(part)[:-1]}" if not part.is_empty else ""
        case "GeometryCollection" | "MultiPolygon" | "MultiLineString":
            return "".join(_path(each) for each in part.geoms)
        case _:
            return ""


def _points(line: Any) -> str:
    places = shapely.get_coordinates(line).round(1).tolist()
    return "".join(f"{x:g},{y:g} " for x, y in places)


def _bar(frame: Frame) -> tuple[float, str]:
    metres = _round(LONGEST_BAR / frame.pixels_per_metre)
    text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    return round(metres * frame.pixels_per_metre, 1), text


def _round(most: float) -> float:
    """The longest round number that is not more."""
    power: float = 10.0 ** math.floor(math.log10(most))
    return max(digit * power for digit in ROUND if digit * power <= most * (1 + 1e-9))


def _steps(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)]


def _degrees(degree: float, step: float, sides: str) -> str:
    digits = max(0, -math.floor(math.log10(step)))
    return f"{abs(degree):.{digits}f}°{sides[0] if degree >= 0 else sides[1]}"


def _place(longitude: float, latitude: float, digits: int) -> str:
    east, north = "E" if longitude >= 0 else "W", "N" if latitude >= 0 else "S"
    return f"{abs(longitude):.{digits}f}°{east} {abs(latitude):.{digits}f}°{north}"
