"""Other hosts that this server may talk to by itself: what an operator lists, and what is among it."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ANY = "*"
INTERNAL = "=internal"
SCHEME_PORTS = {"http": 80, "https": 443}
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
ENTRY = re.compile(r"(\*\.)?(\[[0-9a-f:.]+\]|[^\[\]:@/?#\s]+)(?::([0-9]{1,5}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteHost:
    """An entry `[*.]host[:port][=internal]`; `*` alone stands for every public host."""

    name: str  # as `host_name` writes it, or ANY
    below: bool = False  # the hosts below the name, not itself
    port: int | None = None  # None: the port of the scheme
    internal: bool = False  # it may have a loopback or private address

    def covers(self, scheme: str, name: str, port: int) -> bool:
        """Whether this entry lets a request to the host and port pass."""
        if port != (SCHEME_PORTS[scheme] if self.port is None else self.port):
            return False
        if self.name == ANY:
            return True
        return name.endswith(f".{self.name}") if self.below else name == self.name


def parse_hosts(text: str) -> tuple[RemoteHost, ...]:
    """The entries of a list parted by commas; ValueError with the entry that is none."""
    return tuple(_entry(part.strip()) for part in text.split(",") if part.strip())


def listed(
    hosts: Iterable[RemoteHost], scheme: str, name: str, port: int
) -> Literal["public", "internal"] | None:
    """What the list says of a host: which addresses it may have; None where it is not listed."""
    found = [host for host in hosts if host.covers(scheme, name, port)]
    if not found:
        return None
    return "internal" if any(host.internal for host in found) else "public"


def host_name(text: str) -> str:
    """A host as it is compared: lower case, IDNA, no final dot; ValueError where it is none."""
    plain = text.removeprefix("[").removesuffix("]")
    try:
        if "%" not in text:  # an address with a zone means something on this machine alone
            return ipaddress.ip_address(plain).compressed
    except ValueError:
        if plain != text or ":" in text:
            raise ValueError(f"{text!r} is not an IPv6 address") from None
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        name = ""
    labels = name.split(".")
    # a last label of digits makes it an address in one of the spellings of old resolvers
    if len(name) > 253 or not all(map(LABEL.fullmatch, labels)) or _number(labels[-1]):
        raise ValueError(f"{text!r} is not a host name")
    return name


def _number(label: str) -> bool:
    return label.isdigit() or re.fullmatch(r"0x[0-9a-f]*", label) is not None


def _entry(text: str) -> RemoteHost:
    plain = text.removesuffix(INTERNAL)
    internal = plain != text
    if plain == ANY and not internal:
        return RemoteHost(name=ANY)
    match = ENTRY.fullmatch(plain)
    if match is None or (match[3] is not None and not 1 <= int(match[3]) <= 65535):
        raise ValueError(f"{text!r} is not [*.]host[:port][{INTERNAL}]")
    return RemoteHost(
        name=host_name(match[2]),
        below=match[1] is not None,
        port=None if match[3] is None else int(match[3]),
        internal=internal,
    )
