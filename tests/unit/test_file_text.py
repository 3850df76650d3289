"""The text of Shapefiles, CSV and XLSX: its encoding is declared, contradicted or found."""

import codecs
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio.raw
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from providers.file_encoding import judge, text_name
from providers.files import Batch, FileRefused, SourceFile, open_file

NAMES = ["长春市南关区", "水浇地", "永久基本农田", "ASCII", None]
GB18030 = "𠮷林〇"  # outside GBK


def only(path: Path, **how: str) -> tuple[SourceFile, Batch]:
    with open_file(path, **how) as source:
        (batch,) = source.batches()
        return source, batch


def shapefile(
    folder: Path, names: list[Any], encoding: str, cpg: str | None, *, language: int = 0
) -> Path:
    """A Shapefile with text in *encoding*, whatever its .cpg says."""
    path = folder / "地块.shp"
    columns = {
        "名称": pa.array(names, pa.string()),
        "面积": pa.array(np.arange(len(names)) + 0.5),
        "日期": pa.array([20_000] * len(names), pa.int32()).cast(pa.date32()),
    }
    geometry = shapely.to_wkb(shapely.box(np.arange(len(names)), 0, np.arange(len(names)) + 1, 1))
    table = pa.table({**columns, "geom": pa.array(geometry.tolist(), pa.binary())})
    pyogrio.raw.write_arrow(
        table,
        path,
        layer="x",
        driver="ESRI Shapefile",
        geometry_name="geom",
        geometry_type="Polygon",
        crs="EPSG:4547",
        encoding=encoding,
    )
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    dbf[29] = language
    path.with_suffix(".dbf").write_bytes(dbf)
    return path


@pytest.mark.parametrize(
    ("encoding", "cpg", "language", "read", "note"),
    [
        ("GBK", "GBK", 0, "GB18030", None),
        ("GBK", "936", 0, "GB18030", None),
        ("GBK", None, 0x4D, "GB18030", None),
        ("GBK", None, 0x57, "GB18030", "no encoding is declared"),
        ("GBK", None, 0, "GB18030", "no encoding is declared"),
        ("GBK", "UTF-8", 0, "GB18030", "the .cpg says UTF-8, the text is GB18030"),
        ("GBK", "ISO-8859-1", 0, "GB18030", "the .cpg says ISO8859-1, the text is GB18030"),
        ("GBK", "nonsense", 0, "GB18030", "the .cpg says 'nonsense'"),
        ("UTF-8", "UTF-8", 0, "UTF-8", None),
        ("UTF-8", None, 0, "UTF-8", "no encoding is declared"),
        ("UTF-8", "GBK", 0, "UTF-8", "the .cpg says GB18030, the text is UTF-8"),
        ("UTF-8", None, 0x4D, "UTF-8", "the language byte of the .dbf says GB18030, the text is"),
    ],
)
def test_the_encoding_of_a_shapefile_is_honoured_or_contradicted(
    tmp_path: Path, encoding: str, cpg: str | None, language: int, read: str, note: str | None
) -> None:
    source, batch = only(shapefile(tmp_path, NAMES, encoding, cpg, language=language))
    assert source.encoding == read
    assert batch.columns["名称"].to_pylist() == NAMES
    assert list(batch.columns) == ["名称", "面积", "日期"]
    assert dict(batch.unreadable) == {}
    assert source.layer == "地块"
    assert any(note in one for one in source.notes) if note else source.notes == ()


def test_characters_outside_gbk_are_read_as_gb18030(tmp_path: Path) -> None:
    source, batch = only(shapefile(tmp_path, [*NAMES, GB18030], "GB18030", "GBK"))
    assert batch.columns["名称"][5].as_py() == GB18030
    assert source.encoding == "GB18030"


@pytest.mark.parametrize(("encoding", "length"), [("GBK", 127), ("UTF-8", 84)])
def test_a_text_that_the_dbf_cut_in_the_middle_of_a_character_is_named(
    tmp_path: Path, encoding: str, length: int
) -> None:
    path = shapefile(tmp_path, ["田" * length, "完整"], encoding, None)
    raw = path.with_suffix(".dbf").read_bytes()
    whole = ("田" * length).encode(encoding)
    cut = raw.replace(whole, whole[:-1] + b" ")
    path.with_suffix(".dbf").write_bytes(cut)
    _, batch = only(path)
    assert list(batch.unreadable) == [0]
    assert "is cut in the middle of a character" in batch.unreadable[0]
    assert batch.columns["名称"].to_pylist() == [None, "完整"]


def test_the_encoding_that_the_caller_names_holds_unless_most_text_contradicts_it(
    tmp_path: Path,
) -> None:
    path = shapefile(tmp_path, [*NAMES, "北京"], "UTF-8", "GBK")
    assert only(path, encoding="utf8")[1].columns["名称"].to_pylist()[0] == NAMES[0]
    gbk = shapefile(tmp_path, NAMES, "GBK", None)
    with pytest.raises(FileRefused, match="texts are not UTF-8; they are GB18030"):
        only(gbk, encoding="UTF-8")
    with pytest.raises(FileRefused, match="no known encoding"):
        only(gbk, encoding="中文")
    raw = gbk.with_suffix(".dbf").read_bytes()
    wrong = raw.replace("水浇地".encode("gbk"), b"\xff\xff\xff\xff\xff\xff")
    gbk.with_suffix(".dbf").write_bytes(wrong)
    _, batch = only(gbk, encoding="GBK")
    assert list(batch.unreadable) == [1]


@given(
    st.lists(st.text("的一是了我不人在他有这中大来上国土地空间规划", min_size=2), min_size=8),
    st.sampled_from(["utf-8", "gb18030"]),
    st.sampled_from([None, "utf-8", "gb18030"]),
)
def test_several_texts_are_always_read_in_the_encoding_that_they_are_in(
    texts: list[str], encoding: str, said: str | None
) -> None:
    raw = [text.encode(encoding) for text in texts]
    assert judge(raw, "a.shp", said=said, by="the .cpg", wanted=None).encoding == encoding


def test_a_column_name_that_is_cut_in_the_middle_of_a_character_loses_it() -> None:
    assert text_name("地类名称".encode()[:10], "utf-8") == "地类名"
    assert text_name("永久基本农田".encode("gbk")[:9], "gb18030") == "永久基本"


def test_latin_text_is_not_taken_for_chinese() -> None:
    texts = [name.encode() for name in ("København", "Reykjavík", "São Tomé")]
    assert judge(texts, "a", said=None, by="", wanted=None).encoding == "utf-8"


def test_a_number_or_date_that_is_none_is_never_zero(tmp_path: Path) -> None:
    path = shapefile(tmp_path, ["甲", "乙", "丙"], "UTF-8", "UTF-8")
    raw = path.with_suffix(".dbf").read_bytes()
    whole = raw.replace(b"1.500000000000000", b"1.5mu            ", 1)
    path.with_suffix(".dbf").write_bytes(whole[:-9] + b"20240230" + whole[-1:])
    _, batch = only(path)
    assert "'1.5mu' is no number" in batch.unreadable[1]
    assert "'20240230' is no date" in batch.unreadable[2]


def test_deleted_records_are_left_out_and_the_others_keep_their_reasons(tmp_path: Path) -> None:
    path = shapefile(tmp_path, ["甲", "乙", "丙"], "UTF-8", "UTF-8")
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    header, length = (int.from_bytes(raw[at : at + 2], "little") for at in (8, 10))
    raw[header] = ord("*")
    raw[header + 2 * length + 80 :] = raw[header + 2 * length + 80 :].replace(b"2.5", b"2,5")
    path.with_suffix(".dbf").write_bytes(raw)
    source, batch = only(path)
    assert source.features == 2
    assert batch.columns["名称"].to_pylist() == ["乙", "丙"]
    assert list(batch.unreadable) == [1]


@pytest.mark.parametrize("part", [".shx", ".dbf"])
def test_a_missing_part_of_a_shapefile_is_named(tmp_path: Path, part: str) -> None:
    path = shapefile(tmp_path, NAMES, "UTF-8", "UTF-8")
    path.with_suffix(part).unlink()
    with pytest.raises(FileRefused, match=f"has no \\{part} beside it"):
        only(path)


def test_a_shapefile_without_prj_has_no_reference_system_and_says_so(tmp_path: Path) -> None:
    path = shapefile(tmp_path, NAMES, "UTF-8", "UTF-8")
    path.with_suffix(".prj").unlink()
    source, _ = only(path)
    assert source.crs is None
    assert source.notes == ("there is no .prj beside it: its reference system is not stated",)


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
def test_a_shapefile_that_is_cut_off_is_refused(tmp_path: Path, part: str) -> None:
    path = shapefile(tmp_path, NAMES, "UTF-8", "UTF-8")
    whole = path.with_suffix(part).read_bytes()
    for length in (0, 20, len(whole) // 2, len(whole) - 20):
        path.with_suffix(part).write_bytes(whole[:length])
        with pytest.raises(FileRefused):
            only(path)


def test_parts_of_a_shapefile_in_capitals_and_zipped_with_gbk_names_are_found(
    tmp_path: Path,
) -> None:
    path = shapefile(tmp_path, NAMES, "GBK", "GBK")
    zipped = tmp_path / "z.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        for part in sorted(tmp_path.glob("地块.*")):
            # as a Chinese Windows writes it: GBK bytes, no flag that says UTF-8
            name = f"成果/{path.stem}{part.suffix.upper()}".encode("gbk").decode("cp437")
            entry = zipfile.ZipInfo(name)
            archive.writestr(entry, part.read_bytes())
    raw = zipped.read_bytes()
    for part in (".SHP", ".SHX", ".DBF", ".PRJ", ".CPG"):
        name = f"成果/地块{part}"
        raw = raw.replace(name.encode("gbk").decode("cp437").encode(), name.encode("gbk"))
    assert only(zipped)[1].columns["名称"].to_pylist() == NAMES


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("gb18030", b"")]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_text_in_any_encoding_and_codes_keep_their_zeros(
    tmp_path: Path, encoding: str, mark: bytes, delimiter: str
) -> None:
    path = tmp_path / "a.csv"
    lines = ["代码;名称;面积\n(公顷)", "007;长春市;1.50", "", ' 08;"含;与\n换行";', "009;㐂𠮷;NaN"]
    text = "\n".join(lines).replace("面积\n(公顷)", '"面积\n(公顷)"').replace(";", delimiter)
    path.write_bytes(mark + text.encode(encoding))
    source, batch = only(path)
    assert batch.columns["代码"].to_pylist() == ["007", " 08", "009"]
    assert batch.columns["名称"].to_pylist() == ["长春市", f"含{delimiter}与\n换行", "㐂𠮷"]
    assert batch.columns["面积\n(公顷)"].to_pylist() == ["1.50", None, "NaN"]
    assert source.encoding == encoding.upper()
    assert all(kind == pa.string() for kind in source.columns.values())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n1,2,3\n", "row 3 has 3 values, the header 2"),
        (b"a,a\n1,2\n", "names 'a' twice"),
        ("a,b\n1,长春\n".encode("utf-16"), "UTF-16"),
        (b"a\n" + b"x" * 9_000_000, "cannot be read"),
        (b"a,b\n1,2\x00\n", "unknown bytes"),
    ],
)
def test_a_csv_that_is_no_table_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=said):
        only(path)


def test_a_row_of_a_csv_that_cannot_be_decoded_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("代码\n长春\n".encode() + b"\xff\xfe\n" + "吉林\n".encode())
    _, batch = only(path)
    assert list(batch.unreadable) == [1]
    assert batch.columns["代码"].to_pylist() == ["长春", None, "吉林"]


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    columns = {f"c{n}": pa.array([row[n] for row in rows]) for n in range(len(rows[0]))}
    pyogrio.raw.write_arrow(
        pa.table(columns), path, layer="人口", driver="XLSX", geometry_type=None
    )
    return path


def test_the_first_row_of_a_workbook_is_its_header_and_numbers_stay_numbers(
    tmp_path: Path,
) -> None:
    path = workbook(tmp_path / "a.xlsx", [["001", 220102, 0.1], ["002", 220103, 2.5]])
    source, batch = only(path)
    assert source.layer == "人口"
    assert dict(source.columns) == {"c0": pa.string(), "c1": pa.int32(), "c2": pa.float64()}
    assert batch.columns["c0"].to_pylist() == ["001", "002"]
    assert batch.columns["c1"].to_pylist() == [220102, 220103]


def test_a_workbook_of_text_only_has_a_header_too(tmp_path: Path) -> None:
    _, batch = only(workbook(tmp_path / "a.xlsx", [["001", "甲"], ["002", "乙"]]))
    assert {k: v.to_pylist() for k, v in batch.columns.items()} == {
        "c0": ["001", "002"],
        "c1": ["甲", "乙"],
    }


def test_a_column_of_a_workbook_with_numbers_and_text_is_text(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["x", "a"], ["y", "b"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (sheet,) = (name for name in parts if "worksheets/sheet" in name)
    before, cell = parts[sheet].rsplit(b"<c ", 1)
    place = cell.split(b'"')[1]
    rest = cell.split(b"</c>", 1)[1]
    parts[sheet] = before + b'<c r="' + place + b'"><v>220102</v></c>' + rest
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert only(path)[1].columns["c1"].to_pylist() == ["a", "220102"]
