"""A 2xx of ours that waits for its ACK (RFC 3261 section 13.3.1.4).

"The 2xx response is passed to the transport with an interval that starts at T1 seconds and doubles
for each retransmission until it reaches T2 seconds", over whatever transport, because a proxy on
the way may use UDP. It does not know what the 2xx says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from softswitch.sip.timers import T1, T2, Timer

if TYPE_CHECKING:
    from softswitch.sip.context import Context
    from softswitch.sip.flow import Flow

EPSILON = 1e-6


class AckWaiter(Protocol):
    """Who must end the call when no ACK comes."""

    def on_ack_timeout(self) -> None:
        """Learn that 64*T1 have passed without an ACK."""


class Acceptance:
    """The bytes of a 2xx and the clock that resends them."""

    __slots__ = (
        "_context",
        "_data",
        "_deadline",
        "_fallback",
        "_flow",
        "_interval",
        "_timer",
        "_waiter",
        "initial",
        "offered",
    )

    def __init__(
        self,
        context: Context,
        data: bytes,
        flow: Flow,
        fallback: Flow | None,
        waiter: AckWaiter,
        *,
        initial: bool,
        offered: bool,
    ) -> None:
        self._context = context
        self._data = data
        self._flow = flow
        self._fallback = fallback
        self._waiter: AckWaiter | None = waiter
        # Whether this is the 2xx that made the dialog, and whether it carries the offer.
        self.initial = initial
        self.offered = offered
        self._interval = T1
        self._deadline = context.now + 64 * T1
        self._timer: Timer | None = context.timers.start(context.now + T1, self._on_timer)

    def stop(self) -> None:
        """Stop resending: the ACK is there, or nobody waits for it any more."""
        if self._timer is not None:
            self._context.timers.cancel(self._timer)
        self._timer = None
        self._waiter = None

    def _on_timer(self) -> None:
        context = self._context
        if context.now >= self._deadline - EPSILON:
            waiter = self._waiter
            self.stop()
            if waiter is not None:
                waiter.on_ack_timeout()
            return
        context.send_back(self._data, self._flow, self._fallback)
        self._interval = min(self._interval * 2, T2)
        when = min(context.now + self._interval, self._deadline)
        self._timer = context.timers.start(when, self._on_timer)
