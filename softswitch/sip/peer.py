"""Whom a request of ours went to, and whether a response comes from there.

RFC 3261 section 17.1.3 knows a response by its branch alone: whoever has read that could answer in
the peer's place (26.1). So the sender counts, too: where the request went, where the peer was met,
and what the stack's user takes for the peer's. The port does not: many answer from another one.
It knows no trunks and no sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from softswitch.sip.addresses import canonical_host

if TYPE_CHECKING:
    from softswitch.sip.context import Context
    from softswitch.sip.flow import Flow
    from softswitch.sip.transaction.base import ClientTransaction

__all__ = ["FROM_ELSEWHERE", "NOBODY", "Peer", "is_from_elsewhere"]

FROM_ELSEWHERE = "response-from-elsewhere"
"""Why a response is dropped that does not come from where its request went."""


class Peer(NamedTuple):
    """Whom a request goes to."""

    who: object = None
    """Whom the stack's user takes it for; None: for nobody in particular."""
    homes: tuple[str, ...] = ()
    """Hosts that it was met at."""


NOBODY = Peer()


def is_from_elsewhere(context: Context, transaction: ClientTransaction, flow: Flow) -> bool:
    """Say whether a response comes from where its request did not go to.

    18.2.2 sends it by the transport that our Via names: over another one it is somebody else's,
    whose address over UDP could be anybody's. Over a connection the address is proven, so a new
    one from there, which 18.2.2 allows where ours has broken, is as good as the one before.
    """
    asked = transaction.flow
    same = flow.transport == asked.transport
    is_there = same and _is_there(context, transaction, flow)
    if not (is_there or context.may_answer(transaction.peer.who, asked, flow)):
        return True
    if same:
        # What it says next need not be asked about.
        transaction.heard_at = flow.host
    return False


def _is_there(context: Context, transaction: ClientTransaction, flow: Flow) -> bool:
    host, asked = flow.host, transaction.flow
    return (
        host in (asked.host, transaction.heard_at)
        # What a name stood for when the request went there is good for as long as it is under way.
        or (context.led is not None and context.led(asked, flow, transaction.began))
        or host in transaction.peer.homes
        or _spelling(host) == _spelling(asked.host)
    )


def _spelling(host: str) -> str:
    """One spelling of an address; of a link-local one, whose link the socket knows."""
    return canonical_host(host.partition("%")[0])
