"""From a destination of the configuration to what is dialled: Request-URI, number and flow.

A number, or the number called (kept as it was dialled), goes to the trunk's host with the number
as user, written as the trunk wants numbers (softswitch.routing.number_forms). A SIP URI goes to its
own host, unless the destination names a trunk: then that trunk gets the request, with the URI as it
is. RFC 3261 section 8.1.1.1 (Request-URI), 19.1 (URIs).
Knows nothing of calls, caller ids (softswitch.sip.identity) or failover.
"""

import msgspec

from config.model import Campaign, Configuration, Destination, Trunk
from softswitch.routing.number_forms import called_uri
from softswitch.sip.flow import DEFAULT_PORT, DEFAULT_TLS_PORT, Flow
from softswitch.sip.uri import Uri

__all__ = ["DialAddress", "destination_trunk", "dial_address"]


class DialAddress(msgspec.Struct, frozen=True):
    """Where an INVITE goes."""

    uri: str
    """Request-URI."""
    number: str
    """The number, or the user of a URI, for To and the record."""
    flow: Flow


def destination_trunk(
    configuration: Configuration, campaign: Campaign, destination: Destination
) -> Trunk:
    """The trunk whose codecs, limits and rules a destination's leg has."""
    name = destination.trunk or campaign.trunk
    # The loader has checked that one of them names a trunk, and that it exists.
    assert name is not None
    return configuration.trunks[name]


def dial_address(
    destination: Destination, trunk: Trunk, *, called: str, home: str = "US"
) -> DialAddress:
    """What to dial for a destination; `called` is the number called, as it was dialled, `home` the
    switch's country."""
    to_trunk = Flow(trunk.transport, trunk.host, trunk.port, trunk.listener)
    number = destination.number
    if destination.kind == "called" or number is None:
        return DialAddress(called_uri(called, trunk, home), called, to_trunk)
    if destination.kind == "number":
        return DialAddress(called_uri(number, trunk, home), number, to_trunk)
    uri = Uri.parse(number)
    flow = to_trunk if destination.trunk is not None else _flow_of(uri, trunk)
    return DialAddress(number, uri.user or uri.host, flow)


def _flow_of(uri: Uri, trunk: Trunk) -> Flow:
    transport = (uri.parameters.get("transport") or trunk.transport).lower()
    port = uri.port or (DEFAULT_TLS_PORT if transport == "tls" else DEFAULT_PORT)
    listener = next((n for by, n in trunk.listeners if by == transport), trunk.listener)
    return Flow(transport, uri.host.strip("[]"), port, listener)
