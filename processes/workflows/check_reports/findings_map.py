"""A plain map of one parcel: its outline, what rules found on it, north arrow and scale bar."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFont

from processes.workflows.check_reports.plane_shapes import BoundaryPoint, PlaneParcel

WIDTH_MM, HEIGHT_MM = 156, 110
DOTS_PER_MM = 8
SIZE = (WIDTH_MM * DOTS_PER_MM, HEIGHT_MM * DOTS_PER_MM)
SMOOTH = 2  # drawn larger by this, then drawn together
MARGIN_MM = 9
FILLED = 0.72  # of the map at most, so that the surroundings show where the parcel ends
STEPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
BAR_STEPS = (5.0, 2.0, 1.0)
MARGIN_DOTS = MARGIN_MM * DOTS_PER_MM
HATCH_GAP = 14
MOST_NAMED = 60  # corners
MOST_NAMED_PARTS = 3  # of one rule
MOST_DRAWN_PARTS = 5_000  # of one rule; smaller ones are less than a dot by then
WHITE, INK, RED = (255, 255, 255), (40, 40, 40), (200, 16, 32)
FONT_PX = 22

type Colour = tuple[int, int, int]
type Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Hatch:
    """How one rule's places are hatched."""

    colour: Colour
    angles_deg: tuple[int, ...]


HATCHES = (
    Hatch((176, 32, 112), (45,)),
    Hatch((0, 92, 175), (135,)),
    Hatch((196, 98, 0), (90,)),
    Hatch((0, 122, 80), (0,)),
    Hatch((104, 60, 160), (45, 135)),
    Hatch((120, 90, 30), (0, 90)),
    Hatch((20, 120, 140), (60,)),
    Hatch((90, 90, 90), (120,)),
)


@dataclass(frozen=True, slots=True)
class View:
    """The part of the plane that a map shows, at a round scale."""

    west: float
    north: float
    scale: float  # 1 : scale

    @property
    def dots_per_m(self) -> float:
        return DOTS_PER_MM * 1000.0 / self.scale

    def dots(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places of (east, north) in the picture, rightward and downward."""
        right = (points[:, 0] - self.west) * self.dots_per_m
        down = (self.north - points[:, 1]) * self.dots_per_m
        return np.column_stack([right, down])


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsMap:
    """A picture and the scale at which it is printed."""

    png: bytes
    scale: float


def findings_map(parcel: PlaneParcel, points: Sequence[BoundaryPoint]) -> FindingsMap:
    """The parcel in red with its corners, each rule's places hatched and named by the rule."""
    view = _view(parcel.outline)
    large = Image.new("RGB", (SIZE[0] * SMOOTH, SIZE[1] * SMOOTH), WHITE)
    for found, hatch in zip(parcel.found, HATCHES, strict=False):
        _hatch(large, view, found.areas, hatch)
    pen = ImageDraw.Draw(large)
    for ring in shapely.get_rings(shapely.get_parts(parcel.outline)).tolist():
        pen.line(_line(view, ring), fill=RED, width=4 * SMOOTH, joint="curve")
    picture = large.resize(SIZE, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(FONT_PX)
    labels = _Labels(pen)
    for found, hatch in zip(parcel.found, HATCHES, strict=False):
        for area in _largest(found.areas, MOST_NAMED_PARTS):
            labels.write(_inside(view, area), found.rule, hatch.colour, font)
    if 0 < len(points) <= MOST_NAMED:
        _corners(pen, view, points)
        for one, place in zip(points, _beside(view, parcel.outline, points), strict=True):
            labels.write(place, one.name, RED, font)
    _north_arrow(pen, font)
    _scale_bar(pen, view, font)
    pen.rectangle((0, 0, SIZE[0] - 1, SIZE[1] - 1), outline=INK, width=2)
    return FindingsMap(png=_png(picture), scale=view.scale)


def swatch(position: int) -> bytes:
    """The hatch of the rule at *position* in a map, for its legend."""
    width, height = 8 * DOTS_PER_MM * SMOOTH, 4 * DOTS_PER_MM * SMOOTH
    picture = Image.new("RGB", (width, height), WHITE)
    pen = ImageDraw.Draw(picture)
    hatch = HATCHES[position]
    _strokes(pen, (0, 0, width, height), hatch, hatch.colour)
    pen.rectangle((0, 0, width - 1, height - 1), outline=hatch.colour, width=2 * SMOOTH)
    return _png(picture.resize((width // SMOOTH, height // SMOOTH), Image.Resampling.LANCZOS))


def _view(outline: shapely.Geometry) -> View:
    west, south, east, north = shapely.bounds(outline).tolist()
    usable = ((WIDTH_MM - 2 * MARGIN_MM) * FILLED, (HEIGHT_MM - 2 * MARGIN_MM) * FILLED)
    needed = max((east - west) / usable[0], (north - south) / usable[1], 1e-4) * 1000.0
    decade = 10.0 ** math.floor(math.log10(needed))
    scale = next((s * decade for s in STEPS if s * decade >= needed), 10.0 * decade)
    across, down = WIDTH_MM * scale / 1000.0, HEIGHT_MM * scale / 1000.0
    return View((west + east - across) / 2, (south + north + down) / 2, scale)


def _line(view: View, ring: shapely.Geometry) -> list[tuple[float, float]]:
    dots = view.dots(shapely.get_coordinates(ring)) * SMOOTH
    return [(x, y) for x, y in dots.tolist()]


def _hatch(
    picture: Image.Image, view: View, areas: Sequence[shapely.Geometry], hatch: Hatch
) -> None:
    """Strokes within the areas, what lies beneath shows through, and the areas' edges."""
    inside = Image.new("1", picture.size, 0)
    mask = ImageDraw.Draw(inside)
    rings: list[list[tuple[float, float]]] = []
    for part in _largest(areas, MOST_DRAWN_PARTS):
        shell, *holes = [_line(view, ring) for ring in shapely.get_rings(part).tolist()]
        if holes:
            _pierced(inside, shell, holes)
        else:
            mask.polygon(shell, fill=1)
        rings += [shell, *holes]
    box = inside.getbbox()
    if box is not None:
        strokes = Image.new("1", picture.size, 0)
        _strokes(ImageDraw.Draw(strokes), box, hatch, 1)
        picture.paste(hatch.colour, mask=ImageChops.logical_and(strokes, inside))
    pen = ImageDraw.Draw(picture)
    for ring in rings:
        pen.line(ring, fill=hatch.colour, width=2 * SMOOTH, joint="curve")


def _pierced(
    inside: Image.Image,
    shell: list[tuple[float, float]],
    holes: list[list[tuple[float, float]]],
) -> None:
    """Add a part with holes; what lies in them stays as it was. Only its own box is looked at."""
    right, down = zip(*shell, strict=True)
    west, north = max(math.floor(min(right)), 0), max(math.floor(min(down)), 0)
    east, south = (
        min(math.ceil(max(right)) + 1, inside.width),
        min(math.ceil(max(down)) + 1, inside.height),
    )
    if east <= west or south <= north:
        return
    alone = Image.new("1", (east - west, south - north), 0)
    pen = ImageDraw.Draw(alone)
    for ring, ink in ((shell, 1), *((hole, 0) for hole in holes)):
        pen.polygon([(x - west, y - north) for x, y in ring], fill=ink)
    inside.paste(1, (west, north), mask=alone)


def _strokes(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], hatch: Hatch, ink: int | Colour
) -> None:
    """Parallel lines over a box, at places that do not depend on the box."""
    left, top, right, bottom = box
    reach = math.hypot(right - left, bottom - top)
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    for angle in hatch.angles_deg:
        turn = math.radians(angle)
        along = np.array([math.cos(turn), -math.sin(turn)])
        across = np.array([along[1], -along[0]])
        offset = float(middle @ across)
        first = math.ceil((offset - reach) / (HATCH_GAP * SMOOTH))
        last = math.floor((offset + reach) / (HATCH_GAP * SMOOTH))
        for number in range(first, last + 1):
            foot = middle + across * (number * HATCH_GAP * SMOOTH - offset)
            (x0, y0), (x1, y1) = (foot - along * reach).tolist(), (foot + along * reach).tolist()
            pen.line([(x0, y0), (x1, y1)], fill=ink, width=SMOOTH + 1)


def _largest(areas: Sequence[shapely.Geometry], most: int) -> Sequence[shapely.Geometry]:
    """The largest connected parts, at most so many."""
    parts = [one for one in shapely.get_parts(list(areas)).tolist() if one.geom_type == "Polygon"]
    return sorted(parts, key=lambda one: -float(one.area))[:most]


def _inside(view: View, area: shapely.Geometry) -> tuple[float, float]:
    x, y = view.dots(shapely.get_coordinates(shapely.point_on_surface(area)))[0].tolist()
    return x, y


def _beside(
    view: View, outline: shapely.Geometry, points: Sequence[BoundaryPoint]
) -> list[tuple[float, float]]:
    """Where corners are named: a little away from the middle of the parcel."""
    corners = view.dots(np.array([(one.east_m, one.north_m) for one in points]))
    away = np.subtract(corners, view.dots(shapely.get_coordinates(shapely.centroid(outline))))
    away /= np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)[:, None]
    return [(x, y) for x, y in (corners + away * 1.2 * FONT_PX).tolist()]


def _corners(pen: ImageDraw.ImageDraw, view: View, points: Sequence[BoundaryPoint]) -> None:
    places = view.dots(np.array([(one.east_m, one.north_m) for one in points]))
    for x, y in places.tolist():
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=WHITE, outline=RED, width=2)


def _north_arrow(pen: ImageDraw.ImageDraw, font: Font) -> None:
    """Grid north: the plane's northing points up."""
    x, top = SIZE[0] - MARGIN_DOTS, MARGIN_DOTS
    pen.polygon([(x, top), (x - 14, top + 64), (x, top + 50)], fill=INK)
    pen.polygon([(x, top), (x + 14, top + 64), (x, top + 50)], fill=WHITE, outline=INK)
    pen.text((x, top - 16), "N", fill=INK, font=font, anchor="mm")


def _scale_bar(pen: ImageDraw.ImageDraw, view: View, font: Font) -> None:
    """A round length, at most a quarter of the map, in two halves."""
    most_m = SIZE[0] / 4 / view.dots_per_m
    decade = 10.0 ** math.floor(math.log10(most_m))
    length_m = next(step * decade for step in BAR_STEPS if step * decade <= most_m)
    left, bottom = MARGIN_DOTS, SIZE[1] - MARGIN_DOTS
    half = length_m * view.dots_per_m / 2
    pen.rectangle((left, bottom - 10, left + half, bottom), fill=INK, outline=INK)
    pen.rectangle((left + half, bottom - 10, left + 2 * half, bottom), fill=WHITE, outline=INK)
    for share, text in ((0, "0"), (1, f"{length_m / 2:g}"), (2, f"{length_m:g} m")):
        pen.text((left + share * half, bottom - 26), text, fill=INK, font=font, anchor="mm")
    pen.text(
        (left + 2 * half + 40, bottom - 6), f"1:{view.scale:.0f}", fill=INK, font=font, anchor="lm"
    )


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=False, dpi=(DOTS_PER_MM * 25.4, DOTS_PER_MM * 25.4))
    return buffer.getvalue()


class _Labels:
    """Words on a picture that give way to those before them."""

    def __init__(self, pen: ImageDraw.ImageDraw) -> None:
        self._pen = pen
        self._taken: list[tuple[float, float, float, float]] = []

    def write(self, place: tuple[float, float], text: str, colour: Colour, font: Font) -> None:
        """The words at *place*, else as little above or below as has room."""
        x, y = place
        for step in (0, 1, -1, 2, -2, 3, -3, 4, -4):
            box = self._pen.textbbox((x, y + step * FONT_PX), text, font=font, anchor="mm")
            if not any(_meet(box, other) for other in self._taken):
                self._taken.append(box)
                self._pen.text(
                    (x, y + step * FONT_PX),
                    text,
                    fill=colour,
                    font=font,
                    anchor="mm",
                    stroke_width=3,
                    stroke_fill=WHITE,
                )
                return


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
