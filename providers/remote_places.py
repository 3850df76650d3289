"""Where a request may go: addresses read strictly, and the network addresses behind a name checked."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

from config.remote_hosts import SCHEME_PORTS, RemoteHost, host_name, listed
from providers.remote_errors import AddressNotAllowed, BadAddress, HostNotAllowed

MAX_ADDRESS = 2_000
# RFC 3986: what may stand in a path or query as it is; % begins what is quoted already
PLAIN = "/?:@!$&'()*+,;=-._~%[]"
# What an internal host may have beside public addresses: never link-local ones, where clouds keep
# the credentials of their machines.
INTERNAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "::1/128",
            "fc00::/7",
        ),
    )
)
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An http or https address, taken apart."""

    scheme: str
    host: str
    port: int
    target: str  # path and query, quoted

    @property
    def authority(self) -> str:
        """What stands in the Host header."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == SCHEME_PORTS[self.scheme] else f"{shown}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"


def parse_place(url: str) -> Place:
    """An address as it was given; BadAddress for anything that a server need not ask."""
    shown = url.partition("?")[0][:200]
    if len(url) > MAX_ADDRESS or not url.isprintable() or " " in url or "\\" in url:
        raise BadAddress(
            shown, f"expected at most {MAX_ADDRESS} characters without spaces and backslashes"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddress(shown, "expected an address like https://host/path") from None
    if parts.scheme not in SCHEME_PORTS or not parts.hostname:
        raise BadAddress(shown, "expected an address that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise BadAddress(f"{parts.scheme}://…", "expected an address without name and password")
    if port == 0:
        raise BadAddress(shown, "expected a port from 1 to 65535")
    try:
        host = host_name(f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname)
    except ValueError as error:
        raise BadAddress(shown, str(error)) from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(
        scheme=parts.scheme,
        host=host,
        port=SCHEME_PORTS[parts.scheme] if port is None else port,
        target=quote(target, safe=PLAIN),
    )


def admitted(place: Place, hosts: Iterable[RemoteHost]) -> Literal["public", "internal"]:
    """Which addresses the host may have.

    Raises
    ------
    HostNotAllowed, AddressNotAllowed
        Where the operator does not list it, or it is itself an address that it may not have.
    """
    found = listed(hosts, place.scheme, place.host, place.port)
    if found is None:
        raise HostNotAllowed(str(place), f"the host {place.authority} is not listed here")
    check_addresses(place, literal(place.host), found)
    return found


def check_addresses(
    place: Place, addresses: Iterable[str], kind: Literal["public", "internal"]
) -> None:
    """AddressNotAllowed if the host may not have one of them."""
    if not all(permitted(address, kind) for address in addresses):
        raise AddressNotAllowed(
            str(place), "expected a host that has public addresses, or is listed as internal"
        )


def permitted(address: str, kind: Literal["public", "internal"]) -> bool:
    """Whether a host of this kind may have this network address."""
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(one, ipaddress.IPv6Address):
        if one.scope_id is not None:
            return False
        inner = _within(one)
        if inner is not None:
            return permitted(str(inner), kind)
    if kind == "internal" and any(one in network for network in INTERNAL):
        return True
    if one.is_multicast or one.is_reserved or not one.is_global:
        return False
    return one.version == 4 or one in GLOBAL_UNICAST


def literal(host: str) -> Sequence[str]:
    """The host itself where it is a network address: there is nothing to resolve."""
    try:
        return [ipaddress.ip_address(host).compressed]
    except ValueError:
        return []


def _within(one: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a packet to this one comes to in the end."""
    if one.ipv4_mapped is not None:
        return one.ipv4_mapped
    if one.sixtofour is not None:
        return one.sixtofour
    return ipaddress.IPv4Address(int(one) & 0xFFFFFFFF) if one in NAT64 else None
