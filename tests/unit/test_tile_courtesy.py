"""Cold tiles far out give way to other requests, over all processes of an instance."""

import asyncio
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from config.vocabulary import LayerId
from server import tile_courtesy
from server.problems import Overloaded, headers
from server.tile_courtesy import ANSWERED, FILE, LEAST_REST_S, RESTING, TIME, TileCourtesy
from server.tile_slots import ANY, LOW, LOW_ZOOM, MOST_AFTER_S, TileSlots

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


def test_nobody_gives_way_before_something_else_is_asked(processes: list[TileCourtesy]) -> None:
    assert not any(one.needed for one in processes)


def test_every_process_hears_of_a_request_that_one_of_them_answers(
    busy: list[TileCourtesy],
) -> None:
    assert all(one.needed for one in busy)


def test_a_long_request_is_noted_until_it_ends(processes: list[TileCourtesy]) -> None:
    def last() -> float:
        found: float = TIME.unpack_from(processes[1]._times, ANSWERED)[0]
        return found

    async def work() -> None:
        with processes[0].answering():
            with processes[0].answering():
                pass
            began = last()
            async with asyncio.timeout(30):
                while last() == began:
                    await asyncio.sleep(0.01)
            noted = last()
        assert last() > noted
        async with asyncio.timeout(30):
            while processes[0]._next is not None:
                await asyncio.sleep(0.01)

    asyncio.run(work())


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
        async with asyncio.timeout(30):
            return await waiting

    assert asyncio.run(work()) == 1


def test_times_of_before_a_restart_of_the_machine_hold_nobody_up(
    processes: list[TileCourtesy], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.monotonic() + 1_000_000
    for place in (ANSWERED, RESTING):
        TIME.pack_into(processes[0]._times, place, later)
    assert not processes[1].needed

    monkeypatch.setattr(tile_courtesy, "RECENT_S", 3_600.0)
    processes[1].answered()

    async def work() -> int:
        async with asyncio.timeout(30):
            return await most_at_once(processes)

    assert asyncio.run(work()) == 1


def test_a_home_that_cannot_be_written_leaves_each_process_its_own(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder is needed")
    one, other = (TileCourtesy(tmp_path / "home") for _ in range(2))
    one.answered()

    assert (one.needed, other.needed) == (True, False)


def test_a_disk_without_room_for_a_page_leaves_each_process_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    one, other = (TileCourtesy(tmp_path) for _ in range(2))
    one.answered()

    assert (one.needed, other.needed) == (True, False)


def test_the_shared_page_has_its_place_on_the_disk(
    processes: list[TileCourtesy], tmp_path: Path
) -> None:
    told = (tmp_path / FILE).stat()

    assert told.st_blocks * 512 >= told.st_size > RESTING


def test_where_files_cannot_be_locked_each_process_makes_one_at_a_time(
    busy: list[TileCourtesy], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)

    assert asyncio.run(most_at_once([busy[0]] * 3)) == 1
    assert all(one.needed for one in busy), "they still hear of each other"


def test_tiles_made_ahead_give_way_and_hold_nobody_up(
    busy: list[TileCourtesy], tmp_path: Path
) -> None:
    ahead = TileCourtesy(tmp_path, ahead=True)

    async def work() -> None:
        async with asyncio.timeout(30), ahead.turn(), busy[0].turn():
            pass

    asyncio.run(work())
    before = TIME.unpack_from(busy[0]._times, RESTING)
    assert asyncio.run(most_at_once([ahead] * 3)) == 1
    assert TIME.unpack_from(busy[0]._times, RESTING) == before
    ahead.close()


def test_who_waits_for_a_place_among_the_tiles_does_not_hold_the_machine_up(
    busy: list[TileCourtesy],
) -> None:
    slots = TileSlots(courtesy=busy[0])

    async def near(number: int, going: asyncio.Event) -> None:
        async with slots.turn(LayerId(f"layer{number}"), LOW_ZOOM + 1):
            await going.wait()

    async def low() -> None:
        async with slots.turn(LAYER, LOW_ZOOM):
            pass

    async def work() -> None:
        going = asyncio.Event()
        storm = [asyncio.create_task(near(n, going)) for n in range(ANY.process)]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(low())
        await asyncio.sleep(0.02)
        async with asyncio.timeout(30), busy[1].turn():
            assert not waiting.done()
        going.set()
        await asyncio.gather(waiting, *storm)

    asyncio.run(work())


def test_low_tiles_that_give_way_leave_all_places_but_one_to_tiles_near_the_ground(
    busy: list[TileCourtesy],
) -> None:
    slots, under_way = TileSlots(courtesy=busy[0]), [0]

    async def low(number: int) -> None:
        async with slots.turn(LayerId(f"far{number}"), LOW_ZOOM):
            pass

    async def near(number: int, going: asyncio.Event) -> None:
        async with slots.turn(LayerId(f"near{number}"), LOW_ZOOM + 1):
            under_way[0] += 1
            await going.wait()

    async def work() -> int:
        going = asyncio.Event()
        async with busy[1].turn():  # of another process, so that nobody here has the machine's
            waiting = [asyncio.create_task(low(n)) for n in range(2 * LOW.process)]
            await asyncio.sleep(0.05)
            storm = [asyncio.create_task(near(n, going)) for n in range(2 * ANY.process)]
            await asyncio.sleep(0.05)
            assert not any(one.done() for one in waiting)
            most = under_way[0]
        going.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*waiting, *storm)
        return most

    assert asyncio.run(work()) == ANY.process - 1


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, "1"), (0.5, str(ceil(LOW.waiting / LOW.layer / 4))), (100.0, str(MOST_AFTER_S))],
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


@pytest.mark.parametrize("ends", ["fails", "leaves"])
def test_turns_that_came_to_nothing_tell_nothing_of_how_long_one_takes(ends: str) -> None:
    async def work() -> None:
        slots = TileSlots()

        async def one() -> None:
            async with slots.turn(LAYER, LOW_ZOOM):
                if ends == "fails":
                    raise OSError("gone")
                await asyncio.sleep(3_600)

        async with slots.turn(LAYER, LOW_ZOOM):  # a line is forgotten when nobody asks any more
            task = asyncio.create_task(one())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises((OSError, asyncio.CancelledError)):
                await task
            assert slots._lines[LAYER, True].seconds is None
        assert not slots._lines

    asyncio.run(work())


def test_the_first_turn_tells_how_long_one_takes_and_while_it_lasts_it_tells_its_age() -> None:
    async def work() -> tuple[int, float | None]:
        slots = TileSlots()
        async with slots.turn(LAYER, LOW_ZOOM):
            line = slots._lines[LAYER, True]
            line.began -= 10
            line.waiting = LOW.waiting
            later = line.later(2 * LOW.waiting)
            line.waiting = 0
            await asyncio.sleep(0.002)
        return later, line.seconds

    later, seconds = asyncio.run(work())

    assert later == 3, "ten seconds and a little, times a quarter"
    assert seconds is not None
    assert seconds >= 0.002


def test_whoever_is_refused_otherwise_is_told_to_wait_too() -> None:
    assert headers(Overloaded("many requests are under way"))["Retry-After"].isdigit()
