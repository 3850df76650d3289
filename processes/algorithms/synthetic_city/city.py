"""The synthetic city as a whole."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from processes.algorithms.synthetic_city.classes import Codes, lot_uses
from processes.algorithms.synthetic_city.convex import Flags, Floats, Ints
from processes.algorithms.synthetic_city.coverage import (
    GRID_DEG,
    Faces,
    Geometries,
    absorb,
    dissolve,
    faces,
    largest_face,
)
from processes.algorithms.synthetic_city.layout import Form, Layout
from processes.algorithms.synthetic_city.pieces import LOT_M2, Kind, Pieces, divide
from processes.algorithms.synthetic_city.plane import Noise, Plane
from processes.algorithms.synthetic_city.plans import (
    Limits,
    Site,
    is_plot,
    lines_and_zones,
    next_year,
    planned_uses,
    plot_limits,
)

LEAST_PARCELS, MOST_PARCELS = 50, 10_000_000
TOLERANCE = 0.05  # of the number of parcels asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticCity:
    """A coverage of parcels and what is said of each; parallel arrays, one value per parcel.

    `parcels` are polygons in degrees (EPSG:4490) on a grid of 1e-9 degrees: neighbours share their
    vertices exactly, there is no gap and no overlap. Codes are padded as in the specifications.
    """

    parcels: Geometries
    division: Ints  # which of the given divisions holds the parcel
    district: Ints  # neighbourhood, numbered from 0
    block: Ints  # street block or field block; -1 for roads and water
    use: Codes  # present class, first survey year
    next_use: Codes  # present class one year later
    planned_use: Codes
    zone: Codes  # planning zone
    line: Ints  # Line
    settlement: NDArray[np.str_]  # 城镇村属性码; empty outside settlements
    wet: Flags  # beside a river or lake
    plots: Ints  # parcels that are plots of the detailed plan
    limits: Limits  # of the plots


def generate(
    centre: tuple[float, float],
    study_area: Polygon | MultiPolygon,
    *,
    parcels: int,
    seed: int,
    divisions: NDArray[np.object_] | None = None,
) -> SyntheticCity:
    """Invent a city: a gap-free coverage of parcels around a centre.

    Parameters
    ----------
    centre : tuple of float
        Longitude and latitude of the city's centre, degrees, EPSG:4490.
    study_area : Polygon or MultiPolygon
        Where the parcels lie, degrees, EPSG:4490. Sizes are natural where it holds about 1.5 ha
        per parcel; otherwise everything but the roads is larger or smaller.
    parcels : int
        Parcels wanted, 50 to 10 million; the result has as many within 5 %.
    seed : int
        Equal arguments give an equal city.
    divisions : ndarray of Polygon or MultiPolygon, optional
        Administrative divisions, a coverage in degrees; no parcel crosses their boundaries.
        None: the study area is the one division.

    Returns
    -------
    SyntheticCity

    Raises
    ------
    ValueError
        If the number is out of range or the study area does not hold the centre.

    Notes
    -----
    Method (ours): districts are Voronoi cells of uneven rings of points; convex pieces are cut
    from them level by level (roads, street blocks, lots); river, lakes, railway and highways are
    laid over; all line work is noded on the grid, polygonised, and small faces join a neighbour.
    Memory grows linearly with the number of parcels, time as n log n (sorting and noding).

    Examples
    --------
    >>> area = shapely.box(125.30, 43.87, 125.33, 43.89)
    >>> city = generate((125.315, 43.88), area, parcels=200, seed=1)
    >>> bool(shapely.coverage_is_valid(city.parcels)), 190 <= len(city.parcels) <= 210
    (True, True)
    """
    if not LEAST_PARCELS <= parcels <= MOST_PARCELS:
        raise ValueError(f"parcels {parcels}: expected {LEAST_PARCELS} to {MOST_PARCELS}")
    if not shapely.intersects_xy(study_area, *centre):
        raise ValueError(f"the centre {centre} lies outside the study area")
    plane = Plane.at(*centre)
    held = _held(study_area, divisions)
    whole = MultiPolygon(shapely.get_parts(shapely.union_all(plane.metres(held))).tolist())
    pieces, layout, found, union = _coverage(plane, whole, held, parcels, seed)

    merged, label = dissolve(found.polygons, union)
    face = largest_face(found, union)[label]
    return _described(merged, face, pieces, layout, found, np.random.default_rng([seed, 1]))


def _held(study_area: Polygon | MultiPolygon, divisions: NDArray[np.object_] | None) -> Geometries:
    """The divisions inside the study area, on the grid."""
    if divisions is None:
        divisions = np.array([study_area], dtype=object)
    return np.asarray(shapely.intersection(divisions, study_area, grid_size=GRID_DEG))


def _coverage(
    plane: Plane, whole: MultiPolygon, held: Geometries, parcels: int, seed: int
) -> tuple[Pieces, Layout, Faces, Ints]:
    """Faces and their unions, as many as wanted; a city that falls short is tried again denser."""
    aim = parcels * 1.03 + 4
    for _ in range(8):
        rng = np.random.default_rng([seed, 0])
        layout = Layout.drawn(whole, parcels=parcels, rng=rng)
        pieces = divide(layout, whole, round(aim), rng)
        found = faces(pieces, layout, plane, held)
        union = absorb(found, pieces, least_m2=_least_m2(pieces, layout, found), wanted=parcels)
        count = int(union.max()) + 1
        if count >= parcels * (1 - TOLERANCE / 2):
            break
        aim = 1.03 * aim * parcels / count + 2
    return pieces, layout, found, union


def _least_m2(pieces: Pieces, layout: Layout, found: Faces) -> Floats:
    """Below which area a face is no parcel of its own: a tenth of a usual lot."""
    least = np.full(len(Kind), 60.0 * layout.road_size)
    for kind, usual in LOT_M2.items():
        least[kind] = 0.1 * usual * layout.size**2
    limits: Floats = np.where(found.form >= 0, least[Kind.STREET], least[pieces.kind[found.piece]])
    return limits


def _described(
    parcels: Geometries,
    face: Ints,
    pieces: Pieces,
    layout: Layout,
    found: Faces,
    rng: np.random.Generator,
) -> SyntheticCity:
    piece, form, points = found.piece[face], found.form[face], found.points[face]
    kind, district = pieces.kind[piece], pieces.district[piece]
    block = np.where(form < 0, pieces.block[piece], -1)
    zone = layout.zone[district]
    remote = layout.remoteness(points)
    wet = _wet(layout, points)
    high = layout.hills(points) - layout.tree_line
    if layout.coarse > 1:  # too few lots for woods to have an edge
        high = np.zeros_like(high)
    use = lot_uses(
        kind=kind, zone=zone, form=form, block=block, remote=remote, wet=wet, high=high, rng=rng
    )
    site = Site(
        uses=use,
        kind=kind,
        zone=zone,
        form=form,
        district=district,
        remote=remote,
        quiet=Noise.drawn(rng, 0.35 * layout.radius_m)(points),
    )
    line, planning_zone = lines_and_zones(site, rng)
    later = next_year(site, line, rng)
    planned = planned_uses(site, later, planning_zone, rng)
    plots = np.flatnonzero(is_plot(planning_zone, planned, form))
    return SyntheticCity(
        parcels=parcels,
        division=found.division[face],
        district=district,
        block=block,
        use=use,
        next_use=later,
        planned_use=planned,
        zone=planning_zone,
        line=line,
        settlement=_settlement(site),
        wet=wet,
        plots=plots,
        limits=plot_limits(planned[plots], remote[plots], rng),
    )


def _wet(layout: Layout, points: Floats) -> Flags:
    """Whether a point lies beside a river or lake."""
    near = 0.025 * layout.radius_m
    wet = np.zeros(len(points), dtype=np.bool_)
    for overlay in layout.overlays:
        if overlay.form in (Form.RIVER, Form.LAKE):
            shore = shapely.buffer(overlay.area, near, quad_segs=2)
            shapely.prepare(shore)
            wet |= shapely.contains_xy(shore, points)
    return wet


def _settlement(site: Site) -> NDArray[np.str_]:
    """城镇村属性码 by kind of place: city 201, town 202, village 203."""
    built = site.form < 0
    return np.select(
        [
            built & np.isin(site.kind, [Kind.URBAN, Kind.INDUSTRY]),
            built & (site.zone == 0) & (site.kind >= Kind.ARTERIAL),
            built & (site.kind == Kind.TOWN),
            built & np.isin(site.kind, [Kind.VILLAGE, Kind.LANE]),
        ],
        ["201", "201", "202", "203"],
        default="",
    )
