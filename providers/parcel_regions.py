"""In which divisions parcels lie: by an inner point, and by area where they reach beyond it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

BORDER_DEG2 = 1e-10  # about a square metre: a border drawn twice is not crossed


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The county that holds the most of a parcel, and what else there is of divisions."""

    code: str
    name: str
    lowest: str  # the town or village in it that is registered, else the county
    others: tuple[str, ...] = ()  # other counties in which parts of it lie


VALID: LiteralString = (
    "r.valid_from <= %(day)s AND coalesce(r.valid_to, 'infinity') >= %(day)s"
    " AND r.kind = 'division' AND r.geom IS NOT NULL"
)
COUNTY: LiteralString = "(r.level = 'county' OR 'county' = ANY(r.stands_for))"
# The index finds few divisions for a point, and each is prepared once for the parcels in it.
AT_POINTS: LiteralString = f"""
SELECT p.place - 1, r.code, r.name_zh, {COUNTY}, {COUNTY} AND NOT ST_Covers(r.geom, p.geom)
FROM (SELECT place, ST_GeomFromWKB(wkb, 4490) AS geom, ST_GeomFromWKB(inner_wkb, 4490) AS point
      FROM unnest(%(parcels)s::bytea[], %(points)s::bytea[])
          WITH ORDINALITY AS given (wkb, inner_wkb, place)) p
JOIN onemap.region r ON ST_Intersects(r.geom, p.point)
WHERE {VALID} ORDER BY p.place, r.code
"""
SHARED: LiteralString = f"""
SELECT p.place - 1, r.code, r.name_zh, ST_Area(ST_Intersection(r.geom, p.geom))
FROM (SELECT place, ST_GeomFromWKB(wkb, 4490) AS geom
      FROM unnest(%(parcels)s::bytea[]) WITH ORDINALITY AS given (wkb, place)) p
JOIN onemap.region r ON ST_Intersects(r.geom, p.geom)
WHERE {VALID} AND {COUNTY} ORDER BY p.place, r.code
"""


def divisions_of(
    connection: Connection[TupleRow], parcels: NDArray[np.object_], day: date
) -> list[Placed | None]:
    """Where each stored parcel lies on the day; None: in no division that is registered."""
    found: list[Placed | None] = [None] * len(parcels)
    if not found:
        return found
    points = shapely.to_wkb(shapely.point_on_surface(parcels)).tolist()
    values = {"parcels": shapely.to_wkb(parcels).tolist(), "points": points, "day": day}
    crossing: set[int] = set()
    for place, code, name, county, beyond in connection.execute(AT_POINTS, values).fetchall():
        before = found[place]
        if county and before is None:
            found[place] = Placed(code=code, name=name, lowest=code)
        elif before is not None and code.startswith(before.code):
            found[place] = Placed(code=before.code, name=before.name, lowest=code)
        if beyond:
            crossing.add(place)
    crossing |= {place for place, one in enumerate(found) if one is None}
    for place, placed in _by_area(connection, parcels, sorted(crossing), day):
        found[place] = _with_lowest(placed, found[place])
    return found


def _by_area(
    connection: Connection[TupleRow], parcels: NDArray[np.object_], chosen: list[int], day: date
) -> Iterable[tuple[int, Placed]]:
    """The county that shares the most of each of the chosen parcels, and the others."""
    if not chosen:
        return
    values = {"parcels": shapely.to_wkb(parcels[chosen]).tolist(), "day": day}
    shares: dict[int, list[tuple[float, str, str]]] = {}
    for place, code, name, area in connection.execute(SHARED, values).fetchall():
        if area > BORDER_DEG2:
            shares.setdefault(chosen[place], []).append((-area, code, name))
    for place, held in shares.items():
        (_, code, name), *rest = sorted(held)
        others = tuple(other for _, other, _ in rest)
        yield place, Placed(code=code, name=name, lowest=code, others=others)


def _with_lowest(placed: Placed, before: Placed | None) -> Placed:
    """The town at the inner point, where it belongs to the county that holds the most."""
    if before is None or not before.lowest.startswith(placed.code):
        return placed
    return Placed(code=placed.code, name=placed.name, lowest=before.lowest, others=placed.others)
