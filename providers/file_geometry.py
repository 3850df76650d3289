"""Geometry of files: well-known binary to shapes, what cannot be read, and bounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from providers.source_file import Bounds

MAX_VERTICES = 5_000_000
MAX_GEOMETRY_BYTES = MAX_VERTICES * 16
FIRST_CURVE = 8  # ISO WKB: CircularString, CompoundCurve, CurvePolygon, MultiCurve, MultiSurface …
UNREAD_CURVE = "the geometry is curved and cannot be made linear"

type Shapes = NDArray[np.object_]
type Linear = Callable[[NDArray[np.int64]], Sequence[bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadShapes:
    """The shapes of a batch, two-dimensional; why some could not be read; what was simplified."""

    shapes: Shapes
    unreadable: dict[int, str]
    curved: int
    raised: int  # with Z or M


def shapes_of(values: pa.Array, linear: Linear | None = None) -> ReadShapes:
    """Shapes from well-known binary; *linear* gives curved rows again without their curves."""
    unreadable: dict[int, str] = {}
    lengths = _numbers(pc.binary_length(values))
    if len(too_large := np.flatnonzero(lengths > MAX_GEOMETRY_BYTES)):
        for row in too_large.tolist():
            unreadable[row] = (
                f"the geometry has {lengths[row]:,} bytes, about {lengths[row] // 16:,} vertices;"
                f" at most {MAX_VERTICES:,} are read"
            )
        values = pc.if_else(pa.array(lengths <= MAX_GEOMETRY_BYTES), values, None)
    kinds = _kinds(values)
    curved = np.flatnonzero((kinds % 1000 >= FIRST_CURVE) & (kinds < 4000))
    wkb = np.empty(len(values), dtype=object)
    wkb[:] = values.to_pylist()
    if len(curved):
        straight = linear(curved) if linear is not None else [None] * len(curved)
        for row, one in zip(curved.tolist(), straight, strict=True):
            wkb[row] = one
            if one is None:
                unreadable[row] = UNREAD_CURVE
    shapes = _parsed(wkb, unreadable)
    raised = np.flatnonzero(shapely.has_z(shapes) | shapely.has_m(shapes))
    if len(raised):
        shapes[raised] = shapely.force_2d(shapes[raised])
    return ReadShapes(shapes=shapes, unreadable=unreadable, curved=len(curved), raised=len(raised))


def _parsed(wkb: Shapes, unreadable: dict[int, str]) -> Shapes:
    found: Any
    try:
        found = shapely.from_wkb(wkb, on_invalid="ignore")
    except (ShapelyError, NotImplementedError, ValueError, TypeError):
        found = np.array([_one(one) for one in wkb], dtype=object)
    shapes = np.asarray(found, dtype=object)
    missing = np.flatnonzero(shapely.is_missing(shapes))
    for row in missing.tolist():
        if wkb[row] is not None:
            unreadable.setdefault(row, f"the geometry cannot be parsed: {_reason(wkb[row])}")
    return shapes


def _one(wkb: bytes | None) -> Any:
    try:
        return None if wkb is None else shapely.from_wkb(wkb)
    except (ShapelyError, NotImplementedError, ValueError, TypeError):
        return None


def _reason(wkb: bytes) -> str:
    try:
        shapely.from_wkb(wkb)
    except (ShapelyError, NotImplementedError, ValueError, TypeError) as error:
        return " ".join(str(error).split()).split(": ", 1)[-1][:120]
    return "it is no geometry"


def _kinds(values: pa.Array) -> NDArray[np.int64]:
    """The ISO type code of each well-known binary, without its dimensions; 0 where there is none."""
    width = np.int64 if pa.types.is_large_binary(values.type) else np.int32
    kinds = np.zeros(len(values), dtype=np.int64)
    _, offsets, data = values.buffers()
    if len(values) == 0 or offsets is None or data is None or data.size == 0:
        return kinds
    ends = np.frombuffer(offsets, dtype=width)[values.offset : values.offset + len(values) + 1]
    rows = np.flatnonzero(np.diff(ends) >= 5)
    raw = np.frombuffer(data, dtype=np.uint8)
    start = ends[:-1][rows].astype(np.int64)
    four = np.stack([raw[start + n] for n in range(1, 5)], axis=1).astype(np.int64)
    little = four @ np.array([1, 1 << 8, 1 << 16, 1 << 24])
    big = four @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
    codes = np.where(raw[start] == 1, little, big) & 0x0FFFFFFF
    kinds[rows] = codes
    return kinds


def _numbers(values: pa.Array) -> NDArray[np.int64]:
    return np.asarray(values.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)


@dataclass(slots=True)
class Extent:
    """Bounds over all shapes with finite coordinates, batch by batch."""

    found: Bounds | None = None

    def add(self, shapes: Shapes) -> None:
        """Widen the bounds by these shapes."""
        each = shapely.bounds(shapes)
        each = each[np.isfinite(each).all(axis=1)]
        if not len(each):
            return
        west, south = (float(v) for v in each[:, :2].min(axis=0))
        east, north = (float(v) for v in each[:, 2:].max(axis=0))
        if self.found is not None:
            west, south = min(west, self.found[0]), min(south, self.found[1])
            east, north = max(east, self.found[2]), max(north, self.found[3])
        self.found = (west, south, east, north)
