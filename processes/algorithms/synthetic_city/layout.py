"""The large forms of a synthetic city: its districts, rivers, railways and highways."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Polygon

from processes.algorithms.synthetic_city.convex import Cells, Floats, Ints, from_polygons
from processes.algorithms.synthetic_city.plane import Noise

FEW_PARCELS = 400  # below, blocks are larger and the finer forms are left out
USUAL_PARCEL_M2 = 15_000.0  # the mean parcel, roads and water included, at which sizes are natural
CITY_SHARE = 0.15  # of the study area
FOREST_SHARE = 0.14  # of the districts outside the city
CITY_DISTRICT_M2, RURAL_DISTRICT_M2 = 420_000.0, 2_400_000.0


class Zone(IntEnum):
    """What a district is for."""

    CITY = 0
    FRINGE = 1  # farmland that the city grows into
    RURAL = 2
    FOREST = 3


class Form(IntEnum):
    """A large form laid over the districts; the first that covers a place decides."""

    HIGHWAY = 0
    RAILWAY = 1
    RIVER = 2
    LAKE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One large form: its area, and the line along which it is cut into reaches."""

    form: Form
    area: Polygon | MultiPolygon  # metres
    axis: LineString | None
    reach_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Districts and overlays in metres about the city's centre.

    `zone` has one value per district; `outline` holds amplitude, multiple and phase of the waves
    that make the city's outline uneven; `size` is the length of everything against its natural
    one, `coarse` how much larger blocks are where parcels are few.
    """

    districts: Cells
    zone: Ints
    centres: Floats
    overlays: tuple[Overlay, ...]
    city_radius_m: float
    radius_m: float
    size: float
    coarse: float
    outline: Floats
    hills: Noise
    tree_line: float  # of the hills: woods above

    @property
    def road_size(self) -> float:
        """Roads shrink with small parcels but do not grow with large ones."""
        return min(1.0, self.size)

    def remoteness(self, points: Floats) -> Floats:
        """Distance from the centre over the city's radius in that direction; 1 at its edge."""
        radius = np.hypot(points[:, 0], points[:, 1])
        angle = np.arctan2(points[:, 1], points[:, 0])
        remote: Floats = radius / (self.city_radius_m * _uneven(angle, self.outline))
        return remote

    @classmethod
    def drawn(
        cls, study: Polygon | MultiPolygon, *, parcels: int, rng: np.random.Generator
    ) -> Self:
        """A layout for a study area in metres about (0, 0)."""
        area_m2 = study.area
        size = np.sqrt(area_m2 / parcels / USUAL_PARCEL_M2)
        radius = np.sqrt(area_m2 / np.pi)
        city_radius = np.sqrt(CITY_SHARE * area_m2 / np.pi)
        west, south, east, north = shapely.bounds(study).tolist()
        far = float(np.hypot(max(-west, east, 1.0), max(-south, north, 1.0)))
        outline = np.column_stack(
            (
                rng.uniform(0.07, 0.17, 3) / (1, 1.4, 2),
                (2, 3, 5),
                rng.uniform(0, 2 * np.pi, 3),
            )
        )
        city_step = np.sqrt(min(CITY_DISTRICT_M2 * size**2, 0.5 * CITY_SHARE * area_m2))
        rural_step = np.sqrt(min(RURAL_DISTRICT_M2 * size**2, area_m2 / 9))
        seeds, ring = _seeds(city_radius, city_step, rural_step, far, outline, rng)
        polygons = shapely.get_parts(
            shapely.voronoi_polygons(shapely.multipoints(seeds), ordered=True)
        )
        near = shapely.intersects(polygons, study)
        seeds, ring, polygons = seeds[near], ring[near], polygons[near]
        hills = Noise.drawn(rng, 0.7 * radius)
        grows = parcels >= FEW_PARCELS
        zone, tree_line = _zones(seeds, ring / city_radius, radius, hills, grows=grows, rng=rng)
        overlays = _overlays(
            city_radius, radius, far, outline, parcels=parcels, road_size=min(1.0, size), rng=rng
        )
        return cls(
            districts=from_polygons(polygons),
            zone=zone,
            centres=seeds,
            overlays=overlays,
            city_radius_m=float(city_radius),
            radius_m=float(radius),
            size=float(size),
            coarse=max(1.0, FEW_PARCELS / parcels),
            outline=outline,
            hills=hills,
            tree_line=tree_line,
        )


def _uneven(angle: Floats, outline: Floats) -> Floats:
    waves = outline[:, 0] * np.sin(outline[:, 1] * angle[:, None] + outline[:, 2])
    uneven: Floats = 1 + waves.sum(axis=1)
    return uneven


def _seeds(
    city_radius: float,
    city_step: float,
    rural_step: float,
    far: float,
    outline: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Points in uneven rings, dense and even in the city, sparse and scattered outside."""
    points, rings = [np.zeros((1, 2))], [np.zeros(1)]
    radius, step = 0.0, city_step
    while radius < 1.4 * far + 2 * rural_step:
        radius += step
        city = radius <= city_radius
        loose = 0.11 if city else 0.3
        count = max(3, round(2 * np.pi * radius / step))
        angle = 2 * np.pi * (np.arange(count) + rng.uniform()) / count
        angle += rng.normal(0, loose, count) * step / radius
        away = radius + rng.normal(0, loose, count) * step
        away *= _uneven(angle, outline)
        points.append(np.column_stack((away * np.cos(angle), away * np.sin(angle))))
        rings.append(np.full(count, radius))
        if not city:
            step = min(rural_step, step * 1.35)
    return np.concatenate(points), np.concatenate(rings)


def _zones(
    seeds: Floats,
    remote: Floats,
    radius: float,
    hills: Noise,
    *,
    grows: bool,
    rng: np.random.Generator,
) -> tuple[Ints, float]:
    """The zone of each district, and the height of the hills from which on woods stand."""
    zone = np.full(len(seeds), Zone.RURAL, dtype=np.int64)
    growth = Noise.drawn(rng, radius)(seeds)
    zone[grows & (remote <= 1.45) & (growth > 0.1)] = Zone.FRINGE
    zone[remote <= 1.0] = Zone.CITY
    height = hills(seeds) + 0.1 * rng.normal(size=len(seeds))
    outside = np.flatnonzero(zone == Zone.RURAL)
    wooded = max(1, round(FOREST_SHARE * len(outside)))
    woods = outside[np.argsort(-height[outside], kind="stable")[:wooded]]
    zone[woods] = Zone.FOREST
    return zone, float(height[woods].min(initial=2.0))


def _overlays(
    city_radius: float,
    radius: float,
    far: float,
    outline: Floats,
    *,
    parcels: int,
    road_size: float,
    rng: np.random.Generator,
) -> tuple[Overlay, ...]:
    overlays = []
    reach = max(0.06 * radius, 120.0 * road_size)
    turn = rng.uniform(0, np.pi)
    if parcels >= 2000:
        ring = np.linspace(0, 2 * np.pi, 240)
        circle = 1.12 * city_radius * _uneven(ring, outline)
        line = np.column_stack((circle * np.cos(ring), circle * np.sin(ring)))
        overlays.append(_strip(Form.HIGHWAY, line, 46 * road_size, reach))
    if parcels >= 600:
        ways = 7
        for way in range(ways):
            angle = turn + 2 * np.pi * (way + rng.uniform(-0.25, 0.25)) / ways
            line = _wandering(rng, angle, 0.7 * city_radius, 1.2 * far, 0.045 * radius, radius)
            overlays.append(_strip(Form.HIGHWAY, line, 32 * road_size, reach))
    if parcels >= 2000:
        line = _wandering(rng, turn + 0.9, -1.2 * far, 1.2 * far, 0.03 * radius, 2 * radius)
        line += 0.35 * city_radius * np.array([-np.sin(turn + 0.9), np.cos(turn + 0.9)])
        overlays.append(_strip(Form.RAILWAY, line, 26 * road_size, reach))
    flow = turn + rng.uniform(0.2, 0.6)
    line = _wandering(rng, flow, -1.3 * far, 1.3 * far, 0.13 * radius, 1.1 * radius)
    line -= 0.45 * city_radius * np.array([-np.sin(flow), np.cos(flow)])
    width = float(np.clip(0.012 * radius, 0.05 * city_radius, 170.0))
    overlays.append(_strip(Form.RIVER, line, width, 2 * reach))
    brook = _wandering(rng, flow + 1.2, 0.12 * radius, 1.2 * far, 0.06 * radius, 0.6 * radius)
    lakes = [(0.72 * radius, 0.055 * radius)]
    if parcels >= FEW_PARCELS:
        overlays.append(_strip(Form.RIVER, brook, 0.4 * width, 2 * reach))
        lakes.append((0.3 * city_radius, 0.09 * city_radius))
    for away, wide in lakes:
        angle = flow + np.pi / 2 + rng.uniform(-0.4, 0.4)
        overlays.append(_lake(rng, away * np.array([np.cos(angle), np.sin(angle)]), wide))
    return tuple(sorted(overlays, key=lambda overlay: overlay.form))


def _wandering(
    rng: np.random.Generator, angle: float, start: float, end: float, swing: float, length: float
) -> Floats:
    """A line along *angle* that swings to both sides in waves of about *length*, metres."""
    along = np.linspace(start, end, 700)
    aside = np.zeros_like(along)
    for part, share in ((1.0, 1.0), (0.37, 0.38), (0.15, 0.13)):
        wave = length * part * rng.uniform(0.85, 1.2)
        aside += swing * share * np.sin(2 * np.pi * along / wave + rng.uniform(0, 2 * np.pi))
    aside *= np.clip(np.abs(along) / length * 3, 0.2, 1.0)
    forward = np.array([np.cos(angle), np.sin(angle)])
    left = np.array([-forward[1], forward[0]])
    line: Floats = along[:, None] * forward + aside[:, None] * left
    return line


def _strip(form: Form, line: Floats, width: float, reach: float) -> Overlay:
    axis = LineString(line)
    area = shapely.buffer(axis, width / 2, quad_segs=2, cap_style="flat", join_style="mitre")
    return Overlay(form=form, area=area, axis=axis, reach_m=reach)


def _lake(rng: np.random.Generator, centre: Floats, radius: float) -> Overlay:
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    away = np.ones_like(angle)
    for multiple in (2, 3, 4, 7):
        away += (
            rng.uniform(0.05, 0.5) / multiple * np.sin(multiple * angle + rng.uniform(0, 2 * np.pi))
        )
    ring = centre + radius * away[:, None] * np.column_stack((np.cos(angle), np.sin(angle)))
    area = shapely.make_valid(shapely.polygons(ring))
    return Overlay(form=Form.LAKE, area=area, axis=None, reach_m=radius)
