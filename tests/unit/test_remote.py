"""Requests to other servers: which hosts and addresses, how much, how long, and how it is told."""

import gzip
import io
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.remote_hosts import RemoteHost, parse_hosts
from providers.remote import Fetched, fetch, post
from providers.remote_errors import (
    AddressNotAllowed,
    BadAddress,
    BadAnswer,
    HostNotAllowed,
    RemoteError,
    TooLarge,
    TooManyRedirects,
    TooSlow,
    Unreachable,
    Unreadable,
)
from providers.remote_places import parse_place, permitted

NAME = "data.example.cn"
type Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer, family: int = socket.AF_INET, tls: Path | None = None) -> Iterator[int]:
    """A server on loopback that answers every request with *answer*; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        address_family = family
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            return

    one = Server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        one.socket = context.wrap_socket(one.socket, server_side=True)
    thread = threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield one.server_address[1]
    finally:
        one.shutdown()
        one.server_close()
        thread.join()


def saying(content: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def to(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda host, port: addresses


def internal(port: int, name: str = NAME) -> tuple[RemoteHost, ...]:
    return parse_hosts(f"{name}:{port}=internal")


def fetched(url: str, **options: Any) -> tuple[Fetched, bytes]:
    into = io.BytesIO()
    defaults = {"max_bytes": 1_000_000, "within_s": 20, "resolve": to("127.0.0.1")}
    facts = fetch(url, into=into, **{**defaults, **options})
    return facts, into.getvalue()


def test_what_lies_at_a_listed_host_is_fetched_with_its_media_type() -> None:
    content = b'{"type": "FeatureCollection"}'
    with server(saying(content, Content_Type="application/geo+json; charset=utf-8")) as port:
        facts, got = fetched(f"http://{NAME}:{port}/a?key=1", allowed=internal(port))

    assert got == content
    assert facts == Fetched(
        place=f"http://{NAME}:{port}/a", media_type="application/geo+json", bytes=len(content)
    )


def test_the_request_names_the_host_and_carries_no_credentials() -> None:
    seen: dict[str, str] = {}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.update({name.lower(): value for name, value in handler.headers.items()})
        saying(b"x")(handler)

    with server(answer) as port:
        fetched(f"http://{NAME}:{port}/", allowed=internal(port))

    assert seen == {
        "host": f"{NAME}:{port}",
        "user-agent": "OneMap",
        "connection": "close",
        "accept": "*/*",
        "accept-encoding": "identity",
    }


def test_an_ipv6_host_is_fetched_where_it_is_listed() -> None:
    try:
        with server(saying(b"six"), socket.AF_INET6) as port:
            allowed = parse_hosts(f"[::1]:{port}=internal")
            assert fetched(f"http://[::1]:{port}/", allowed=allowed)[1] == b"six"
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")


def test_the_next_address_is_tried_where_the_first_does_not_answer() -> None:
    with server(saying(b"second")) as port:
        resolve = to("127.0.0.2", "127.0.0.1")
        got = fetched(f"http://{NAME}:{port}/", allowed=internal(port), resolve=resolve)[1]

    assert got == b"second"


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        ("", "http://data.example.cn/"),
        ("data.example.cn", "http://example.cn/"),
        ("data.example.cn", "http://xdata.example.cn/"),
        ("data.example.cn", "http://data.example.cn:8080/"),
        ("data.example.cn:8080", "http://data.example.cn/"),
        ("*.example.cn", "http://example.cn/"),
        ("*.example.cn", "http://evil-example.cn/"),
        ("*", "http://data.example.cn:22/"),
    ],
)
def test_a_host_or_port_that_is_not_listed_is_not_asked(hosts: str, url: str) -> None:
    with pytest.raises(HostNotAllowed):
        fetched(url, allowed=parse_hosts(hosts), resolve=to())


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://data.example.cn/",
        "gopher://data.example.cn/",
        "data.example.cn",
        "//data.example.cn/",
        "http:///x",
        "http://user:secret@data.example.cn/",
        "http://data.example.cn\\@127.0.0.1/",
        "http://data.example.cn/a b",
        "http://data.example.cn/\r\nX: y",
        "http://data.example.cn:99999/",
        "http://data.example.cn:0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://[::1%25lo]/",
        "http://[::1/",
        "http://..example.cn/",
        "http://data.example.cn/" + "a" * 3_000,
    ],
)
def test_an_address_of_another_form_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(BadAddress) as caught:
        fetched(url, allowed=parse_hosts("*"), resolve=to())

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "240.0.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:100.64.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:7f00:1::1",
        "2001:db8::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "not an address",
    ],
)
def test_a_public_host_may_not_stand_for_any_other_address(address: str) -> None:
    assert not permitted(address, "public")
    with pytest.raises(AddressNotAllowed) as caught:
        fetched("http://data.example.cn/", allowed=parse_hosts("*"), resolve=to(address))
    assert address not in str(caught.value)


@pytest.mark.parametrize("address", ["202.98.0.68", "2400:3200::1", "64:ff9b::ca62:44"])
def test_a_public_address_is_permitted(address: str) -> None:
    assert permitted(address, "public")


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("100.64.0.1", True),
        ("::1", True),
        ("fd12::1", True),
        ("::ffff:10.1.2.3", True),
        ("202.98.0.68", True),
        ("169.254.169.254", False),
        ("fe80::1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_an_internal_host_may_lie_in_the_own_network_but_not_on_the_link(
    address: str, may: bool
) -> None:
    assert permitted(address, "internal") is may


def test_one_address_that_may_not_be_is_enough_to_refuse_the_name() -> None:
    with pytest.raises(AddressNotAllowed):
        fetched(
            "http://data.example.cn/",
            allowed=parse_hosts("*"),
            resolve=to("202.98.0.68", "127.0.0.1"),
        )


def test_a_name_that_changes_its_meaning_is_asked_for_once_and_connected_to_what_was_checked() -> (
    None
):
    answers = iter([["127.0.0.1"], ["127.0.0.3"]])
    with server(saying(b"pinned")) as port:
        got = fetched(
            f"http://{NAME}:{port}/",
            allowed=internal(port),
            resolve=lambda host, asked: next(answers),
        )[1]

    assert got == b"pinned"
    assert next(answers) == ["127.0.0.3"]


def test_a_redirect_is_followed_and_checked_anew() -> None:
    with server(saying(b"end")) as last:
        there = saying(b"", 302, Location=f"http://{NAME}:{last}/b")
        with server(there) as first:
            allowed = (*internal(first), *internal(last))
            facts, got = fetched(f"http://{NAME}:{first}/", allowed=allowed)
            with pytest.raises(HostNotAllowed):
                fetched(f"http://{NAME}:{first}/", allowed=internal(first))

    assert (facts.place, got) == (f"http://{NAME}:{last}/b", b"end")


def test_a_redirect_to_loopback_is_refused() -> None:
    with server(saying(b"", 302, Location="http://127.0.0.1/")) as port:
        allowed = (*internal(port), *parse_hosts("*"))
        with pytest.raises(AddressNotAllowed):
            fetched(f"http://{NAME}:{port}/", allowed=allowed)


def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        left = int(handler.path.removeprefix("/"))
        if left == 0:
            saying(b"here")(handler)
        else:
            saying(b"", 307, Location=f"/{left - 1}")(handler)

    with server(answer) as port:
        assert fetched(f"http://{NAME}:{port}/3", allowed=internal(port))[1] == b"here"
        with pytest.raises(TooManyRedirects):
            fetched(f"http://{NAME}:{port}/4", allowed=internal(port))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://[bad", "gopher://x/"])
def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    with (
        server(saying(b"", 301, Location=location)) as port,
        pytest.raises((BadAddress, Unreadable)),
    ):
        fetched(f"http://{NAME}:{port}/", allowed=internal(port))


def test_more_than_may_be_taken_is_refused_whether_it_is_announced_or_not() -> None:
    with server(saying(b"x" * 2_000)) as port, pytest.raises(TooLarge):
        fetched(f"http://{NAME}:{port}/", allowed=internal(port), max_bytes=1_999)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b"x" * 65_536)

    with server(endless) as port, pytest.raises(TooLarge):
        fetched(f"http://{NAME}:{port}/", allowed=internal(port), max_bytes=1_000_000)


def test_a_small_answer_that_unpacks_to_much_is_refused() -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)
    with server(saying(bomb, Content_Encoding="gzip")) as port, pytest.raises(TooLarge):
        fetched(f"http://{NAME}:{port}/", allowed=internal(port), max_bytes=1_000_000)


def test_a_packed_answer_is_unpacked_and_an_unknown_packing_refused() -> None:
    with server(saying(gzip.compress(b"plain"), Content_Encoding="gzip")) as port:
        assert fetched(f"http://{NAME}:{port}/", allowed=internal(port))[1] == b"plain"
    for packing in ("br", "gzip, gzip", "compress"):
        with server(saying(b"?", Content_Encoding=packing)) as port, pytest.raises(Unreadable):
            fetched(f"http://{NAME}:{port}/", allowed=internal(port))
    with server(saying(b"no gzip", Content_Encoding="gzip")) as port, pytest.raises(Unreadable):
        fetched(f"http://{NAME}:{port}/", allowed=internal(port))


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_sends_a_byte_now_and_then_is_left(start: bytes) -> None:
    left = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        try:
            while True:
                handler.wfile.write(b"a")
                left.wait(0.05)
        except OSError:
            left.set()

    with server(drip) as port, pytest.raises(TooSlow):
        fetched(f"http://{NAME}:{port}/", allowed=internal(port), within_s=0.5)
    assert left.wait(20)


def test_a_resolver_that_does_not_answer_is_left() -> None:
    never = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        never.wait(20)
        return []

    with pytest.raises(TooSlow):
        fetched(f"http://{NAME}/", allowed=parse_hosts(NAME), within_s=0.1, resolve=resolve)
    never.set()


def not_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0\r\n")


def test_every_other_failure_has_a_name_and_a_place(free_port: Callable[[], int]) -> None:
    def failing(answer: Answer) -> RemoteError:
        with server(answer) as port, pytest.raises(RemoteError) as caught:
            fetched(f"http://{NAME}:{port}/x?token=1", allowed=internal(port))
        assert caught.value.place == f"http://{NAME}:{port}/x"
        assert "token" not in str(caught.value)
        return caught.value

    assert isinstance(failing(saying(b"", 404)), BadAnswer)
    assert isinstance(failing(saying(b"short", Content_Length="10")), Unreadable)
    assert isinstance(failing(not_http), Unreadable)
    port = free_port()
    with pytest.raises(Unreachable):
        fetched(f"http://{NAME}:{port}/", allowed=internal(port))
    with pytest.raises(Unreachable):
        fetched(f"http://{NAME}/", allowed=parse_hosts(NAME), resolve=to())


def test_a_full_disk_is_not_told_as_the_other_servers_fault() -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    with server(saying(b"x")) as port, pytest.raises(OSError, match="No space left"):
        fetch(
            f"http://{NAME}:{port}/",
            allowed=internal(port),
            max_bytes=10,
            within_s=20,
            into=Full(),
            resolve=to("127.0.0.1"),
        )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of NAME, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=test"]
    command += ["-addext", f"subjectAltName=DNS:{NAME}"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("this machine has no openssl command to make a certificate with")
    both = folder / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return both


def test_a_certificate_must_be_trusted_and_be_the_hosts_own(certificate: Path) -> None:
    def trust() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=certificate)

    other = "other.example.cn"
    with server(saying(b"safe"), tls=certificate) as port:
        url, allowed = f"https://{NAME}:{port}/", (*internal(port), *internal(port, other))
        assert fetched(url, allowed=allowed, trust=trust())[1] == b"safe"
        with pytest.raises(Unreachable, match="certificate"):
            fetched(url, allowed=allowed)
        with pytest.raises(Unreachable, match="certificate"):
            fetched(f"https://{other}:{port}/", allowed=allowed, trust=trust())


def test_a_redirect_from_https_to_http_is_refused(certificate: Path) -> None:
    answer = saying(b"", 302, Location=f"http://{NAME}/")
    with server(answer, tls=certificate) as port, pytest.raises(BadAddress, match="https"):
        fetched(
            f"https://{NAME}:{port}/",
            allowed=(*internal(port), *parse_hosts(NAME)),
            trust=ssl.create_default_context(cafile=certificate),
        )


def test_a_post_sends_its_content_and_tells_the_status_of_any_answer() -> None:
    seen: list[tuple[bytes, str | None]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append((content, handler.headers["X-Id"]))
        saying(b"", 307, Location="http://127.0.0.1/")(handler)

    with server(answer) as port:
        status = post(
            f"http://{NAME}:{port}/",
            b"{}",
            {"X-Id": "7"},
            allowed=internal(port),
            within_s=20,
            resolve=to("127.0.0.1"),
        )

    assert (status, seen) == (307, [(b"{}", "7")])


def test_a_place_is_shown_without_its_query_and_sent_quoted() -> None:
    place = parse_place("https://DATA.Example.cn./图层?名=1&b=%20")

    assert str(place) == "https://data.example.cn/%E5%9B%BE%E5%B1%82"
    assert place.target == "/%E5%9B%BE%E5%B1%82?%E5%90%8D=1&b=%20"
    assert parse_place("http://规划.cn/").host == "规划.cn".encode("idna").decode()
