"""Broken, mislabelled and hostile files are refused with a sentence, and nothing of them stays."""

import json
import os
import re
import shutil
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import shapely

from providers import file_archives
from providers.files import FileRefused, feature_writer, open_file

POINT = shapely.to_wkb(shapely.Point(125, 43))
COUNT = 2_000


def written(path: Path, driver: str) -> Path:
    values = pa.table(
        {
            "k": pa.array([f"地块{number}" for number in range(COUNT)]),
            "geom": pa.array([POINT] * COUNT, pa.binary()),
        }
    )
    pyogrio.raw.write_arrow(
        values,
        path,
        layer="t",
        driver=driver,
        geometry_name="geom",
        geometry_type="Point",
        crs="EPSG:4490",
    )
    return path


def refusal(path: Path, **how: str) -> str:
    with pytest.raises(FileRefused) as caught, open_file(path, **how) as source:
        list(source.batches())
    said = str(caught.value)
    assert "onemap-" not in said
    assert "private" not in said
    assert "pytest" not in said
    assert not re.search(r"\bdata\.\w", said)
    return said


@pytest.fixture(autouse=True)
def temporary(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Whatever happens, the private folder is gone afterwards."""
    folder = tmp_path_factory.mktemp("private")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.gpkg", b"\x89PNG\r\n\x1a\n" + b"\x00" * 99, "is a PNG image"),
        ("a.shp", b"this is a text", "is text and is none"),
        ("a.gpkg", b"", "is empty"),
        ("a.gpkg", b"SQLite format 3\x00" + b"\x00" * 200, "damaged database"),
        ("a.parquet", b"PAR1" + b"\x00" * 50 + b"PAR1", "cannot be read"),
        pytest.param("a.fgb", b"fgb\x03fgb\x00" + b"\xff" * 50, "cannot be read", id="fgb"),
        ("a.shp", b"\x00\x00\x27\x0a" + b"\x00" * 200, "no .shx and no .dbf"),
        ("a.zip", b"PK\x03\x04" + b"\x00" * 50, "damaged archive"),
        ("a.xlsx", b"PK\x03\x04" + b"\x00" * 50, "damaged archive"),
        ("a.csv.gz", b"\x1f\x8b" + b"\x00" * 50, "damaged archive"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[{"type', "cannot be read"),
        ("a.geojson", b'{"type":"Topology","objects":{}}', "no GeoJSON"),
        ("a.geojson", b'{"a":1}', "no GeoJSON"),
        ("a.geojson", '{"type":"FeatureCollection","name":"中"'.encode("gbk"), "not UTF-8"),
        ("a.vrt", b"<OGRVRTDataSource/>", "is XML"),
        ("a.gpkg", b"<OGRVRTDataSource/>", "is XML"),
        ("a.csv", b"%PDF-1.7", "is a PDF"),
        ("a.dbf", b"\x03" * 100, "is a part of a Shapefile"),
        ("a.rar", b"Rar!\x1a\x07", "is a RAR archive"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_refused_with_what_it_is(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert said in refusal(path)


@pytest.mark.parametrize(
    ("name", "driver"), [("a.gpkg", "GPKG"), ("a.fgb", "FlatGeobuf"), ("a.geojson", "GeoJSON")]
)
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, name: str, driver: str) -> None:
    path = written(tmp_path / name, driver)
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        refusal(path)


def test_a_geoparquet_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"k": list(range(COUNT))}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refusal(path)
    path.write_bytes(whole[:100] + b"\xff" * 500 + whole[600:])
    refusal(path)


def test_a_geodatabase_of_which_a_table_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gdb", "OpenFileGDB")
    table = max(path.glob("*.gdbtable"), key=lambda part: part.stat().st_size)
    table.write_bytes(table.read_bytes()[: table.stat().st_size * 2 // 3])
    assert "cut off" in refusal(path)


def test_links_devices_and_pipes_are_refused(tmp_path: Path) -> None:
    real = written(tmp_path / "a.gpkg", "GPKG")
    link, pipe = tmp_path / "b.gpkg", tmp_path / "c.gpkg"
    link.symlink_to(real)
    os.mkfifo(pipe)
    assert "is a link" in refusal(link)
    assert "a device or a pipe" in refusal(pipe)
    assert "a device or a pipe" in refusal(Path("/dev/zero"))
    assert "no such file" in refusal(Path("/vsicurl/http://127.0.0.1/c.gpkg"))
    assert "no such file" in refusal(Path("c" * 300))
    folder = written(tmp_path / "a.gdb", "OpenFileGDB")
    (folder / "a00000099.gdbtable").symlink_to("/dev/zero")
    assert "is a link" in refusal(folder)


def test_a_json_file_that_tells_gdal_to_run_something_is_not_run(tmp_path: Path) -> None:
    victim = tmp_path / "victim.geojson"
    path = tmp_path / "a.geojson"
    feature = '"type":"FeatureCollection","features":[]'
    for hidden in ("", " " * 100_000):
        path.write_text(
            f'{{{feature},{hidden}"x":{{"type":"gdal_streamed_alg"}},"type":"gdal_streamed_alg",'
            f'"command_line":"gdal vector pipeline ! read {path} ! write {victim}"}}'
        )
        try:
            with open_file(path) as source:
                assert source.features == 0
        except FileRefused:
            pass
        assert not victim.exists()


def test_a_geojson_of_enormous_depth_is_refused(tmp_path: Path) -> None:
    deep = "[" * 200_000 + "]" * 200_000
    path = tmp_path / "a.geojson"
    for properties, coordinates in ((f'{{"a":{deep}}}', "[1,2]"), ("{}", deep)):
        path.write_text(
            '{"type":"FeatureCollection","features":[{"type":"Feature","properties":'
            f'{properties},"geometry":{{"type":"Point","coordinates":{coordinates}}}}}]}}'
        )
        assert "nested" in refusal(path)


def changed(path: Path, *statements: str) -> Path:
    with sqlite3.connect(path) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["ALTER TABLE t RENAME TO u", f"CREATE VIEW t AS {ENDLESS}"], "t is a view"),
        (
            ["ALTER TABLE gpkg_contents RENAME TO gc", "CREATE VIEW gpkg_contents AS SELECT 1"],
            "gpkg_contents is a view",
        ),
        (["ALTER TABLE t ADD COLUMN g AS (zeroblob(1000000000))"], "computed when it is read"),
        (["DROP TABLE gpkg_contents"], "no GeoPackage"),
    ],
)
def test_a_geopackage_that_would_run_statements_is_refused(
    tmp_path: Path, statements: list[str], said: str
) -> None:
    assert said in refusal(changed(written(tmp_path / "a.gpkg", "GPKG"), *statements))


def test_reading_a_geopackage_changes_nothing_in_it(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", "GPKG")
    changed(path, "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END")
    before = path.read_bytes()
    with open_file(path) as source:
        assert sum(batch.count for batch in source.batches()) == COUNT
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.gpkg"]


def test_a_geopackage_that_is_being_written_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", "GPKG")
    (tmp_path / "a.gpkg-wal").write_bytes(b"changes")
    assert "is not complete" in refusal(path)


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("a.csv")
    entry.external_attr = 0o120777 << 16
    return entry


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("../evil.csv", b"a\n1\n")], "leads out"),
        ([("x/../../evil.csv", b"a\n1\n")], "leads out"),
        ([("/evil.csv", b"a\n1\n")], "leads out"),
        ([("..\\evil.csv", b"a\n1\n")], "leads out"),
        ([("C:\\evil.csv", b"a\n1\n")], "leads out"),
        ([(link(), b"/etc/passwd")], "is a link"),
        ([("b.zip", b"PK\x03\x04")], "another archive"),
        ([("read.docx", b"text")], "no data set"),
        ([("a.csv/b.csv", b"a\n"), ("a.csv", b"a\n1\n")], "2 data sets"),
        ([], "no data set"),
    ],
)
def test_an_archive_that_is_not_safe_is_refused(
    tmp_path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], said: str
) -> None:
    assert said in refusal(zipped(tmp_path / "a.zip", *entries))
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_an_entry_twice_is_refused(tmp_path: Path) -> None:
    entries = [("a.csv", b"a\n1\n"), ("a.csv", b"a\n2\n")]
    assert "twice" in refusal(zipped(tmp_path / "a.zip", *entries))


def test_an_archive_beside_the_data_set_is_left_alone_and_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.csv", b"a\n1\n"), ("b.zip", b"PK"), ("c.pdf", b"%PDF"))
    with open_file(path) as source:
        assert source.notes == ("the archive b.zip inside it was not opened",)


def understated(path: Path, claim: int) -> Path:
    """The archive with a header that claims its entry to be small."""
    raw = bytearray(path.read_bytes())
    central = raw.index(b"PK\x01\x02")
    raw[22:26] = raw[central + 24 : central + 28] = struct.pack("<I", claim)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("change", [lambda path: path, lambda path: understated(path, 10)])
@pytest.mark.parametrize("name", ["a.csv", "xl/workbook.xml"])
def test_a_zip_bomb_is_refused_whatever_its_header_says(
    tmp_path: Path, name: str, change: Callable[[Path], Path]
) -> None:
    path = change(zipped(tmp_path / "a.zip", (name, b"0" * 120_000_000)))
    assert path.stat().st_size < 200_000
    said = refusal(path)
    assert "zip bomb" in said or "damaged archive" in said


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    packer = zlib.compressobj(wbits=31)
    path.write_bytes(packer.compress(b"0" * 120_000_000) + packer.flush())
    assert "zip bomb" in refusal(path)


def test_an_archive_of_too_many_entries_or_bytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "a.zip", *((f"{n}.pdf", b"") for n in range(30)), ("a.csv", b"a\n1\n"))
    monkeypatch.setattr(file_archives, "MAX_ENTRIES", 30)
    assert "31 entries" in refusal(path)
    monkeypatch.undo()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(file_archives, "MAX_EXPANDED_BYTES", 3)
    assert "limit" in refusal(path)


def test_a_workbook_with_a_document_type_is_refused(tmp_path: Path) -> None:
    content = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'
    assert "document type" in refusal(zipped(tmp_path / "a.xlsx", ("xl/workbook.xml", content)))


def test_repeated_large_values_of_a_parquet_do_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    large = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), ["x" * 1_000_000])
    pq.write_table(pa.table({"a": large}), path)
    with open_file(path) as source:
        sizes = [batch.columns["a"].nbytes for batch in source.batches()]
    assert len(sizes) > 5
    assert max(sizes) < 300_000_000


def test_geo_metadata_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for geo in ([], {}, {"primary_column": "k"}, {"primary_column": "g", "columns": {"g": 1}}, 1):
        table = pa.table({"k": [1]}).replace_schema_metadata({"geo": json.dumps(geo)})
        pq.write_table(table, path)
        assert "not those of GeoParquet" in refusal(path)


def test_what_gdal_says_never_reaches_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "a.gpkg", "GPKG")
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] + b"\x00" * (len(whole) - half))
    refusal(path)
    shutil.copy(path, tmp_path / "b.fgb")
    refusal(tmp_path / "b.fgb")
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_a_file_of_no_known_ending_is_not_written(tmp_path: Path) -> None:
    with (
        pytest.raises(FileRefused, match=r"a\.shp: files are written as"),
        feature_writer(tmp_path / "a.shp", layer="a", crs=None),
    ):
        pass
