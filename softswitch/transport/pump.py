"""Drives a sans-IO core: datagrams out, events to its owner, one timer for all its deadlines.

It knows no socket and no SIP; it is the one place that turns a core's `next_timeout` into a
handle of the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

from softswitch.sip.flow import Flow
from softswitch.transport.face import StackFace

logger = logging.getLogger(__name__)

Event = TypeVar("Event")

# Loops count in whole milliseconds (uvloop) and may fire half of one early: a core that is asked
# too early does nothing and names the same deadline again, and the loop would spin until it has
# passed.
TIMER_GRAIN = 0.001


class Pump(Generic[Event]):
    """Drives one core on the running loop."""

    __slots__ = (
        "_after_timeout",
        "_armed_for",
        "_closed",
        "_counters",
        "_flushing",
        "_loop",
        "_on_event",
        "_send",
        "_timer",
        "stack",
    )

    def __init__(
        self,
        stack: StackFace[Event],
        *,
        on_event: Callable[[Event], None],
        send: Callable[[bytes, Flow], None],
        counters: Counter[str],
        after_timeout: Callable[[], None] = lambda: None,
    ) -> None:
        self.stack = stack
        self._after_timeout = after_timeout
        self._on_event = on_event
        self._send = send
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0
        self._flushing = False
        self._closed = False

    def flush(self) -> None:
        """Send what waits and deliver what happened, until the core has no more to say.

        A call from within (an event's handler that flushes) does nothing: the loop that runs
        already looks again after each event.
        """
        if self._flushing or self._closed:
            return
        self._flushing = True
        stack = self.stack
        send = self._send
        try:
            while True:
                batch = stack.datagrams_to_send()
                for data, flow in batch:
                    send(data, flow)
                event = stack.next_event()
                if event is not None:
                    self._deliver(event)
                elif not batch:
                    break
        finally:
            self._flushing = False
            self._arm()

    @property
    def is_flushing(self) -> bool:
        """Whether a flush is under way, which looks again after all it sends and delivers."""
        return self._flushing

    def close(self) -> None:
        """Stop the timer and deliver nothing any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _deliver(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            self._counters["owner_errors"] += 1
            logger.exception("call %s: cannot handle %s", _call_id(event), type(event).__name__)

    def _arm(self) -> None:
        """Have one handle no later than the core's deadline.

        A handle that comes too early is left: it finds nothing due and is set anew, which is
        cheaper than to cancel one at each message.
        """
        if self._closed:
            return
        deadline = self.stack.next_timeout()
        if deadline is None or (self._timer is not None and self._armed_for <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = deadline
        self._timer = self._loop.call_at(deadline + TIMER_GRAIN, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        deadline = self.stack.next_timeout()
        now = self._loop.time()
        try:
            if deadline is not None and deadline <= now:
                self.stack.handle_timeout(now=now)
        finally:
            self.flush()
        self._after_timeout()


def _call_id(event: object) -> str:
    """The Call-ID an event is about, for the log."""
    for part in ("invite", "dialog", "transaction"):
        call_id = getattr(getattr(event, part, None), "call_id", None)
        if isinstance(call_id, str):
            return call_id
    return "-"
