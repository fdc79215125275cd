"""Calls that are steered from outside: offers, who has taken which call, and letting go of it.

A treatment's step offers a call (`ivr.nodes.controller`); the first connection that takes it has it
until it lets go, or is gone. What it does to the call meanwhile runs in the tasks of its requests,
each under `SteeredCall.run`: broken off when the call is over or steered no more. Knows no
parameters of methods; the verbs are in `softswitch.control.verbs`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from config.model import Treatment
from ivr.journey import Journey, give_back
from ivr.services import Credit
from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.ending import NORMAL_CLEARING
from softswitch.call.events import CallOffered, CallReleased, CallTaken
from softswitch.call.leg import Leg
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import Caller, Session
from softswitch.sip.causes import reason_header
from softswitch.switchboard.guards import Permit

__all__ = ["MAX_DIALS", "SteeredCall", "Steering"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_UNANSWERED_SECONDS = 180.0
"""How long a call may be steered without being answered: proxies on its way give up after three
minutes (RFC 3261 section 16.6, timer C)."""

MAX_DIALS = 100
"""Legs that may be called for one call: each is told, and stands in the record."""

MAX_RUNNING = 50
"""Requests at work on one call at the same time: it has few legs, and one thing plays on each."""

SETTLE_SECONDS = 2.0
"""How long the treatment waits for what is broken off to have ended; all of it ends at once."""


class Steering:
    """The calls of this node that are offered or steered; implements the treatments'
    Controllers."""

    def __init__(self, holders: dict[str, Session]) -> None:
        """`holders` says which connection has a call; it is kept by this."""
        self.holders = holders
        self._open: dict[str, SteeredCall] = {}
        self.taken = 0
        """Calls that were taken."""
        self.untaken = 0
        """Calls that nobody took in time."""

    def offer(self, journey: Journey, node: str, name: str, within: float) -> SteeredCall:
        """Offer a call to whoever takes it within so many seconds."""
        steered = SteeredCall(self, journey, node, name)
        self._open[journey.call.call_id] = steered
        steered.begin(within)
        return steered

    def forget(self, steered: SteeredCall) -> None:
        """A call is offered and steered no more."""
        self._open.pop(steered.call_id, None)

    def find(self, call_id: str) -> SteeredCall | None:
        """A call that is offered, or steered."""
        return self._open.get(call_id)

    def held(self, call_id: str, caller: Caller) -> SteeredCall:
        """A call that a connection has taken; raises ControlError."""
        steered = self._open.get(call_id)
        if steered is None or steered.holder is not caller.session:
            raise ControlError(
                ErrorCode.NOT_IN_CONTROL, "this connection does not steer the call", call=call_id
            )
        return steered

    @property
    def running(self) -> int:
        """Requests at work on calls now."""
        return sum(steered.running for steered in self._open.values())

    def status(self) -> dict[str, int]:
        """What `status` shows."""
        held = sum(steered.holder is not None for steered in self._open.values())
        return {
            "offered": len(self._open) - held,
            "steered": held,
            "taken": self.taken,
            "untaken": self.untaken,
            "running": self.running,
        }


class SteeredCall:
    """One call from its offer until its treatment goes on."""

    def __init__(self, steering: Steering, journey: Journey, node: str, name: str) -> None:
        self.journey = journey
        self.call: Call = journey.call
        self.call_id = self.call.call_id
        self.node = node
        self.holder: Session | None = None
        self.dials = 0
        """Legs that were called."""
        self.asked: set[str] = set()
        """Legs that are being asked for keys."""
        self._steering = steering
        self._name = name
        self._loop = self.call.services.loop
        self._done: asyncio.Future[Treatment | str] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._verbs: set[asyncio.Task[Any]] = set()
        self._legs: list[CalledLeg] = []
        self._credits: dict[str, tuple[Credit, ...]] = {}
        self._permits: dict[str, Permit] = {}
        self._closed = False

    # The treatment's side.

    def begin(self, within: float) -> None:
        """Tell that the call waits to be taken."""
        services = self.call.services
        self._timer = self._loop.call_later(within, self._on_untaken)
        deadline = services.wall_clock() + within
        self.call.emit(CallOffered, node=self.node, name=self._name, deadline=deadline)

    async def outcome(self) -> Treatment | str:
        """Wait until nobody steers the call any more; where it goes on, or why."""
        # Shielded: the end of the call breaks the wait off, not what is waited for.
        return await asyncio.shield(self._done)

    async def close(self) -> None:
        """Break off what is being done, leave the legs nobody talks to; twice is once."""
        if self._closed:
            return
        self._closed = True
        self.conclude("diverted")
        self._steering.forget(self)
        verbs = tuple(self._verbs)
        for verb in verbs:
            verb.cancel()
        self._part()
        if verbs:
            await asyncio.wait(verbs, timeout=SETTLE_SECONDS)

    def _part(self) -> None:
        call, outcome = self.call, self._done.result()
        if not call.ended:
            call.stop_playing()
            call.keeps_caller = False
            if isinstance(outcome, Treatment):
                call.unbridge()
            self._leave_legs("diverted" if isinstance(outcome, Treatment) else "released")
            why = "routed" if isinstance(outcome, Treatment) else outcome
            call.emit(CallReleased, why=why)
        for leg in self._legs:
            if leg is not call.callee:
                self._settle(leg)

    def _leave_legs(self, cause: str) -> None:
        for leg in self._legs:
            if leg is not self.call.callee:
                leg.hang_up(reason_header(NORMAL_CLEARING), cause=cause)

    # The controller's side.

    @property
    def going_on(self) -> bool:
        """Whether it can still be taken, or is steered."""
        return not self._done.done() and not self.call.ended

    def take(self, session: Session) -> None:
        """Give the call to a connection, unless another has it; raises ControlError."""
        if self.holder is session:
            return
        if self.holder is not None or not self.going_on:
            raise ControlError(
                ErrorCode.NOT_IN_CONTROL, "another controller has the call", call=self.call_id
            )
        self.holder = self._steering.holders[self.call_id] = session
        session.when_closed.add(self._on_lost)
        self._steering.taken += 1
        self._stop_timer()
        self._timer = self._loop.call_later(MAX_UNANSWERED_SECONDS, self._on_unanswered)
        self.call.keeps_caller = True
        self.call.emit(CallTaken, controller=session.identity.name)

    def conclude(self, outcome: Treatment | str) -> None:
        """Nobody steers the call from now on; the treatment goes on at its next turn."""
        if self._done.done():
            return
        self._done.set_result(outcome)
        self._stop_timer()
        if self.holder is not None:
            self.holder.when_closed.discard(self._on_lost)
            self._steering.holders.pop(self.call_id, None)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_untaken(self) -> None:
        self._steering.untaken += 1
        self.conclude("untaken")

    def _on_unanswered(self) -> None:
        if not self.call.ended and not self.call.caller.answered:
            self.conclude("unanswered")

    def _on_lost(self) -> None:
        logger.warning("call %s: the connection of its controller is lost", self.call_id)
        self.conclude("lost")

    @property
    def running(self) -> int:
        """Requests at work on it."""
        return len(self._verbs)

    async def run(self, verb: Coroutine[Any, Any, T]) -> T:
        """Do something to the call; raises ControlError when it is over, or steered no more,
        meanwhile."""
        if len(self._verbs) >= MAX_RUNNING or not self.going_on:
            verb.close()
            if self.going_on:
                raise ControlError(ErrorCode.TOO_MANY_REQUESTS, "too much at once for one call")
            raise self._gone()
        task = self._loop.create_task(verb)
        self._verbs.add(task)
        task.add_done_callback(self._on_verb_done)
        try:
            await asyncio.wait((task,))
        finally:
            # Also when the request itself is broken off.
            task.cancel()
        if task.cancelled() or self.call.ended:
            raise self._gone()
        return task.result()

    def _on_verb_done(self, task: asyncio.Task[Any]) -> None:
        self._verbs.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also when nobody waits for it any more

    def _gone(self) -> ControlError:
        if self.call.ended:
            return ControlError(ErrorCode.CALL_ENDED, "the call is over", call=self.call_id)
        return ControlError(
            ErrorCode.NOT_IN_CONTROL, "the call is steered no more", call=self.call_id
        )

    # Legs that were called.

    @property
    def legs_up(self) -> int:
        """Legs that were called, answered, and are there."""
        return sum(not leg.ended for leg in self._legs)

    def add_leg(self, leg: CalledLeg, credits: tuple[Credit, ...], permit: Permit) -> None:
        """A leg answered: it is there until it leaves, or is left."""
        for gone in [one for one in self._legs if one.ended and one is not self.call.callee]:
            self._settle(gone)
            self._legs.remove(gone)
        self._legs.append(leg)
        self._credits[leg.leg_id] = credits
        self._permits[leg.leg_id] = permit

    def credits_beside(self) -> tuple[Credit, ...]:
        """What the call holds already: what another leg counts for too is not taken twice."""
        return self.journey.credits or next(iter(self._credits.values()), ())

    def on_bridged(self, leg: CalledLeg) -> None:
        """The call talks on this leg's credit."""
        credits = self._credits.pop(leg.leg_id, None)
        if credits is not None:
            self.journey.hold(credits)

    def _settle(self, leg: Leg) -> None:
        """A leg is over: it counts no more, and never did when it was not talked to."""
        give_back(self._credits.pop(leg.leg_id, ()))
        permit = self._permits.pop(leg.leg_id, None)
        if permit is not None:
            permit.release()
