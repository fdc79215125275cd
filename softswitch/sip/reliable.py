"""Reliable provisional responses (RFC 3262), as the one who sends them and as the one who hears.

A sender has one on its way at a time: it is resent until its PRACK comes, and what follows, a 2xx
too, waits. A hearer acknowledges them in order, each once. It does not know what they say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.rack import RAck
from softswitch.sip.headers.rseq import parse_rseq
from softswitch.sip.timers import T1, Timer

if TYPE_CHECKING:
    from softswitch.sip.context import Context
    from softswitch.sip.message import Message, Request, Response

__all__ = ["ReliableSender", "is_reliable", "requires_reliable", "rseq_of"]

EPSILON = 1e-6

MAX_FIRST = 2**31 - 1
"""Section 3: "The value of the header field for the first reliable provisional response in a
transaction MUST be between 1 and 2**31 - 1." """

MAX_WAITING = 10
"""Provisional responses that wait for a PRACK; a caller rings, hears media, rings again. Beyond it
the oldest is worth nothing any more."""

Build = Callable[[str], bytes]


def _names(message: Message, header: str) -> bool:
    return any(tag.lower() == "100rel" for tag in message.headers.get_list(header))


def requires_reliable(request: Request) -> bool:
    """Whether the caller wants them.

    Section 3: "The UAS MUST send any non-100 provisional response reliably if the initial request
    contained a Require header field with the option tag 100rel."
    """
    return "Require" in request.headers.fields and _names(request, "Require")


def is_reliable(response: Response) -> bool:
    """Whether a provisional response wants a PRACK."""
    fields = response.headers.fields
    return "RSeq" in fields and "Require" in fields and _names(response, "Require")


def rseq_of(response: Response) -> int | None:
    """Its number, or None when that cannot be read."""
    try:
        return parse_rseq(response.headers.get("RSeq") or "") or None
    except ParseError:
        return None


class ReliableSender:
    """The reliable provisional responses to one INVITE."""

    __slots__ = (
        "_context",
        "_cseq",
        "_data",
        "_deadline",
        "_give_up",
        "_held",
        "_interval",
        "_number",
        "_send",
        "_timer",
        "_waiting",
    )

    def __init__(
        self,
        context: Context,
        cseq: int,
        send: Callable[[int, bytes], None],
        give_up: Callable[[], None],
    ) -> None:
        self._context = context
        self._cseq = cseq
        self._send = send
        self._give_up = give_up
        self._number = context.ids.number(1, MAX_FIRST)
        self._data = b""
        """The one that is on its way; empty: none is."""
        self._deadline = 0.0
        self._interval = 0.0
        self._timer: Timer | None = None
        self._waiting: deque[tuple[int, Build]] = deque(maxlen=MAX_WAITING)
        self._held: Callable[[], None] | None = None

    def provisional(self, status: int, build: Build) -> None:
        """Send one, when the one before it is acknowledged; `build` takes its header lines.

        Section 3: "a UAS MUST NOT send a second reliable provisional response until the first is
        acknowledged".
        """
        if self._data:
            self._waiting.append((status, build))
            return
        data = build(f"Require: 100rel\r\nRSeq: {self._number}\r\n")
        context = self._context
        self._data = data
        self._interval = T1
        self._deadline = context.now + 64 * T1
        self._timer = context.timers.start(context.now + T1, self._on_timer)
        self._send(status, data)

    def final(self, send: Callable[[], None]) -> None:
        """Send a 2xx when all that was sent before it is acknowledged.

        Section 3: "the UAS MUST NOT send the 2xx until the provisional response is acknowledged"
        where that carries a session description; others are not told apart.
        """
        if self._data:
            self._held = send
            self._waiting.clear()
        else:
            send()

    @property
    def holds_final(self) -> bool:
        """Whether a 2xx waits."""
        return self._held is not None

    def acknowledge(self, request: Request) -> bool:
        """Take a PRACK; False when it matches nothing (481)."""
        try:
            rack = RAck.parse(request.headers.get("RAck") or "")
        except ParseError:
            return False
        if (
            not self._data
            or rack.response_number != self._number
            or rack.cseq.number != self._cseq
            or rack.cseq.method != "INVITE"
        ):
            return False
        self._stop_timer()
        self._data = b""
        self._number += 1
        return True

    def go_on(self) -> None:
        """Send what waited."""
        if self._held is not None:
            held, self._held = self._held, None
            held()
        elif self._waiting:
            self.provisional(*self._waiting.popleft())

    def stop(self) -> None:
        """The INVITE has its final answer."""
        self._stop_timer()
        self._data = b""
        self._waiting.clear()
        self._held = None

    def _on_timer(self) -> None:
        context = self._context
        if context.now >= self._deadline - EPSILON:
            # "If a reliable provisional response is retransmitted for 64*T1 seconds without
            # reception of a corresponding PRACK, the UAS SHOULD reject the original request with a
            # 5xx response."
            self._timer = None
            self._give_up()
            return
        self._send(0, self._data)
        self._interval *= 2
        when = min(context.now + self._interval, self._deadline)
        self._timer = context.timers.start(when, self._on_timer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._context.timers.cancel(self._timer)
            self._timer = None
