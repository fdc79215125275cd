"""Which transaction a message belongs to (RFC 3261 sections 17.1.3 and 17.2.3), and the way back.

It reads messages and builds keys and flows; the tables are in context.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.sip.flow import DEFAULT_PORT, WEBSOCKET_TRANSPORTS, Flow
from softswitch.sip.headers.via import MAGIC_COOKIE
from softswitch.sip.inspect import Hop, from_tag_of, number_of
from softswitch.sip.message import Request

if TYPE_CHECKING:
    from softswitch.sip.transaction.base import ServerKey

_COOKIE = MAGIC_COOKIE.lower()


def server_key(request: Request, hop: Hop, method: str) -> ServerKey:
    """Give the key of a request's server transaction; an ACK has the key of its INVITE.

    17.2.3: the request matches if the branch is the same, the sent-by is the same, and the method
    of the request matches the one that created the transaction, except for ACK.
    """
    branch = hop.branch
    if len(branch) > len(_COOKIE) and branch[: len(_COOKIE)].lower() == _COOKIE:
        return (branch, hop.host, hop.port, method)
    return _key_without_cookie(request, method)


def _key_without_cookie(request: Request, method: str) -> ServerKey:
    """Give the key for peers that follow RFC 2543, whose branch need not be unique.

    17.2.3: the Request-URI, From tag, Call-ID, CSeq number and top Via must equal those of the
    request that created the transaction; the To tag of an ACK is the one in our response.
    """
    return (
        "",
        request.uri,
        from_tag_of(request),
        request.call_id,
        number_of(request),
        request.headers.fields["Via"][0],
        method,
    )


def way_back(hop: Hop, flow: Flow) -> tuple[Flow, Flow | None]:
    """Say where responses go, and where if that connection is gone (18.2.2, RFC 3581 section 4).

    A "maddr" is not obeyed: it is for multicast, which no listener speaks, and would let anybody
    aim our answers at a third party.
    """
    if flow.transport in WEBSOCKET_TRANSPORTS:
        # Nobody can be reached at what a browser writes into its Via.
        return flow, None
    if flow.reliable:
        port = hop.port or DEFAULT_PORT
        return flow, flow._replace(port=port, connection=0)
    if hop.has_rport:
        return flow, None
    port = hop.port or DEFAULT_PORT
    return (flow if port == flow.port else flow._replace(port=port)), None
