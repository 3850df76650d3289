"""Net areas beside what is not known: never too narrow, and never hours."""

from typing import Any

import numpy as np
import pytest
import shapely

from processes.algorithms.compliance.net_areas import MOST_IN_TURN, TURNS, Shares, strayed
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

SIDE, STEP = 50, 0.0001
WEST, SOUTH = (one.ravel() * STEP for one in np.meshgrid(np.arange(SIDE), np.arange(SIDE)))
CELLS = shapely.box(125 + WEST, 43 + SOUTH, 125 + WEST + STEP, 43 + SOUTH + STEP)
AREAS_M2 = ellipsoid_area_m2(CELLS)
TURN = np.arange(len(CELLS))
ALL_LAND = shapely.box(125, 43, 125 + SIDE * STEP, 43 + SIDE * STEP)


def shares(shapes: Any, kept: Any, turn: Any) -> Shares:
    count = len(shapes)
    return Shares(
        subject=np.zeros(count, dtype=np.intp),
        geometry=np.array(shapes, dtype=object),
        kept=np.broadcast_to(np.asarray(kept, dtype=np.float64), count),
        turn=np.asarray(turn, dtype=np.intp),
    )


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many shapes each intersection was asked of."""
    asked: list[int] = []
    intersection = shapely.intersection

    def counting(land: Any, others: Any) -> Any:
        asked.append(np.size(others))
        return intersection(land, others)

    monkeypatch.setattr(shapely, "intersection", counting)
    return asked


def test_shares_in_doubt_elsewhere_are_not_cut(cuts: list[int]) -> None:
    tiles = (np.add.outer(np.arange(SIDE), np.arange(SIDE)) % 2).ravel()  # as on a chessboard
    apart = np.flatnonzero(tiles == 0), np.flatnonzero(tiles == 1)
    loss, gain = strayed(
        shares(CELLS[apart[0]], 0.5, TURN[apart[0]]),
        shares(CELLS[apart[1]], TURN[apart[1]] % 11 / 10, TURN[apart[1]]),
        1,
    )

    assert (loss[0], gain[0]) == pytest.approx((0, 0), abs=1e-3)
    assert sum(cuts) < 8 * len(CELLS)  # those beside it


def test_each_share_in_doubt_counts_where_it_lies(cuts: list[int]) -> None:
    kept = np.arange(len(CELLS)) % 11 / 10
    loss, gain = strayed(shares(CELLS, 0.5, TURN + TURNS), shares(CELLS, kept, TURN), 1)

    assert loss[0] == pytest.approx(AREAS_M2 @ np.maximum(0.5 - kept, 0))
    assert gain[0] == pytest.approx(AREAS_M2 @ np.maximum(kept - 0.5, 0))
    assert sum(cuts) < 20 * len(CELLS)


def test_as_many_shares_in_doubt_on_all_the_land_leave_all_of_it_open(cuts: list[int]) -> None:
    kept = np.linspace(0, 1, len(CELLS))
    loss, gain = strayed(
        shares(CELLS, 0.3, TURN + TURNS), shares([ALL_LAND] * len(CELLS), kept, TURN), 1
    )

    assert (loss[0], gain[0]) == pytest.approx((0.3 * AREAS_M2.sum(), 0.7 * AREAS_M2.sum()))
    assert cuts == []


@pytest.mark.parametrize(("kept", "turn"), [(0.3, 0), (0.5, 2 * TURNS)])
def test_shares_in_doubt_that_change_nothing_leave_nothing_open(
    cuts: list[int], kept: float, turn: int
) -> None:
    doubtful = shares([ALL_LAND] * len(CELLS), kept, TURN + turn)
    loss, gain = strayed(shares(CELLS, 0.3, TURN + TURNS), doubtful, 1)

    assert (loss[0], gain[0]) == (0, 0)
    assert cuts == []


def test_many_shares_in_doubt_on_one_are_summed_up_to_all_that_it_can_lose(
    cuts: list[int],
) -> None:
    land = shares([ALL_LAND], 1.0, [TURNS])
    beside = strayed(land, shares(CELLS[:500], 0.4, TURN[:500]), 1)
    stacked = strayed(land, shares([ALL_LAND] * 500, 0.4, TURN[:500]), 1)

    assert beside[0][0] == pytest.approx(0.6 * AREAS_M2[:500].sum())
    assert stacked[0][0] == pytest.approx(0.6 * AREAS_M2.sum())
    assert (beside[1][0], stacked[1][0]) == (0, 0)
    assert cuts == [500, 0, 500, 0]


def test_few_shares_in_doubt_on_one_count_each_place_once_by_the_worst() -> None:
    kept = np.linspace(0.9, 0.5, MOST_IN_TURN)
    land = shares([ALL_LAND], 1.0, [TURNS])
    first = np.array([shapely.union_all(CELLS[: number + 1]) for number in range(MOST_IN_TURN)])
    loss, gain = strayed(land, shares(first, kept, TURN[:MOST_IN_TURN]), 1)

    assert loss[0] == pytest.approx(0.5 * AREAS_M2[:MOST_IN_TURN].sum())  # the last covers all
    assert gain[0] == 0
