"""Sending the peer of a leg elsewhere by REFER: blind transfer (RFC 3515, RFC 3892, RFC 5589
section 6).

When the peer tells that its new call was answered, ours ends. It may leave without a word, refuse,
or tell that nobody was there: all of that is an outcome. How REFER and NOTIFY go is in
`softswitch.sip.refer`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from softswitch.call.events import TransferEnded, TransferRequested
from softswitch.call.outcomes import TransferFailed, TransferOutcome, Transferred
from softswitch.sip.errors import ParseError
from softswitch.sip.events import ReferEnded
from softswitch.sip.uri import Uri

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg

logger = logging.getLogger(__name__)

__all__ = ["Transfer", "transfer"]

NOT_POSSIBLE = TransferFailed(0, "not_possible")
SCHEMES = ("sip", "sips", "tel")

MAX_WAIT_SECONDS = 300.0
"""Longer than this no phone rings; the wait of a treatment may not be longer."""


class Transfer:
    """One transfer under way; its end is told once, whoever brings it about."""

    __slots__ = ("_call", "_leg_id", "_status", "outcome")

    def __init__(self, call: Call, leg_id: str) -> None:
        self._call = call
        self._leg_id = leg_id
        self._status = 0
        self.outcome: asyncio.Future[TransferOutcome] = call.services.loop.create_future()

    def on_progress(self, status: int) -> None:
        """The peer has taken the request, or its new call rings."""
        self._status = status

    def on_ended(self, event: ReferEnded) -> None:
        """The peer told the outcome, or that there is none to be told."""
        if event.why == "told" and event.status < 300:
            self.conclude(Transferred(event.status))
        else:
            why = {"told": "failed", "silenced": "failed"}.get(event.why, event.why)
            self.conclude(TransferFailed(event.status, why))

    def fail(self, why: str) -> None:
        """It did not come to its outcome."""
        self.conclude(TransferFailed(self._status, why))

    def conclude(self, outcome: TransferOutcome) -> None:
        """Tell the outcome, once; a call whose caller was taken elsewhere is over."""
        if self.outcome.done():
            return
        self.outcome.set_result(outcome)
        done = isinstance(outcome, Transferred)
        self._call.emit(
            TransferEnded,
            leg=self._leg_id,
            ok=done,
            status=outcome.status,
            why="" if isinstance(outcome, Transferred) else outcome.why,
        )
        if done:
            self._call.end("switch", "transferred")


async def transfer(leg: Leg, to: str, within: float) -> TransferOutcome:
    """Send REFER and wait for the outcome, so many seconds at most."""
    dialog, call, services = leg.dialog, leg.call, leg.services
    if leg.ended or dialog is None or leg.transferring is not None or not _is_usable(to):
        logger.info("call %s leg %s: no transfer to %.100r", call.call_id, leg.leg_id, to)
        return NOT_POSSIBLE
    under_way = leg.transferring = Transfer(call, leg.leg_id)
    call.emit(TransferRequested, leg=leg.leg_id, to=to)
    referred_by = Uri("sip", user=call.called_number, host=services.advertised_host.strip("[]"))
    refer = None
    if not leg.ended:  # by a subscriber
        refer = dialog.refer(to, referred_by=str(referred_by), now=services.now())
        services.flush_soon()
    if refer is None:
        under_way.fail("not_possible")
    try:
        async with asyncio.timeout(min(within, MAX_WAIT_SECONDS)):
            return await asyncio.shield(under_way.outcome)
    except TimeoutError:
        under_way.fail("timeout")
        return under_way.outcome.result()
    finally:
        # Also when the treatment itself would not wait any longer.
        under_way.fail("timeout")
        leg.transferring = None
        if refer is not None:
            refer.give_up()


def _is_usable(uri: str) -> bool:
    try:
        return Uri.parse(uri).scheme in SCHEMES
    except ParseError:
        return False
