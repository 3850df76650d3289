"""PMTiles archives: what was added is what independent readers find, each tile and no other."""

import gzip
import mmap
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pmtiles.reader import MemorySource, Reader, all_tiles
from pmtiles.tile import tileid_to_zxy

from providers.errors import Refused
from providers.tile_archive import tile_archive

PARIS = (2.0, 48.5, 2.5, 49.0)
contents = st.sampled_from([b"a", b"b", b"c" * 300]) | st.binary(min_size=1, max_size=20)


def write(path: Path, tiles: dict[int, bytes]) -> bytes:
    with tile_archive(path) as archive:
        for number, content in sorted(tiles.items()):
            zoom, column, row = tileid_to_zxy(number)
            archive.add(zoom, row, column, content)
        archive.bounds, archive.zooms = PARIS, (0, 14)
        archive.metadata = {"name": "一张图"}
    return path.read_bytes()


@given(tiles=st.dictionaries(st.integers(0, 4**15 // 3), contents, min_size=1, max_size=200))
def test_the_reader_of_the_format_finds_what_was_added_and_nothing_else(
    tiles: dict[int, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("archive") / "one.pmtiles"
    held = write(path, tiles)

    found = {key: gzip.decompress(packed) for key, packed in all_tiles(MemorySource(held))}
    reader = Reader(MemorySource(held))
    header = reader.header()

    assert found == {tileid_to_zxy(number): content for number, content in tiles.items()}
    assert reader.metadata() == {"name": "一张图"}
    assert header["addressed_tiles_count"] == len(tiles)
    assert header["tile_contents_count"] == len(set(tiles.values()))
    assert header["clustered"]
    assert (header["min_lon_e7"], header["max_lat_e7"]) == (20_000_000, 490_000_000)
    assert header["tile_data_offset"] + header["tile_data_length"] == len(held)


def test_many_tiles_are_found_through_leaves_and_equal_ones_are_stored_once(
    tmp_path: Path,
) -> None:
    numbers = range(1_000, 61_000, 2)
    path = tmp_path / "many.pmtiles"
    write(path, {number: str(number % 10_000).encode() for number in numbers})

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        reader = Reader(lambda offset, length: held[offset : offset + length])
        header = reader.header()
        for number in (1_000, 20_000, 59_998):
            assert gzip.decompress(reader.get(*tileid_to_zxy(number))) == b"%d" % (number % 10_000)
        assert reader.get(*tileid_to_zxy(1_001)) is None
        assert reader.get(*tileid_to_zxy(70_000)) is None
    assert header["root_offset"] + header["root_length"] <= 16_384
    assert header["leaf_directory_length"] > 0
    assert header["tile_contents_count"] == 5_000
    assert header["addressed_tiles_count"] == header["tile_entries_count"] == len(numbers)


def test_a_run_of_equal_tiles_is_one_entry(tmp_path: Path) -> None:
    held = write(tmp_path / "one.pmtiles", dict.fromkeys(range(100, 200), b"water"))

    header = Reader(MemorySource(held)).header()

    assert (header["tile_entries_count"], header["addressed_tiles_count"]) == (1, 100)


def test_tiles_out_of_order_are_an_error_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "one.pmtiles"

    with tile_archive(path) as archive:
        archive.add(2, 0, 0, b"")
        archive.add(3, 0, 0, b"b")
        with pytest.raises(ValueError, match="out of order"):
            archive.add(2, 0, 0, b"c")

    assert [key for key, _ in all_tiles(MemorySource(path.read_bytes()))] == [(3, 0, 0)]


@settings(max_examples=5)
@given(tiles=st.dictionaries(st.integers(0, 10_000), contents, min_size=1, max_size=50))
def test_the_same_tiles_give_the_same_bytes(
    tiles: dict[int, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("archive")

    assert write(folder / "one.pmtiles", tiles) == write(folder / "two.pmtiles", tiles)


def test_an_archive_that_is_given_up_leaves_what_was_there_and_nothing_beside(
    tmp_path: Path,
) -> None:
    path = tmp_path / "one.pmtiles"
    before = write(path, {5: b"old"})

    def given_up() -> None:
        with tile_archive(path) as archive:
            archive.add(0, 0, 0, b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        given_up()

    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["one.pmtiles"]


def test_a_folder_that_cannot_be_written_to_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(Refused, match=r"one\.pmtiles cannot be written: No such file"),
        tile_archive(tmp_path / "none" / "one.pmtiles"),
    ):
        pass
