"""Addresses: hosts, ports, trunks, networks and SIP URIs, as an operator writes them.

RFC 1123 section 2.1 (host names), RFC 3550 section 11 (pairs of ports). Knows no key.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import get_args

from config.e164 import split_sip_uri
from config.model import Transport
from config.reading import Kind, RefusedError, scalar, shorten

MAX_URI = 2000
"""Characters of a SIP URI."""

WILDCARDS = ("0.0.0.0", "::")

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?\Z")
_DIGITS = re.compile(r"[0-9]{1,9}\Z")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class HostPort:
    """A host (IPv6 without brackets), a port and, for a trunk, a transport."""

    host: str
    port: int
    transport: Transport = "udp"
    explicit: bool = True
    """Whether the port was written."""
    told: bool = False
    """Whether the transport was."""


def host(text: str) -> str:
    """A host: an address (IPv6 with or without brackets), or a name; raises ValueError."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        # A name whose last label is a number is a mistyped IPv4 address.
        last_label = bare.rstrip(".").rpartition(".")[2]
        if len(bare) > 253 or bare != text or not _HOST_NAME.match(bare) or last_label.isdigit():
            raise ValueError(text) from None
        return bare.lower()
    if "%" in bare or (bare != text and address.version == 4):
        raise ValueError(text)
    return str(address)


def unusable(text: str, *, wildcard: bool) -> str | None:
    """Why a host (as `host` gives it) cannot be a peer's or our own; None when it can be."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if address.is_multicast:
        return "an address of many hosts (multicast)"
    if text == "255.255.255.255":
        return "the address of every host"
    if address.is_unspecified and not wildcard:
        return "no host that peers can reach"
    return None


def is_address(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own loopback: only who is on it can connect."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port(text: str) -> int:
    if not _DIGITS.match(text) or not 1 <= int(text) <= 65535:
        raise ValueError(text)
    return int(text)


def _unbracketed(text: str) -> Exception:
    """What is wrong with a text of several colons: an IPv6 address without brackets, or
    nonsense."""
    address, _, port = text.rpartition(":")
    for whole, cure in ((address, f"[{address}]:{port}"), (text, f"[{text}]")):
        try:
            ipaddress.IPv6Address(whole)
        except ValueError:
            continue
        return RefusedError(f'an IPv6 address stands in brackets: "{cure}"')
    return ValueError(text)


def host_port(default_port: int | None, text: str) -> HostPort:
    """A host and port; IPv6 in brackets when there is a port; raises ValueError."""
    if text.startswith("["):
        name, bracket, rest = text.partition("]")
        name, colon, port = name + bracket, rest[:1], rest[1:]
        if rest and colon != ":":
            raise ValueError(text)
    elif text.count(":") > 1:
        raise _unbracketed(text)
    else:
        name, colon, port = text.partition(":")
    if not colon and default_port is None:
        raise ValueError(text)
    if not colon and default_port is not None:
        return HostPort(host(name), default_port, explicit=False)
    return HostPort(host(name), _port(port))


HOST = scalar("a host: an IP address or a name", lambda text: host(text.strip()))


def address(default_port: int | None) -> Kind[HostPort]:
    """host:port"""
    optional = "" if default_port is None else f" (port {default_port} when it is left out)"
    return scalar(
        f'host:port such as "127.0.0.1:5060" or "[::1]:5060"{optional}',
        # What comes from the environment may have a blank at its end, which nobody sees.
        lambda text: host_port(default_port, text.strip()),
    )


def _name_server(text: str) -> HostPort:
    found = host_port(53, text.strip())
    if not is_address(found.host):
        raise RefusedError(f"{found.host} is a name, and who should be asked for it?")
    why = unusable(found.host, wildcard=False)
    if why is not None:
        raise RefusedError(f"{found.host} is {why}")
    return found


NAME_SERVER = scalar(
    'the address of a name server, such as "192.0.2.53" or "[::1]:5353" (port 53 when it is left '
    "out)",
    _name_server,
)


def _trunk_address(text: str) -> HostPort:
    where, semicolon, parameter = text.partition(";")
    name, _, transport = parameter.strip().lower().partition("=")
    if semicolon and name != "transport":
        raise ValueError(text)
    found = host_port(5061 if transport == "tls" else 5060, where.strip())
    if transport in ("ws", "wss") and found.explicit:
        message = f"calls by {transport} go over the connection that the peer has opened: no port"
        raise RefusedError(message)
    why = unusable(found.host, wildcard=False)
    if why is not None:
        raise RefusedError(f"{found.host} is {why}")
    if not semicolon:
        return found
    for known in get_args(Transport):
        if transport == known:
            return replace(found, transport=known, told=True)
    raise RefusedError(f'the transport is udp, tcp, tls, ws or wss, not "{shorten(transport)}"')


TRUNK_ADDRESS = scalar(
    'host:port, with ";transport=tcp" (or tls, ws, wss) where it is not UDP, such as '
    '"192.0.2.1:5060;transport=tcp"',
    _trunk_address,
)


def _source(text: str) -> str:
    text = text.strip()
    if "/" in text:
        return str(ipaddress.ip_network(text, strict=False))
    found = host(text)
    why = unusable(found, wildcard=False)
    if why is not None:
        raise RefusedError(f"{found} is {why}")
    return found


SOURCE = scalar('a host, or a network such as "198.51.100.0/24"', _source)


def _port_range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    lowest, highest = _port(first.strip()), _port(last.strip() if dash else "")
    # RFC 3550 section 11: "RTP SHOULD use an even destination port number and the corresponding
    # RTCP stream SHOULD use the next higher (odd) destination port number."
    even, odd = lowest + lowest % 2, highest - (highest + 1) % 2
    if lowest < 1024:
        raise RefusedError(f"ports below 1024 belong to the system, {lowest} is one")
    if odd < even:
        raise RefusedError(f"there is no pair of an even and the next odd port in {shorten(text)}")
    if odd - even < 3:
        raise RefusedError(f"a bridged call takes two pairs of ports, {shorten(text)} has one")
    return even, odd


PORT_RANGE = scalar('a range of ports such as "20000-29999"', _port_range)


def sip_uri_problem(text: str) -> str | None:
    """Why a text cannot be dialled as a SIP URI, or None when it can."""
    if text.lower().startswith("sips:"):
        return "use sip: here; a trunk is called by TLS where it has transport: tls"
    found = split_sip_uri(text)
    if found is None or _CONTROL.search(text) or set(text) & set(' <>"') or len(text) > MAX_URI:
        return "expected a SIP URI such as sip:sales@example.org"
    try:
        host(found.host)
    except ValueError:
        return f'"{shorten(found.host)}" is no host'
    if found.port is not None and not 1 <= found.port <= 65535:
        return f"{found.port} is no port"
    return None
