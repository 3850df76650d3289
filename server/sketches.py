"""The maps of the faces: one feature among its neighbours, or the features of a page."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from config.model import Layer
from config.vocabulary import GeometryKind
from providers.access import Scope
from providers.crs import CrsError, parse_crs, to_storage
from providers.errors import StoreTimeout
from providers.surroundings import Around, Neighbour, surroundings
from server.snapshot import Resolved, Snapshot
from server.state import onemap
from server.web import words
from server.web.sketch import Frame, Mark, Sketch, frame_of, mark_of, rule_of, rules_of, sketch

MOST_NEIGHBOURS, MOST_BOUNDARIES = 150, 20
MOST_DRAWN = 1_000  # of a page's features
WITHIN_S = 2.0  # a page without its map is better than a page that is waited for
BOUNDARIES = "present.boundary"  # the theme of the layers that tell where one is
ITEM_FACTOR, PAGE_FACTOR = 2.0, 1.15
type Drawable = tuple[
    BaseGeometry, str | None
]  # a shape in degrees, and what its symbol depends on


async def item_sketch(
    request: Request, document: Mapping[str, Any], resolved: Resolved, caller: Scope, lang: str
) -> Sketch | None:
    """The feature over its neighbours and the boundaries; None where it has no place on a map."""
    layer, snapshot = resolved.layer, onemap(request).snapshot
    shape = (await run_in_threadpool(_degrees, request, [document.get("geometry")]))[0]
    frame = _frame([shape] if shape is not None else [], ITEM_FACTOR)
    if shape is None or frame is None:
        return None
    beside = _boundaries(snapshot, layer, caller)
    found, around = await asyncio.gather(
        _near(snapshot, resolved, frame, MOST_NEIGHBOURS + 1, caller),
        _near(snapshot, beside, frame, MOST_BOUNDARIES, caller),
    )
    return await run_in_threadpool(
        _with_neighbours, document, resolved, frame, shape, found, beside, around, lang
    )


def page_sketch(
    request: Request, document: Mapping[str, Any], layer: Layer, lang: str
) -> Sketch | None:
    """The features of a page; None where none of them has a place on a map."""
    features = document["features"][:MOST_DRAWN]
    shapes = _degrees(request, [feature.get("geometry") for feature in features])
    placed = [
        (shape, _code(layer, feature))
        for shape, feature in zip(shapes, features, strict=True)
        if shape is not None
    ]
    frame = _frame([shape for shape, _ in placed], PAGE_FACTOR)
    if frame is None:
        return None
    return sketch(
        frame,
        words.say(lang, "sketch.page").format(layer.title.in_language(lang), len(placed)),
        marks=_marks(placed, frame, layer),
        legend=rules_of(layer.style, (code for _, code in placed)),
        form=layer.geometry,
        synthetic=layer.synthetic,
        left_out=len(features) < len(document["features"]),
    )


def _with_neighbours(
    document: Mapping[str, Any],
    resolved: Resolved,
    frame: Frame,
    shape: BaseGeometry,
    found: list[Neighbour] | None,
    beside: Resolved | None,
    around: list[Neighbour] | None,
    lang: str,
) -> Sketch | None:
    """A map that knows its neighbours; without them it would say that there are none."""
    if found is None:
        return None
    layer, own = resolved.layer, str(document.get("id"))
    codes = {each.om_id: each.code for each in found}
    code = codes.get(own, _code(layer, document))
    others = [(_shape(each), each.code) for each in found if each.om_id != own][:MOST_NEIGHBOURS]
    chosen = mark_of(shape, frame, rule_of(layer.style, code))
    bounds = [(_shape(each), each.code) for each in around or ()]
    lines = _marks(bounds, frame, beside.layer) if beside else ()
    return sketch(
        frame,
        words.say(lang, "sketch.item").format(
            layer.title.in_language(lang), document.get("id"), len(others)
        ),
        chosen=chosen,
        marks=_marks(others, frame, layer),
        backdrop=tuple(replace(line, fill=None, hatch=False) for line in lines),
        legend=rules_of(layer.style, [code, *(each for _, each in others)]),
        form=layer.geometry,
        synthetic=layer.synthetic,
        left_out=len(found) > MOST_NEIGHBOURS,
    )


async def _near(
    snapshot: Snapshot, resolved: Resolved | None, frame: Frame, most: int, caller: Scope
) -> list[Neighbour] | None:
    """What lies in the frame; None where that takes longer than a reader waits."""
    if resolved is None:
        return []
    around = Around(box=frame.around, tolerance_deg=frame.tolerance_deg, most=most)
    try:
        async with asyncio.timeout(WITHIN_S):
            return await surroundings(
                snapshot.store, resolved.layer, resolved.edition, around, caller, at=resolved.at
            )
    except (StoreTimeout, TimeoutError):
        return None


def _boundaries(snapshot: Snapshot, layer: Layer, caller: Scope) -> Resolved | None:
    """The first layer of boundaries that the caller sees and that answers, beside *layer* itself."""
    for one in snapshot.visible(caller):
        ours = one.external is None and one.geometry is GeometryKind.POLYGON
        if ours and one.theme.id == BOUNDARIES and one.id != layer.id:
            resolved = snapshot.resolve(one.id, None, caller)
            if resolved.answers:
                return resolved
    return None


def _degrees(request: Request, geometries: Sequence[object]) -> list[BaseGeometry | None]:
    """GeoJSON geometries in the reference system of the answer, as longitude and latitude."""
    texts = [None if each is None else orjson.dumps(each).decode() for each in geometries]
    shapes = np.array(shapely.from_geojson(np.array(texts, dtype=object)), dtype=object)
    crs = request.query_params.get("crs")
    placed = [number for number, shape in enumerate(shapes) if shape is not None]
    if crs is not None and placed:
        try:
            shapes[placed] = to_storage(shapes[placed], parse_crs(crs)).geometries
        except CrsError:  # they cannot be brought back: no map
            shapes[placed] = None
    return list(shapes)


def _frame(shapes: Sequence[BaseGeometry], factor: float) -> Frame | None:
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object)).tolist()
    return frame_of((west, south, east, north), factor=factor)


def _marks(shapes: Iterable[Drawable], frame: Frame, layer: Layer) -> tuple[Mark, ...]:
    marks = (mark_of(shape, frame, rule_of(layer.style, code)) for shape, code in shapes)
    return tuple(mark for mark in marks if mark is not None)


def _code(layer: Layer, feature: Mapping[str, Any]) -> str | None:
    """What the symbol of a feature depends on, as the style's codes are written."""
    name = layer.style.field if layer.style else None
    value = (feature.get("properties") or {}).get(name) if name else None
    return None if value is None else str(value)


def _shape(neighbour: Neighbour) -> BaseGeometry:
    return shapely.from_wkb(neighbour.shape)
