"""Where a request inside a dialog goes (RFC 3261 sections 8.1.2, 12.2.1.1 and 19.1.2).

Loose and strict routing, and the next hop as a flow. Names are left to the transport.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from softswitch.sip.compose import one_line
from softswitch.sip.errors import ParseError
from softswitch.sip.flow import (
    DEFAULT_PORT,
    DEFAULT_TLS_PORT,
    SECURE_TRANSPORTS,
    WEBSOCKET_TRANSPORTS,
    Flow,
)
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.uri import Uri

# More hops than this in one route set is an attack: each costs bytes in every request we send.
MAX_ROUTES = 32


# Targets repeat from call to call, a trunk's Contact say: the last so many are not parsed again.
MAX_KNOWN_TARGETS = 1024


class Path(NamedTuple):
    """How to write and send a request: its Request-URI, its Route lines, its next hop."""

    uri: str
    routes: str
    next_hop: Uri | None


def path_to(remote_target: str, route_set: Sequence[str]) -> Path:
    """Apply a route set to a remote target (12.2.1.1)."""
    target = _read_uri(remote_target)
    if not route_set:
        return Path(remote_target, "", target)
    first = _read_address(route_set[0])
    if first is None or "lr" in first.parameters:
        # "If the first URI contains the lr parameter, the UAC MUST place the remote target URI
        # into the Request-URI and MUST include a Route header field containing the route set."
        return Path(remote_target, _route_lines(route_set), first or target)
    # "If its first URI does not contain the lr parameter, the UAC MUST place the first URI from
    # the route set into the Request-URI, [...] the remainder of the route set in Route, and the
    # remote target URI as the last value."
    strict = str(first).partition("?")[0]
    return Path(strict, _route_lines([*route_set[1:], f"<{remote_target}>"]), first)


def flow_to(next_hop: Uri | None, last_heard: Flow, called: Flow | None = None) -> Flow:
    """Give the flow to a next hop; what its URI leaves open is as the dialog was last heard.

    A URI that says nothing about an address (tel:) leads back to where the peer was last heard. One
    that leads out of TLS leads to its host by TLS; where that is whom we have `called`, as we did.
    """
    if next_hop is None or not next_hop.is_sip or not next_hop.host:
        return last_heard._replace(connection=0) if last_heard.reliable else last_heard
    parameters = next_hop.parameters
    transport = (parameters.get("transport") or last_heard.transport).lower()
    if transport in WEBSOCKET_TRANSPORTS:
        # Who is there has opened the connection, and is nowhere else (RFC 7118 section 5).
        return last_heard
    if next_hop.scheme == "sips":
        # 26.2.2: "transport=tls" is not written any more, the scheme says it.
        transport = "tls"
    host, port = parameters.get("maddr") or next_hop.host, next_hop.port
    if last_heard.secure and asks_for_the_clear(next_hop):
        if called is not None and host in (called.host, last_heard.host):
            return called._replace(connection=0)
        transport, port = last_heard.transport, None if port == DEFAULT_PORT else port
    default = DEFAULT_TLS_PORT if transport == "tls" else DEFAULT_PORT
    # An address has no certificate of its own: that of whom we have called is asked for again.
    name = last_heard.name if transport == "tls" and _is_address(host) else ""
    return Flow(transport, host, port or default, last_heard.listener, 0, name)


def asks_for_the_clear(uri: Uri) -> bool:
    """Say whether a URI names a way that can be read by others: another transport than TLS, or the
    port of those.

    26.2.1 leaves it to us what we hold to be secure: a dialog that was begun by TLS stays there,
    whether a "sips" says so (RFC 5630 section 3.1.1) or not.
    """
    transport = (uri.parameters.get("transport") or "").lower()
    # RFC 7118 section 5: "ws" is what is written for secure WebSockets, too.
    if not uri.is_sip or uri.scheme == "sips" or transport in SECURE_TRANSPORTS | {"ws"}:
        return False
    return bool(transport) or uri.port == DEFAULT_PORT


@lru_cache(maxsize=MAX_KNOWN_TARGETS)
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def leads_by_sips(remote_target: str, route_set: Sequence[str]) -> bool:
    """Say whether a request goes to a SIPS URI: the first of its routes, or its target without any.

    8.1.1.8: then "the Contact header field MUST contain a SIPS URI as well". 12.1.1 asks the same
    of the answer to an INVITE whose topmost Record-Route, or Contact without any, is one.
    """
    first = _read_address(route_set[0]) if route_set else _read_uri(remote_target)
    return first is not None and first.scheme == "sips"


def hosts_of(remote_target: str, route_set: Sequence[str]) -> set[str]:
    """Give the hosts that a dialog names: those of its peer's Contact and of the proxies before."""
    addresses = [_read_uri(remote_target), *map(_read_address, route_set)]
    return {one.host.lower() for one in addresses if one is not None and one.host}


def _route_lines(routes: Sequence[str]) -> str:
    return "".join([f"Route: {one_line(route)}\r\n" for route in routes])


@lru_cache(maxsize=MAX_KNOWN_TARGETS)
def _read_uri(text: str) -> Uri | None:
    try:
        return Uri.parse(text)
    except ParseError:
        return None


def _read_address(text: str) -> Uri | None:
    try:
        return NameAddress.parse(text).uri
    except ParseError:
        return None
