"""A worker's signs of life, and when it may take what others seem to have left."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from config.model import Catalogue
from config.settings import Settings
from processes import worker
from processes.worker import Worker
from providers.errors import StoreUnavailable
from providers.job_attempts import Attempt


class Store:
    """Says what becomes of each beat; notes before which one something was reclaimed."""

    def __init__(self, beats: Iterator[bool]) -> None:
        self._beats, self.turn, self.reclaimed = beats, 0, list[int]()

    async def beat(self, attempts: Sequence[Attempt]) -> None:
        self.turn += 1
        if not next(self._beats):
            raise StoreUnavailable("away")

    async def reclaim(self, stalled: timedelta) -> list[UUID]:
        self.reclaimed.append(self.turn)
        return []

    async def take_up(self) -> int:
        return 0


async def nothing_to_sweep(*_: object) -> int:
    return 0


def turns_of_reclaiming(
    beats: Sequence[bool], catalogue: Catalogue, home: Path, monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    """In which turns a worker reclaims, three of which are the time of a stalled worker."""
    clock = {"now": 0.0}
    store = Store(iter(beats))
    settings = Settings.from_environ(
        {"ONEMAP_HOME": str(home), "ONEMAP_DATABASE_URL": "postgresql://nowhere/x"}
    )
    subject = Worker(settings, catalogue, concurrency=2)
    for name in ("_store", "_callbacks", "_pools"):
        monkeypatch.setattr(subject, name, store, raising=False)
    monkeypatch.setattr(worker, "sweep_uploads", nothing_to_sweep)
    monkeypatch.setattr(worker, "sweep_results", nothing_to_sweep)
    monkeypatch.setattr(worker, "sweep_checks", nothing_to_sweep)
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock["now"])

    async def sleep(seconds: float) -> None:
        clock["now"] += seconds
        if store.turn == len(beats):
            raise asyncio.CancelledError

    monkeypatch.setattr(worker.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(subject._beat())
    return store.reclaimed


def test_a_worker_reclaims_only_once_every_other_could_be_heard(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady = turns_of_reclaiming([True] * 6, catalogue, tmp_path, monkeypatch)

    assert steady == [4, 5, 6]


def test_after_an_outage_a_worker_waits_again(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = [True] * 4 + [False] * 2 + [True] * 5

    assert turns_of_reclaiming(beats, catalogue, tmp_path, monkeypatch) == [4, 10, 11]
