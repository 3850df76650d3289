"""What is said of a parcel's fault in Chinese tells no less than what is said in English."""

import re

import numpy as np
import pytest
import shapely

from config.vocabulary import Text
from processes.algorithms.parcel_parts import given_shape
from processes.algorithms.survey_parcels import Fault
from processes.algorithms.survey_sentences import validity
from processes.workflows.parcel_placing import placed

NUMBERED = shapely.box(42_443_667, 4_851_838, 42_443_717, 4_851_878)  # in zone 42 with its number
EXCHANGED = shapely.box(4_851_838, 443_667, 4_851_878, 443_717)
LOCAL = shapely.box(3_667, 1_838, 3_717, 1_878)
RIGHT = shapely.box(443_667, 4_851_838, 443_717, 4_851_878)


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        (NUMBERED, Fault.WRONG_ZONE),
        (EXCHANGED, Fault.SWAPPED_AXES),
        (LOCAL, Fault.NO_ZONE_FITS),
    ],
)
def test_a_parcel_beside_its_system_is_told_why_in_both_languages(
    shape: shapely.Geometry, fault: Fault
) -> None:
    found = placed(np.array([RIGHT, shape], dtype=object), "EPSG:4551", "/inputs/crs")
    (one,) = found.findings
    reason = one.message.en[one.message.en.index("the coordinates contradict") :]

    assert (one.fault, one.parcel) == (fault, 1)
    assert one.message.zh.endswith(f"：{reason}")
    if fault is Fault.WRONG_ZONE:
        assert "EPSG:4530" in one.message.zh  # the one that fits


def test_a_shape_that_cannot_be_read_is_told_why_in_both_languages() -> None:
    (found,) = given_shape(None, {}, None, "the geometry has 9,000,000 vertices").findings

    assert found.message.zh == "图形无法读取：the geometry has 9,000,000 vertices"


@pytest.mark.parametrize(
    ("reason", "zh"),
    [
        ("Self-intersection[125.3 43.8]", "边界自相交：自相交[125.3 43.8]"),
        ("Something new[125.3 43.8]", "边界自相交：Something new[125.3 43.8]"),
        ("Something new", "边界自相交：Something new"),
    ],
)
def test_a_reason_that_is_not_translated_keeps_its_words_and_its_place(
    reason: str, zh: str
) -> None:
    found = validity(Text(zh="边界自相交", en="crosses itself"), reason)

    assert found == Text(zh=zh, en=f"crosses itself: {reason}")
    assert re.findall(r"[\d.]+", found.zh) == re.findall(r"[\d.]+", found.en)
