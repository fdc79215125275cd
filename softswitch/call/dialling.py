"""Calling out: one destination, or several at the same time of which the first to answer wins.

RFC 3261 sections 16.7 (which of several failures counts) and 9 (CANCEL), RFC 3326 (why the losers
are cancelled). What the caller hears of it: one ringing however many phones ring; the early media
of a far end only when no other can still answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rtp.engine import PortsExhausted
from softswitch import sdp
from softswitch.call.called_leg import COMPLETED_ELSEWHERE, CalledLeg
from softswitch.call.dial_request import DialRequest
from softswitch.call.joining import join, ring_back, unjoin
from softswitch.call.outcomes import Answered, Declined, DialFailure, DialOutcome, Rejected

if TYPE_CHECKING:
    from softswitch.call.call import Call

logger = logging.getLogger(__name__)

__all__ = ["COMPLETED_ELSEWHERE", "Dialling", "Screen", "best_failure"]

Screen = Callable[[CalledLeg], Awaitable[bool | Declined]]
"""Asks an answered leg whether it takes the call (who has answered, whisper, press to accept),
while the caller goes on hearing ringback; a Declined says why not. Every wait in it has its
deadline."""

NON_SELECTED_USER_CLEARING = 26
"""Q.850's word for a phone that rang beside the one that answered."""

RINGING = 180

NOBODY = Rejected(480, "nobody was called", 18)


class Dialling:
    """The legs of one dial."""

    def __init__(self, call: Call, screen: Screen | None) -> None:
        self._call = call
        self._screen = screen
        self._legs: list[CalledLeg] = []
        self._failures: list[DialFailure] = []
        self._is_group = False
        self._has_rung = False

    async def run(self, requests: Sequence[DialRequest]) -> DialOutcome:
        """Dial all requests at once and wait for the first that takes the call."""
        self._is_group = len(requests) > 1
        try:
            self._place(requests)
            if not self._legs:
                return best_failure(self._failures)
            if len(self._legs) == 1:
                return self._settle(await self._outcome_of(self._legs[0]))
            return await self._first_of_all()
        except asyncio.CancelledError:
            # Also when the treatment itself would not wait any longer.
            self._hang_up_all()
            raise

    def _place(self, requests: Sequence[DialRequest]) -> None:
        for request in requests:
            if self._call.ended:
                return  # by a subscriber that saw one of them originated
            leg = self._open(request)
            if isinstance(leg, Rejected):
                self._failures.append(leg)
            else:
                self._legs.append(leg)
                leg.originate()

    def _open(self, request: DialRequest) -> CalledLeg | Rejected:
        call, services = self._call, self._call.services
        if request.trunk.name in services.trunks_down:
            logger.warning("call %s: trunk %s is down", call.call_id, request.trunk.name)
            return Rejected(503, "trunk down", 38, no_capacity=True)
        rate = request.trunk.calls_per_second
        name = f"to {request.trunk.name}"
        if rate is not None and not services.call_rate.takes(name, rate, services.now()):
            logger.warning("call %s: trunk %s takes no more now", call.call_id, request.trunk.name)
            return Rejected(503, "trunk busy", 42, no_capacity=True)
        limit = request.trunk.max_calls
        if limit is not None and services.trunk_legs[request.trunk.name] >= limit:
            logger.warning("call %s: trunk %s is full", call.call_id, request.trunk.name)
            return Rejected(503, "trunk full", 34, no_capacity=True)
        if services.spending is not None and services.spending.refuses(call):
            return Rejected(480, "max_spend_per_hour", 21)
        leg = CalledLeg(call, call.new_leg_id("called"), services, request)
        caller_media = call.caller.media
        try:
            leg.open_media(
                beside=None if caller_media is None else caller_media.port,
                # What the caller speaks, or would like best: then nothing need be transcoded.
                prefer=call.caller.codec or call.caller.best_codec,
                ptime_ms=20 if caller_media is None or caller_media.agreement is None
                else caller_media.agreement.ptime_ms,
            )  # fmt: skip
        except PortsExhausted:
            logger.warning("call %s: no media port for the outbound leg", call.call_id)
            return Rejected(503, "no media port", 34, no_capacity=True)
        call.add_leg(leg)
        return leg

    # One leg.

    async def _outcome_of(self, leg: CalledLeg) -> DialOutcome:
        failure = await leg.outcome
        if failure is not None:
            return failure
        if self._screen is None:
            # One that has hung up meanwhile must not win against those that ring.
            return _declined_by(leg) if leg.ended and self._is_group else Answered(leg)
        self._set_apart(leg)
        leg.forget_digits()
        taken = await self._screen(leg)
        if taken is True and not leg.ended:
            return Answered(leg)
        declined = taken if isinstance(taken, Declined) and taken.why else _declined_by(leg)
        leg.hang_up(cause=declined.why or "declined")
        return declined

    def _set_apart(self, leg: CalledLeg) -> None:
        """The caller hears nothing of a leg that is being asked, and knows that it rings."""
        call = self._call
        if call.joined is leg:
            unjoin(call)
            ring_back(call)
        elif call.caller.waiting and not self._has_rung:
            self._ring(RINGING)

    def _settle(self, outcome: DialOutcome) -> DialOutcome:
        """The outcome of the last leg: among the failures of others the best counts."""
        if isinstance(outcome, Answered):
            return outcome
        self._let_go()
        self._failures.append(outcome)
        return best_failure(self._failures)

    # Several legs.

    async def _first_of_all(self) -> DialOutcome:
        loop = self._call.services.loop
        legs = {loop.create_task(self._outcome_of(leg)): leg for leg in self._legs}
        waiting = set(legs)
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                winner = self._take(task.result() for task in legs if task in done)
                if winner is not None:
                    return winner
        finally:
            for task in waiting:
                task.cancel()
        self._let_go()
        return best_failure(self._failures)

    def _take(self, outcomes: Iterable[DialOutcome]) -> Answered | None:
        """Take what became known in one turn: the first to answer wins, whoever else did."""
        winners = []
        for outcome in outcomes:
            if isinstance(outcome, Answered):
                winners.append(outcome)
            else:
                self._failures.append(outcome)
        if not winners:
            self._let_last_through()
            return None
        winner = min(winners, key=lambda one: one.leg.answered_clock or 0.0)
        for leg in self._legs:
            if leg is not winner.leg:
                leg.hang_up(
                    COMPLETED_ELSEWHERE,
                    cause="completed_elsewhere",
                    q850=NON_SELECTED_USER_CLEARING,
                )
        return winner

    def _hang_up_all(self) -> None:
        for leg in self._legs:
            leg.hang_up(cause="cancelled")
        if not self._call.ended:
            self._let_go()

    def _let_go(self) -> None:
        """Nobody takes the call: the caller hears no early media any more."""
        unjoin(self._call)

    # What the caller hears.

    def on_progress(self, leg: CalledLeg, status: int, *, described: bool) -> None:
        """A provisional answer of a far end: passed on, or its media let through."""
        if status == 199:
            return  # RFC 6228: one early dialog of several is over; the caller has but one with us
        if leg.early_media and self._is_last(leg):
            if described or not self._call.caller.answered:
                self._let_through(leg, status)
        elif not self._call.caller.answered:
            self._ring(status)

    def _ring(self, status: int) -> None:
        """Pass a provisional answer on; of several phones, that one of them rings."""
        if self._is_group:
            status = RINGING
        if not (self._is_group and self._has_rung):
            self._has_rung = True
            self._call.caller.ring(status)
            # A caller that has heard the early media of another destination waits for sound.
            ring_back(self._call)

    def _is_last(self, leg: CalledLeg) -> bool:
        return all(other is leg or other.ended for other in self._legs)

    def _let_last_through(self) -> None:
        """When one is left that sends early media already, the caller hears it from now on."""
        left = [leg for leg in self._legs if not leg.ended]
        if len(left) == 1 and left[0].early_media and not left[0].answered:
            self._let_through(left[0], 183)

    def _let_through(self, leg: CalledLeg, status: int) -> None:
        call = self._call
        if not call.caller.answered:
            try:
                if not call.caller.open_early_media(status, leg.codec):
                    return
            except sdp.NotAcceptable as error:
                call.refuse_offer(error)
                return
        call.stop_playing()
        join(call, leg)


def _declined_by(leg: CalledLeg) -> Declined:
    """What a leg says that was left or, before that, has hung up by itself."""
    return Declined(why="hung_up" if leg.ended_as == "hung_up" else "")


def best_failure(failures: Sequence[DialFailure]) -> DialFailure:
    """Which of several failures the caller is told of (RFC 3261 section 16.7, step 6).

    "It MUST choose from the 6xx class responses if any exist", else from the lowest class there
    is. Within it the caller had better hear of what it can mend (415, 420, 484) than of what it
    cannot know (401, 407: our credentials) or that somebody did not come (408, 480, 487); we
    ourselves, full, are the last to count.
    """
    return min(failures, key=_rank, default=NOBODY)


def _rank(failure: DialFailure) -> tuple[bool, int, int]:
    status = failure.status
    family = 0 if status >= 600 else status // 100
    no_capacity = isinstance(failure, Rejected) and failure.no_capacity
    return no_capacity, family, _PREFERENCE.get(status, 1)


_PREFERENCE = {415: 0, 420: 0, 484: 0, 408: 2, 480: 2, 487: 3, 401: 3, 407: 3}
