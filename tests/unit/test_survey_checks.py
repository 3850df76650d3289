"""Rings of surveyors' parcels: where holes lie is asked once, however many there are."""

from typing import Any

import numpy as np
import pytest
import shapely

from processes.algorithms.survey_checks import check_parcels
from processes.algorithms.survey_parcels import Fault, SurveyParcel, SurveyRing
from processes.algorithms.survey_rings import Closing


def square(number: int, west: float, south: float, size: float) -> SurveyRing:
    around = np.array([[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]], dtype=float)
    names = ("J1", "J2", "J3", "J4", "J1")
    return SurveyRing(number=number, names=names, points=around * size + [west, south])


def test_the_first_hole_outside_of_its_shell_is_found_in_one_call_for_all_holes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inside = [square(2 + n, 2.0 + 3 * n, 2, 1) for n in range(20)]
    outside = [square(22 + n, 200.0 + 3 * n, 2, 1) for n in range(2)]
    asked: list[int] = []
    covers = shapely.covers

    def counting(shell: Any, holes: Any) -> Any:
        asked.append(np.size(holes))
        return covers(shell, holes)

    monkeypatch.setattr(shapely, "covers", counting)
    parcel = SurveyParcel(rings=(square(1, 0, 0, 100), *inside, *outside))
    found = check_parcels([parcel], Closing())

    assert asked == [22]
    (fault,) = found.findings
    assert (fault.fault, fault.ring) == (Fault.WRONG_NESTING, 22)
    assert found.geometries.tolist() == [None]
