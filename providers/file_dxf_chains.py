"""Single lines and arcs of a drawing joined end to end: the rings that they make together."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from providers.file_dxf_lines import CLOSED_M, DrawnLine, by_layer, in_degrees, ring_tolerance

MOST_LOOSE = 2  # a chain of so few pieces that closes nothing is no parcel, but a mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The lines that pieces make, and how many pieces of a layer make none."""

    lines: tuple[DrawnLine, ...]
    loose: Counter[str]


def joined(pieces: Sequence[DrawnLine]) -> Joined:
    """Pieces joined where their ends meet, layer by layer.

    A chain whose every end meets one other is a ring; where more than two meet, as at a corner that
    neighbours share, every face that the pieces enclose is one.
    """
    lines, loose = list[DrawnLine](), Counter[str]()
    for layer, own in by_layer(pieces).items():
        nodes, places = _nodes(own)
        for part in _components(nodes):
            made = list(_made(own, nodes, places, part))
            lines += made
            loose[layer] += 0 if made else len(part)
    return Joined(lines=tuple(lines), loose=+loose)


def _made(
    pieces: Sequence[DrawnLine],
    nodes: NDArray[np.int64],
    places: NDArray[np.float64],
    part: Sequence[int],
) -> Iterator[DrawnLine]:
    meeting = Counter(nodes[list(part)].ravel().tolist())
    layer, curved = pieces[part[0]].layer, any(pieces[i].curved for i in part)
    if max(meeting.values()) > 2:
        snapped = [_snapped(pieces[i].points, *places[nodes[i]]) for i in part]
        faces = shapely.get_parts(shapely.polygonize([shapely.LineString(one) for one in snapped]))
        for face in faces:
            points = shapely.get_coordinates(shapely.get_exterior_ring(face))
            yield DrawnLine(layer=layer, points=points, closed=True, curved=curved)
        return
    ends = sorted(node for node, times in meeting.items() if times == 1)
    if ends and len(part) <= MOST_LOOSE:
        return
    points = _walked(pieces, nodes, places, part, ends[0] if ends else int(nodes[part[0]][0]))
    yield DrawnLine(layer=layer, points=points, closed=not ends, curved=curved)


def _walked(
    pieces: Sequence[DrawnLine],
    nodes: NDArray[np.int64],
    places: NDArray[np.float64],
    part: Sequence[int],
    start: int,
) -> NDArray[np.float64]:
    """The points of a chain from one of its nodes on, each joint once."""
    at: dict[int, list[int]] = {}
    for i in part:
        for node in nodes[i].tolist():
            at.setdefault(node, []).append(i)
    left, node = set(part), start
    found = [places[start : start + 1]]
    while (piece := next((i for i in at[node] if i in left), None)) is not None:
        left.discard(piece)
        first, last = nodes[piece].tolist()
        points = pieces[piece].points if first == node else pieces[piece].points[::-1]
        node = last if first == node else first
        found += [points[1:-1], places[node : node + 1]]
    return np.concatenate(found)


def _nodes(pieces: Sequence[DrawnLine]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The node at both ends of each piece, shape (n, 2), and where each node lies.

    Ends in one cell of half the tolerance, or in cells beside each other, are one node.
    """
    ends = np.concatenate([one.points[[0, -1]] for one in pieces])
    reach = ring_tolerance(CLOSED_M, degrees=in_degrees(*ends[0].tolist()))
    cells, first, of = np.unique(
        np.floor(ends / (reach / 2)), axis=0, return_index=True, return_inverse=True
    )
    there = {(x, y): place for place, (x, y) in enumerate(cells.tolist())}
    root = np.arange(len(cells))
    for (x, y), place in there.items():
        for beside in ((x + 1, y), (x - 1, y + 1), (x, y + 1), (x + 1, y + 1)):
            if (other := there.get(beside)) is not None:
                _unite(root, place, other)
    nodes = np.array([_root(root, place) for place in range(len(cells))], dtype=np.int64)
    return nodes[of.reshape(-1)].reshape(-1, 2), ends[first]


def _components(nodes: NDArray[np.int64]) -> Iterator[list[int]]:
    """The pieces that hang together, in their order; what is shorter than the tolerance is none."""
    root = np.arange(int(nodes.max()) + 1)
    for first, last in nodes.tolist():
        _unite(root, first, last)
    parts: dict[int, list[int]] = {}
    for i, (first, last) in enumerate(nodes.tolist()):
        if first != last:
            parts.setdefault(_root(root, first), []).append(i)
    yield from parts.values()


def _unite(root: NDArray[np.int64], one: int, other: int) -> None:
    first, second = sorted((_root(root, one), _root(root, other)))
    root[second] = first


def _root(root: NDArray[np.int64], one: int) -> int:
    while (above := int(root[one])) != one:
        root[one] = root[above]
        one = above
    return one


def _snapped(
    points: NDArray[np.float64], first: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A piece with its ends at the nodes."""
    return np.concatenate([first[None], points[1:-1], last[None]])
