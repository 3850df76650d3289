"""The demo's local proposal of the control lines: a little farmland exchanged for a little city.

Some farmland that touches the growth boundary becomes flexible urban zone, as much farmland is
designated anew on other fields, and one small red line is left out: what a local adjustment
(局部优化) looks like beside the copy that was issued.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import shapely

from processes.algorithms.synthetic_city import Line
from processes.workflows.demo_plans import boundary, farmland
from processes.workflows.demo_tables import City, Ints
from processes.workflows.feature_table import FeatureTable

EXCHANGED_SHARE = 4  # of the farmland parcels at the boundary, one in so many
FLEXIBLE = "420"  # 城镇弹性发展区


def proposals(city: City, issued: Mapping[str, FeatureTable]) -> Iterator[tuple[str, FeatureTable]]:
    """The three lines as proposed; identities are those of the issued copy where it is the same."""
    held = np.flatnonzero(city.made.line == Line.FARMLAND)
    given_up = _at_the_boundary(city, held)
    yield (
        "permanent_farmland",
        _without(
            farmland(city, np.concatenate([held, _new_fields(city, len(given_up))])), given_up
        ),
    )
    yield "ecological_redline", _without_smallest(issued["ecological_redline"])
    chosen = city.made.line == Line.BOUNDARY
    zone = city.made.zone.copy()
    chosen[held[given_up]], zone[held[given_up]] = True, FLEXIBLE
    yield (
        "urban_growth_boundary",
        _identified(boundary(city, chosen, zone), issued["urban_growth_boundary"]),
    )


def _at_the_boundary(city: City, held: Ints) -> Ints:
    """Which of the farmland parcels are given up: some of those that touch the growth boundary."""
    urban = city.made.parcels[city.made.line == Line.BOUNDARY]
    touching, _ = shapely.STRtree(urban).query(city.made.parcels[held], predicate="touches")
    return np.unique(touching)[::EXCHANGED_SHARE]


def _new_fields(city: City, count: int) -> Ints:
    """As many cultivated parcels outside all lines, spread over the city."""
    fields = np.flatnonzero((city.made.line == Line.NONE) & np.char.startswith(city.made.use, "01"))
    return fields[:: max(1, len(fields) // max(1, count))][:count]


def _without(table: FeatureTable, rows: Ints) -> FeatureTable:
    kept = np.ones(table.count, dtype=np.bool_)
    kept[rows] = False
    chosen = np.flatnonzero(kept)
    assert table.geometry is not None
    return FeatureTable(
        values={
            code: [values[i] for i in chosen.tolist()] for code, values in table.values.items()
        },
        geometry=table.geometry[chosen],
    )


def _without_smallest(table: FeatureTable) -> FeatureTable:
    if table.count < 2:
        return table
    return _without(table, np.array([int(np.argmin(table.values["MJ"]))]))


def _identified(table: FeatureTable, issued: FeatureTable) -> FeatureTable:
    """The identity of the issued part whose inner point a part holds; else the next number."""
    assert table.geometry is not None
    assert issued.geometry is not None
    inner = shapely.point_on_surface(issued.geometry)
    point, part = shapely.STRtree(table.geometry).query(inner, predicate="within")
    names = list(issued.values["BSM"])
    same = {
        (int(j), str(names[int(i)]))
        for i, j in zip(point, part, strict=True)
        if issued.values["GHFQDM"][int(i)] == table.values["GHFQDM"][int(j)]
    }
    found: dict[int, str] = {}
    for j, name in sorted(same):
        found.setdefault(j, name)
    last = {name[:10]: 0 for name in names}
    for name in [*names, *map(str, table.values["BSM"])]:
        last[name[:10]] = max(last.get(name[:10], 0), int(name[10:]))
    identifiers: list[str] = []
    for j, name in enumerate(map(str, table.values["BSM"])):
        if j not in found:
            last[name[:10]] += 1
        identifiers.append(found.get(j, f"{name[:10]}{last[name[:10]]:08d}"))
    return FeatureTable(values={**table.values, "BSM": identifiers}, geometry=table.geometry)
