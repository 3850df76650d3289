"""Cold tiles far out give way to other requests, over all processes of an instance."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.vocabulary import LayerId
from server import tile_courtesy
from server.problems import Overloaded, headers
from server.tile_courtesy import LEAST_REST_S, TIMES, TileCourtesy
from server.tile_slots import LOW, LOW_ZOOM, MOST_AFTER_S, TileSlots

LAYER = LayerId("land_use")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[TileCourtesy]]:
    """What three server processes of one instance have."""
    found = [TileCourtesy(tmp_path) for _ in range(3)]
    yield found
    for one in found:
        one.close()


@pytest.fixture
def busy(processes: list[TileCourtesy], monkeypatch: pytest.MonkeyPatch) -> list[TileCourtesy]:
    """The same while something else is answered, for as long as the test takes."""
    monkeypatch.setattr(tile_courtesy, "RECENT_S", 3_600.0)
    processes[0].answered()
    return processes


async def most_at_once(turns: list[TileCourtesy]) -> int:
    under_way = most = 0

    async def one(courtesy: TileCourtesy) -> None:
        nonlocal under_way, most
        async with courtesy.turn():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1

    await asyncio.gather(*map(one, turns))
    return most


def test_every_process_hears_of_a_request_that_one_of_them_answers(
    processes: list[TileCourtesy],
) -> None:
    assert not any(one.needed for one in processes)
    processes[1].answered()
    assert all(one.needed for one in processes)


def test_alone_tiles_are_made_at_once(processes: list[TileCourtesy]) -> None:
    assert asyncio.run(most_at_once([*processes, *processes])) == 6


def test_while_others_are_answered_one_tile_is_made_at_a_time_over_all_processes(
    busy: list[TileCourtesy],
) -> None:
    assert asyncio.run(most_at_once([*busy, *busy])) == 1


def test_between_two_of_them_there_is_a_rest(busy: list[TileCourtesy]) -> None:
    async def work() -> float:
        async with busy[0].turn():
            pass
        ended = time.monotonic()
        async with busy[1].turn():
            return time.monotonic() - ended

    assert asyncio.run(work()) >= 0.9 * LEAST_REST_S


def test_a_turn_ends_with_a_failure_and_with_who_gives_up(busy: list[TileCourtesy]) -> None:
    async def work() -> int:
        with pytest.raises(OSError, match="gone"):
            async with busy[0].turn():
                raise OSError("gone")

        async def stays() -> None:
            async with busy[1].turn():
                await asyncio.sleep(3_600)

        leaving = asyncio.create_task(stays())
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(most_at_once([busy[1]]))
        leaving.cancel()
        return await waiting

    assert asyncio.run(work()) == 1


def test_times_of_before_a_restart_of_the_machine_hold_nobody_up(
    processes: list[TileCourtesy],
) -> None:
    later = time.monotonic() + 1_000_000
    TIMES.pack_into(processes[0]._times, 0, later, later)
    assert not processes[1].needed

    processes[1].answered()
    assert asyncio.run(most_at_once(processes)) >= 1


def test_a_home_that_cannot_be_written_leaves_each_process_its_own(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder is needed")
    one, other = (TileCourtesy(tmp_path / "home") for _ in range(2))
    one.answered()

    assert (one.needed, other.needed) == (True, False)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, "1"), (0.5, str(LOW.waiting // 4)), (100.0, str(MOST_AFTER_S))]
)
def test_who_is_refused_is_told_when_half_of_those_who_wait_will_have_had_their_turns(
    seconds: float, expected: str
) -> None:
    async def work() -> Overloaded:
        slots, going = TileSlots(), asyncio.Event()

        async def one() -> None:
            async with slots.turn(LAYER, LOW_ZOOM):
                await going.wait()

        storm = [asyncio.create_task(one()) for _ in range(LOW.layer + LOW.waiting)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        slots._lines[LAYER, True].seconds = seconds
        with pytest.raises(Overloaded) as told:
            await one()
        going.set()
        await asyncio.gather(*storm)
        return told.value

    assert headers(asyncio.run(work())) == {"Retry-After": expected}


def test_whoever_is_refused_otherwise_is_told_to_wait_too() -> None:
    assert headers(Overloaded("many requests are under way"))["Retry-After"].isdigit()
