"""The tile cache without a database: what is asked how often, what is kept, who must wait."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from config.settings import Settings
from config.vocabulary import LayerId
from providers.database import Pools
from providers.tile_sources import Tile
from server.compression import ASIDE_BYTES, Coding
from server.problems import Overloaded
from server.tile_cache import FOLDER, TileCache, Wanted
from server.tile_disk import TileDisk
from server.tile_figures import BYTES, HELD, TILES, Had, Kept
from server.tile_memory import OVERHEAD_BYTES, Entry, TileMemory
from server.tile_slots import ANY, LOW, LOW_ZOOM, Bounds, TileSlots

LAYER = LayerId("land_use")
READERS = 8  # connections of one process, as providers.database opens them


class Source:
    """A layer as a tile cache sees it: its content now, and what was touched when."""

    def __init__(self, content: bytes = b"tile", revision: int = 1) -> None:
        self.content, self.revision = content, revision
        self.touches: set[int] = set()
        self.asked: list[str] = []
        self.going = asyncio.Event()
        self.going.set()
        self.under_way = self.most_under_way = 0

    async def make(self) -> Tile:
        self.asked.append("make")
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.going.wait()
            await asyncio.sleep(0)
            return Tile(content=self.content, revision=self.revision, drawn=1, omitted=0)
        finally:
            self.under_way -= 1

    async def touched(self, after: int, until: int) -> bool:
        self.asked.append("touched")
        return any(after < revision <= until for revision in self.touches)

    def wanted(self, key: str = "a", zoom: int = 14, layer: LayerId = LAYER) -> Wanted:
        return Wanted(
            key=(key,),
            layer=layer,
            zoom=zoom,
            revision=self.revision,
            make=self.make,
            touched=self.touched,
        )


def cache(folder: Path | None = None, most: int = 1 << 20) -> TileCache:
    disk = None if folder is None else TileDisk(folder, 1 << 20)
    return TileCache(TileMemory(most), disk, _database)


async def _database() -> str:
    return "one"


def run[T](work: Callable[[], Awaitable[T]]) -> T:
    async def all_of_it() -> T:
        return await work()

    return asyncio.run(all_of_it())


def test_a_tile_that_is_known_to_be_right_asks_nothing() -> None:
    async def work() -> list[str]:
        source, kept = Source(), cache()
        for _ in range(3):
            assert (await kept.tile(source.wanted())).content == b"tile"
        return source.asked

    assert run(work) == ["make"]


def test_many_who_ask_for_a_cold_tile_at_once_cost_one_statement() -> None:
    async def work() -> list[str]:
        source, kept = Source(), cache()
        await asyncio.gather(*(kept.tile(source.wanted()) for _ in range(50)))
        return source.asked

    assert run(work) == ["make"]


def test_an_edit_elsewhere_costs_one_question_and_the_tile_stays() -> None:
    async def work() -> list[str]:
        source, kept = Source(), cache()
        before = await kept.tile(source.wanted())
        source.revision = 4
        for _ in range(3):
            assert await kept.tile(source.wanted()) is before
        return source.asked

    assert run(work) == ["make", "touched"]


def test_an_edit_inside_has_the_tile_made_anew_and_equal_bytes_keep_their_tag() -> None:
    async def work() -> None:
        source, kept = Source(), cache()
        first = (await kept.tile(source.wanted())).form("identity").tag
        source.revision, source.content, source.touches = 2, b"other", {2}
        second = (await kept.tile(source.wanted())).form("identity").tag
        source.revision, source.touches = 3, {2, 3}
        third = (await kept.tile(source.wanted())).form("identity").tag
        assert source.asked == ["make", "touched", "make", "touched", "make"]
        assert first != second == third

    run(work)


def test_who_asks_after_an_edit_does_not_get_what_was_begun_before_it() -> None:
    async def work() -> bytes:
        source, kept = Source(), cache()
        source.going.clear()
        early = asyncio.create_task(kept.tile(source.wanted()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        old = source.wanted()
        source.revision, source.touches = 2, {2}
        late = asyncio.create_task(kept.tile(source.wanted()))
        await asyncio.sleep(0)
        source.revision = old.revision  # the statement under way saw the state before
        source.going.set()
        await early
        source.revision, source.content = 2, b"after"
        return (await late).content

    assert run(work) == b"after"


def test_who_leaves_does_not_end_what_others_wait_for() -> None:
    async def work() -> bytes:
        source, kept = Source(), cache()
        source.going.clear()
        leaving = asyncio.create_task(kept.tile(source.wanted()))
        staying = asyncio.create_task(kept.tile(source.wanted()))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        source.going.set()
        return (await staying).content

    assert run(work) == b"tile"


def test_a_failure_is_told_to_all_who_wait_and_is_not_kept() -> None:
    async def work() -> list[str]:
        source, kept = Source(), cache()
        good, wanted = source.make, source.wanted()

        async def fails() -> Tile:
            source.asked.append("make")
            raise OSError("gone")

        broken = Wanted(
            key=wanted.key,
            layer=LAYER,
            zoom=14,
            revision=1,
            make=fails,
            touched=source.touched,
        )
        told = await asyncio.gather(*(kept.tile(broken) for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in told] == [OSError] * 3
        assert good == source.make
        await kept.tile(source.wanted())
        return source.asked

    assert run(work) == ["make", "make"]


def counted() -> Counter[str]:
    """The tiles of this process by how they were had, so far."""
    samples = (sample for family in TILES.collect() for sample in family.samples)
    return Counter({s.labels["had"]: int(s.value) for s in samples if s.name.endswith("_total")})


def test_each_request_is_counted_once_by_how_its_tile_was_had() -> None:
    async def work() -> None:
        source, kept = Source(), cache()
        await asyncio.gather(*(kept.tile(source.wanted()) for _ in range(5)))

    before = counted()
    run(work)

    assert counted() - before == {Had.MADE: 1, Had.AWAITED: 4}


def test_who_is_refused_with_the_tile_that_it_waits_for_is_counted_as_refused() -> None:
    async def work() -> None:
        source, kept = Source(), cache()

        async def refused() -> Tile:
            await source.going.wait()
            raise Overloaded("40 tiles of land_use wait to be made")

        wanted = replace(source.wanted(), make=refused)
        told = await asyncio.gather(*(kept.tile(wanted) for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in told] == [Overloaded] * 3

    before = counted()
    run(work)

    assert counted() - before == {Had.REFUSED: 3}


def test_who_waited_for_a_tile_of_before_an_edit_is_counted_by_how_the_right_one_was_had() -> None:
    async def work() -> None:
        source, kept = Source(), cache()
        source.going.clear()
        early = asyncio.create_task(kept.tile(source.wanted()))
        for _ in range(3):
            await asyncio.sleep(0)
        late = asyncio.create_task(kept.tile(replace(source.wanted(), revision=2)))
        await asyncio.sleep(0)
        source.touches = {2}
        source.going.set()
        await early
        source.revision = 2
        await late

    before = counted()
    run(work)

    assert counted() - before == {Had.MADE: 2}


def test_who_asks_in_the_moment_when_an_older_tile_is_done_has_the_right_one() -> None:
    """That it is done is told to others one turn of the loop later: nobody may wait for that busily."""

    def busy(*_: object) -> None:
        raise AssertionError("the process answers nobody any more")

    async def work() -> bytes:
        source, kept = Source(), cache()
        answered: asyncio.Future[Tile] = asyncio.get_running_loop().create_future()

        async def make() -> Tile:
            return await answered

        early = asyncio.create_task(kept.tile(replace(source.wanted(), make=make)))
        for _ in range(3):
            await asyncio.sleep(0)
        answered.set_result(Tile(content=b"before", revision=1, drawn=1, omitted=0))
        source.revision, source.content, source.touches = 2, b"after", {2}
        late = asyncio.create_task(kept.tile(source.wanted()))
        assert (await early).content == b"before"
        found = await late
        assert await kept.tile(source.wanted()) is found
        await kept.close()
        return found.content

    before = signal.signal(signal.SIGALRM, busy)
    signal.alarm(10)
    try:
        assert run(work) == b"after"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def files() -> float:
    """The bytes in files, as /metrics tells them."""
    return next(s.value for f in BYTES.collect() for s in f.samples if s.labels["kept"] == "files")


def test_the_bytes_in_files_are_those_that_lie_there(tmp_path: Path) -> None:
    disk = TileDisk(tmp_path, 1 << 20)
    for number in range(3):
        disk.put((number,), Entry.of(bytes(1_000), 1))
    HELD[Kept.FILES].set(0)  # a process that begins
    disk.tidy()

    def lying() -> int:
        return sum(path.stat().st_size for path in tmp_path.rglob("*.tile"))

    assert files() == lying() > 3_000

    disk.put((1,), Entry.of(bytes(5_000), 2))
    assert files() == lying() > 7_000

    next(tmp_path.rglob("*.tile")).write_bytes(b"")
    disk.tidy()
    for number in range(3):
        disk.get((number,))
    assert files() == lying()


def test_what_lies_in_files_is_measured_when_a_process_begins(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, store=tmp_path)
    TileDisk(tmp_path / FOLDER, 1 << 20).put(("a",), Entry.of(bytes(1_000), 1))
    HELD[Kept.FILES].set(0)

    async def work() -> None:
        await TileCache.of(settings, cast("Pools", None)).close()

    run(work)

    assert files() > 1_000


def test_without_memory_every_tile_is_made() -> None:
    async def work() -> list[str]:
        source, kept = Source(), cache(most=0)
        for _ in range(2):
            await kept.tile(source.wanted())
        return source.asked

    assert run(work) == ["make", "make"]


def test_memory_is_bounded_in_bytes_and_what_was_asked_for_last_stays() -> None:
    memory = TileMemory(3 * (OVERHEAD_BYTES + 100))
    for name in "abc":
        memory.put((name,), Entry.of(bytes(100), 1))
    memory.get(("a",))
    memory.put(("d",), Entry.of(bytes(100), 1))

    held = [name for name in "abcd" if memory.get((name,)) is not None]

    assert held == ["a", "c", "d"]
    assert memory.size == memory.most


def test_codings_count_as_memory_and_a_tile_larger_than_all_of_it_is_not_kept() -> None:
    memory, entry = TileMemory(10_000), Entry.of(bytes(2_000), 1)
    memory.put(("a",), entry)
    plain = memory.size
    packed = len(entry.form("gzip").content)
    memory.put(("a",), entry)

    assert memory.size == plain + packed
    memory.put(("b",), Entry.of(bytes(20_000), 1))
    assert memory.get(("b",)) is None
    assert memory.get(("a",)) is entry


def test_each_coding_has_a_tag_of_its_own_and_small_tiles_are_not_packed() -> None:
    large, small = Entry.of(bytes(5_000), 1), Entry.of(b"small", 1)

    forms = [large.form(coding) for coding in ("identity", "gzip", "zstd")]

    assert len({form.tag for form in forms}) == 3
    assert [form.coding for form in forms] == ["identity", "gzip", "zstd"]
    assert small.form("gzip").coding == "identity"
    assert small.form("gzip").content == b"small"


@pytest.mark.parametrize(("coding", "aside"), [("identity", 0), ("gzip", 1), ("zstd", 1)])
def test_only_what_is_packed_is_made_in_another_thread(
    coding: Coding, aside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> int:
        begun: list[object] = []

        async def counted[T](make: Callable[[Coding], T], asked: Coding) -> T:
            begun.append(asked)
            return make(asked)

        monkeypatch.setattr(asyncio, "to_thread", counted)
        form = await cache().form(None, Entry.of(bytes(ASIDE_BYTES + 1), 1), coding)
        assert form.coding == coding
        return len(begun)

    assert run(work) == aside


def test_another_process_finds_the_tile_in_the_file_and_asks_whether_it_is_still_right(
    tmp_path: Path,
) -> None:
    async def work() -> list[str]:
        source = Source()
        first, second, third = cache(tmp_path), cache(tmp_path), cache(tmp_path)
        await first.tile(source.wanted())
        await first.close()
        assert (await second.tile(source.wanted())).content == b"tile"
        source.revision = 2
        assert (await third.tile(source.wanted())).content == b"tile"
        return source.asked

    assert run(work) == ["make", "touched"]


def test_a_file_of_another_database_is_not_read(tmp_path: Path) -> None:
    async def work() -> list[str]:
        async def other() -> str:
            return "two"

        source, first = Source(), cache(tmp_path)
        await first.tile(source.wanted())
        await first.close()
        restored = TileCache(TileMemory(1 << 20), TileDisk(tmp_path, 1 << 20), other)
        await restored.tile(source.wanted())
        await restored.close()
        return source.asked

    assert run(work) == ["make", "make"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda whole: whole[:-1],
        lambda whole: whole + b"x",
        lambda whole: b"",
        lambda whole: whole.replace(b'"revision":7', b'"revision":"x"'),
        lambda whole: b"[]\n",
    ],
)
def test_a_file_that_is_not_what_it_says_is_removed(
    tmp_path: Path, broken: Callable[[bytes], bytes]
) -> None:
    disk = TileDisk(tmp_path, 1 << 20)
    disk.put(("a",), Entry.of(b"content", 7))
    (path,) = tmp_path.rglob("*.tile")
    path.write_bytes(broken(path.read_bytes()))

    assert disk.get(("a",)) is None
    assert not path.exists()


def test_a_file_of_another_key_under_this_name_is_not_served(tmp_path: Path) -> None:
    disk = TileDisk(tmp_path, 1 << 20)
    disk.put(("a",), Entry.of(b"a", 1))
    (path,) = tmp_path.rglob("*.tile")
    disk.put(("b",), Entry.of(b"b", 1))
    (other,) = (found for found in tmp_path.rglob("*.tile") if found != path)
    path.replace(other)

    assert disk.get(("b",)) is None


def test_files_are_bounded_and_the_ones_asked_for_longest_ago_go(tmp_path: Path) -> None:
    disk = TileDisk(tmp_path, 50_000)
    for number in range(100):
        disk.put((number,), Entry.of(bytes(1_000), 1))
    disk.tidy()

    held = [number for number in range(100) if disk.get((number,)) is not None]

    assert sum(path.stat().st_size for path in tmp_path.rglob("*.tile")) <= 50_000
    assert held
    assert held[-1] == 99


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "tiles").write_text("a file where a folder is needed")

    async def work() -> bytes:
        kept = cache(tmp_path / "tiles")
        entry = await kept.tile(Source().wanted())
        await kept.close()
        return entry.content

    assert run(work) == b"tile"


@pytest.mark.parametrize(("zoom", "bounds"), [(LOW_ZOOM, LOW), (LOW_ZOOM + 1, ANY)])
def test_a_storm_of_cold_tiles_of_one_layer_is_bounded_and_the_rest_is_refused(
    zoom: int, bounds: Bounds
) -> None:
    async def work() -> None:
        source, kept = Source(), cache()
        source.going.clear()
        over = 7
        count = bounds.layer + bounds.waiting + over
        storm = [
            asyncio.create_task(kept.tile(source.wanted(str(number), zoom)))
            for number in range(count)
        ]
        for _ in range(5):
            await asyncio.sleep(0)
        source.going.set()
        told = await asyncio.gather(*storm, return_exceptions=True)
        refused = [one for one in told if isinstance(one, Overloaded)]
        assert len(refused) == over
        assert source.most_under_way == bounds.layer

    run(work)


def test_storms_over_all_layers_leave_connections_and_low_zooms_leave_more() -> None:
    async def most(zoom: int) -> int:
        source, kept = Source(), cache()
        storm = [
            kept.tile(source.wanted(f"{name}{number}", zoom, LayerId(name)))
            for name in ("a", "b", "c", "d")
            for number in range(10)
        ]
        await asyncio.gather(*storm)
        return source.most_under_way

    low, high = (run(lambda zoom=zoom: most(zoom)) for zoom in (3, 16))  # type: ignore[misc]

    assert low == LOW.process < high == ANY.process < READERS
    assert READERS - ANY.process >= 2
    assert READERS - LOW.process >= 4


def test_a_turn_is_given_back_when_its_tile_fails() -> None:
    async def work() -> None:
        slots = TileSlots()
        for _ in range(3 * ANY.process):
            with pytest.raises(OSError, match="gone"):
                async with slots.turn(LAYER, 3):
                    raise OSError("gone")

    run(work)
