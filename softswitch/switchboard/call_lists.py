"""Calls lists of numbers, some at a time: campaigns that ring out.

Each list has one task, which places calls as the guards, the hours and its own limit allow, and
sleeps otherwise. What becomes of the calls comes by their events. Who presses the key of the list
before it is connected has opted out: that is on disk, and no list calls it again. What a list has
done so far is in memory only; the records tell who was reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, get_args

from softswitch.call.call import Call
from softswitch.call.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    DigitPressed,
    ListEnded,
    ListStarted,
    OptedOut,
)
from softswitch.call.first_leg import FIRST_LEG
from softswitch.switchboard.call_list import CallList, ListOrder, Outcome
from softswitch.switchboard.guards import Guards, NotAllowed, Permit, party_names
from softswitch.switchboard.originate import NotPlaced, Originator
from softswitch.switchboard.switchboard import Switchboard

logger = logging.getLogger(__name__)

__all__ = ["MAX_LISTS", "CallLists", "OptOuts", "RunningList"]

MAX_LISTS = 20
"""Lists that are called at the same time."""

MAX_FINISHED = 100
"""Lists that are over and still told of."""

BUSY_SECONDS = 1.0
"""Wait after the rules, or the switch, allow no further call for the moment."""

PACE_SECONDS = 0.02
"""Between two calls: the loop has other things to do."""

LOOK_SECONDS = 60.0
"""Longest sleep: hours and rules may have changed meanwhile."""


class OptOuts(Protocol):
    """Who does not want to be called by lists (`softswitch.store.opt_outs`)."""

    def has(self, party: str) -> bool:
        """Whether somebody has opted out."""

    def add(self, party: str, *, by: str) -> None:
        """Somebody does. It is on disk when this returns; raises OSError, which is logged, when it
        holds in memory only."""

    def remove(self, party: str, *, by: str) -> bool:
        """Somebody may be called again; False when it had not opted out. Raises OSError, and
        changes nothing then."""


class RunningList:
    """A list, its task, and the calls it has in progress."""

    def __init__(self, order: ListOrder) -> None:
        self.order = order
        self.entries = CallList(
            order.numbers, attempts=order.attempts, retry_seconds=order.retry_seconds
        )
        self.calls: dict[str, str] = {}
        """Number by call id."""
        self.answered: set[str] = set()
        """Calls whose party has answered."""
        self.ended = ""
        """Why it is over."""
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def sleep(self, seconds: float | None) -> None:
        """Until something changes, or so long."""
        self.changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS if seconds is None else seconds):
                await self.changed.wait()


class CallLists:
    """One for the process."""

    def __init__(
        self,
        switchboard: Switchboard,
        originator: Originator,
        guards: Guards,
        opt_outs: OptOuts,
    ) -> None:
        self._switchboard = switchboard
        self._originator = originator
        self._guards = guards
        self.opt_outs = opt_outs
        self.lists: dict[str, RunningList] = {}
        """By name, those that are over among them, the oldest first."""
        self._by_call: dict[str, RunningList] = {}

    @property
    def running(self) -> int:
        """How many are being called."""
        return sum(not one.ended for one in self.lists.values())

    def start(self, order: ListOrder) -> bool:
        """Begin to call a list; False when one of the name is being called, or too many are."""
        known = self.lists.get(order.name)
        if (known is not None and not known.ended) or self.running >= MAX_LISTS:
            return False
        if not self._by_call and not self.running:
            self._switchboard.services.events.subscribe(self._receive, kinds=_HANDLERS)
        self.lists.pop(order.name, None)
        self._forget()
        running = self.lists[order.name] = RunningList(order)
        self._switchboard.services.tell(ListStarted, list=order.name, numbers=running.entries.total)
        loop = self._switchboard.services.loop
        running.task = loop.create_task(self._run(running), name=f"list {order.name}")
        return True

    def stop(self, name: str, *, hang_up: bool = False) -> bool:
        """Call nobody of a list any more; calls in progress go on unless they are to be ended.
        False: it is not being called."""
        running = self.lists.get(name)
        if running is None or running.ended:
            return False
        self._end(running, "stopped")
        if hang_up:
            for call_id in list(running.calls):
                call = self._switchboard.calls.get(call_id)
                if call is not None:
                    call.end("switch", "list_stopped")
        return True

    async def close(self) -> None:
        """Stop all of them."""
        tasks = [one.task for one in self.lists.values() if one.task is not None]
        for running in self.lists.values():
            self._end(running, "stopped")
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._switchboard.services.events.unsubscribe(self._receive)

    def _forget(self) -> None:
        over = [name for name, one in self.lists.items() if one.ended and not one.calls]
        for name in over[: max(0, len(over) - MAX_FINISHED)]:
            del self.lists[name]

    # Calling.

    async def _run(self, running: RunningList) -> None:
        try:
            while not running.ended:
                await running.sleep(self._step(running))
        except Exception:
            logger.exception("list %s: its calls have failed", running.order.name)
            self._end(running, "failed")

    def _step(self, running: RunningList) -> float | None:
        """Place the next call if one is due; how long to sleep, None: until something changes."""
        entries, services = running.entries, self._switchboard.services
        if self._switchboard.draining:
            self._end(running, "drained")
            return 0.0
        wait = entries.wait(services.now())
        if wait is None and not entries.calling:
            self._end(running, "done")
            return 0.0
        if wait is None or entries.calling >= running.order.at_once:
            return None
        wait = max(wait, self._closed_for(running.order))
        return min(wait, LOOK_SECONDS) if wait > 0 else self._call_next(running)

    def _closed_for(self, order: ListOrder) -> float:
        """Seconds until its hours begin."""
        tables, at = self._switchboard.snapshot.tables, self._switchboard.services.wall_clock()
        if order.hours is None or tables.is_open(order.hours, at):
            return 0.0
        opening = tables.next_opening(order.hours, at)
        return LOOK_SECONDS if opening is None else max(opening - at, BUSY_SECONDS)

    def _call_next(self, running: RunningList) -> float:
        now = self._switchboard.services.now()
        number = running.entries.take(now)
        if number is None:
            return BUSY_SECONDS
        permits = self._permits(running.order, number)
        if isinstance(permits, NotAllowed):
            if permits.what in ("rate", "concurrency"):
                running.entries.put_back(number)
                return BUSY_SECONDS
            running.entries.settle(number, "not_allowed", now)
            logger.info("list %s: %s: %s", running.order.name, number, permits.message)
        elif self._has_opted_out(number):
            _withdraw(permits)
            running.entries.settle(number, "opted_out", now)
        elif not self._place(running, number, permits):
            running.entries.put_back(number)
            return BUSY_SECONDS
        return PACE_SECONDS

    def _has_opted_out(self, number: str) -> bool:
        """However the party is written: an address by its number too."""
        country = self._switchboard.snapshot.configuration.switch.country
        return any(self.opt_outs.has(name) for name in party_names(number, country))

    def _permits(self, order: ListOrder, number: str) -> list[Permit] | NotAllowed:
        campaign = self._switchboard.snapshot.configuration.campaigns.get(order.campaign)
        if campaign is None:
            return NotAllowed("destination", "there is no such campaign any more")
        permits: list[Permit] = []
        for to in (number, order.second):
            if to is None:
                continue
            allowed = self._guards.check(campaign, to, token=order.token, caller_id=order.caller_id)
            if isinstance(allowed, NotAllowed):
                _withdraw(permits)
                return allowed
            permits.append(allowed)
        return permits

    def _place(self, running: RunningList, number: str, permits: list[Permit]) -> bool:
        order = running.order
        campaign = self._switchboard.snapshot.configuration.campaigns[order.campaign]
        plan = replace(
            order.plan,
            first=permits[0].destination,
            second=permits[1].destination if order.second is not None else None,
            caller_id=permits[0].caller_id,
            attributes={**order.plan.attributes, "list": order.name},
        )
        placed = self._originator.place(campaign, plan, permits)
        if isinstance(placed, NotPlaced):
            return False
        running.calls[placed.call_id] = number
        self._by_call[placed.call_id] = running
        if placed.ended:  # by a subscriber that saw it presented
            self._settle(running, placed.call_id)
        return True

    def _end(self, running: RunningList, why: str) -> None:
        if running.ended:
            return
        running.ended = why
        running.changed.set()
        entries = running.entries
        self._switchboard.services.tell(
            ListEnded,
            list=running.order.name,
            why=why,
            left=entries.left,
            **{one: entries.outcomes[one] for one in _OUTCOMES},
        )

    # What becomes of the calls.

    def _receive(self, event: CallEvent) -> None:
        running = self._by_call.get(event.call_id)
        if running is not None:
            _HANDLERS[type(event)](self, running, event)

    def _on_answered(self, running: RunningList, event: CallAnswered) -> None:
        running.answered.add(event.call_id)

    def _on_digit(self, running: RunningList, event: DigitPressed) -> None:
        call = self._switchboard.calls.get(event.call_id)
        if (
            event.leg == FIRST_LEG
            and event.digit == running.order.opt_out_key
            and call is not None
            and not call.bridged
        ):
            self._opt_out(running, call)

    def _opt_out(self, running: RunningList, call: Call) -> None:
        party = running.calls[call.call_id]
        with contextlib.suppress(OSError):  # it holds, and whoever presses a key is told nothing
            self.opt_outs.add(party, by=f"list {running.order.name}")
        call.emit(OptedOut, list=running.order.name, party=party)
        call.end("switch", "opted_out")

    def _on_ended(self, running: RunningList, event: CallEnded) -> None:
        if event.cause == "machine":
            running.answered.discard(event.call_id)
        self._settle(running, event.call_id)

    def _settle(self, running: RunningList, call_id: str) -> None:
        self._by_call.pop(call_id, None)
        number = running.calls.pop(call_id, None)
        if number is not None:
            answered = call_id in running.answered
            running.answered.discard(call_id)
            now = self._switchboard.services.now()
            running.entries.settle(number, "answered" if answered else "unanswered", now)
            running.changed.set()


def _withdraw(permits: list[Permit]) -> None:
    for permit in permits:
        permit.withdraw()


_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_HANDLERS: dict[type[CallEvent], Callable[[CallLists, RunningList, Any], None]] = {
    CallAnswered: CallLists._on_answered,
    DigitPressed: CallLists._on_digit,
    CallEnded: CallLists._on_ended,
}
