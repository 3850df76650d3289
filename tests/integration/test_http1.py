"""Offers of HTTP/2 in clear text are not heard, however the bytes of requests arrive."""

import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
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


def asked(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def whole(line: socket.socket) -> bytes:
    """All that comes until the server closes the line."""
    received = b""
    while part := line.recv(65_536):
        received += part
    return received


def test_an_address_in_utf_8_that_nobody_encoded_is_read_as_it_is_meant(
    line: socket.socket,
) -> None:
    line.sendall(asked("/collections?q=地类&f=json".encode()))
    answer = whole(line)

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"q=%E5%9C%B0%E7%B1%BB" in answer


def test_an_address_in_another_encoding_is_refused_by_the_name_of_its_parameter(
    line: socket.socket,
) -> None:
    line.sendall(asked("/collections?q=地类&f=json".encode("gbk")))
    head, _, body = whole(line).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["errors"][0]["parameter"] == "q"


def test_what_is_no_request_is_refused_as_a_problem(line: socket.socket) -> None:
    line.sendall(b"GET / HTTP/9.9\r\n\x00\r\n\r\n")
    head, _, body = whole(line).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 400


def test_the_body_of_a_request_that_came_with_the_one_before_is_left_as_it_is(
    line: socket.socket,
) -> None:
    body = json.dumps({"inputs": {"text": "一"}}, ensure_ascii=False).encode()
    head = (
        f"POST /processes/echo/execution HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    line.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" + head)
    time.sleep(0.05)  # so that the body is a piece of its own
    line.sendall(body)

    assert answers(line, 2).count(b"200 OK") == 2


def test_several_addresses_that_nobody_encoded_may_come_at_once(line: socket.socket) -> None:
    one = "GET /collections?q=地类&f=json HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    line.sendall(one + asked("/collections?q=用途&f=json".encode()))
    answer = whole(line)

    assert answer.count(b"HTTP/1.1 200") == 2
    assert b"q=%E7%94%A8%E9%80%94" in answer


def test_a_head_without_end_is_refused(client: httpx.Client) -> None:
    answer = client.get("/collections", headers={"X-Long": "a" * 70_000, "Accept": "*/*"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "headers"
