"""A transfer that a party of a call has asked for: the party it talks to is moved to another.

RFC 3515 (REFER), RFC 5589 (blind and attended transfer). The one that is kept hears ringback
meanwhile; the one that asked is told how it goes, gets the call back when it fails, and is left
when it has worked. Where a dialog of another call of ours is named, the two calls become one.
Whether it may be done, and whom it leads to, is `switchboard`'s to say.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from softswitch.call.adopted_leg import adopt
from softswitch.call.called_leg import CalledLeg
from softswitch.call.dial_request import DialRequest
from softswitch.call.dialling import Dialling
from softswitch.call.ending import NORMAL_CLEARING
from softswitch.call.events import CallUnbridged, TransferEnded
from softswitch.call.joining import ring_back, unjoin
from softswitch.call.outcomes import Answered
from softswitch.sip.causes import reason_header

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg
    from softswitch.sip.referred import IncomingRefer

logger = logging.getLogger(__name__)

__all__ = ["MAX_MOVES", "Move"]

MAX_MOVES = 20
"""Transfers of one call: further ones go round in a circle, and each costs a leg."""

FAREWELL_SECONDS = 5.0
"""How long whoever asked may take to hang up, or to say that it knows the outcome."""


class Move:
    """One transfer, from the moment it is taken until whoever asked for it has left."""

    def __init__(self, call: Call, transferor: Leg, refer: IncomingRefer) -> None:
        """Both talk: the transferor, and the one that is kept."""
        assert call.callee is not None
        self._call = call
        self.transferor = transferor
        self._refer = refer
        self._caller, self._callee = call.caller, call.callee
        self._kept = call.callee if transferor is call.caller else call.caller
        self._task: asyncio.Task[None] | None = None
        self._farewell: asyncio.TimerHandle | None = None
        self._is_over = False
        self.has_worked = False
        """Whether the one that was kept talks to whom it was moved to."""

    # Its beginning.

    def begin(self) -> None:
        """Say that it is tried, and part the two: who is kept stands in the caller's place."""
        call = self._call
        call.moving = self.transferor.move = self
        call.moved += 1
        call.first_callee = call.first_callee or self._callee
        self._refer.accept(now=call.services.now())
        call.services.flush_soon()
        unjoin(call)
        call.callee, call.bridged, call.parted_from = None, False, self._callee
        call.caller = self._kept
        call.media_expected_from = call.services.now()
        call.emit(
            CallUnbridged,
            leg=self._caller.leg_id,
            other_leg=self._callee.leg_id,
            why="transferred",
        )
        if not call.ended:  # by a subscriber
            self._kept.forget_digits()
            self._kept.direction_untold = self._kept.offered_direction() != "sendrecv"
            self._kept.pass_direction()

    # By calling somebody.

    def dial(self, request: DialRequest) -> asyncio.Task[None]:
        """Call whom it leads to, in a task of its own."""
        services = self._call.services
        task = services.loop.create_task(self._run(request), name=f"{self._call.call_id} moves")
        services.tasks.add(task)
        task.add_done_callback(services.tasks.discard)
        self._task = task
        return task

    async def _run(self, request: DialRequest) -> None:
        call = self._call
        if not call.ended:
            ring_back(call)
        try:
            outcome = await call.dial_by(_Told(call, self._refer), (request,))
        except asyncio.CancelledError:
            self._conclude(487, "given_up")
            raise
        if call.ended:
            self._conclude(487, "hung_up")
        elif isinstance(outcome, Answered) and not outcome.leg.ended:
            self._succeed(outcome.leg)
        else:
            self._fail(480 if isinstance(outcome, Answered) else outcome.status)

    # By a call that is there already.

    def join(self, leg: Leg, number: str) -> None:
        """Have the party of a leg of another call, which ends with that."""
        other = leg.call
        adopted = adopt(self._call, leg, number)
        other.end("switch", "transferred")
        if self._call.ended:
            adopted.hang_up(reason_header(NORMAL_CLEARING), cause="transferred")
            self._conclude(487, "hung_up")
        elif adopted.ended:
            self._fail(480)
        else:
            self._succeed(adopted)

    # Its end.

    def _succeed(self, leg: CalledLeg) -> None:
        call = self._call
        call.moving = None
        if self.transferor is self._caller:
            # Who would have stayed for whom is over: the first to hang up ends the call.
            call.keeps_caller = call.keeps_called = False
        self.has_worked = call.bridge(leg)
        self._conclude(200, "")
        if call.ended or self.transferor.ended:
            return
        for side in (call.caller, leg):
            side.pass_direction()
        self._farewell = call.services.loop.call_later(FAREWELL_SECONDS, self.on_told)

    def _fail(self, status: int) -> None:
        call = self._call
        call.moving = None
        call.stop_playing()
        if not self.transferor.ended and not call.ended:
            call.caller = self._caller
            self.transferor.move = None
            call.bridge(self._callee)
            self._conclude(status, "failed")
            return
        self._conclude(status, "failed")
        if call.ended:
            return
        if self.transferor is self._caller and call.keeps_called:
            call.left_first = ("calling", "hung_up")
            call.on_parted()
        elif self.transferor is self._callee and call.keeps_caller:
            call.on_parted()
        else:
            call.end("switch", "transfer_failed")

    def _conclude(self, status: int, why: str) -> None:
        """Tell what became of it, once."""
        if self._is_over:
            return
        self._is_over = True
        call = self._call
        call.emit(TransferEnded, leg=self.transferor.leg_id, ok=not why, status=status, why=why)
        self._refer.tell(status, now=call.services.now())
        call.services.flush_soon()

    def on_call_ended(self) -> None:
        """The call is over before the transfer is."""
        self._conclude(487, "hung_up")

    def give_up(self) -> None:
        """The call goes another way: whoever asked is left, nobody is called any more."""
        self._call.moving = None
        self._conclude(487, "given_up")
        if self._task is not None:
            self._task.cancel()
        self._leave()

    # What the transferor does.

    def on_told(self) -> None:
        """It knows the outcome: where that is what it wanted, it is not needed any more."""
        if self._call.moving is not self and self._farewell is not None:
            self._leave()

    def on_left(self) -> None:
        """Its leg is over."""
        self.transferor.move = None
        if self._farewell is not None:
            self._farewell.cancel()
            self._farewell = None

    def _leave(self) -> None:
        self.transferor.hang_up(reason_header(NORMAL_CLEARING), cause="transferred")


class _Told(Dialling):
    """A dial of which a transferor is told, too."""

    def __init__(self, call: Call, refer: IncomingRefer) -> None:
        super().__init__(call, None)
        self._refer = refer

    def on_progress(self, leg: CalledLeg, status: int, *, described: bool) -> None:
        """A provisional answer of whom the call is moved to."""
        super().on_progress(leg, status, described=described)
        if not self._call.ended:
            self._refer.tell(status, now=self._call.services.now())
            self._call.services.flush_soon()
