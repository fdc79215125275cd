"""The first leg of a call that is ours: we call its party, who then stands where a caller would.

Everything that treatments do with a caller they do with this leg: play, ask, connect, bridge.
RFC 3261 section 13.2 (by way of the called leg).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from softswitch.call.called_leg import CALLED_HANDLERS, CalledLeg
from softswitch.call.dial_request import DialRequest
from softswitch.call.events import CallAnswered
from softswitch.call.leg import Handler
from softswitch.call.outcomes import DialFailure
from softswitch.sip import events as sip_events

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.services import Services

__all__ = ["FIRST_LEG", "FirstLeg"]

FIRST_LEG = "a"
"""The id of the leg whose party stands where a caller would."""

RINGING = 180


class FirstLeg(CalledLeg):
    """A leg that we originate, and that the call is built upon."""

    side: ClassVar[str] = "calling"

    def __init__(self, call: Call, services: Services, request: DialRequest) -> None:
        super().__init__(call, FIRST_LEG, services, request)
        self.handlers = FIRST_HANDLERS
        self.reached: asyncio.Future[bool] = services.loop.create_future()
        """Set when the far end rings or answers: True; False when it does neither any more."""
        self.outcome.add_done_callback(self._on_outcome)

    # What happens.

    def _on_progress(self, status: int, *, described: bool) -> None:
        """A provisional answer is nobody's business but of who waits for the ringing."""
        if status >= RINGING and not self.reached.done():
            self.reached.set_result(True)

    def _on_first_answered(self, event: sip_events.InviteAnswered) -> None:
        self._on_answered(event)
        if not self.answered or self.ended:
            return
        call = self.call
        call.media_expected_from = self.services.now()
        call.limit(call.campaign.max_call_seconds or call.configuration.switch.max_call_seconds)
        call.emit(CallAnswered, leg=self.leg_id, codec=self.codec)

    def _on_outcome(self, outcome: asyncio.Future[DialFailure | None]) -> None:
        if not self.reached.done():
            self.reached.set_result(outcome.result() is None)


FIRST_HANDLERS: dict[type, Handler] = {
    **CALLED_HANDLERS,
    sip_events.InviteAnswered: FirstLeg._on_first_answered,
}
