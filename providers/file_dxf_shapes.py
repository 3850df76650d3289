"""Lines and texts of a DXF drawing, blocks taken apart, arcs replaced by chords."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from ezdxf import path as paths
from ezdxf.document import Drawing
from ezdxf.entities.arc import Arc
from ezdxf.entities.circle import Circle
from ezdxf.entities.dxfentity import DXFEntity
from ezdxf.entities.dxfgfx import DXFGraphic
from ezdxf.entities.ellipse import Ellipse
from ezdxf.entities.insert import Insert
from ezdxf.entities.line import Line
from ezdxf.entities.lwpolyline import LWPolyline
from ezdxf.entities.mtext import MText
from ezdxf.entities.polygon import DXFPolygon
from ezdxf.entities.polyline import Polyline
from ezdxf.entities.spline import Spline
from ezdxf.entities.text import Text
from ezdxf.math import OCS, Vec3
from numpy.typing import NDArray

from providers.file_dxf_chains import joined
from providers.file_dxf_lines import DrawnLine, gap_m, in_degrees, ring_tolerance
from providers.source_file import FileRefused

ARC_TOLERANCE_M = 0.001  # by which a chord may stray from its arc
MAX_ENTITIES, MAX_POINTS, MAX_DEPTH = 500_000, 2_000_000, 8
SIZE_SHARE, SIZE_SHARE_IN_DEGREES = 1e-8, 1e-5
MAX_PIECES = 100_000  # of one arc
CONTROL_POINT = 16  # a vertex that is not on the line
UNREAD = ("REGION", "3DFACE", "SOLID", "MLINE")


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

    pieces: list[DrawnLine] = field(default_factory=list)  # single lines and arcs

    def line(self, one: DrawnLine, *, piece: bool = False) -> None:
        """Add a line; refused beyond what is read."""
        self.points += len(one.points)
        if self.points > MAX_POINTS:
            raise FileRefused(f"the drawing has more than {MAX_POINTS:,} points.")
        (self.pieces if piece else self.lines).append(one)


def drawn(drawing: Drawing) -> Drawn:
    """The lines and texts of the model space."""
    found = Drawn()
    unread: Counter[str] = Counter()
    for entity in _Walk(unread=unread).entities(drawing.modelspace(), 0, None):
        layer = entity.dxf.layer
        if isinstance(entity, MText):
            _label(found, layer, str(entity.plain_text()), entity.dxf.insert)
        elif isinstance(entity, Text):  # attributes of blocks among them
            _label(found, layer, entity.plain_text(), entity.get_placement()[1])
        elif isinstance(entity, DXFPolygon):
            for edge in _edges(entity):
                found.line(edge)
        elif (piece := _piece(entity)) is not None:
            found.line(piece, piece=True)
        elif (line := _line(entity)) is not None:
            found.line(line)
        else:
            unread[entity.dxftype()] += 1
    chains = joined(found.pieces)
    found.lines += chains.lines
    if chains.loose:
        said = ", ".join(f"{count} on {layer}" for layer, count in chains.loose.most_common(20))
        found.notes.append(f"single lines and arcs that join to no ring: {said}")
    told = [f"{count} {kind}" for kind, count in sorted(unread.items()) if kind in UNREAD]
    if told:
        found.notes.append(f"not read as parcels: {', '.join(told)}; only lines and hatches are")
    if unread["nested too deep"]:
        found.notes.append(f"blocks nested deeper than {MAX_DEPTH} were not taken apart")
    return found


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One pass over a drawing; an inserted block counts, though it be empty."""

    unread: Counter[str]
    met: int = 0

    def entities(self, held: object, depth: int, layer: str | None) -> Iterator[DXFGraphic]:
        """All entities, those of blocks where they are inserted; layer 0 is the insert's."""
        entity: DXFEntity
        for entity in held:  # type: ignore[attr-defined]
            if not isinstance(entity, DXFGraphic):
                continue
            self._count()
            if layer is not None and entity.dxf.layer == "0":
                entity.dxf.layer = layer
            if not isinstance(entity, Insert):
                yield entity
                continue
            yield from entity.attribs
            if depth >= MAX_DEPTH:
                self.unread["nested too deep"] += 1
                continue
            self._count(entity.mcount)
            for one in entity.multi_insert() if entity.mcount > 1 else (entity,):
                yield from self.entities(one.virtual_entities(), depth + 1, entity.dxf.layer)

    def _count(self, more: int = 1) -> None:
        self.met += more
        if self.met > MAX_ENTITIES:
            raise FileRefused(f"the drawing has more than {MAX_ENTITIES:,} lines and texts.")


def _edges(entity: DXFPolygon) -> Iterator[DrawnLine]:
    """The edges of a hatch, each a ring."""
    for one in paths.from_hatch(entity):
        stray = _stray(0.0, one.start)
        points = _plane(islice(one.flattening(stray), MAX_PIECES))
        if 3 < len(points) < MAX_PIECES and np.isfinite(points).all():
            yield DrawnLine(
                layer=entity.dxf.layer,
                points=points,
                closed=True,
                curved=one.has_curves,
                hatched=True,
            )


def _piece(entity: DXFGraphic) -> DrawnLine | None:
    """A single line or arc, or a curve that does not close."""
    if isinstance(entity, Line):
        points = _plane([entity.dxf.start, entity.dxf.end])
    elif isinstance(entity, Arc) or (isinstance(entity, Ellipse | Spline) and not _whole(entity)):
        points = _plane(islice(entity.flattening(_tolerance(entity)), MAX_PIECES))
    else:
        return None
    if not 1 < len(points) < MAX_PIECES or not np.isfinite(points).all():
        return None
    curved = not isinstance(entity, Line)
    return DrawnLine(layer=entity.dxf.layer, points=points, closed=False, curved=curved)


def _whole(entity: Ellipse | Spline) -> bool:
    """Whether a curve comes back to its beginning."""
    points = _plane(islice(entity.flattening(_tolerance(entity)), MAX_PIECES))
    return len(points) > 2 and gap_m(points) <= ARC_TOLERANCE_M


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
        if len(points) > 1 and gap_m(points) < ARC_TOLERANCE_M:
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
    """How far chords of a curve may stray, in the drawing's numbers."""
    if isinstance(entity, Circle):
        return _stray(float(entity.dxf.radius), entity.dxf.center)
    if isinstance(entity, Ellipse):
        return _stray(float(entity.dxf.major_axis.magnitude), entity.dxf.center)
    return _stray(0.0, Vec3(entity.control_points[0]) if len(entity.control_points) else Vec3())


def _stray(size: float, place: Vec3) -> float:
    """How far chords may stray: of what is larger than a country a share of its size."""
    degrees = in_degrees(place.x, place.y)
    share = SIZE_SHARE_IN_DEGREES if degrees else SIZE_SHARE
    return max(ring_tolerance(ARC_TOLERANCE_M, degrees=degrees), abs(size) * share)


def _arc(start: NDArray[np.float64], end: NDArray[np.float64], bulge: float) -> NDArray[np.float64]:
    """The points between both ends of an arc; its bulge is the tangent of a quarter of its turn."""
    chord = end - start
    length = float(np.hypot(*chord))
    stray = _stray(length, Vec3(start))
    if length * abs(bulge) / 2 <= stray:  # how far the arc strays from its chord
        return np.empty((0, 2))
    turn = 4 * math.atan(bulge)
    radius = length * (1 + bulge**2) / (4 * abs(bulge))
    middle = (start + end) / 2 + np.array([-chord[1], chord[0]]) * (1 - bulge**2) / (4 * bulge)
    step = 2 * math.acos(max(-1.0, 1 - stray / radius))
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
