"""The reference systems in which a layer can be asked for and answered, and the way out of storage.

Storage has the numbers of CRS84, EPSG:4490 and EPSG:4326, which differ in axis order alone. A zone of
CGCS2000 is projected from EPSG:4490 on one datum. Web Mercator is projected from the label 4326:
PROJ's way from EPSG:4490 to it is a guess, with the same numbers.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pyproj
from sqlalchemy import ColumnElement, case, func, literal
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, INTEGER

from config.model import Layer
from providers.access import SRID
from providers.crs import CRS84, SAME_NUMBERS, WORLD, Bounds, Crs, from_epsg, parse_crs
from providers.crs_errors import CrsError
from providers.crs_systems import area_of_use, system_of_code
from providers.errors import BadParameter
from providers.external_table import described
from providers.relations import Relation, degrees_code

WEB_MERCATOR = 3857
ZONES = range(4513, 4555)  # 3-degree zones of CGCS2000, eastings with the zone's number and without
# A zone reaches all of China from each of its meridians: so far off, there and back is the same
# place to 0.1 mm, at 70 degrees to 1 mm; at 85 there is no answer.
REACH_DEG = 65.0
DEGREE_DIGITS, PLANE_DIGITS = 9, 4  # 0.1 mm
SHOWN_NAMES = 8
SHORT_CRS84 = frozenset({"CRS84", "OGC:CRS84", "http://www.opengis.net/def/crs/OGC/0/CRS84"})


@lru_cache(1_024)
def offered(extent: Bounds | None, srid: int = SRID) -> tuple[Crs, ...]:
    """What a layer is offered in: degrees, Web Mercator, its own system, the zones that it meets.

    A zone meets a layer whose *extent* (degrees; None: there are no places) has a point in common
    with its area of use in the registry. CRS84 comes first and under one name only.
    """
    found = [CRS84, *(from_epsg(code) for code in (SRID, WORLD, WEB_MERCATOR))]
    own = stored(srid)
    if own is not None:
        found.append(own)
    if extent is not None:
        found += (crs for crs, area in _zones() if _meet(area, extent))
    return tuple(dict.fromkeys(found))


def storage_crs(layer: Layer) -> Crs | None:
    """The system of a layer's rows, by its registered name; None: the registry has no such."""
    if layer.external is None:
        return from_epsg(SRID)
    return stored(described(layer).srid or SRID)


def stored(srid: int) -> Crs | None:
    """The registered system of an SRID; None: it is a database's own, or has other axes."""
    try:
        return from_epsg(srid)
    except CrsError:
        return None


def parse_frame(name: str, text: str, allowed: Sequence[Crs]) -> Crs:
    """The reference system that parameter *name* gives, as URI, URN, code or safe CURIE.

    Raises
    ------
    BadParameter
        For one that is unknown or not among the *allowed* ones.
    """
    plain = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        found = CRS84 if plain in SHORT_CRS84 else parse_crs(plain)
    except CrsError:
        found = None
    if found is None or found not in allowed:
        names = [crs.uri for crs in allowed[:SHOWN_NAMES]]
        more = [f"{len(allowed) - SHOWN_NAMES} more"] if len(allowed) > SHOWN_NAMES else []
        raise BadParameter(name, text, f"one of {', '.join([*names, *more])}")
    return found


def written(
    relation: Relation, shape: ColumnElement[Any], crs: Crs, *, xy: bool = False
) -> ColumnElement[Any]:
    """A stored geometry in *crs*, in the axis order of its registry; with *xy*, east before north.

    Null where *crs* has no coordinates for it: a zone ends `REACH_DEG` beside its meridian. Its
    SRID is no promise: degrees keep the label of storage, with the same numbers.
    """
    if crs.code == relation.srid:
        placed = shape
    elif crs.code in SAME_NUMBERS:
        placed = relation.degrees(shape)
    elif crs.code == WEB_MERCATOR:
        placed = _transformed(_labelled(relation, shape, WORLD), crs)
    else:
        degrees = _labelled(relation, shape, SRID)
        reached = func.ST_MakeEnvelope(
            *(literal(side, DOUBLE_PRECISION) for side in reach(crs)), literal(SRID, INTEGER)
        )
        placed = case((degrees.op("@")(reached), _transformed(degrees, crs)))
    return func.ST_FlipCoordinates(placed) if crs.north_first and not xy else placed


def reach(crs: Crs) -> Bounds:
    """Where a zone has coordinates for what is stored, degrees."""
    zone = system_of_code(crs.code).zone
    if zone is None:
        raise CrsError(f"{crs.label} is no zone of CGCS2000")
    return zone.meridian_deg - REACH_DEG, -90.0, zone.meridian_deg + REACH_DEG, 90.0


def digits(crs: Crs) -> int:
    """How many decimals keep a tenth of a millimetre."""
    return DEGREE_DIGITS if crs.geographic else PLANE_DIGITS


def content_crs(crs: Crs) -> str:
    """The value of the header Content-Crs (OGC 18-058r1, /req/crs/ogc-crs-header-value)."""
    return f"<{crs.uri}>"


def _labelled(relation: Relation, shape: ColumnElement[Any], code: int) -> ColumnElement[Any]:
    """A stored shape in degrees under one of the codes whose numbers are the same."""
    degrees = relation.degrees(shape)
    if degrees_code(relation.srid) == code:
        return degrees
    return func.ST_SetSRID(degrees, literal(code, INTEGER))


def _transformed(shape: ColumnElement[Any], crs: Crs) -> ColumnElement[Any]:
    return func.ST_Transform(shape, literal(crs.code, INTEGER))


@lru_cache(1)
def _zones() -> tuple[tuple[Crs, Bounds], ...]:
    return tuple((from_epsg(code), area_of_use(pyproj.CRS.from_epsg(code), 0.0)) for code in ZONES)


def _meet(one: Bounds, other: Bounds) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
