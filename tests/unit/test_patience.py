"""Duties of a worker that go on."""

import asyncio

import pytest
from structlog.testing import capture_logs

from processes import patience


def test_a_duty_that_fails_is_told_and_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "RETRY_S", 0.0)
    begun: list[int] = []

    async def duty() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise ValueError("unexpected")

    with capture_logs() as said:
        asyncio.run(patience.lasting(duty))
    assert begun == [0, 1, 2]
    assert [(one["event"], one["duty"]) for one in said] == [("duty_failed", "duty")] * 2


def test_a_duty_that_is_cancelled_ends() -> None:
    async def run() -> None:
        task = asyncio.create_task(patience.lasting(asyncio.Event().wait))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
