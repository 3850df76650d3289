"""Documents that are zip archives: DOCX, XLSX and OFD, bounded before anything is unpacked."""

import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from xml.parsers import expat

from providers.document_content import Content, DocumentRefused, DocumentType

MAX_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 4 << 20  # 400 bytes for each entry
MAX_UNPACKED_BYTES = 1 << 30
MAX_RATIO = 200  # unpacked to packed; text in XML reaches about 50
MAX_MANIFEST_BYTES = 1 << 20
END, LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x07"
COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what the three formats allow
UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError, ValueError,
    zlib.error, struct.error,
)  # fmt: skip


def package(content: Content) -> DocumentType:
    """Which of the kinds that are zip archives this is; its entries are bounded and in order."""
    _check_end(content)
    try:
        with zipfile.ZipFile(content.file) as archive:
            names = _names(archive)
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise DocumentRefused("found an Office file with macros")
            if "OFD.xml" in names and b"OFD" in _member(archive, "OFD.xml"):
                return DocumentType.OFD
            types = (
                _content_types(_member(archive, "[Content_Types].xml"))
                if "[Content_Types].xml" in names
                else ()
            )
    except UNREADABLE as error:
        raise DocumentRefused(f"found a damaged zip archive ({error})") from error
    if any("macroenabled" in each.lower() for each in types):
        raise DocumentRefused("found an Office file with macros")
    for kind, part, main in (
        (DocumentType.DOCX, "word/document.xml", "wordprocessingml.document.main+xml"),
        (DocumentType.XLSX, "xl/workbook.xml", "spreadsheetml.sheet.main+xml"),
    ):
        if part in names and any(each.endswith(main) for each in types):
            return kind
    if types:
        raise DocumentRefused("found an Office file that is neither DOCX nor XLSX")
    raise DocumentRefused("found a zip archive; attach what is in it, file by file")


def _names(archive: zipfile.ZipFile) -> set[str]:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise DocumentRefused(f"found an archive of {len(entries)} entries; at most {MAX_ENTRIES}")
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or unpacked > MAX_RATIO * max(packed, MAX_MANIFEST_BYTES):
        raise DocumentRefused(f"found an archive that unpacks to {unpacked} bytes: a zip bomb")
    if not entries or min(entry.header_offset for entry in entries) != 0:
        raise DocumentRefused("found an archive that does not begin at the file's first byte")
    for entry in entries:
        if entry.compress_type not in COMPRESSION:
            raise DocumentRefused("found an archive with a compression that no document uses")
        if entry.flag_bits & 0x1:
            raise DocumentRefused("found an archive with a password")
        parts = entry.filename.split("/")
        odd = (
            ".." in parts
            or parts[0] == ""
            or re.search(r"[\\\x00-\x1f]|^[A-Za-z]:", entry.filename)
        )
        if odd:
            raise DocumentRefused(f"found an archive with the entry {entry.filename[:100]!r}")
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise DocumentRefused("found an archive in which two entries have one name")
    return names


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A small entry, read to a bound whatever the archive says of its size."""
    with archive.open(name) as file:
        found = file.read(MAX_MANIFEST_BYTES + 1)
    if len(found) > MAX_MANIFEST_BYTES:
        raise DocumentRefused(f"found an archive whose {name} is larger than any real one")
    return found


def _content_types(manifest: bytes) -> tuple[str, ...]:
    """The content types that an Office package declares."""
    types: list[str] = []

    def declared(_: str, attributes: Mapping[str, str]) -> None:
        types.append(attributes.get("ContentType", ""))

    def no_declarations(*_: object) -> None:
        raise DocumentRefused("found an Office file whose manifest declares entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler = declared
    parser.StartDoctypeDeclHandler = no_declarations
    try:
        parser.Parse(manifest, True)
    except expat.ExpatError as error:
        raise DocumentRefused(f"found a damaged Office file ({error})") from error
    return tuple(types)


def _check_end(content: Content) -> None:
    """The archive ends with the file, and its directory is small enough to be read."""
    end = content.tail.rfind(END)
    if end < 0 or end + 22 > len(content.tail):
        raise DocumentRefused("found a zip archive without its end: it is truncated or damaged")
    size, _, comment = struct.unpack("<IIH", content.tail[end + 12 : end + 22])
    if end + 22 + comment != len(content.tail):
        raise DocumentRefused("found bytes behind the end of the archive")
    if size > MAX_DIRECTORY_BYTES or content.tail[max(0, end - 20) : end].startswith(LOCATOR_64):
        raise DocumentRefused("found an archive with more entries than any document has")
