"""What is read of an upload's request before and while its bytes come."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request

from providers.errors import BadParameter
from providers.upload_store import Receiving
from server.problems import BodyTooLarge, UnsupportedMediaType
from server.upload_bodies import SLOWEST_BYTES_PER_S, Body, Kind, file_name, kind_of_body


@pytest.fixture
def into() -> Iterator[Receiving]:
    descriptor = os.open("/dev/null", os.O_WRONLY)
    yield Receiving(descriptor, None)
    os.close(descriptor)


def request(*parts: bytes, **headers: str) -> Request:
    coming = iter(parts)

    async def receive() -> dict[str, Any]:
        part = next(coming, None)
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": pairs}, receive)


def test_the_headers_tell_kind_and_length() -> None:
    form = request(content_type='Multipart/Form-Data; boundary="a b"', content_length="10")

    assert kind_of_body(form, 100) == Kind("multipart/form-data", "a b", 10)
    assert kind_of_body(request(), 100) == Kind("application/octet-stream", None, 0)
    csv = request(content_type="Text/CSV; charset=gbk", content_length="0" * 30)
    assert kind_of_body(csv, 100) == Kind("text/csv", None, 0)


def test_what_is_announced_as_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(BodyTooLarge, match="100 bytes"):
        kind_of_body(request(content_length="101"), 100)
    with pytest.raises(UnsupportedMediaType, match="expected none"):
        kind_of_body(request(content_encoding="zstd"), 100)


def test_a_body_that_comes_too_slowly_is_given_up(
    into: Receiving,
) -> None:
    def read(part: bytes) -> tuple[str, str]:
        times = iter(range(0, 10_000, 20))
        body = Body(request(*[part] * 10), 100_000_000, into, lambda: float(next(times)))
        return asyncio.run(body.read(Kind("a/b", None, 0), None))

    assert read(b"x" * 20 * SLOWEST_BYTES_PER_S) == ("file", "a/b")
    with pytest.raises(BadParameter, match="bytes a second"):
        read(b"x")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("地块.zip", "地块.zip"),
        ("C:\\temp\\a.csv", "a.csv"),
        ("../../etc/passwd", "passwd"),
        (" a b ", "a b"),
        ("e\u0301.txt", "é.txt"),
    ],
)
def test_a_name_is_the_last_part_of_a_path_in_one_spelling(text: str, name: str) -> None:
    assert file_name(text) == name


@pytest.mark.parametrize("text", ["", "/", "a\nb", "a\u202eb", "x" * 201, "\x00"])
def test_a_name_that_cannot_be_shown_is_none(text: str) -> None:
    with pytest.raises(BadParameter, match="printable"):
        file_name(text)
