"""The one way to another server: listed hosts, checked and pinned addresses, bounds on all else.

The name is resolved once, every address that it stands for is checked, and the connection goes to
one of those: a name that means something else a moment later changes nothing (DNS rebinding).
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import BinaryIO
from urllib.parse import urljoin

from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from config.remote_hosts import RemoteHost
from providers.remote_errors import (
    BadAddress,
    BadAnswer,
    TooLarge,
    TooManyRedirects,
    TooSlow,
    Unreachable,
    Unreadable,
)
from providers.remote_places import Place, admitted, check_addresses, literal, parse_place

MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
READ_BYTES = 64 * 1024
PACKINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
AGENT = "OneMap"

type Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was received, and from where in the end."""

    place: str
    media_type: str  # as the server says it; application/octet-stream where it says nothing
    bytes: int


def fetch(
    url: str,
    *,
    allowed: Sequence[RemoteHost],
    max_bytes: int,
    within_s: float,
    into: BinaryIO,
    resolve: Resolve | None = None,
    trust: ssl.SSLContext | None = None,
) -> Fetched:
    """Write what lies at *url* into a file.

    Raises
    ------
    RemoteError
        One of its kinds, with the place where it happened; the file may hold a part by then.
    """
    place, deadline = parse_place(url), Deadline(within_s)
    for _ in range(MAX_REDIRECTS + 1):
        line = Line(allowed, deadline, resolve or resolve_now, trust)
        with line.asked("GET", place, {"Accept": "*/*", "Accept-Encoding": "identity"}) as answer:
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                return _received(answer, place, into, max_bytes, deadline)
            place = _redirected(place, answer.headers["location"])
    raise TooManyRedirects(str(place), f"expected at most {MAX_REDIRECTS} redirects")


def post(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[RemoteHost],
    within_s: float,
    resolve: Resolve | None = None,
    trust: ssl.SSLContext | None = None,
) -> int:
    """Send *content* to *url*; the status of the answer, which is not read. No redirects."""
    line = Line(allowed, Deadline(within_s), resolve or resolve_now, trust)
    with line.asked("POST", parse_place(url), headers, content) as answer:
        return answer.status


def resolve_now(host: str, port: int) -> Sequence[str]:
    """The addresses that the system knows for a name, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Deadline:
    """A moment after which nothing is waited for."""

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        self._ends = time.monotonic() + within_s

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._ends

    def left_s(self, place: Place) -> float:
        """The seconds left; TooSlow where there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.passed(place)
        return left

    def passed(self, place: Place) -> TooSlow:
        return TooSlow(str(place), f"expected all of it within {self.within_s:g} s")


@dataclass(frozen=True, slots=True)
class Line:
    """How requests of one errand go out."""

    allowed: Sequence[RemoteHost]
    deadline: Deadline
    resolve: Resolve
    trust: ssl.SSLContext | None

    @contextmanager
    def asked(
        self, method: str, place: Place, headers: Mapping[str, str], content: bytes | None = None
    ) -> Iterator[BaseHTTPResponse]:
        """The answer to one request, its body not yet read; closed in the end."""
        connection = self._connected(place, self._addresses(place))
        try:
            with self._cut_off(connection, place):
                named = {"Host": place.authority, "User-Agent": AGENT, "Connection": "close"}
                with _told(place, self.deadline):
                    connection.request(
                        method,
                        place.target,
                        body=content,
                        headers={**named, **headers},
                        preload_content=False,
                    )
                    answer = connection.getresponse()
                try:
                    yield answer
                finally:
                    answer.close()  # it holds the line, too
        finally:
            connection.close()

    def _addresses(self, place: Place) -> Sequence[str]:
        """The network addresses of the host, each of which it may have."""
        kind = admitted(place, self.allowed)
        found = literal(place.host) or self._resolved(place)
        check_addresses(place, found, kind)
        return found

    def _resolved(self, place: Place) -> Sequence[str]:
        """The resolver has no time limit of its own: it is left behind where it takes too long."""
        answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self.resolve(place.host, place.port))
            except (OSError, UnicodeError):
                answers.put([])

        threading.Thread(target=ask, name="resolve", daemon=True).start()
        try:
            found = answers.get(timeout=self.deadline.left_s(place))
        except queue.Empty:
            raise self.deadline.passed(place) from None
        if not found:
            raise Unreachable(str(place), f"the name {place.host} is not known")
        return found

    def _connected(self, place: Place, addresses: Sequence[str]) -> HTTPConnection:
        """A connection to the first address that answers; the certificate is the name's."""
        for tries_left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            connection = self._connection(place, address, tries_left)
            try:
                connection.connect()
                return connection
            except (HTTPError, HTTPException, OSError) as error:
                connection.close()
                if tries_left == 1:
                    self.deadline.left_s(place)
                    certificate = isinstance(error, ssl.SSLCertVerificationError)
                    said = "its certificate is not trusted" if certificate else "does not answer"
                    raise Unreachable(str(place), said) from error
        raise Unreachable(str(place), "does not answer")

    def _connection(self, place: Place, address: str, tries_left: int) -> HTTPConnection:
        patience_s = self.deadline.left_s(place) / tries_left
        if place.scheme == "http":
            return HTTPConnection(address, place.port, timeout=patience_s)
        return HTTPSConnection(
            address,
            place.port,
            timeout=patience_s,
            server_hostname=place.host,
            ssl_context=self.trust or ssl.create_default_context(),
        )

    @contextmanager
    def _cut_off(self, connection: HTTPConnection, place: Place) -> Iterator[None]:
        """End the line at the deadline: a limit on each read is none on a byte now and then."""
        assert connection.sock is not None
        left_s = self.deadline.left_s(place)
        connection.sock.settimeout(left_s)
        held = connection.sock
        with socket.fromfd(held.fileno(), held.family, held.type) as line:

            def cut() -> None:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

            timer = threading.Timer(left_s, cut)
            timer.daemon = True
            timer.start()
            try:
                yield
            finally:
                timer.cancel()
                timer.join()


@contextmanager
def _told(place: Place, deadline: Deadline) -> Iterator[None]:
    """Errors of the libraries as ours."""
    try:
        yield
    except (HTTPError, HTTPException, OSError) as error:
        if deadline.over or isinstance(error, TimeoutError):
            raise deadline.passed(place) from error
        raise Unreadable(
            str(place), f"the answer cannot be read ({type(error).__name__})"
        ) from error


def _redirected(place: Place, location: str) -> Place:
    try:
        joined = urljoin(f"{place.scheme}://{place.authority}{place.target}", location)
    except ValueError:
        raise BadAddress(str(place), "expected a redirect to an address") from None
    new = parse_place(joined)
    if place.scheme == "https" and new.scheme != "https":
        raise BadAddress(str(new), "expected no redirect from https to http")
    return new


def _received(
    answer: BaseHTTPResponse, place: Place, into: BinaryIO, max_bytes: int, deadline: Deadline
) -> Fetched:
    """The body, unpacked, written as it comes."""
    if answer.status != 200:
        raise BadAnswer(str(place), answer.status)
    packing = answer.headers.get("content-encoding", "").strip().lower()
    if packing not in PACKINGS:
        raise Unreadable(str(place), f"expected no Content-Encoding {packing[:50]!r}")
    too_large = TooLarge(str(place), f"expected at most {max_bytes} bytes")
    declared = answer.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > max_bytes:
        raise too_large
    size = 0
    for chunk in _chunks(answer, place, deadline):
        size += len(chunk)
        if size > max_bytes or answer.tell() > max_bytes + READ_BYTES:
            raise too_large
        into.write(chunk)
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    return Fetched(place=str(place), media_type=kind or "application/octet-stream", bytes=size)


def _chunks(answer: BaseHTTPResponse, place: Place, deadline: Deadline) -> Iterator[bytes]:
    with _told(place, deadline):
        yield from answer.stream(READ_BYTES, decode_content=True)
    deadline.left_s(place)  # a body that the deadline cut off must not look whole
