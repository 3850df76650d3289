"""Content codings: whole bodies, and bodies compressed on their way with a flush per piece."""

import gzip
import zlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Mapping,
    Sequence,
)
from typing import Any, Literal, Protocol

import zstandard
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

type Coding = Literal["zstd", "gzip", "identity"]

# tests/benchmarks/bench_encodings.py prints what these cost and save on a page of features.
GZIP_LEVEL = 4  # the next levels take half as long again and save little
ZSTD_LEVEL = 1  # on coordinates the next levels take longer and save nothing
MIN_BYTES = 1_000  # less is not worth a coding
ASIDE_BYTES = 65_536  # compressing more than this is no business of the event loop
PIECE_BYTES = 262_144  # sent at a time: a slow line makes progress within any limit of time
PACKED = ("image/", "video/", "application/zip", "application/gzip")


class Packer(Protocol):
    """One body's compressor."""

    def piece(self, content: bytes) -> bytes:
        """The content compressed, so that the reader can read all of it now."""

    def end(self) -> bytes:
        """What closes the body."""


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)

    def piece(self, content: bytes) -> bytes:
        return self._stream.compress(content) + self._stream.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._stream.flush()


class _Zstd:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()

    def piece(self, content: bytes) -> bytes:
        begun = self._stream.compress(content)
        return begun + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self) -> bytes:
        return self._stream.flush()


PACKERS: dict[str, Callable[[], Packer]] = {"gzip": _Gzip, "zstd": _Zstd}


def worth_packing(media_type: str, coding: Coding) -> bool:
    """Whether bodies of this type get smaller by the coding."""
    return coding != "identity" and not media_type.startswith(PACKED)


def packed(content: bytes, coding: Coding) -> bytes:
    """The whole body in this coding; equal bodies give equal bytes."""
    if coding == "gzip":
        return gzip.compress(content, GZIP_LEVEL, mtime=0)
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(content)


async def packing(chunks: AsyncIterator[bytes], packer: Packer) -> AsyncIterator[bytes]:
    """The chunks compressed, each of them readable as soon as it arrives."""
    try:
        async for chunk in chunks:
            if len(chunk) > ASIDE_BYTES:
                yield await run_in_threadpool(packer.piece, chunk)
            elif chunk:
                yield packer.piece(chunk)
        yield packer.end()
    finally:
        await close(chunks)


async def close(chunks: AsyncIterable[Any]) -> None:
    """Ends what produces the chunks, at once and not when it is collected."""
    if isinstance(chunks, AsyncGenerator):
        await chunks.aclose()


class Pieces(Response):
    """A body whose pieces are there, sent one after the other: to join them is to copy a megabyte."""

    def __init__(self, pieces: Sequence[bytes], *, headers: Mapping[str, str]) -> None:
        self.status_code, self.background = 200, None
        self.pieces = pieces
        self.body = b""
        self.init_headers({**headers, "Content-Length": str(sum(map(len, pieces)))})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Streamed(StreamingResponse):
    """A body sent as it is made.

    What fails before the first chunk is still answered as a problem; what fails later breaks the
    connection off, so that a cut body never looks whole. A caller who leaves ends the making.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] == "HEAD":
                await self._begin(send)
                await send({"type": "http.response.body", "body": b""})
            else:
                await super().__call__(scope, receive, send)
        finally:
            await close(self.body_iterator)

    async def stream_response(self, send: Send) -> None:
        chunks = aiter(self.body_iterator)
        first = await anext(chunks, b"")
        await self._begin(send)
        await _send_chunk(first, send)
        async for chunk in chunks:
            await _send_chunk(chunk, send)
        await send({"type": "http.response.body", "body": b""})

    async def _begin(self, send: Send) -> None:
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})


async def _send_chunk(chunk: Any, send: Send) -> None:
    for start in range(0, len(chunk), PIECE_BYTES):
        piece = chunk if len(chunk) <= PIECE_BYTES else chunk[start : start + PIECE_BYTES]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
