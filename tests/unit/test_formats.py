"""The file formats: names, widths and values within the limits of each; answers that are prepared."""

import asyncio
import csv
import io
import zipfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import pyogrio
import pytest
import shapely

from config.model import Catalogue
from config.vocabulary import (
    Classification,
    EditionKey,
    EditionStatus,
    FieldType,
    GeometryKind,
    Issuer,
    Text,
)
from providers.access import ALL, Scope
from providers.crs import CRS84, parse_crs
from providers.editions import Edition, EditionState
from providers.errors import BadParameter
from providers.feature_rows import Rows
from providers.features import FeatureQuery
from providers.files import open_file
from providers.layers import LayerStore
from providers.shapefile_names import unique_names
from server import downloads, prepared
from server.attachments import attachment
from server.downloads import encoding_of, most_of
from server.formats import csv_text
from server.formats.registry import SINKS
from server.formats.selection import Column, Selection
from server.prepared import Abandoned, Prepared
from server.problems import Overloaded
from server.reading import Reading
from server.snapshot import Resolved, Snapshot

DAY = "2023-01-02"
KINDS = {
    "om_id": FieldType.TEXT,
    "MC": FieldType.TEXT,
    "GS": FieldType.INTEGER,
    "MJ": FieldType.DECIMAL,
    "RQ": FieldType.DATE,
    "SF": FieldType.BOOLEAN,
}
ROWS: list[tuple[Any, ...]] = [
    ("1", "水田“甲”", 2**31, Decimal("1234567.120"), DAY, True),
    ("2", None, None, None, None, None),
    ("3", "a,b\n=1+1", -5, Decimal("-0.0000001"), "1900-12-31", False),
]
SQUARES = [shapely.MultiPolygon([shapely.box(125 + i, 43, 125.5 + i, 43.5)]) for i in range(3)]


@pytest.fixture
def selection(catalogue: Catalogue) -> Selection:
    """A layer of squares with a column of each type."""
    titles = {name: Text(zh=f"{name}名", en=name) for name in KINDS}
    return Selection(
        layer=catalogue.layers["land_use"],
        state=None,
        columns=tuple(
            Column(name=name, title=titles[name], type=kind) for name, kind in KINDS.items()
        ),
        crs=parse_crs("EPSG:4490"),
        geometry=GeometryKind.POLYGON,
        ordered=False,
        as_of=None,
    )


def _rows(rows: Sequence[tuple[Any, ...]] = ROWS, shapes: Sequence[Any] | None = SQUARES) -> Rows:
    wkb = None if shapes is None else [shapely.to_wkb(one) for one in shapes[: len(rows)]]
    return Rows(names=tuple(KINDS), rows=rows, geometry=wkb, next_after=None, revision=3)


def _write(form: str, selection: Selection, path: Path, *parts: Rows) -> Path:
    with SINKS[form](selection, path) as take:
        for part in parts:
            take(part)
    return path


def _read(path: Path | str) -> list[dict[str, Any]]:
    _, table = pyogrio.raw.read_arrow(path, read_geometry=False)
    found: list[dict[str, Any]] = table.to_pylist()
    return found


@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp"])
def test_every_type_of_value_comes_back_by_gdal_and_by_our_own_reader(
    selection: Selection, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"a.{'zip' if form == 'shp' else form}"
    _write(form, selection, path, _rows(ROWS[:2], SQUARES[:2]), _rows(ROWS[2:], SQUARES[2:]))

    with open_file(path) as source:
        rows = [row for batch in source.batches() for row in _listed(batch.columns)]
        assert source.crs is not None
        assert source.crs.to_epsg() == 4490
    by_id = {row["om_id"]: row for row in rows}
    for row in ROWS:
        told = by_id[row[0]]
        assert told["MC"] == row[1]
        assert (None if told["GS"] is None else int(told["GS"])) == row[2]
        assert told["MJ"] == (None if row[3] is None else pytest.approx(float(row[3]), rel=1e-15))
        assert (None if told["RQ"] is None else told["RQ"].isoformat()[:10]) == row[4]
        assert told["SF"] == row[5]


def _listed(columns: Any) -> list[dict[str, Any]]:
    names = list(columns)
    values = [columns[name].to_pylist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp"])
def test_a_row_without_a_place_is_written_without_one(
    selection: Selection, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"a.{'zip' if form == 'shp' else form}"
    rows = replace(_rows(), geometry=[shapely.to_wkb(SQUARES[0]), None, None])
    _write(form, selection, path, rows)

    source = f"/vsizip/{path}" if form == "shp" else str(path)
    _, _, shapes, _ = pyogrio.raw.read(source)
    assert [one is None for one in shapes] == [False, True, True]


def test_flatgeobuf_keeps_the_order_that_was_asked_for_and_else_has_an_index(
    selection: Selection, tmp_path: Path
) -> None:
    turned = _rows(ROWS[::-1], SQUARES[::-1])
    ordered = _write("fgb", replace(selection, ordered=True), tmp_path / "a.fgb", turned)
    indexed = _write("fgb", selection, tmp_path / "b.fgb", turned)

    assert [row["om_id"] for row in _read(ordered)] == ["3", "2", "1"]
    assert pyogrio.read_info(indexed)["capabilities"]["fast_spatial_filter"]


def test_columns_of_one_title_are_told_apart(selection: Selection, tmp_path: Path) -> None:
    alike = tuple(replace(one, title=Text(zh="名", en="n")) for one in selection.columns)

    assert (
        len(_read(_write("gpkg", replace(selection, columns=alike), tmp_path / "a.gpkg", _rows())))
        == 3
    )


@pytest.mark.parametrize(
    ("names", "encoding", "expected"),
    [
        (["TBMJ", "om_area_m2"], "UTF-8", ["TBMJ", "om_area_m2"]),
        (["ZYGYYJJBNTMJ", "ZYGYYJJBNTXX"], "UTF-8", ["ZYGYYJJBNT", "ZYGYYJJB_1"]),
        (["ABCDEFGHIJKL", "ABCDEFGHIJ"], "UTF-8", ["ABCDEFGH_1", "ABCDEFGHIJ"]),
        (["abc", "ABC"], "UTF-8", ["abc", "ABC_1"]),
        (["永久基本农田面积"], "GBK", ["永久基本农"]),
        (["永久基本农田面积"], "UTF-8", ["永久基"]),
        (["a😀"], "GBK", ["a_"]),
    ],
)
def test_names_of_a_shapefile_take_ten_bytes_and_are_unique(
    names: list[str], encoding: str, expected: list[str]
) -> None:
    found = list(unique_names(names, encoding))

    assert [one.decode(encoding) for one in found] == expected
    assert all(len(one) <= 10 for one in found)


@pytest.mark.parametrize(
    ("text", "encoding", "named", "said"),
    [
        ("长" * 85, "UTF-8", "f", "MC of 9: a text of 255 bytes, a Shapefile holds 254"),
        ("长" * 128, "GBK", "f", "a text of 256 bytes"),
        ("地块😀", "GBK", "encoding", "MC of 9: '😀' is no character of GBK"),
    ],
)
def test_a_text_that_a_shapefile_cannot_hold_is_refused_and_named(
    selection: Selection, tmp_path: Path, text: str, encoding: str, named: str, said: str
) -> None:
    rows = _rows([("9", text, 1, None, None, None)])
    with pytest.raises(BadParameter, match=r"gpkg|UTF-8") as refused:
        _write("shp", replace(selection, encoding=encoding), tmp_path / "a.zip", rows)

    assert refused.value.name == named
    assert said in refused.value.expected
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize(("text", "encoding"), [("长" * 84, "UTF-8"), ("长" * 127, "GBK")])
def test_the_longest_text_of_a_shapefile_is_whole(
    selection: Selection, tmp_path: Path, text: str, encoding: str
) -> None:
    rows = _rows([("9", text, 1, None, None, None)])
    path = _write("shp", replace(selection, encoding=encoding), tmp_path / "a.zip", rows)

    assert _read(f"/vsizip/{path}")[0]["MC"] == text


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (10**17, 10**17),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
    ],
)
def test_whole_numbers_beyond_eighteen_digits_are_text_in_a_shapefile(
    selection: Selection, tmp_path: Path, number: int, read: Any
) -> None:
    path = _write(
        "shp", selection, tmp_path / "a.zip", _rows([("1", "", number, None, None, None)])
    )

    assert _read(f"/vsizip/{path}")[0]["GS"] == read


@pytest.mark.parametrize(
    "number", [0.1 + 0.2, 1e-300, -1.7976931348623157e308, 123456789012.125, 5e-324, 0.0]
)
def test_a_binary_number_of_a_shapefile_comes_back_to_the_last_bit(
    selection: Selection, tmp_path: Path, number: float
) -> None:
    path = _write("shp", selection, tmp_path / "a.zip", _rows([("1", "", 1, number, None, None)]))

    assert _read(f"/vsizip/{path}")[0]["MJ"] == number


@pytest.mark.parametrize("form", ["gpkg", "shp"])
def test_a_date_beyond_the_calendar_of_files_is_refused(
    selection: Selection, tmp_path: Path, form: str
) -> None:
    rows = _rows([("1", "", 1, None, "infinity", None)])
    with pytest.raises(BadParameter, match="RQ of 1"):
        _write(form, selection, tmp_path / "a.zip", rows)


def test_csv_tells_empty_text_from_a_missing_value_and_alters_nothing() -> None:
    text = (
        csv_text.head(tuple(KINDS), drawn=True)
        + csv_text.body(replace(_rows(), geometry=["POINT(1 2)", None, "POINT(3 4)"]))
    ).decode("utf-8-sig")

    lines = text.split("\r\n")
    assert lines[0] == '"om_id","MC","GS","MJ","RQ","SF","geometry"'
    assert lines[1] == f'"1","水田“甲”",2147483648,1234567.120,"{DAY}",true,"POINT(1 2)"'
    assert lines[2] == '"2",,,,,,'
    assert lines[3].startswith('"3","a,b\n=1+1",-5,-0.0000001,')
    assert [*csv.reader(io.StringIO(text, newline=""))][3][1] == "a,b\n=1+1"


def test_the_geometry_of_csv_takes_a_name_that_no_property_has() -> None:
    head = csv_text.head(("om_id", "Geometry"), drawn=True).decode("utf-8-sig")

    assert head == '"om_id","Geometry","geometry_"\r\n'


def test_a_file_s_name_is_told_in_full_and_cannot_leave_its_folder() -> None:
    said = attachment('a"b.gpkg', "../土地/利用:\x01.gpkg")

    assert said.startswith("attachment; filename=\"a_b.gpkg\"; filename*=UTF-8''")
    assert unquote(said.rpartition("''")[2]) == ".._土地_利用__.gpkg"
    assert len(unquote(attachment("a", "长" * 500 + ".zip").rpartition("''")[2])) == 80


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, "UTF-8"), ({"encoding": "gbk"}, "GBK"), ({"encoding": "UTF-8"}, "UTF-8")],
)
def test_the_encoding_of_a_shapefile_is_utf_8_unless_gbk_is_asked_for(
    given: dict[str, str], expected: str
) -> None:
    assert encoding_of("shp", given) == expected


def _reading(catalogue: Catalogue, features: int, **query: Any) -> Reading:
    layer = catalogue.layers["land_use"]
    edition = Edition(
        layer=layer.id,
        key=EditionKey("2023"),
        title=Text(zh="2023", en="2023"),
        valid_from=date(2023, 1, 1),
        valid_to=None,
        status=EditionStatus.IN_FORCE,
        issuer=Issuer.OWN,
        document="",
        plan=None,
        coverage=b"",
    )
    state = EditionState(
        edition=edition,
        revision=1,
        features=features,
        extent=None,
        updated=datetime(2023, 1, 1, tzinfo=UTC),
        specification_version="1",
    )
    everything = Scope(
        layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL
    )
    snapshot = Snapshot(catalogue=catalogue, store=LayerStore(cast(Any, None)), build="")
    resolved = Resolved(layer=layer, state=state, pinned=True)
    return Reading(
        snapshot=snapshot, resolved=resolved, query=FeatureQuery(**query), caller=everything
    )


@pytest.mark.parametrize(
    ("features", "query", "given", "most"),
    [
        (1_000_000, {}, {}, 1_000_000),
        (1_000_007, {"offset": 7}, {}, 1_000_000),
        (2_000_000, {}, {"limit": "20000"}, 20_000),
        (2_000_000, {}, {"limit": "999999999"}, 1_000_000),
    ],
)
def test_a_file_holds_a_million_features_and_a_limit_counts_beyond_that_of_pages(
    catalogue: Catalogue, features: int, query: dict[str, Any], given: dict[str, str], most: int
) -> None:
    assert asyncio.run(most_of(_reading(catalogue, features, **query), given)) == most


def test_more_features_than_a_file_holds_are_refused_before_they_are_read(
    catalogue: Catalogue,
) -> None:
    with pytest.raises(BadParameter, match="1000001 features match") as refused:
        asyncio.run(most_of(_reading(catalogue, 1_000_001), {}))

    assert refused.value.name == "limit"


def test_a_full_disk_is_told_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads.check_room(str(tmp_path))
    monkeypatch.setattr(downloads, "FREE_BYTES", 1 << 62)

    with pytest.raises(Overloaded):
        downloads.check_room(str(tmp_path))


def test_only_so_many_files_are_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "WAIT_S", 0.01)

    async def run() -> None:
        async with AsyncExitStack() as taken:
            for _ in range(downloads.AT_ONCE):
                await taken.enter_async_context(downloads.slot())
            with pytest.raises(Overloaded):
                await taken.enter_async_context(downloads.slot())
        async with downloads.slot():
            pass

    asyncio.run(run())


class Line:
    """The two ends of a connection: what was sent, and when the caller leaves."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def answer(self, response: Prepared) -> None:
        await response({"type": "http", "method": "GET"}, self.receive, self.send)

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent[1:])


def test_what_is_ready_soon_is_sent_with_its_length(tmp_path: Path) -> None:
    async def run() -> Line:
        line, path = Line(), tmp_path / "a"
        path.write_bytes(b"x" * (prepared.PIECE_BYTES + 1))

        async def making(_: Prepared) -> Any:
            return path.open("rb")

        await line.answer(Prepared(making, headers={"Content-Type": "application/zip"}))
        return line

    line = asyncio.run(run())
    headers = dict(line.sent[0]["headers"])
    assert headers[b"content-length"] == str(prepared.PIECE_BYTES + 1).encode()
    assert line.body == b"x" * (prepared.PIECE_BYTES + 1)
    assert not line.sent[-1].get("more_body")


def test_what_takes_long_is_begun_before_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "PATIENCE_S", 0.01)

    async def run() -> Line:
        line = Line()
        (tmp_path / "a").write_bytes(b"abc")

        async def making(_: Prepared) -> Any:
            while len(line.sent) < 3:
                await asyncio.sleep(0)
            return (tmp_path / "a").open("rb")

        await line.answer(Prepared(making, headers={}))
        return line

    line = asyncio.run(run())
    assert [one["type"] for one in line.sent[:3]] == ["http.response.start"] + [
        "http.response.body"
    ] * 2
    assert b"content-length" not in dict(line.sent[0]["headers"])
    assert line.body == b"abc"


def test_a_refusal_before_the_beginning_is_raised_and_nothing_is_sent() -> None:
    async def run() -> Line:
        line = Line()

        async def making(_: Prepared) -> Any:
            raise BadParameter("f", "shp", "gpkg")

        with pytest.raises(BadParameter):
            await line.answer(Prepared(making, headers={}))
        return line

    assert asyncio.run(run()).sent == []


def test_a_caller_who_leaves_ends_the_making(tmp_path: Path) -> None:
    async def run() -> tuple[Line, list[str]]:
        line, done = Line(), list[str]()

        async def making(response: Prepared) -> Any:
            line.gone.set()
            while not response.abandoned:
                await asyncio.sleep(0)
            done.append("ended")
            raise Abandoned

        await line.answer(Prepared(making, headers={}))
        while not done:
            await asyncio.sleep(0)
        return line, done

    line, done = asyncio.run(run())
    assert line.sent == []
    assert done == ["ended"]


def test_a_file_that_nobody_waits_for_any_more_is_closed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    made = (tmp_path / "a").open("rb")

    async def run() -> None:
        line, ready = Line(), asyncio.Event()

        async def making(_: Prepared) -> Any:
            line.gone.set()
            await ready.wait()
            return made

        await line.answer(Prepared(making, headers={}))
        ready.set()
        while not made.closed:
            await asyncio.sleep(0)

    asyncio.run(run())
    assert made.closed


def test_the_archive_of_a_table_has_no_shapes(selection: Selection, tmp_path: Path) -> None:
    table = replace(selection, geometry=GeometryKind.NONE, crs=CRS84)
    path = _write("shp", table, tmp_path / "a.zip", _rows(shapes=None))

    with zipfile.ZipFile(path) as archive:
        names = {Path(one).suffix for one in archive.namelist()}
        head = archive.read("land_use.dbf")[:4]
    assert names == {".txt", ".dbf", ".cpg"}
    assert date(1900 + head[1], head[2], head[3]) == date(2000, 1, 1)
