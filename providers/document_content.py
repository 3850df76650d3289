"""A file that may become a document: its bytes as they are looked at, and the kinds there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from providers.errors import Refused

HEAD_BYTES, TAIL_BYTES = 2_048, 65_557  # the tail is the longest end-of-archive record of a zip


class DocumentRefused(Refused):
    """A file cannot be taken as a document; the message says what was found."""


class DocumentType(StrEnum):
    """The media types of documents."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    OFD = "application/ofd"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    WEBP = "image/webp"

    @property
    def shown_in_page(self) -> bool:
        """Whether browsers show it themselves."""
        return self in (DocumentType.PDF, DocumentType.PNG, DocumentType.JPEG, DocumentType.WEBP)


SUFFIXES: Mapping[DocumentType, tuple[str, ...]] = {
    DocumentType.PDF: (".pdf",),
    DocumentType.DOCX: (".docx",),
    DocumentType.XLSX: (".xlsx",),
    DocumentType.OFD: (".ofd",),
    DocumentType.PNG: (".png",),
    DocumentType.JPEG: (".jpg", ".jpeg"),
    DocumentType.TIFF: (".tif", ".tiff"),
    DocumentType.WEBP: (".webp",),
}


@dataclass(frozen=True, slots=True)
class Content:
    """A file that is being looked at."""

    file: BinaryIO
    size: int
    head: bytes
    tail: bytes

    def at(self, position: int, length: int) -> bytes:
        """Exactly these bytes; DocumentRefused beyond the end."""
        self.file.seek(position)
        found = self.file.read(length)
        if position < 0 or len(found) != length:
            raise DocumentRefused("the file ends too early: it is truncated or damaged")
        return found


def look(file: BinaryIO, path: Path) -> Content:
    """An open file, ready to be looked at."""
    size = path.stat().st_size
    head = file.read(HEAD_BYTES)
    file.seek(max(0, size - TAIL_BYTES))
    return Content(file, size, head, file.read(TAIL_BYTES))
