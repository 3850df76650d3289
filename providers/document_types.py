"""What a document is, by its content and never by its name: the kinds that are taken, and no others."""

import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from providers.document_content import (
    HEAD_BYTES,
    SUFFIXES,
    Content,
    DocumentRefused,
    DocumentType,
    look,
)
from providers.document_packages import package

MAX_CHUNKS = 200_000
PDF_HEADER = re.compile(rb"%PDF-[12]\.\d")


# What people hand over by mistake or by design, so that a refusal can name it.
REFUSED_HEADS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"MZ"), "a Windows program"),
    (re.compile(rb"\x7fELF"), "a Linux program"),
    (re.compile(rb"\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe"), "a program"),
    (re.compile(rb"#!"), "a script"),
    (
        re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        "an old DOC/XLS/PPT file or an Office file with a password; save it as DOCX, XLSX or PDF"
        " without one",
    ),
    (re.compile(rb"\{\\rtf"), "an RTF text; save it as DOCX or PDF"),
    (re.compile(rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ"), "an archive"),
    (re.compile(rb"GIF8"), "a GIF image; save it as PNG"),
    (re.compile(rb"BM.{4}\x00{4}", re.DOTALL), "a BMP image; save it as PNG"),
    (re.compile(rb"AC10\d\d"), "a DWG drawing; print it as PDF"),
)
MARKUP = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|script|iframe|svg|\?xml|!--)", re.I
)


def identify(path: Path, name: str) -> DocumentType:
    """The kind of a file that is known as *name*.

    Raises
    ------
    DocumentRefused
        For a kind that is not taken, a file that is damaged or two things at once, and a name that
        says otherwise than the content.
    """
    with path.open("rb") as file:
        content = look(file, path)
        found = _kind(content)
        if (check := CHECKS.get(found)) is not None:
            check(content)
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES[found]:
        raise DocumentRefused(
            f"the name ends in {suffix or 'nothing'!r}, but the content is {found.name};"
            f" expected {' or '.join(SUFFIXES[found])}"
        )
    return found


def _kind(content: Content) -> DocumentType:
    head = content.head
    if not head:
        raise DocumentRefused("the file is empty")
    if PDF_HEADER.match(head):
        return DocumentType.PDF
    if head.startswith(b"PK\x03\x04"):
        return package(content)
    for start, kind in (
        (b"\x89PNG\r\n\x1a\n", DocumentType.PNG),
        (b"\xff\xd8\xff", DocumentType.JPEG),
        (b"II*\x00", DocumentType.TIFF),
        (b"MM\x00*", DocumentType.TIFF),
    ):
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return DocumentType.WEBP
    for pattern, what in REFUSED_HEADS:
        if pattern.match(head):
            raise DocumentRefused(f"found {what}")
    if MARKUP.match(head):
        svg = re.search(rb"<svg", head, re.I)
        raise DocumentRefused(f"found {'an SVG drawing' if svg else 'an HTML or XML page'}")
    if PDF_HEADER.search(head):
        raise DocumentRefused("found a PDF that does not begin at the file's first byte")
    raise DocumentRefused(
        f"found an unknown kind of file; taken are {', '.join(each.name for each in DocumentType)}"
    )


def _no_archive(content: Content) -> None:
    if zipfile.is_zipfile(content.file):
        raise DocumentRefused("found two files in one: a zip archive stands behind the first")


def _check_pdf(content: Content) -> None:
    _no_archive(content)
    if b"%%EOF" not in content.tail[-HEAD_BYTES:] or b"startxref" not in content.tail:
        raise DocumentRefused("found a PDF without its end: it is truncated or damaged")


def _check_png(content: Content) -> None:
    """Every chunk in its place, from the header to the end, and nothing behind."""
    position, first = 8, True
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", content.at(position, 8))
        if first and (kind != b"IHDR" or 0 in struct.unpack(">II", content.at(position + 8, 8))):
            raise DocumentRefused("found a PNG image without its header")
        position, first = position + 12 + length, False
        if position > content.size:
            raise DocumentRefused("found a PNG image without its end: it is truncated")
        if kind == b"IEND":
            break
    if position != content.size:
        raise DocumentRefused("found bytes behind the end of the PNG image")


def _check_jpeg(content: Content) -> None:
    """Segment by segment up to the first scan; then the end must come."""
    _no_archive(content)
    position, sized = 2, False
    while True:
        mark, kind, length = struct.unpack(">BBH", content.at(position, 4))
        if mark == kind == 0xFF:  # a fill byte
            position += 1
            continue
        if mark != 0xFF or length < 2:
            raise DocumentRefused("found a damaged JPEG image")
        sized = sized or (0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC))
        position += 2 + length
        if kind == 0xDA:
            break
    if not sized or b"\xff\xd9" not in content.tail:
        raise DocumentRefused("found a JPEG image without its end: it is truncated or damaged")


def _check_tiff(content: Content) -> None:
    _no_archive(content)
    order = "<" if content.head[:2] == b"II" else ">"
    (offset,) = struct.unpack(order + "I", content.at(4, 4))
    (entries,) = struct.unpack(order + "H", content.at(offset, 2))
    if entries == 0 or offset < 8:
        raise DocumentRefused("found a TIFF image without a directory")
    content.at(offset + 2, entries * 12 + 4)


def _check_webp(content: Content) -> None:
    (length,) = struct.unpack("<I", content.at(4, 4))
    if length + 8 + length % 2 != content.size:
        raise DocumentRefused("found a WebP image of another length than it says")
    if content.at(12, 4) not in (b"VP8 ", b"VP8L", b"VP8X"):
        raise DocumentRefused("found a WebP image without picture")


CHECKS: Mapping[DocumentType, Callable[[Content], None]] = {
    DocumentType.PDF: _check_pdf,
    DocumentType.PNG: _check_png,
    DocumentType.JPEG: _check_jpeg,
    DocumentType.TIFF: _check_tiff,
    DocumentType.WEBP: _check_webp,
}
