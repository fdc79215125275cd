"""Whether a peer is there: OPTIONS now and then (RFC 3261 section 11).

Any final answer but those listed says that it is. It lives on the stack's clock and tells changes
as ProbeChanged. It does not know whom it asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.sip.compose import RequestHead
from softswitch.sip.events import ProbeChanged
from softswitch.sip.peer import Peer
from softswitch.sip.timers import Timer
from softswitch.sip.transaction.client_non_invite import ClientNonInviteTransaction

if TYPE_CHECKING:
    from collections.abc import Collection

    from softswitch.sip.context import Context
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Response
    from softswitch.sip.transaction.base import ClientTransaction

__all__ = ["Probe"]

MAX_PATIENCE = 8.0
"""Seconds for an answer to one OPTIONS, four tries over UDP; the 32 s of Timer F would make three
misses a minute and a half."""


class Probe:
    """Asks one peer until it is stopped."""

    __slots__ = (
        "_context",
        "_down",
        "_every",
        "_flow",
        "_local",
        "_missed",
        "_misses",
        "_timer",
        "_transaction",
        "_uri",
        "owner",
        "status",
        "up",
    )

    def __init__(
        self,
        context: Context,
        *,
        uri: str,
        local: str,
        flow: Flow,
        every: float,
        misses: int,
        down: Collection[int],
        owner: object,
    ) -> None:
        self._context = context
        self._uri = uri
        self._local = local
        self._flow = flow
        self._every = every
        self._misses = misses
        self._down = frozenset(down)
        self.owner = owner
        self.up: bool | None = None
        """None: not known yet, which is taken for up."""
        self.status = 0
        """Of the last answer; 0: none came."""
        self._missed = 0
        self._timer: Timer | None = None
        self._transaction: ClientTransaction | None = None

    # Verbs.

    def start(self) -> None:
        """Ask for the first time, within a second: those of many trunks do not go out at once."""
        self._wait(self._context.ids.seconds(0.0, min(1.0, self._every)))

    def stop(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._context.timers.cancel(self._timer)
            self._timer = None
        if self._transaction is not None:
            self._transaction.end()
            self._transaction = None

    # What the peer does.

    def on_response(self, response: Response) -> None:
        """Take an answer; a challenge is one too."""
        if response.status >= 200:
            self._conclude(response.status, there=response.status not in self._down)

    def on_failure(self, _why: str) -> None:
        """Learn that no answer will come."""
        self._conclude(0, there=False)

    # Asking.

    def _ask(self) -> None:
        context = self._context
        head = RequestHead(
            method="OPTIONS",
            uri=self._uri,
            via=context.via_for(self._flow),
            branch=context.ids.branch(),
            routes="",
            from_=f"<{self._local}>;tag={context.ids.tag()}",
            to=f"<{self._uri}>",
            call_id=context.ids.call_id(),
            number=1,
        )
        extra = (
            context.contact_line("", self._flow)
            + "Accept: application/sdp\r\n"
            + context.user_agent_line
        )
        self._transaction = ClientNonInviteTransaction(
            context, head, head.to_bytes(extra), self._flow, self, Peer(self.owner)
        )
        self._transaction.start()
        self._wait(MAX_PATIENCE)

    def _on_timer(self) -> None:
        self._timer = None
        if self._transaction is None:
            self._ask()
            return
        self._transaction.end()
        self._conclude(0, there=False)

    def _conclude(self, status: int, *, there: bool) -> None:
        self._transaction = None
        self.status = status
        self._missed = 0 if there else self._missed + 1
        up = True if there else False if self._missed >= self._misses else self.up
        if up is not self.up:
            self.up = up
            self._context.emit(ProbeChanged(self, bool(up), status))
        self._wait(self._every)

    def _wait(self, seconds: float) -> None:
        context = self._context
        if self._timer is not None:
            context.timers.cancel(self._timer)
        self._timer = context.timers.start(context.now + seconds, self._on_timer)
