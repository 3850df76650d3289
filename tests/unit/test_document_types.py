"""A document is what its content says: eight kinds are taken, everything else is named and refused."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.document_content import DocumentRefused, DocumentType
from providers.document_types import identify

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
MACRO = "application/vnd.ms-word.document.macroEnabled.main+xml"


def manifest(kind: str) -> bytes:
    return (
        f'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        f'content-types"><Override PartName="/x" ContentType="{kind}"/></Types>'
    ).encode()


def archive(entries: Mapping[str, bytes], comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writing:
        for name, content in entries.items():
            writing.writestr(name, content)
        writing.comment = comment
    return out.getvalue()


def docx() -> dict[str, bytes]:
    return {"[Content_Types].xml": manifest(WORD), "word/document.xml": b"<w:document/>"}


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(b"\x00\x7f")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    )


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x04ab"
    b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"
    b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\xff\xd9"
)
TIFF = b"II*\x00\x08\x00\x00\x00\x01\x00" + b"\x00" * 12 + b"\x00" * 4
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8L\x04\x00\x00\x00/\x00\x00\x00"
GOOD: dict[str, tuple[bytes, DocumentType]] = {
    "text.pdf": (PDF, DocumentType.PDF),
    "文本.docx": (archive(docx()), DocumentType.DOCX),
    "表.XLSX": (
        archive({"[Content_Types].xml": manifest(SHEET), "xl/workbook.xml": b"<workbook/>"}),
        DocumentType.XLSX,
    ),
    "批复.ofd": (
        archive({"OFD.xml": b"<ofd:OFD/>", "Doc_0/Document.xml": b"<x/>"}),
        DocumentType.OFD,
    ),
    "a.png": (png(), DocumentType.PNG),
    "a.jpg": (JPEG, DocumentType.JPEG),
    "b.jpeg": (JPEG, DocumentType.JPEG),
    "a.tif": (TIFF, DocumentType.TIFF),
    "a.webp": (WEBP, DocumentType.WEBP),
}


@pytest.mark.parametrize("name", list(GOOD))
def test_a_document_of_each_kind_is_taken(tmp_path: Path, name: str) -> None:
    content, kind = GOOD[name]
    path = tmp_path / "content"
    path.write_bytes(content)

    assert identify(path, name) is kind


def encrypted() -> bytes:
    content = bytearray(archive(docx()))
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(sign, at + 1)) >= 0:
            content[at + offset] |= 1
    return bytes(content)


def unpacking_to(size: int) -> bytes:
    """An archive that says its last entry is of this size."""
    content = archive({**docx(), "b": b"x"})
    at = content.rindex(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as writing:
        writing.writestr("OFD.xml", b"<ofd:OFD/>")
        with pytest.warns(UserWarning, match="Duplicate"):
            writing.writestr("OFD.xml", b"<ofd:OFD/>")
    return out.getvalue()


BAD: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.pdf", b"", "empty"),
    "windows program": ("a.pdf", b"MZ\x90\x00" + b"\x00" * 60, "Windows program"),
    "linux program": ("a.docx", b"\x7fELF\x02" + b"\x00" * 60, "Linux program"),
    "script": ("a.pdf", b"#!/bin/sh\nrm -rf /\n", "script"),
    "html": ("a.pdf", b"\n <!DOCTYPE HTML><script>alert(1)</script>", "HTML"),
    "svg": ("a.png", b"<?xml version='1.0'?><svg onload='alert(1)'/>", "SVG"),
    "old office": ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 512, "password"),
    "text": ("a.pdf", "批复如下".encode("gb18030"), "unknown kind"),
    "name says otherwise": ("a.pdf", png(), r"'\.pdf', but the content is PNG"),
    "no suffix": ("approval", PDF, "nothing"),
    "two suffixes": ("a.pdf.exe", PDF, r"'\.exe'"),
    "macros by part": (
        "a.docx",
        archive({**docx(), "word/vbaProject.bin": b"x"}),
        "macros",
    ),
    "macros by type": (
        "a.docx",
        archive({"[Content_Types].xml": manifest(MACRO), "word/document.xml": b"<x/>"}),
        "macros",
    ),
    "presentation": (
        "a.docx",
        archive({"[Content_Types].xml": manifest("x.presentationml.main+xml"), "ppt/p.xml": b""}),
        "neither DOCX nor XLSX",
    ),
    "plain zip": ("a.docx", archive({"a.exe": b"MZ"}), "zip archive; attach"),
    "password": ("a.docx", encrypted(), "password"),
    "path traversal": ("a.docx", archive({**docx(), "../../etc/cron.d/x": b"x"}), "entry"),
    "absolute path": ("a.docx", archive({**docx(), "/etc/passwd": b"x"}), "entry"),
    "windows path": ("a.docx", archive({**docx(), "C:/x": b"x"}), "entry"),
    "one name twice": ("a.ofd", twice(), "one name"),
    "zip bomb": ("a.docx", unpacking_to(300 << 20), "bomb"),
    "entities": (
        "a.docx",
        archive({**docx(), "[Content_Types].xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
        "entities",
    ),
    "large manifest": (
        "a.docx",
        archive({**docx(), "[Content_Types].xml": b" " * (2 << 20)}),
        "larger than any real one",
    ),
    "zip behind a pdf": ("a.pdf", PDF + archive({"x": b"y"}), "two files in one"),
    "zip behind a jpeg": ("a.jpg", JPEG + archive({"x": b"y"}), "two files in one"),
    "bytes behind a zip": ("a.docx", archive(docx()) + b"<script>", "behind the end"),
    "pdf behind something": ("a.pdf", b"GARBAGE\n" + PDF, "first byte"),
    "html before a pdf": ("a.pdf", b"<html>" + PDF, "HTML"),
    "zip before a zip": ("a.docx", archive({"x": b"y"}) + archive(docx()), "first byte"),
    "bytes behind a png": ("a.png", png() + b"<script>", "behind the end"),
    "truncated png": ("a.png", png()[:-6], "truncated|too early"),
    "truncated pdf": ("a.pdf", PDF[:20], "truncated"),
    "truncated docx": ("a.docx", archive(docx())[:-30], "truncated"),
    "truncated jpeg": ("a.jpg", JPEG[:12], "truncated"),
    "jpeg without end": ("a.jpg", JPEG[:-2], "truncated"),
    "truncated webp": ("a.webp", WEBP[:-3], "length"),
    "tiff without directory": ("a.tif", b"II*\x00\xff\x00\x00\x00", "too early"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BAD))
def test_what_is_no_document_is_refused_with_what_was_found(tmp_path: Path, case: str) -> None:
    name, content, says = BAD[case]
    path = tmp_path / "content"
    path.write_bytes(content)

    with pytest.raises(DocumentRefused, match=says):
        identify(path, name)


def test_a_zip_with_a_directory_of_millions_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "content"
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFF_FFFF, 0, 0)
    path.write_bytes(archive(docx())[:-22] + end)

    with pytest.raises(DocumentRefused, match="more entries"):
        identify(path, "a.docx")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(list(GOOD)), data=st.data())
def test_a_damaged_document_is_taken_or_refused_and_nothing_else(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    content = bytearray(GOOD[name][0])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "content"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))

    with suppress(DocumentRefused):
        assert identify(path, name) in DocumentType
