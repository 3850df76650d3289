"""From districts to blocks, streets and lots: convex pieces that tile the plane."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from processes.algorithms.synthetic_city.convex import (
    Cells,
    Flags,
    Floats,
    Ints,
    cut,
    cut_lots,
    cut_streets,
    join,
)
from processes.algorithms.synthetic_city.layout import Layout, Zone
from processes.algorithms.synthetic_city.plane import Noise

TOWN_EVERY = 13  # rural districts per town
TOWN_REACH, VILLAGE_REACH = 0.34, 0.15  # of the square root of the district's area
_NOWHERE = 1e12  # metres: a line that misses everything


class Kind(IntEnum):
    """What a piece is before it has a land-use class."""

    URBAN = 0
    INDUSTRY = 1
    TOWN = 2
    VILLAGE = 3
    FIELD = 4
    WOOD = 5
    ARTERIAL = 6
    STREET = 7
    LANE = 8
    COUNTRY_ROAD = 9
    TRACK = 10

    @property
    def is_road(self) -> bool:
        return self >= Kind.ARTERIAL


# Natural sizes in metres and square metres, by kind of lot (ours, after usual practice:
# urban lots 0.3-3 ha, fields 0.5-5 ha, homestead groups 0.1-0.5 ha).
LOT_M2 = {
    Kind.URBAN: 9_500.0,
    Kind.INDUSTRY: 24_000.0,
    Kind.TOWN: 4_500.0,
    Kind.VILLAGE: 3_000.0,
    Kind.FIELD: 18_000.0,
    Kind.WOOD: 60_000.0,
}
SLENDERNESS = {
    Kind.URBAN: 1.3,
    Kind.INDUSTRY: 1.4,
    Kind.TOWN: 1.4,
    Kind.VILLAGE: 1.8,
    Kind.FIELD: 3.4,
    Kind.WOOD: 1.6,
}
BLOCK_M2 = {Zone.CITY: 42_000.0, Zone.FRINGE: 130_000.0, Zone.RURAL: 150_000.0, Zone.FOREST: 5e5}
STREET_M = {Zone.CITY: 16.0, Zone.FRINGE: 6.0, Zone.RURAL: 5.0, Zone.FOREST: 5.0}
INNER_BLOCK_M2 = {Kind.TOWN: 22_000.0, Kind.VILLAGE: 15_000.0}
INNER_STREET_M = {Kind.TOWN: 10.0, Kind.VILLAGE: 5.0}


@dataclass(frozen=True, slots=True)
class Pieces:
    """Convex pieces that tile the districts; `road` joins the two halves of a road, else -1.

    `chords` are the segments along which they were cut from the districts, shape (k, 2, 2).
    """

    cells: Cells
    kind: Ints
    district: Ints
    block: Ints  # lots of one block share it; -1 for roads
    road: Ints
    chords: Floats


def _by[K: IntEnum](table: dict[K, float], keys: Ints) -> Floats:
    values = np.zeros(int(max(table)) + 1)
    for key, value in table.items():
        values[key] = value
    return values[keys]


def _roads(cells: Cells, kind: int | Ints, district: Ints, road: Ints | None = None) -> Pieces:
    none = np.full(len(cells), -1, dtype=np.int64)
    kinds = np.broadcast_to(np.asarray(kind, dtype=np.int64), len(cells)).copy()
    return Pieces(cells, kinds, district, none, none if road is None else road, np.zeros((0, 2, 2)))


def gather(parts: list[Pieces], chords: list[Floats]) -> Pieces:
    """All pieces, one part after the other, with the chords of theirs and more *chords*."""
    return Pieces(
        join([p.cells for p in parts]),
        np.concatenate([p.kind for p in parts]),
        np.concatenate([p.district for p in parts]),
        np.concatenate([p.block for p in parts]),
        np.concatenate([p.road for p in parts]),
        np.concatenate([*(p.chords for p in parts), *chords]),
    )


def divide(
    layout: Layout, study: Polygon | MultiPolygon, wanted: int, rng: np.random.Generator
) -> Pieces:
    """Pieces of all districts, about *wanted* of them inside the study area (metres)."""
    bodies, district, frames = _frame_roads(layout)
    zone = layout.zone[district]
    remote = layout.remoteness(bodies.centre())
    works = Noise.drawn(rng, 1.6 * layout.city_radius_m)(bodies.centre()) > 0.45
    industrial = works & (zone == Zone.CITY) & (remote > 0.45)

    radial = np.arctan2(bodies.centre()[:, 1], bodies.centre()[:, 0])
    free = rng.uniform(0, np.pi, len(bodies))
    angle = np.where(zone == Zone.CITY, radial + rng.normal(0, 0.13, len(bodies)), free)
    block_m2 = _by(BLOCK_M2, zone) * np.where(industrial, 3.2, 1.0)
    block_m2 *= layout.coarse * layout.size**2
    block_m2 *= np.where(zone == Zone.CITY, np.clip(0.7 + 0.6 * remote, 0.7, 1.3), 1.0)
    blocks, owner, streets, street_owner, chords = cut_streets(
        bodies,
        angle=angle,
        block_m2=block_m2,
        width_m=_by(STREET_M, zone) * layout.road_size,
        rng=rng,
    )
    town = _towns(zone, rng)
    kind = _block_kinds(layout, bodies, blocks, owner, zone, industrial, town, rng)
    street_kind = np.where(zone[street_owner] == Zone.CITY, Kind.STREET, Kind.TRACK)
    corners = streets.points - bodies.centre()[street_owner][:, None]
    apart = np.where(streets.used, np.hypot(corners[..., 0], corners[..., 1]), 0.0).max(axis=1)
    reach = 1.1 * TOWN_REACH * np.sqrt(np.maximum(bodies.area_m2()[street_owner], 0.0))
    street_kind = np.where(town[street_owner] & (apart < reach), Kind.STREET, street_kind)
    roads = [frames, _roads(streets, street_kind, district[street_owner])]

    settled = (kind == Kind.TOWN) | (kind == Kind.VILLAGE)
    inner, inner_owner, lanes, lane_owner, more = cut_streets(
        blocks[settled],
        angle=rng.uniform(0, np.pi, int(settled.sum())),
        block_m2=_by(INNER_BLOCK_M2, kind[settled]) * layout.coarse * layout.size**2,
        width_m=_by(INNER_STREET_M, kind[settled]) * layout.road_size,
        rng=rng,
    )
    outer = np.flatnonzero(settled)
    lane_kind = np.where(kind[outer[lane_owner]] == Kind.TOWN, Kind.STREET, Kind.LANE)
    roads.append(_roads(lanes, lane_kind, district[owner[outer[lane_owner]]]))
    source = np.concatenate((np.flatnonzero(~settled), outer[inner_owner]))
    blocks = join((blocks[~settled], inner))
    kind, owner = kind[source], owner[source]

    all_roads = gather(roads, chords + more)
    inside = shapely.intersects_xy(study, all_roads.cells.centre())
    paired = np.count_nonzero(inside & (all_roads.road >= 0)) / 2
    lots_wanted = wanted - np.count_nonzero(inside & (all_roads.road < 0)) - paired
    turn = np.where(kind == Kind.VILLAGE, rng.uniform(0, np.pi, len(blocks)), angle[owner])
    lots, lot_owner, chords = cut_lots(
        blocks,
        pieces=_lots_per_block(blocks, kind, study, max(lots_wanted, 1.0), rng),
        angle=turn,
        slenderness=_by(SLENDERNESS, kind),
        rng=rng,
    )
    return gather(
        [
            Pieces(
                lots,
                kind[lot_owner],
                district[owner[lot_owner]],
                lot_owner,
                np.full(len(lots), -1, dtype=np.int64),
                np.concatenate(chords),
            ),
            all_roads,
        ],
        [],
    )


def _frame_roads(layout: Layout) -> tuple[Cells, Ints, Pieces]:
    """Districts without the roads between them; which they are; both halves of each road."""
    cells = layout.districts
    neighbour, pair = _neighbours(cells)
    zones = np.stack(
        (np.broadcast_to(layout.zone[:, None], neighbour.shape), layout.zone[neighbour])
    )
    urban = zones <= Zone.FRINGE
    width = np.select(
        [(zones == Zone.CITY).all(axis=0), urban.any(axis=0), (zones == Zone.FOREST).all(axis=0)],
        [38.0, 24.0, 6.0],
        default=9.0,
    )
    kind = np.where(urban.any(axis=0), Kind.ARTERIAL, Kind.COUNTRY_ROAD)
    along = cells.following - cells.points
    outward = np.stack((along[..., 1], -along[..., 0]), axis=-1)
    outward /= np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-9)
    edge = np.einsum("nmk,nmk->nm", outward, cells.points)
    body, strips, chords = cells, [], []
    for side in range(cells.points.shape[1]):
        has_road = neighbour[:, side] >= 0
        inner_edge = edge[:, side] - width[:, side] * layout.road_size / 2
        line = np.where(has_road, inner_edge, _NOWHERE)
        body, strip, chord = cut(body, outward[:, side], line)
        chords.append(chord)
        sound = np.flatnonzero(strip.count > 0)
        strips.append(_roads(strip[sound], kind[sound, side], sound, pair[sound, side]))
    left = np.flatnonzero(body.count > 0)
    return body[left], left, gather(strips, chords)


def _neighbours(cells: Cells) -> tuple[Ints, Ints]:
    """Which district lies beyond each edge (-1: none), and a number that both share."""
    used = cells.used
    shape = used.shape
    keys = np.round(cells.points[used], 3)
    _, vertex = np.unique(keys, axis=0, return_inverse=True)
    start = np.full(shape, -1, dtype=np.int64)
    start[used] = vertex
    at = np.arange(1, shape[1] + 1)[None, :]
    end = np.take_along_axis(start, np.where(at < cells.count[:, None], at, 0), axis=1)
    low, high = np.minimum(start, end)[used], np.maximum(start, end)[used]
    _, edge, times = np.unique(
        np.column_stack((low, high)), axis=0, return_inverse=True, return_counts=True
    )
    row = np.nonzero(used)[0]
    total = np.zeros(len(times), dtype=np.int64)
    np.add.at(total, edge, row)
    beyond, shared = np.full(shape, -1, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
    beyond[used] = np.where(times[edge] == 2, total[edge] - row, -1)
    shared[used] = np.where(times[edge] == 2, edge, -1)
    return beyond, shared


def _towns(zone: Ints, rng: np.random.Generator) -> Flags:
    rural = np.flatnonzero(zone == Zone.RURAL)
    town = np.zeros(len(zone), dtype=np.bool_)
    count = round(len(rural) / TOWN_EVERY)
    town[rng.choice(rural, count, replace=False)] = True
    return town


def _block_kinds(
    layout: Layout,
    bodies: Cells,
    blocks: Cells,
    owner: Ints,
    zone: Ints,
    industrial: Flags,
    town: Flags,
    rng: np.random.Generator,
) -> Ints:
    """Fields all round; a town or a village where the middle of its district is."""
    kind = np.select(
        [industrial[owner], zone[owner] == Zone.CITY, zone[owner] == Zone.FOREST],
        [Kind.INDUSTRY, Kind.URBAN, Kind.WOOD],
        default=Kind.FIELD,
    ).astype(np.int64)
    span = np.sqrt(np.maximum(bodies.area_m2(), 1.0))
    spot = bodies.centre() + rng.normal(0, 0.1, (len(bodies), 2)) * span[:, None]
    apart = np.hypot(*(blocks.centre() - spot[owner]).T) / span[owner]
    farmed = kind == Kind.FIELD
    many = np.bincount(owner, minlength=len(bodies))[owner] >= 4
    kind[farmed & many & (apart < VILLAGE_REACH)] = Kind.VILLAGE
    nearest = np.lexsort((apart, owner))
    nearest = nearest[np.flatnonzero(np.diff(owner[nearest], prepend=-1))]
    chosen = nearest[many[nearest] | (rng.uniform(size=len(nearest)) < 0.3 / layout.coarse)]
    kind[chosen[farmed[chosen]]] = Kind.VILLAGE
    kind[farmed & town[owner] & (apart < TOWN_REACH)] = Kind.TOWN
    return kind


def _lots_per_block(
    blocks: Cells,
    kind: Ints,
    study: Polygon | MultiPolygon,
    wanted: float,
    rng: np.random.Generator,
) -> Ints:
    """How many lots each block is divided into, so that *wanted* lie in the study area."""
    area = blocks.area_m2()
    weight = area / _by(LOT_M2, kind) * rng.lognormal(0, 0.22, len(blocks))
    polygons: NDArray[np.object_] = np.asarray(shapely.polygons(blocks.rings()))
    shapely.prepare(study)
    share: Floats = np.asarray(shapely.contains_properly(study, polygons), dtype=np.float64)
    border = shapely.intersects(study, polygons) & (share == 0)
    cut_off = shapely.intersection(polygons[border], study)
    share[border] = shapely.area(cut_off) / area[border]
    total = np.concatenate(([0.0], np.cumsum(weight))) * (wanted / max((weight * share).sum(), 1.0))
    pieces = np.diff(np.floor(total + rng.uniform())).astype(np.int64)
    return np.maximum(pieces, 1)
