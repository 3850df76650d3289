"""A Shapefile in a ZIP archive, with a text that says what the format cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from config.vocabulary import GeometryKind
from providers.errors import BadParameter
from providers.feature_rows import Rows
from providers.shapefile_names import unique_names
from providers.shapefile_writer import ShapefileRefused, TableColumn, shapefile_writer
from server.formats.selection import Selection
from server.formats.sink import Sink

ABOUT = "说明.txt"
LEVEL = 4
PIECE_BYTES = 1 << 20


@contextmanager
def shapefile(selection: Selection, path: Path) -> Iterator[Sink]:
    """Takes rows; at the end the archive is at *path*.

    Raises
    ------
    BadParameter
        For a value that a Shapefile cannot hold; the message names it and what to do.
    """
    folder = path.parent / "parts"
    folder.mkdir()
    seen: list[int | None] = []
    try:
        with shapefile_writer(
            folder,
            name=selection.name,
            columns=[
                TableColumn(name=c.name, type=c.type, length=c.length, decimals=c.decimals)
                for c in selection.columns
            ],
            crs=selection.epsg,
            geometry=selection.geometry,
            encoding=selection.encoding,
            day=selection.changed.date(),
        ) as writer:

            def take(rows: Rows) -> None:
                seen.append(rows.revision)
                writer.write(rows.rows, rows.geometry)

            yield take
    except ShapefileRefused as refused:
        raise _bad(selection, refused) from None
    about = about_text(selection, writer.written, next(iter(seen), None))
    _pack(selection, folder, path, about)


def about_text(selection: Selection, features: int, revision: int | None) -> str:
    """What the archive holds, in Chinese and English."""
    layer, state = selection.layer, selection.state
    lines = [selection.title, layer.title.en, ""]
    if layer.synthetic:
        lines += [
            "【模拟数据】本数据为虚构，不得用作依据。",
            "[Synthetic data: invented.]",
            "",
        ]
    lines += [f"要素数 Features: {features}", f"来源 Source: {layer.source.zh}"]
    if state is not None:
        lines.append(f"版次 Edition: {state.edition.title.zh} ({state.edition.key})")
    if revision is not None:
        lines.append(f"修订号 Revision: {revision}")
    if selection.as_of is not None:
        lines.append(f"截至时间 As of: {selection.as_of}")
    if selection.geometry is not GeometryKind.NONE:
        lines.append(f"坐标参考系 CRS: {selection.epsg} {selection.crs.name}（x 向东，y 向北）")
    lines += [
        f"属性表编码 Encoding: {selection.encoding}",
        "空文本与缺失值在 DBF 中无法区分。 A DBF cannot tell empty text from a missing value.",
        "",
        "字段 Field\t原名 Name\t名称 Title\t英文 English",
    ]
    names = unique_names([c.name for c in selection.columns], selection.encoding)
    for short, column in zip(names, selection.columns, strict=True):
        shown = short.decode(selection.encoding)
        lines.append(f"{shown}\t{column.name}\t{column.label}\t{column.title.en}")
    return "\r\n".join([*lines, ""])


def _pack(selection: Selection, folder: Path, path: Path, about: str) -> None:
    """The parts in one archive; the same state gives the same bytes."""
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        with archive.open(_entry(ABOUT, selection), "w") as inside:
            inside.write(about.encode("utf-8-sig"))  # with the mark that Notepad goes by
        for part in sorted(folder.iterdir()):
            entry = _entry(part.name, selection)
            with part.open("rb") as file, archive.open(entry, "w", force_zip64=True) as inside:
                while piece := file.read(PIECE_BYTES):
                    inside.write(piece)
            part.unlink()


def _entry(name: str, selection: Selection) -> ZipInfo:
    moment = selection.changed
    entry = ZipInfo(name, (*moment.timetuple()[:5], moment.second // 2 * 2))
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _bad(selection: Selection, refused: ShapefileRefused) -> BadParameter:
    where = f"{refused.column} of {refused.row}: " if refused.column else ""
    lacking = "is no character of" in refused.why
    if lacking:
        expected = f"UTF-8 or another format ({where}{refused.why})"
        return BadParameter("encoding", selection.encoding, expected)
    return BadParameter("f", "shp", f"gpkg, fgb or csv ({where}{refused.why})")
