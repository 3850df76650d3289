"""Which areas of a drawing lie in which, and in which of them its texts stand."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from providers.source_file import FileRefused

MOST_LOCATED = 40_000_000  # points that are looked for in an area, by boxes that meet
AT_ONCE = 16  # areas that are asked together: each may have every thing in its box

type Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Where things lie, one entry for each of them."""

    smallest: NDArray[np.int64]  # the smallest area that holds it; -1: none does
    depth: NDArray[np.int64]  # how many areas hold it


def held(things: Shapes, areas: Shapes, predicate: Literal["contains", "covers"]) -> Held:
    """The areas, larger than a thing, that hold it; missing and invalid ones hold nothing.

    Refused beyond MOST_LOCATED: of things that all lie in each other every pair has to be looked at.
    """
    smallest = np.full(len(things), -1, dtype=np.int64)
    depth = np.zeros(len(things), dtype=np.int64)
    sizes, own = shapely.area(areas), shapely.area(things)
    usable = np.flatnonzero(~shapely.is_missing(areas) & shapely.is_valid(areas))
    there = np.flatnonzero(~shapely.is_missing(things) & shapely.is_valid(things))
    tree = shapely.STRtree(things[there])
    points = shapely.get_num_coordinates(things[there])
    falling = usable[np.argsort(-sizes[usable], kind="stable")]
    located = 0
    for start in range(0, len(falling), AT_ONCE):
        asked = falling[start : start + AT_ONCE]
        located += int(points[tree.query(areas[asked])[1]].sum())
        if located > MOST_LOCATED:
            raise FileRefused(
                "the drawing's areas lie inside of or across each other too often to tell which are holes:"
                f" more than {MOST_LOCATED:,} points would have to be looked for."
            )
        holders, found = tree.query(areas[asked], predicate=predicate)
        one, holder = there[found], asked[holders]
        larger = sizes[holder] > own[one]
        np.add.at(depth, one[larger], 1)
        smallest[one[larger]] = holder[larger]  # of a thing met twice the last, so the smaller
    return Held(smallest=smallest, depth=depth)
