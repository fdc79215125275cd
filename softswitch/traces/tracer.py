"""The tracer: listens to the stack, the event stream and the taps while anything is to be traced.

While nothing is, nobody calls it: the stack's hook is None and the stream does not know it. When
the last trace is over it listens on for a while, because the answer to a BYE comes after the end of
its call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.model import Tracing
from rtp.engine import TapBatch
from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.calling_leg import CallingLeg
from softswitch.call.event import CallEvent
from softswitch.call.events import CallEnded
from softswitch.call.services import Services
from softswitch.sip.stack import Trace
from softswitch.traces.book import MAX_ORDERS, CallBrief, Order, TraceBook
from softswitch.traces.capture import Capture
from softswitch.traces.homer import Homer
from softswitch.traces.sip_text import masked
from softswitch.traces.trace import CallTrace, SipMessage

__all__ = ["CaptureRefusedError", "TooManyOrdersError", "Tracer"]

logger = logging.getLogger(__name__)

LINGER_SECONDS = 40.0
"""After the last traced call: as long as a transaction lingers (RFC 3261, 64*T1)."""

EXPIRE_SECONDS = 10.0
"""How often it is looked whether the time of an order is over."""

MAX_CAPTURES = 4
"""Files that are written at once; each costs a few microseconds a packet."""

MAX_FILES = 100
"""Files that are kept; the oldest make room."""

MAX_HOST = 100
"""Characters of a host that are kept beside a message: IPv6 with a zone has 60."""

FOLDER = "traces"
"""In the data folder."""


class TooManyOrdersError(Exception):
    """As many orders as there may be are there."""


class CaptureRefusedError(Exception):
    """The call is being captured already, or too many are; the text says which."""


class Tracer:
    """One for the process; `close` it."""

    def __init__(
        self,
        services: Services,
        *,
        listeners: Sequence[tuple[str, int]],
        folder: Path,
        find_call: Callable[[str], Call | None],
        listen_tap: Callable[[Callable[[TapBatch], None]], None] | None = None,
    ) -> None:
        """`listeners`: where we listen for SIP, in the order of the stack's; `listen_tap` has a
        listener of the taps, None where nothing is tapped."""
        self.book = TraceBook(find_call=self._brief)
        self.captures: dict[str, Capture] = {}
        """Those of this life of the process, by call id; the newest of each call."""
        self.homer: Homer | None = None
        self._services = services
        self._listeners = tuple(listeners)
        self._folder = folder / FOLDER
        self._find_call = find_call
        self._listen_tap = listen_tap
        self._taps_heard = False
        self._standing: Order | None = None
        self._listening = False
        self._quiet_since: float | None = None
        self._look_handle: asyncio.TimerHandle | None = None

    @property
    def listening(self) -> bool:
        """Whether messages and events are looked at."""
        return self._listening

    # Orders.

    async def apply(self, settings: Tracing) -> None:
        """Trace and show what the configuration wants, from now on."""
        if self._standing is not None:
            self.book.cancel(self._standing.number)
            self._standing = None
        self.book.casual_calls = settings.calls
        if settings.calls:
            self._standing = self.book.order(
                "all", calls=0, until=float("inf"), by="configuration", standing=True
            )
        if self.homer is not None and self.homer.settings != settings.hep:
            homer, self.homer = self.homer, None
            await homer.close()
        if settings.hep is not None and self.homer is None:
            self.homer = Homer(settings.hep)
        self._look()

    def order(self, what: str, value: str, *, calls: int, seconds: float, by: str) -> Order:
        """Trace so many calls that begin from now on; raises TooManyOrdersError."""
        self.book.expire(self._services.now())
        if len(self.book.orders) >= MAX_ORDERS:
            raise TooManyOrdersError
        order = self.book.order(
            what, value, calls=calls, until=self._services.now() + seconds, by=by
        )
        logger.info("tracing %d calls of %s %s, for %s", calls, what, value, by)
        self._look()
        return order

    def cancel(self, number: int) -> bool:
        """End an order; whether there was one that somebody had asked for."""
        order = self.book.orders.get(number)
        if order is None or order.standing:
            return False
        self.book.cancel(number)
        self._look()
        return True

    def trace(self, call_id: str) -> CallTrace:
        """Trace a call in progress from now on."""
        trace = self.book.begin(call_id, at=self._services.wall_clock())
        self._look()
        return trace

    # Captures.

    def capture(self, call: Call, *, seconds: float, with_sound: bool) -> Capture:
        """Write a call into a file from now on, and what was kept of its messages; raises
        CaptureRefusedError."""
        going_on = [one for one in self.captures.values() if not one.why]
        if any(one.call is call for one in going_on):
            raise CaptureRefusedError("the call is being captured already")
        if len(going_on) >= MAX_CAPTURES:
            raise CaptureRefusedError(f"{MAX_CAPTURES} calls are being captured")
        trace = self.trace(call.call_id)
        capture = Capture(
            call, self._path(call.call_id), seconds=seconds,
            with_sound=with_sound and self._listen_tap is not None,
        )  # fmt: skip
        for entry in trace.entries:
            if isinstance(entry, SipMessage):
                capture.on_message(entry)
        self.captures.pop(call.call_id, None)
        self.captures[call.call_id] = capture
        if capture.with_sound and not self._taps_heard and self._listen_tap is not None:
            self._taps_heard = True
            self._listen_tap(self._on_tap)
        self._forget_old()
        return capture

    def _path(self, call_id: str) -> Path:
        self._make_room()
        at = datetime.fromtimestamp(self._services.wall_clock(), UTC)
        return self._folder / f"{call_id}-{at:%Y%m%dT%H%M%S.%f}.pcap"

    def _make_room(self) -> None:
        with contextlib.suppress(OSError):
            files = sorted(self._folder.glob("*.pcap"), key=lambda path: path.stat().st_mtime)
            for path in files[: len(files) - MAX_FILES + 1]:
                path.unlink()

    def _forget_old(self) -> None:
        over = [call_id for call_id, one in self.captures.items() if one.why]
        for call_id in over[: max(0, len(self.captures) - MAX_FILES)]:
            del self.captures[call_id]

    def _on_tap(self, batch: TapBatch) -> None:
        for capture in self.captures.values():
            if capture.with_sound and not capture.why:
                capture.on_tap(batch)

    # What comes.

    def _on_stack(self, trace: Trace) -> None:
        flow = trace.flow
        ours = self._listeners[flow.listener] if flow.listener < len(self._listeners) else ("", 0)
        message = SipMessage(
            self._services.wall_clock(),
            trace.direction,
            flow.transport,
            ours,
            (flow.host[:MAX_HOST], flow.port if 0 <= flow.port < 65536 else 0),
            masked(trace.data),
            why=trace.reason,
        )
        if self.homer is not None and trace.direction != "drop":
            self.homer.on_message(message)
        found = self.book.on_message(message)
        if found is not None and self.captures:
            capture = self.captures.get(found.call_id)
            if capture is not None and trace.direction != "drop":
                capture.on_message(message)

    def _on_event(self, event: CallEvent) -> None:
        self.book.on_event(event)
        if self.homer is not None:
            self.homer.on_event(event)
        if isinstance(event, CallEnded):
            capture = self.captures.get(event.call_id)
            if capture is not None:
                capture.on_call_ended()

    def _brief(self, call_id: str) -> CallBrief | None:
        call = self._find_call(call_id)
        if call is None:
            return None
        legs = {
            leg.invite.call_id: leg.leg_id
            for leg in call.legs
            if isinstance(leg, CallingLeg | CalledLeg) and leg.invite is not None
        }
        return CallBrief(call.counts_for.name, call.called, call.caller_number, legs)

    # Listening.

    def _look(self) -> None:
        """Listen while there is a reason to."""
        self.book.expire(self._services.now())
        if self._wanted:
            self._quiet_since = None
            self._listen()
        elif self._listening and self._quiet_since is None:
            self._quiet_since = self._services.now()
        elif self._quiet_since is not None and (
            self._services.now() - self._quiet_since >= LINGER_SECONDS
        ):
            self._leave()
        if self._look_handle is not None:
            self._look_handle.cancel()
            self._look_handle = None
        if self._listening:
            self._look_handle = self._services.loop.call_later(EXPIRE_SECONDS, self._look)

    @property
    def _wanted(self) -> bool:
        return self.homer is not None or self.book.wanted

    def _listen(self) -> None:
        if not self._listening:
            self._listening = True
            self._services.stack.trace = self._on_stack
            self._services.events.subscribe(self._on_event)

    def _leave(self) -> None:
        self._listening = False
        self._quiet_since = None
        self._services.stack.trace = None
        self._services.events.unsubscribe(self._on_event)
        self.book.clear_waiting()

    def status(self) -> dict[str, Any]:
        """How it does, to be shown."""
        book = self.book
        return {
            "listening": self._listening,
            "orders": len(book.orders),
            "calls": len(book.traces),
            "bytes": book.bytes,
            "evicted": book.evicted,
            "captures": sum(not one.why for one in self.captures.values()),
            "hep": None if self.homer is None else self.homer.status(),
        }

    async def close(self) -> None:
        """Listen no more; files are written to their end."""
        if self._look_handle is not None:
            self._look_handle.cancel()
        if self._listening:
            self._leave()
        for capture in self.captures.values():
            capture.finish("shutdown")
        if self.captures:
            await asyncio.wait([capture.task for capture in self.captures.values()])
        if self.homer is not None:
            homer, self.homer = self.homer, None
            await homer.close()
