"""The body of an upload as it arrives: a file as it is, or the one file of a form."""

import re
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from processes.spec import BodyError, InvalidBody
from providers.errors import BadParameter
from providers.upload_store import Receiving
from server.accepted import MEDIA
from server.problems import BodyTooLarge, UnsupportedMediaType

FORM, UNKNOWN = "multipart/form-data", "application/octet-stream"
EXPECTED = f"expected {FORM} with one file, or the file itself as any other media type"
MAX_NAME, MAX_MEDIA_TYPE, NAMELESS = 200, 127, "file"
FORM_BYTES = 64 * 1024  # what a form may hold beside its file
WRITTEN_AT_ONCE = 1 << 20
# Slower is not a slow line, but somebody who holds a place.
PATIENCE_S, SLOWEST_BYTES_PER_S = 30.0, 16 * 1024


@dataclass(frozen=True, slots=True)
class Kind:
    """What the headers say of the body."""

    media_type: str
    boundary: str | None  # of a form
    declared: int  # bytes; 0 where the length is not said


@dataclass(slots=True)
class Body:
    """A body on its way into a file; reading it tells name and media type."""

    request: Request
    max_bytes: int
    into: Receiving
    clock: Callable[[], float] = time.monotonic
    _pending: bytearray = field(default_factory=bytearray)
    _size: int = 0

    async def read(self, kind: Kind, name: str | None) -> tuple[str, str]:
        """All of it; name and media type of the file."""
        if kind.boundary is None:
            async for chunk in self._chunks(self.max_bytes):
                await self._write(chunk)
            found, media_type = NAMELESS, kind.media_type
        else:
            found, media_type = await self._form(kind.boundary)
        await self._flush()
        return name or found, media_type

    async def _form(self, boundary: str) -> tuple[str, str]:
        file: MultipartSegment | None = None
        limit = self.max_bytes + FORM_BYTES
        try:
            with PushMultipartParser(boundary, strict=True) as parser:
                async for chunk in self._chunks(limit):
                    for part in () if parser.closed else parser.parse(chunk):
                        if isinstance(part, MultipartSegment):
                            if file is not None or part.filename is None:
                                raise _form_error(part.name or "", "expected one file and no more")
                            file = part
                        elif part:
                            await self._write(part)
        except MultipartError as error:
            raise InvalidBody([BodyError("", f"is no {FORM} ({error})")]) from None
        if file is None:
            raise InvalidBody([BodyError("", "expected a form with one file")])
        media_type = parse_media_type(file.content_type or UNKNOWN)
        return file_name(file.filename or NAMELESS), media_type

    async def _chunks(self, limit: int) -> AsyncIterator[bytes]:
        """The body part by part, within its size, and not too slow."""
        began, size = self.clock(), 0
        try:
            async for chunk in self.request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large(self.max_bytes)
                if self.clock() - began > PATIENCE_S + size / SLOWEST_BYTES_PER_S:
                    expected = f"at least {SLOWEST_BYTES_PER_S} bytes a second"
                    raise BadParameter("body", f"{size} bytes", expected)
                yield chunk
        except ClientDisconnect:
            raise BadParameter("body", f"{size} bytes", "the whole body") from None

    async def _write(self, chunk: bytes | bytearray) -> None:
        self._size += len(chunk)
        if self._size > self.max_bytes:
            raise too_large(self.max_bytes)
        self._pending += chunk
        if len(self._pending) >= WRITTEN_AT_ONCE:
            await self._flush()

    async def _flush(self) -> None:
        content, self._pending = bytes(self._pending), bytearray()
        await run_in_threadpool(self.into.write, content)


def kind_of_body(request: Request, max_bytes: int) -> Kind:
    """What the headers say; refused before a byte of the body is taken.

    Raises
    ------
    UnsupportedMediaType, BodyTooLarge
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMediaType(f"Content-Encoding: {coding[:100]!r}; expected none")
    given = request.headers.get("content-type", UNKNOWN)
    media_type, options = parse_options_header(given)
    boundary = options.get("boundary") if media_type == FORM else None
    if media_type == FORM and not boundary:
        raise UnsupportedMediaType(f"Content-Type: {given[:100]!r}; expected a boundary")
    length = request.headers.get("content-length", "0")
    declared = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0
    if declared > max_bytes + (FORM_BYTES if boundary else 0):
        raise too_large(max_bytes)
    return Kind(media_type if boundary else parse_media_type(media_type), boundary, declared)


def parse_media_type(text: str) -> str:
    """A media type without parameters, of a kind that can be a file."""
    media_type = text.strip().lower()
    of_a_form = media_type == "application/x-www-form-urlencoded"
    if (
        len(media_type) > MAX_MEDIA_TYPE
        or not MEDIA.fullmatch(media_type)
        or of_a_form
        or media_type.startswith("multipart/")
    ):
        raise UnsupportedMediaType(f"Content-Type: {media_type[:100]!r}; {EXPECTED}")
    return media_type


def file_name(text: str) -> str:
    """A name to show: the last part of what some browsers send as a path."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", text)[-1]).strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        expected = f"a file name of 1 to {MAX_NAME} printable characters"
        raise BadParameter("name", text.replace("\x00", "␀"), expected)
    return name


def too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the file is larger than {max_bytes} bytes, the most that is taken")


def _form_error(name: str, message: str) -> InvalidBody:
    pointer = "/" + name[:100].replace("~", "~0").replace("/", "~1")
    return InvalidBody([BodyError(pointer, message)])
