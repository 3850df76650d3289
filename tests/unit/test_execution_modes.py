"""What is preferred counts as far as a process runs that way."""

import pytest

from config.vocabulary import ExecutionMode
from processes.description import job_control
from server.preference import Preference

SYNC, ASYNC = ExecutionMode.SYNC, ExecutionMode.ASYNC


@pytest.mark.parametrize(
    ("modes", "left"),
    [
        ({SYNC, ASYNC}, Preference(asynchronous=True, wait_s=3)),
        ({SYNC}, Preference(asynchronous=False, wait_s=3)),
        ({ASYNC}, Preference(asynchronous=True, wait_s=None)),
    ],
)
def test_a_preference_that_a_process_cannot_follow_is_dropped(
    modes: set[ExecutionMode], left: Preference
) -> None:
    assert Preference.parse(["respond-async, wait=3"]).among(modes) == left


def test_every_process_lets_its_jobs_be_dismissed() -> None:
    assert job_control([SYNC]) == ["sync-execute", "dismiss"]
    assert job_control([ASYNC, SYNC]) == ["sync-execute", "async-execute", "dismiss"]
