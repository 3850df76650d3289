"""Parts of pieces that are noise alone, and are not where they lie side by side.

A zone may be stored as many small cells. Its cells are judged alike, so the zone counts, not the
cell; and what many different cells cover together does not disappear either.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.compliance.evidence import Geometries
from processes.algorithms.compliance.measuring import (
    Measured,
    Positions,
    Yardstick,
    dissolved,
    measured,
    polygons_of,
    ranges,
)

TOO_SMALL = "pieces_too_small"  # why nothing is known of land in pieces that are noise, each


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rescued:
    """Pieces with the small parts that count, and per parcel the land of which nothing is known."""

    geometry: Geometries  # of the pieces, without noise
    parcel: Positions  # the parcels that have such land
    unknown: Geometries  # one for each of them


def rescued(
    parcel: Positions,
    geometry: Geometries,
    alike: Sequence[Hashable],
    areas: Measured,
    yardstick: Yardstick,
) -> Rescued:
    """Ask for noise not piece by piece, but of the union of touching pieces that are judged alike.

    Parameters
    ----------
    parcel : ndarray of int, shape (n,)
        Which parcel each piece is of.
    geometry : ndarray of object, shape (n,)
        The pieces, EPSG:4490; no two overlap.
    alike : sequence of hashable, length n
        Equal for pieces of one layer that no rule tells apart.
    areas : Measured
        Of the pieces, each by itself.
    yardstick : Yardstick
        The plane in metres and the noise rule.

    Returns
    -------
    Rescued
        A part that is noise alone and lies in a union beyond noise goes to the largest piece of
        that union. What is left is united for each parcel, whatever pieces it is of: of its
        connected parts beyond noise nothing is known.
    """
    kept, lost, owner = areas.geometry, *_lost_parts(geometry, areas, yardstick)
    groups: dict[Hashable, int] = {}
    group = np.array(
        [groups.setdefault(key, len(groups)) for key in zip(parcel.tolist(), alike, strict=True)],
        dtype=np.intp,
    )
    pieces = np.bincount(group, minlength=len(groups))
    several = np.unique(group[owner][pieces[group[owner]] > 1])
    rows = np.flatnonzero(np.isin(group, several))
    saved = np.zeros(len(lost), dtype=np.bool_)
    if len(rows):
        together = measured(dissolved(len(groups), group[rows], geometry[rows]), yardstick)
        zones, of = polygons_of(together.geometry)
        own = np.flatnonzero(np.isin(owner, rows))
        own, zone = _by_zone(own, _zone_of(lost[own], group[owner[own]], zones, of))
        saved[own] = True
        parts, piece = polygons_of(kept[rows])
        there, held = _by_zone(
            np.arange(len(parts)), _zone_of(parts, group[rows[piece]], zones, of)
        )
        kept = kept.copy()
        taking = np.unique(zone)
        for small, large in zip(
            _split(own, zone, taking), _split(there, held, taking), strict=True
        ):
            shapes = np.concatenate([parts[large], lost[small]])
            owners = np.concatenate([rows[piece[large]], owner[small]])
            taker = owners[np.argmax(shapely.area(shapes))]
            kept[taker] = shapely.union_all([kept[taker], *lost[small]])
    rest = ~saved
    parcels, place = np.unique(parcel[owner[rest]], return_inverse=True)
    unknown = measured(dissolved(len(parcels), place, lost[rest]), yardstick)
    counts = unknown.ellipsoid_m2 > 0
    return Rescued(geometry=kept, parcel=parcels[counts], unknown=unknown.geometry[counts])


def _lost_parts(
    geometry: Geometries, areas: Measured, yardstick: Yardstick
) -> tuple[Geometries, Positions]:
    """The connected parts that are noise, and which piece each is of."""
    rows = np.flatnonzero(areas.noisy)
    parts, owner = polygons_of(geometry[rows])
    plane = yardstick.plane(parts)
    noise = yardstick.noise.is_noise(shapely.area(plane), shapely.length(plane))
    return parts[noise], rows[owner[noise]]


def _zone_of(
    parts: Geometries, group: Positions, zones: Geometries, of: Positions
) -> NDArray[np.intp]:
    """The zone of its own group in which each part lies; -1: none."""
    found = np.full(len(parts), -1, dtype=np.intp)
    if len(parts) and len(zones):
        points = shapely.point_on_surface(parts)
        part, zone = shapely.STRtree(zones).query(points, predicate="intersects")
        same = of[zone] == group[part]
        found[part[same]] = zone[same]
    return found


def _by_zone(of: Positions, zone: Positions) -> tuple[Positions, Positions]:
    """Those that lie in a zone, and which it is, in the order of the zones."""
    order = np.argsort(zone, kind="stable")
    order = order[zone[order] >= 0]
    return of[order], zone[order]


def _split(of: Positions, zone: Positions, zones: Positions) -> Iterator[Positions]:
    """What lies in each of *zones*; sorted by them."""
    for start, end in zip(*ranges(zone, zones), strict=True):
        yield of[start:end]
