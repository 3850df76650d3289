"""Offers of HTTP/2 in clear text are not heard, however the bytes of requests arrive."""

import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade:{}h2c{}\r\nHTTP2-Settings: AAEAAEAA\r\n"
BODY = json.dumps({"inputs": {"text": "一"}}).encode()
WORDS = "一".encode()


def post(before: str = " ", after: str = "") -> bytes:
    """A request as java.net.http makes it."""
    return (
        f"POST /processes/echo/execution HTTP/1.1\r\nHost: x\r\n{OFFER.format(before, after)}"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY


@pytest.fixture
def line(live_server: str) -> Iterator[socket.socket]:
    """A connection to the server."""
    place = urlsplit(live_server)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as one:
        yield one


def answers(line: socket.socket, count: int, body: bytes = WORDS) -> bytes:
    """What comes until *count* answers end with this body."""
    received = b""
    while received.count(b"HTTP/1.1 ") < count or not received.endswith(body):
        part = line.recv(65_536)
        assert part, received
        received += part
    return received


@pytest.mark.parametrize(("before", "after"), [(" ", ""), ("\t", ""), ("", " \t"), ("", "")])
def test_blanks_beside_an_offer_do_not_matter(line: socket.socket, before: str, after: str) -> None:
    line.sendall(post(before, after))

    assert b"200 OK" in answers(line, 1)


@pytest.mark.parametrize("at", [1, 60, 75, 90, 110, 130, 160, len(post()) - len(BODY) - 2])
def test_a_head_may_come_in_pieces(line: socket.socket, at: int) -> None:
    request = post()
    line.sendall(request[:at])
    time.sleep(0.05)  # so that it is a piece
    line.sendall(request[at:])

    assert b"200 OK" in answers(line, 1)


def test_a_second_request_may_come_before_the_first_is_answered(line: socket.socket) -> None:
    line.sendall(post() * 3)

    assert answers(line, 3).count(b"200 OK") == 3


def test_what_is_no_request_is_refused_at_once(line: socket.socket) -> None:
    line.sendall(b"\x16\x03\x01\x02\x00\x01\x00")

    assert line.recv(65_536).startswith(b"HTTP/1.1 400")
