"""What a plan says of each parcel: control lines, zones, planned use, limits of plots."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from processes.algorithms.synthetic_city.classes import Codes, Use, draw, is_cultivated
from processes.algorithms.synthetic_city.convex import Flags, Floats, Ints
from processes.algorithms.synthetic_city.layout import Form, Zone
from processes.algorithms.synthetic_city.pieces import Kind

FARMLAND_SHARE = 0.84  # of the cultivated land outside the growth boundary
REDLINE_SHARE = 0.7  # of the wooded districts
CHANGED_SHARE = 0.02  # of the fields, from one year's survey to the next


class Line(IntEnum):
    """Which control line holds a parcel; at most one does (三线不交叉重叠)."""

    NONE = 0
    FARMLAND = 1  # 永久基本农田
    REDLINE = 2  # 生态保护红线
    BOUNDARY = 3  # 城镇开发边界


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of detailed-plan plots; NaN where the plan sets none."""

    far_most: Floats
    far_least: Floats
    height_most_m: Floats
    density_most_percent: Floats
    green_least_percent: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where parcels lie, one value per parcel."""

    uses: Codes
    kind: Ints
    zone: Ints
    form: Ints
    district: Ints
    remote: Floats
    quiet: Floats  # a smooth surface, shared by neighbours


def lines_and_zones(site: Site, rng: np.random.Generator) -> tuple[Ints, Codes]:
    """The control line and the planning zone (规划分区代码) of each parcel."""
    count = int(site.district.max(initial=-1)) + 1
    chance = rng.uniform(size=max(count, 1))[site.district]
    urban = site.zone <= Zone.FRINGE
    bounded = urban | (site.kind == Kind.TOWN) | ((site.kind == Kind.STREET) & (site.form < 0))
    line = np.where(bounded, Line.BOUNDARY, Line.NONE).astype(np.int64)
    free = ~bounded

    wooded = free & (site.zone == Zone.FOREST) & (site.form < 0)
    natural = np.isin(site.uses, [Use.FOREST, Use.SHRUB, Use.OTHER_WOOD, Use.GRASS])
    natural |= site.kind == Kind.TRACK
    water = free & np.isin(site.form, [Form.RIVER, Form.LAKE])
    least = np.quantile(chance[wooded], 1 - REDLINE_SHARE) if wooded.any() else 0.0
    line[wooded & natural & (chance >= least)] = Line.REDLINE
    line[water & ((site.form == Form.LAKE) | (site.remote > 1.3))] = Line.REDLINE

    fields = free & is_cultivated(site.uses) & (site.kind == Kind.FIELD)
    poorest = np.quantile(site.quiet[fields], 1 - FARMLAND_SHARE) if fields.any() else 0.0
    good = site.quiet >= poorest
    line[fields & good] = Line.FARMLAND

    zone = np.full(len(line), "520")
    zone[free & (site.kind == Kind.TRACK) & (site.zone != Zone.FOREST) & good] = "300"
    zone[wooded] = "530"
    zone[water] = "200"
    zone[(site.form < 0) & ((site.kind == Kind.VILLAGE) | (site.kind == Kind.LANE))] = "510"
    zone[line == Line.FARMLAND] = "300"
    zone[line == Line.REDLINE] = "100"
    zone[bounded] = "410"
    zone[bounded & (site.zone == Zone.FRINGE) & (chance < 0.35)] = "420"
    special = np.isin(site.form, [Form.RIVER, Form.LAKE])
    zone[bounded & special] = "430"
    return line, zone


def next_year(site: Site, line: Ints, rng: np.random.Generator) -> Codes:
    """The classes one survey year later: a few fields have been built on."""
    cultivated = is_cultivated(site.uses) & (site.kind == Kind.FIELD)
    fields = np.flatnonzero(cultivated & (line != Line.FARMLAND))
    if not len(fields):  # a hamlet: a yard of the village
        fields = np.flatnonzero((site.kind == Kind.VILLAGE) & (line == Line.NONE))
    every = np.count_nonzero(cultivated)
    count = min(len(fields), max(1, round(CHANGED_SHARE * every)))
    near = np.where(site.zone[fields] == Zone.FRINGE, 0.35, 1.0) * site.remote[fields]
    order = np.argsort(near * rng.uniform(0.2, 1.0, len(fields)), kind="stable")
    changed = fields[order[:count]]
    uses = site.uses.copy()
    uses[changed] = draw("new works", rng.uniform(size=len(changed)))
    return uses


def planned_uses(site: Site, later: Codes, zone: Codes, rng: np.random.Generator) -> Codes:
    """The planned class: land inside the boundary is built on, the rest keeps its use."""
    planned = later.copy()
    open_land = np.isin(
        np.array([code[:2] for code in later]), ["01", "02", "03", "04", "06", "23"]
    )
    grown = np.flatnonzero((zone == "410") & open_land & (site.form < 0))
    planned[grown] = draw("new works", rng.uniform(size=len(grown)))
    planned[grown[np.isin(site.kind[grown], [Kind.TRACK, Kind.LANE])]] = Use.STREET.value
    return planned


def plot_limits(planned: Codes, remote: Floats, rng: np.random.Generator) -> Limits:
    """Limits of plots by planned class and place (usual values of regulatory plans, ours).

    Green space and utilities carry no floor area ratio; industry has a least one.
    """
    group = np.array([code[:2] for code in planned])
    middle = np.clip(1.2 - remote, 0.0, 1.0)
    spread = rng.uniform(-0.15, 0.15, len(planned))
    housing, works = group == "07", np.isin(group, ["10", "11"])
    trade, public = group == "09", group == "08"
    built = [housing, trade, public, works]
    far = np.select(
        built, [1.6 + 1.4 * middle, 1.8 + 3.2 * middle, 1.2 + 0.8 * middle, 1.5], default=np.nan
    )
    height = np.select(
        built, [36 + 44 * middle, 30 + 70 * middle, 24 + 12 * middle, 24.0], default=np.nan
    )
    density = np.select(built, [25.0, 45.0, 30.0, 50.0], default=np.nan)
    green = np.select([*built, group == "14"], [30.0, 20.0, 35.0, 15.0, 65.0], default=np.nan)
    far = np.round(far * (1 + spread), 1)
    return Limits(
        far_most=far,
        far_least=np.where(works, np.round(0.6 * far, 1), np.nan),
        height_most_m=np.round(height * (1 + spread) / 3) * 3,
        density_most_percent=density,
        green_least_percent=green,
    )


def is_plot(zone: Codes, planned: Codes, form: Ints) -> Flags:
    """Whether a detailed plan has limits for a parcel: built-up land, not roads or water."""
    group = np.array([code[:2] for code in planned])
    lots = np.isin(group, ["07", "08", "09", "10", "11", "13", "14", "16"])
    plots: Flags = lots & (zone == "410") & (form < 0)
    return plots
