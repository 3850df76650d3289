"""Far out a tile of several layers has one turn; whoever waits for another holds none."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.vocabulary import LayerId
from providers.tile_sources import Tile
from server import tile_courtesy
from server.tile_cache import TileCache, Wanted
from server.tile_courtesy import TileCourtesy
from server.tile_memory import Entry, TileMemory
from server.tile_slots import ANY, LOW, LOW_ZOOM, TileSlots

PATIENCE_S = 30  # of a test, before it says that nothing goes on


class Machine:
    """A cache whose layers are made when told, while others are answered."""

    def __init__(self, folder: Path | None = None) -> None:
        self.courtesy = TileCourtesy(folder)
        self.courtesy.answered()
        self.cache = TileCache(TileMemory(1 << 20), slots=TileSlots(courtesy=self.courtesy))
        self.made: Counter[str] = Counter()
        self.begun: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.held: dict[str, asyncio.Event] = {}  # layers that are not made until told
        self.failing: set[str] = set()
        self.under_way = self.most_under_way = 0

    async def _make(self, name: str) -> Tile:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.begun[name].set()
        try:
            await asyncio.sleep(0)
            if name in self.held:
                await self.held[name].wait()
        finally:
            self.under_way -= 1
        if name in self.failing:
            raise OSError("gone")
        self.made[name] += 1
        return Tile(content=name.encode(), revision=1, drawn=1, omitted=0)

    def wanted(self, name: str, place: int = 0, zoom: int = LOW_ZOOM) -> Wanted:
        async def make() -> Tile:
            return await self._make(name)

        async def touched(_after: int, _until: int) -> bool:
            return False

        return Wanted(
            key=(name, place),
            layer=LayerId(name),
            zoom=zoom,
            revision=1,
            make=make,
            touched=touched,
        )

    def hold(self, name: str) -> asyncio.Event:
        self.held[name] = asyncio.Event()
        return self.held[name]

    async def tiles(self, names: Sequence[str]) -> list[bytes]:
        """One tile of these layers, in this order."""
        entries = await self.cache.tiles([self.wanted(name) for name in names])
        return [entry.content for entry in entries]

    def begin(self, names: Sequence[str]) -> asyncio.Task[list[bytes]]:
        return asyncio.create_task(self.tiles(names))

    def single(self, name: str, place: int = 0) -> asyncio.Task[Entry]:
        """A tile of this layer alone."""
        return asyncio.create_task(self.cache.tile(self.wanted(name, place)))

    async def at_rest(self) -> None:
        """Nothing is made any more, and every place is free."""
        await asyncio.gather(*self.cache._flights.values(), return_exceptions=True)
        await asyncio.sleep(0)
        slots = self.cache.slots
        assert not self.courtesy._held
        assert (slots._low._value, slots._all._value) == (LOW.process, ANY.process)
        assert not slots._lines, "nobody asks for a turn any more"


@pytest.fixture(autouse=True)
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Something else is answered all the time; the rests are counted, not had."""
    had: list[float] = []
    monkeypatch.setattr(tile_courtesy, "RECENT_S", 3_600.0)
    monkeypatch.setattr(tile_courtesy, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(TileCourtesy, "_rest", lambda _, until: had.append(until))
    return had


def run[T](work: Callable[[], Awaitable[T]]) -> T:
    async def all_of_it() -> T:
        async with asyncio.timeout(PATIENCE_S):
            return await work()

    return asyncio.run(all_of_it())


async def others_go_on() -> None:
    """Whoever can go on does so until it waits for something that a test decides."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_tile_of_many_layers_has_one_turn_and_one_rest(rests: list[float]) -> None:
    async def work() -> None:
        city = Machine()
        names = [f"layer{number}" for number in range(20)]
        assert await city.tiles(names) == [name.encode() for name in names]
        await city.at_rest()
        assert city.most_under_way == 1

    run(work)

    assert len(rests) == 1


def test_layers_that_are_kept_already_do_not_end_its_turn(rests: list[float]) -> None:
    async def work() -> None:
        city = Machine()
        await city.tiles("bd")
        await city.tiles("abcde")
        await city.at_rest()

    run(work)

    assert len(rests) == 2


def test_a_tile_of_which_every_layer_is_kept_needs_no_turn(rests: list[float]) -> None:
    async def work() -> None:
        city = Machine()
        await city.tiles("ab")
        async with city.courtesy.turn():
            assert await city.tiles("ba") == [b"b", b"a"]

    run(work)

    assert len(rests) == 2


def test_between_two_layers_nobody_else_has_the_turn() -> None:
    async def work() -> None:
        city = Machine()
        going = city.hold("a")
        whole = city.begin("abc")
        await city.begun["a"].wait()
        other = city.single("z")
        await others_go_on()
        end = city.hold("c")
        going.set()
        await city.begun["c"].wait()
        await others_go_on()
        assert not city.begun["z"].is_set()
        end.set()
        await asyncio.gather(whole, other)
        assert city.most_under_way == 1
        await city.at_rest()

    run(work)


def test_a_tile_gives_its_turn_back_to_whom_it_waits_for(rests: list[float]) -> None:
    async def work() -> None:
        city = Machine()
        going = city.hold("a")
        whole = city.begin("abc")
        await city.begun["a"].wait()
        other = city.single("b")
        await others_go_on()
        assert not city.begun["b"].is_set()
        going.set()
        assert await whole == [b"a", b"b", b"c"]
        await other
        await city.at_rest()
        assert city.made == Counter("abc")

    run(work)

    assert len(rests) == 3, "of the first layer, of what others made, and of the last"


def test_a_tile_gives_its_turn_back_to_whom_it_stands_in_line_behind() -> None:
    async def work() -> None:
        city = Machine()
        going = city.hold("a")
        whole = city.begin("ab")
        await city.begun["a"].wait()
        others = [city.single("b", place) for place in range(1, LOW.layer + 2)]
        await others_go_on()
        going.set()
        await asyncio.gather(whole, *others)
        await city.at_rest()
        assert city.made == Counter({"a": 1, "b": LOW.layer + 2})

    run(work)


@pytest.mark.parametrize(
    ("one", "other"),
    [("abcd", "abcd"), ("abcd", "dcba"), ("abcd", "fedc"), ("ab", "ba"), ("abcd", "cxay")],
)
def test_two_tiles_that_need_each_others_layers_are_both_had_and_each_layer_is_made_once(
    one: str, other: str
) -> None:
    async def work() -> None:
        city = Machine()
        going = city.hold(one[0])
        first = city.begin(one)
        await city.begun[one[0]].wait()
        second = city.begin(other)
        await others_go_on()
        going.set()
        assert await first == [name.encode() for name in one]
        assert await second == [name.encode() for name in other]
        assert city.made == Counter({*one, *other})
        await city.at_rest()

    run(work)


def test_a_layer_outlasts_the_request_that_left_and_keeps_its_turn_until_it_is_made() -> None:
    async def work() -> None:
        city = Machine()
        going = city.hold("a")
        leaving = city.begin("ab")
        await city.begun["a"].wait()
        leaving.cancel()
        other = city.single("z")
        await others_go_on()
        assert leaving.cancelled()
        assert not city.begun["z"].is_set(), "one at a time"
        going.set()
        await other
        await city.at_rest()
        assert city.made == Counter("az"), "what was not begun is not made for nobody"

    run(work)


def test_who_asks_again_after_the_time_for_a_tile_was_up_goes_on_where_it_stopped() -> None:
    async def work() -> None:
        city = Machine()
        for name in "bd":
            going = city.hold(name)
            first = city.begin("abcde")
            await city.begun[name].wait()
            first.cancel()
            going.set()
            await city.at_rest()
        assert city.made == Counter("abcd")
        await city.tiles("abcde")
        assert city.made == Counter("abcde")

    run(work)


def test_a_layer_that_waits_for_its_turn_when_the_request_leaves_has_one_of_its_own() -> None:
    async def work() -> None:
        city = Machine()
        going = city.hold("z")
        other = city.single("z")
        await city.begun["z"].wait()
        leaving = city.begin("ab")
        await others_go_on()
        leaving.cancel()
        await others_go_on()
        staying = city.begin("ba")
        await others_go_on()
        going.set()
        assert await staying == [b"b", b"a"]
        await other
        await city.at_rest()
        assert city.made == Counter("abz")

    run(work)


def test_a_layer_that_is_not_kept_ends_with_the_request_and_so_does_its_turn() -> None:
    async def work() -> None:
        city = Machine()
        city.hold("a")
        unkept = [replace(city.wanted(name), key=None) for name in "ab"]
        leaving = asyncio.create_task(city.cache.tiles(unkept))
        await city.begun["a"].wait()
        leaving.cancel()
        await city.single("z")
        await city.at_rest()
        assert city.made == Counter("z")

    run(work)


def test_a_layer_that_fails_ends_its_tile_and_the_turn_but_nobody_elses_tile() -> None:
    async def work() -> None:
        city = Machine()
        city.failing = {"b"}
        going = city.hold("b")
        first = city.begin("abc")
        await city.begun["b"].wait()
        second, third = city.begin("cb"), city.begin("cd")
        await others_go_on()
        going.set()
        told = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(one) for one in told] == [OSError, OSError]
        assert await third == [b"c", b"d"]
        await city.at_rest()
        city.failing = set()
        assert await city.tiles("abc") == [b"a", b"b", b"c"]
        assert city.made == Counter("abcd")

    run(work)


def test_a_turn_that_was_had_while_nobody_was_answered_is_given_back_when_somebody_is(
    monkeypatch: pytest.MonkeyPatch, rests: list[float]
) -> None:
    async def work() -> None:
        city = Machine()
        monkeypatch.setattr(tile_courtesy, "RECENT_S", 0.0)
        going = city.hold("a")
        whole = city.begin("abc")
        await city.begun["a"].wait()
        monkeypatch.setattr(tile_courtesy, "RECENT_S", 3_600.0)
        async with city.courtesy.turn():
            going.set()
            await others_go_on()
            assert not city.begun["b"].is_set()
        await whole
        await city.at_rest()

    run(work)

    assert len(rests) == 2


def test_near_the_ground_the_layers_of_a_tile_are_made_at_once_and_give_way_to_nobody() -> None:
    async def work() -> None:
        city = Machine()
        async with city.courtesy.turn():
            near = [city.wanted(name, zoom=LOW_ZOOM + 1) for name in "abcd"]
            await city.cache.tiles(near)
        assert city.most_under_way == 4

    run(work)


SOME = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)
STEPS = st.integers(0, 60)


@given(
    wanted=st.lists(st.tuples(SOME, STEPS, st.none() | STEPS), min_size=2, max_size=6),
    singles=st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3), STEPS), max_size=8),
    failing=st.sets(st.sampled_from("abcdef"), max_size=2),
)
def test_whatever_tiles_are_asked_for_fail_and_are_left_everything_comes_to_an_end(
    wanted: list[tuple[list[str], int, int | None]],
    singles: list[tuple[str, int, int]],
    failing: set[str],
) -> None:
    async def work() -> None:
        city = Machine()
        city.failing = failing

        async def after(steps: int, begin: Callable[[], Awaitable[object]]) -> None:
            for _ in range(steps):
                await asyncio.sleep(0)
            with suppress(OSError):
                await begin()

        async def asked(names: list[str], begins: int, leaves: int | None) -> None:
            task = asyncio.create_task(after(begins, partial(city.tiles, names)))
            if leaves is not None:
                await after(leaves, partial(asyncio.sleep, 0))
                task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        alone = (after(steps, partial(city.single, name, place)) for name, place, steps in singles)
        await asyncio.gather(*(asked(*one) for one in wanted), *alone)
        assert city.most_under_way <= 1  # none where all leave before anything begins
        await city.at_rest()

    run(work)
