"""Sending the peer of a leg to a leg of another call: attended transfer, with us as the transferor
(RFC 3515, RFC 3891, RFC 5589 section 7).

The peer is told to take the other leg's dialog over (REFER, with Replaces in Refer-To): it calls
the other's peer itself, who then leaves us by BYE. So a BYE of either may mean that the transfer
has worked, before anybody has told so, or that somebody has hung up. Whoever leaves is left at
once; only what is told of the end of its call waits a moment for the word on it. Who may do all
this is not known here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from softswitch.call.called_leg import CalledLeg
from softswitch.call.events import TransferAwaited, TransferRequested
from softswitch.call.outcomes import TransferOutcome, Transferred
from softswitch.call.transfer import NOT_POSSIBLE, Transfer, is_usable
from softswitch.sip.dialog_state import DialogState
from softswitch.sip.errors import ParseError
from softswitch.sip.headers.refer_to import replacing
from softswitch.sip.headers.replaces import Replaces
from softswitch.sip.refer import State

if TYPE_CHECKING:
    from softswitch.call.end_hold import EndHold
    from softswitch.call.leg import Leg
    from softswitch.sip.dialog import Dialog

logger = logging.getLogger(__name__)

__all__ = ["GRACE_SECONDS", "transfer_to_leg"]

GRACE_SECONDS = 4.0
"""How long after one of the two has left it may take to be told why. A NOTIFY that was lost three
times has come by then (T1 of RFC 3261), and the end of a call is not held any longer."""


class Attended(Transfer):
    """One such transfer under way: of the peer of `leg`, to that of `other`."""

    __slots__ = ("_ended_with", "_grace", "_holds", "_is_awaited", "_left", "_other")

    def __init__(self, leg: Leg, other: Leg) -> None:
        super().__init__(leg, _number_of(other))
        self._other = other
        self._left: list[Leg] = []
        """Those whose peers have said BYE since they may know of it."""
        self._ended_with: list[Leg] = []
        """Those of them that have taken their calls with them."""
        self._holds: list[EndHold] = []
        """Calls that one of the two has left are not told to have ended before this is."""
        self._is_awaited = False
        """Whether the other call was told of it."""
        self._grace: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Say on both calls that it is tried."""
        leg, other = self._leg, self._other
        leg.transferring = other.transferring = self
        leg.call.emit(
            TransferRequested,
            leg=leg.leg_id,
            to=self._to,
            attended=True,
            other_call=other.call.call_id,
            other_leg=other.leg_id,
        )
        if not self.outcome.done():  # by a subscriber
            self._is_awaited = True
            other.call.emit(
                TransferAwaited,
                leg=other.leg_id,
                to=self._to,
                other_call=leg.call.call_id,
                other_leg=leg.leg_id,
            )

    def let_go(self) -> None:
        """It is over: another one may be tried with either leg."""
        self._leg.transferring = self._other.transferring = None

    @property
    def _is_sent(self) -> bool:
        """Whether the peer may know of it: before, whoever leaves has hung up."""
        return self.refer is not None and self.refer.state > State.HELD

    # What the two do.

    def on_silenced(self) -> None:
        """Nothing more will be told: it has worked when the other has been taken."""
        if self._other in self._left:
            self.conclude(Transferred(self._status))

    def on_bye(self, leg: Leg) -> None:
        """One of the two says BYE. Both have found each other when both do, or when the other does
        and nothing will be told."""
        if self.outcome.done() or not self._is_sent:
            return
        self._left.append(leg)
        if self._other in self._left and (self._is_silent or self._leg in self._left):
            self.conclude(Transferred(self._status))

    def on_leg_over(self, leg: Leg) -> None:
        """One of the two legs has ended, by a BYE or by our doing."""
        if self.outcome.done():
            return
        if not self._is_sent or (leg is self._leg and leg not in self._left):
            self.fail("hung_up" if leg is self._leg else "other_ended")
            return
        self._holds.append(leg.call.hold_end("transfer"))
        if leg.call.ended and leg in self._left:
            self._ended_with.append(leg)
        if self._grace is None:
            self._grace = leg.services.loop.call_later(GRACE_SECONDS, self._on_nothing_told)

    def _on_nothing_told(self) -> None:
        self.fail("hung_up" if self._leg.ended else "other_ended")

    # Its end.

    def conclude(self, outcome: TransferOutcome) -> None:
        """Tell the outcome on both calls, once; where it has worked, both are left."""
        if self.outcome.done():
            return
        self.outcome.set_result(outcome)
        if self._grace is not None:
            self._grace.cancel()
        self._tell(self._leg, outcome)
        if self._is_awaited:
            self._tell(self._other, outcome)
        if isinstance(outcome, Transferred):
            self._leave()
        else:
            leg, other = self._leg, self._other
            logger.info(
                "call %s leg %s: not transferred to leg %s of call %s: %s (%d)",
                leg.call.call_id, leg.leg_id, other.leg_id, other.call.call_id, outcome.why,
                outcome.status,
            )  # fmt: skip
        for hold in self._holds:
            hold.release()

    def _leave(self) -> None:
        for leg in self._ended_with:
            leg.call.left_first = leg.call.left_first or ("switch", "transferred")
        if not self._leg.ended:
            self._leg.call.end("switch", "transferred")
        if not self._other.ended:
            self._other.call.on_taken_elsewhere(self._other)


async def transfer_to_leg(leg: Leg, other: Leg, within: float) -> TransferOutcome:
    """Send REFER and wait for the outcome, so many seconds at most. Where it works the call ends,
    and the other's as when its party hangs up; else both go on."""
    uri = ""
    if leg.call is not other.call and _is_free(leg) and _is_free(other):
        uri = _uri_of(other.dialog)
    if not uri:
        logger.info(
            "call %s leg %s: no transfer to leg %s of call %s",
            leg.call.call_id, leg.leg_id, other.leg_id, other.call.call_id,
        )  # fmt: skip
        return NOT_POSSIBLE
    return await Attended(leg, other).run(uri, within)


def _is_free(leg: Leg) -> bool:
    """Whether a leg has an answered peer, whom nobody moves at the moment."""
    if leg.ended or leg.dialog is None or leg.dialog.state is not DialogState.CONFIRMED:
        return False
    return leg.transferring is None and leg.move is None and leg.call.moving is None


def _uri_of(dialog: Dialog | None) -> str:
    """Where a dialog's peer is called so that it gives the dialog up; empty: nowhere."""
    if dialog is None:
        return ""
    # As that peer sees it (RFC 3891 section 3): a missing tag is written as zero.
    replaces = Replaces(dialog.call_id, dialog.remote_tag or "0", dialog.local_tag)
    try:
        uri = replacing(dialog.remote_target, replaces)
    except ParseError:
        return ""
    return uri if is_usable(uri) else ""


def _number_of(leg: Leg) -> str:
    return leg.request.to_number if isinstance(leg, CalledLeg) else leg.call.caller_number
