"""Bodies in their codings: whole ones, and ones that are sent as they are made."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
import zstandard
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server import negotiate

FEATURE = '{"type":"Feature","id":"220102011000000001","properties":{"地类":"耕地"}}'.encode()
CHUNKS = [b"[", b",".join([FEATURE] * 2_000), b",", FEATURE, b"", b"]"]
MEDIA = "application/geo+json"


def a_request(method: str = "GET", **headers: str) -> Request:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": given}
    request = Request(scope | {"state": {}})
    request.state.principal = SimpleNamespace(anonymous=True)
    return request


async def made(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def sent(response: Response, request: Request) -> list[dict[str, Any]]:
    """The messages that the response sends to a caller who stays to the end."""
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return await asyncio.Future()

    async def send(message: Any) -> None:
        messages.append(message)

    await response(request.scope, receive, send)
    return messages


def body_of(messages: list[dict[str, Any]]) -> bytes:
    return b"".join(message.get("body", b"") for message in messages[1:])


def unpacked(content: bytes, coding: str) -> bytes:
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return gzip.decompress(content) if coding == "gzip" else content


@pytest.mark.parametrize("coding", ["zstd", "gzip", "identity"])
def test_a_whole_body_and_a_stream_of_it_are_read_alike(coding: str) -> None:
    request, whole = a_request(accept_encoding=coding), b"".join(CHUNKS)
    answers = [
        negotiate.answer(request, whole, MEDIA),
        negotiate.stream(request, made(CHUNKS), MEDIA),
    ]

    for response in answers:
        assert response.headers.get("content-encoding", "identity") == coding
        content = body_of(asyncio.run(sent(response, request)))
        assert unpacked(content, coding) == whole
    assert "content-length" not in answers[1].headers


@pytest.mark.parametrize("coding", ["zstd", "gzip"])
def test_equal_bodies_are_packed_into_equal_bytes(coding: str) -> None:
    request, whole = a_request(accept_encoding=coding), b"".join(CHUNKS)
    first, second = (negotiate.answer(request, whole, MEDIA).body for _ in range(2))

    assert first == second


@pytest.mark.parametrize("coding", ["zstd", "gzip"])
def test_each_chunk_of_a_stream_can_be_read_when_it_arrives(coding: str) -> None:
    request = a_request(accept_encoding=coding)
    response = negotiate.stream(request, made(CHUNKS), MEDIA)
    messages = asyncio.run(sent(response, request))
    reader: Any = (
        zlib.decompressobj(zlib.MAX_WBITS | 16)
        if coding == "gzip"
        else zstandard.ZstdDecompressor().decompressobj()
    )
    read = [reader.decompress(message["body"]) for message in messages[1:] if message["body"]]

    assert [part for part in read if part] == [chunk for chunk in CHUNKS if chunk]


@pytest.mark.parametrize("media_type", ["application/zip", "image/png"])
def test_what_is_packed_already_is_not_packed_again(media_type: str) -> None:
    request = a_request(accept_encoding="gzip, zstd")

    assert "content-encoding" not in negotiate.stream(request, made(CHUNKS), media_type).headers
    assert "content-encoding" not in negotiate.answer(request, b"x" * 9_999, media_type).headers


def test_a_short_body_is_sent_as_it_is() -> None:
    response = negotiate.answer(a_request(accept_encoding="gzip"), FEATURE, MEDIA)

    assert response.body == FEATURE
    assert "content-encoding" not in response.headers


def test_for_head_nothing_of_a_stream_is_made_and_no_length_is_said() -> None:
    begun = []

    async def chunks() -> AsyncIterator[bytes]:
        begun.append(1)
        yield b"x"

    request = a_request("HEAD")
    (start, end) = asyncio.run(sent(negotiate.stream(request, chunks(), MEDIA), request))

    assert (start["status"], end["body"], begun) == (200, b"", [])
    assert b"content-length" not in dict(start["headers"])
    assert "content-length" not in negotiate.bodiless(request, MEDIA).headers


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_what_fails_before_the_first_chunk_can_still_be_answered(coding: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in list[bytes]():
            yield chunk
        raise LookupError

    request = a_request(accept_encoding=coding)
    with pytest.raises(LookupError):
        asyncio.run(sent(negotiate.stream(request, chunks(), MEDIA), request))


def test_a_caller_who_leaves_ends_the_making() -> None:
    ended = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield FEATURE
                await asyncio.sleep(0)
        finally:
            ended.append(1)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        await asyncio.sleep(0.01)

    async def leaving() -> None:
        request = a_request(accept_encoding="gzip")
        response = negotiate.stream(request, chunks(), MEDIA)
        await response(request.scope, receive, send)
        assert ended == [1]

    asyncio.run(leaving())


@contextmanager
def served(endpoint: Any) -> Iterator[str]:
    """A real server of one endpoint, on a port of its own."""
    app = Starlette(routes=[Route("/", endpoint)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("coding", ["zstd", "gzip", "identity"])
def test_a_stream_that_fails_never_looks_whole(coding: str) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield FEATURE
        raise LookupError

    async def endpoint(request: Request) -> Response:
        request.state.principal = SimpleNamespace(anonymous=True)
        return negotiate.stream(request, failing(), MEDIA)

    with served(endpoint) as address, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(address, headers={"Accept-Encoding": coding})


NOW = datetime(2026, 3, 1, 8, 30, 15, 900_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b","x,a"', False),
        ("*", True),
        ("a", False),
        ("", False),
        ('"', False),
    ],
)
def test_a_tag_that_the_client_has_is_answered_with_304(given: str, known: bool) -> None:
    response = negotiate.unchanged(a_request(if_none_match=given), '"a"')

    assert (response is not None) == known
    if response is not None:
        assert response.status_code == 304
        assert response.headers["etag"] == '"a"'
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["vary"] == negotiate.VARY
        assert response.body == b""


@pytest.mark.parametrize(
    ("since", "known"),
    [
        (negotiate.last_modified(NOW), True),
        (negotiate.last_modified(NOW + timedelta(days=1)), True),
        (negotiate.last_modified(NOW - timedelta(seconds=1)), False),
        ("Sun, 01 Mar 2026 08:30:15 -0000", True),
        ("yesterday", False),
        ("Sun, 99 Mar 2026 08:30:15 GMT", False),
        ("Sun, 01 Mar 99999999 08:30:15 GMT", False),
        ("", False),
    ],
)
def test_a_time_is_compared_in_whole_seconds_and_counts_without_a_tag_only(
    since: str, known: bool
) -> None:
    by_time = negotiate.unchanged(a_request(if_modified_since=since), '"a"', NOW)
    with_tag = a_request(if_modified_since=since, if_none_match='"b"')

    assert (by_time is not None) == known
    assert negotiate.unchanged(with_tag, '"a"', NOW) is None
    assert negotiate.unchanged(a_request(if_modified_since=since), '"a"') is None


def test_the_time_of_change_is_written_as_http_writes_times() -> None:
    assert negotiate.last_modified(NOW) == "Sun, 01 Mar 2026 08:30:15 GMT"
