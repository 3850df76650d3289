"""The coordinate text of parcels (界址点坐标 TXT), and pasted lists of points."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from processes.algorithms.boundary_point_text import (
    COORDINATES,
    BoundaryPoints,
    NoCoordinates,
    read_boundary_points,
)
from processes.algorithms.survey_rings import Closing
from providers.file_encoding import judge, wanted_encoding
from providers.file_survey import Survey, surveyed
from providers.source_file import FileRefused, OpenedPath, SourceFile
from providers.survey_frames import stated_in

DRIVER = "BoundaryPoints"
MAX_TEXT_BYTES = 256 * 1024 * 1024
LINE_BYTES = 64 * 1024
JUDGED_LINES = 200_000
SECTIONS = [one.encode(e) for one in (COORDINATES, "[属性描述]") for e in ("utf-8", "gb18030")]
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SHIFTED = re.compile(r"[1-9]")


def is_boundary_text(head: bytes) -> bool:
    """Whether a file begins like a coordinate text, in any of its encodings."""
    if head[:2] in UTF16:
        head = head[: len(head) & ~1].decode("utf-16", "ignore").encode()
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    return start.startswith(tuple(SECTIONS))


def opened(asked: OpenedPath) -> SourceFile:
    """A coordinate text; UTF-8, UTF-16 with its mark, or GB18030."""
    name = asked.name
    if asked.layer not in (None, asked.title):
        raise FileRefused(f"{name} is one layer of parcels; it has no layer {asked.layer!r}.")
    encoding, notes = text_encoding(asked)
    try:
        found = read_boundary_points(text_lines(asked.path, encoding))
    except NoCoordinates as error:
        raise FileRefused(f"{name} cannot be read as a coordinate text: {error}.") from None
    return surveyed(
        asked,
        Survey(
            driver=DRIVER,
            parcels=found.parcels,
            closing=Closing(),
            stated=stated_in(found.header),
            findings=found.findings,
            encoding=encoding.upper(),
            notes=(*notes, *_notes(found)),
            header=found.header,
        ),
    )


def text_encoding(asked: OpenedPath) -> tuple[str, tuple[str, ...]]:
    """The encoding of a text of lines, and what is to be said of it."""
    if asked.path.stat().st_size > MAX_TEXT_BYTES:
        size = asked.path.stat().st_size
        raise FileRefused(f"{asked.name} has {size:,} bytes; at most {MAX_TEXT_BYTES:,} are read.")
    with asked.path.open("rb") as file:
        head = file.read(3)
    if head[:2] in UTF16:
        return "utf-16", ()
    said = "utf-8" if head == codecs.BOM_UTF8 else None
    wanted = wanted_encoding(asked.encoding)
    judged = judge(
        _raw_lines(asked.path), asked.name, said=said, by="the byte order mark", wanted=wanted
    )
    if judged.encoding == "utf-8":
        return "utf-8-sig", ()
    return judged.encoding, judged.notes


def text_lines(path: Path, encoding: str) -> Iterator[str]:
    """The lines of a text; what cannot be decoded stays visible as such."""
    with path.open(encoding=encoding, errors="replace", newline=None) as file:
        while line := file.readline(LINE_BYTES):
            yield line


def _raw_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for _ in range(JUDGED_LINES):
            if not (line := file.readline(LINE_BYTES)):
                return
            yield line.rstrip(b"\r\n")


def _notes(found: BoundaryPoints) -> Iterator[str]:
    header = found.header
    if SHIFTED.search(header.get("转换参数", "")):
        yield f"its transformation parameters ({header['转换参数']}) are not applied"
    if header.get("计量单位", "米") not in ("米", "度", ""):
        yield f"its unit is {header['计量单位']!r}; the numbers are read as metres"
    if not found.parcels:
        yield "it has no parcels"
    if found.left_out:
        yield f"{found.left_out:,} more findings are not listed"
