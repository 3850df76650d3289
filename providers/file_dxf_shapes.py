"""Lines and texts of a DXF drawing, blocks taken apart, arcs replaced by chords."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from ezdxf.document import Drawing
from ezdxf.entities.circle import Circle
from ezdxf.entities.dxfentity import DXFEntity
from ezdxf.entities.dxfgfx import DXFGraphic
from ezdxf.entities.ellipse import Ellipse
from ezdxf.entities.insert import Insert
from ezdxf.entities.lwpolyline import LWPolyline
from ezdxf.entities.mtext import MText
from ezdxf.entities.polyline import Polyline
from ezdxf.entities.spline import Spline
from ezdxf.entities.text import Text
from ezdxf.math import OCS, Vec3
from numpy.typing import NDArray

from providers.source_file import FileRefused

ARC_TOLERANCE_M = 0.001  # by which a chord may stray from its arc
MAX_ENTITIES, MAX_POINTS, MAX_DEPTH = 500_000, 2_000_000, 8
SIZE_SHARE = 1e-8
MAX_PIECES = 100_000  # of one arc
CONTROL_POINT = 16  # a vertex that is not on the line
UNREAD = ("LINE", "ARC", "HATCH", "REGION", "3DFACE", "MPOLYGON")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLine:
    """A polyline or closed curve, x to the east, y to the north in the drawing's numbers."""

    layer: str
    points: NDArray[np.float64]
    closed: bool  # as the drawing says, whether or not the last point repeats the first
    curved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text and the place at which it stands."""

    layer: str
    text: str
    place: tuple[float, float]


@dataclass(slots=True)
class Drawn:
    """What a drawing shows."""

    lines: list[DrawnLine] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    points: int = 0

    def line(self, one: DrawnLine) -> None:
        """Add a line; refused beyond what is read."""
        self.points += len(one.points)
        if self.points > MAX_POINTS:
            raise FileRefused(f"the drawing has more than {MAX_POINTS:,} points.")
        self.lines.append(one)


def drawn(drawing: Drawing) -> Drawn:
    """The lines and texts of the model space."""
    found = Drawn()
    unread: Counter[str] = Counter()
    for number, entity in enumerate(_entities(drawing.modelspace(), unread, 0, None)):
        if number >= MAX_ENTITIES:
            raise FileRefused(f"the drawing has more than {MAX_ENTITIES:,} lines and texts.")
        layer = entity.dxf.layer
        if isinstance(entity, MText):
            _label(found, layer, str(entity.plain_text()), entity.dxf.insert)
        elif isinstance(entity, Text):  # attributes of blocks among them
            _label(found, layer, entity.plain_text(), entity.get_placement()[1])
        elif (line := _line(entity)) is not None:
            found.line(line)
        else:
            unread[entity.dxftype()] += 1
    told = [f"{count} {kind}" for kind, count in sorted(unread.items()) if kind in UNREAD]
    if told:
        found.notes.append(f"not read as parcels: {', '.join(told)}; only polylines and curves are")
    if unread["nested too deep"]:
        found.notes.append(f"blocks nested deeper than {MAX_DEPTH} were not taken apart")
    return found


def _entities(
    held: object, unread: Counter[str], depth: int, layer: str | None
) -> Iterator[DXFGraphic]:
    """All entities, those of blocks where they are inserted; layer 0 of a block is the insert's."""
    entity: DXFEntity
    for entity in held:  # type: ignore[attr-defined]
        if not isinstance(entity, DXFGraphic):
            continue
        if layer is not None and entity.dxf.layer == "0":
            entity.dxf.layer = layer
        if not isinstance(entity, Insert):
            yield entity
            continue
        yield from entity.attribs
        if depth >= MAX_DEPTH:
            unread["nested too deep"] += 1
            continue
        for one in entity.multi_insert() if entity.mcount > 1 else (entity,):
            yield from _entities(one.virtual_entities(), unread, depth + 1, entity.dxf.layer)


def _line(entity: DXFGraphic) -> DrawnLine | None:
    closed = curved = False
    if isinstance(entity, LWPolyline):
        closed, curved = bool(entity.closed), entity.has_arc
        points = _with_arcs(entity.get_points("xyb"), closed, entity.ocs())
    elif isinstance(entity, Polyline) and entity.is_2d_polyline:
        closed, curved = bool(entity.is_closed), entity.has_arc
        places = [
            (*one.dxf.location.vec2, one.dxf.get("bulge", 0.0))
            for one in entity.vertices
            if not one.dxf.flags & CONTROL_POINT
        ]
        points = _with_arcs(places, closed, entity.ocs())
    elif isinstance(entity, Polyline) and entity.is_3d_polyline:
        closed = bool(entity.is_closed)
        points = _plane(entity.points())
    elif isinstance(entity, Circle | Ellipse | Spline):
        curved = True
        points = _plane(islice(entity.flattening(_tolerance(entity)), MAX_PIECES))
        if len(points) == MAX_PIECES:
            return None
        if len(points) > 1 and np.hypot(*(points[0] - points[-1])) < ARC_TOLERANCE_M:
            points[-1] = points[0]  # the end of a full turn is off by rounding
    else:
        return None
    if not np.isfinite(points).all():
        return None
    return DrawnLine(layer=entity.dxf.layer, points=points, closed=closed, curved=curved)


def _with_arcs(places: Iterable[Sequence[float]], closed: bool, plane: OCS) -> NDArray[np.float64]:
    """Vertices, with those of the chords where a bulge makes an arc of an edge."""
    given = np.array([tuple(one) for one in places], dtype=np.float64).reshape(-1, 3)
    points, bulges = given[:, :2], given[:, 2]
    parts = []
    for place, bulge in enumerate(bulges.tolist()):
        parts.append(points[place : place + 1])
        if bulge and (closed or place + 1 < len(points)):
            parts.append(_arc(points[place], points[(place + 1) % len(points)], bulge))
    if closed and len(points) and bulges[-1]:
        parts.append(points[:1])
    whole = np.concatenate(parts) if parts else points
    if plane.transform:  # drawn on the back, as mirrored blocks are
        whole = _plane(plane.points_to_wcs([(x, y, 0.0) for x, y in whole.tolist()]))
    return whole


def _tolerance(entity: Circle | Ellipse | Spline) -> float:
    """How far chords may stray: of what is larger than a country a share of its size."""
    size = 0.0
    if isinstance(entity, Circle):
        size = float(entity.dxf.radius)
    elif isinstance(entity, Ellipse):
        size = float(entity.dxf.major_axis.magnitude)
    return max(ARC_TOLERANCE_M, abs(size) * SIZE_SHARE)


def _arc(start: NDArray[np.float64], end: NDArray[np.float64], bulge: float) -> NDArray[np.float64]:
    """The points between both ends of an arc; its bulge is the tangent of a quarter of its turn."""
    chord = end - start
    length = float(np.hypot(*chord))
    if length * abs(bulge) / 2 <= ARC_TOLERANCE_M:  # how far the arc strays from its chord
        return np.empty((0, 2))
    turn = 4 * math.atan(bulge)
    radius = length * (1 + bulge**2) / (4 * abs(bulge))
    middle = (start + end) / 2 + np.array([-chord[1], chord[0]]) * (1 - bulge**2) / (4 * bulge)
    step = 2 * math.acos(max(-1.0, 1 - ARC_TOLERANCE_M / radius))
    pieces = min(math.ceil(abs(turn) / step), MAX_PIECES)
    angles = turn * np.arange(1, pieces) / pieces
    x, y = start - middle
    cosine, sine = np.cos(angles), np.sin(angles)
    turned = np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=1)
    return np.asarray(middle + turned, dtype=np.float64)


def _plane(places: Iterable[Vec3]) -> NDArray[np.float64]:
    return np.array([(one.x, one.y) for one in places], dtype=np.float64).reshape(-1, 2)


def _label(found: Drawn, layer: str, text: str, place: object) -> None:
    plain = " ".join(text.split())
    if plain:
        x, y = place.x, place.y  # type: ignore[attr-defined]
        found.labels.append(Label(layer=layer, text=plain, place=(float(x), float(y))))
