"""Sending the peer of a leg elsewhere by REFER: blind transfer (RFC 3515, RFC 3892, RFC 5589
section 6).

When the peer tells that its new call was answered, ours ends. It may leave without a word, refuse,
or tell that nobody was there: all of that is an outcome. How REFER and NOTIFY go is in
`softswitch.sip.refer`, how a peer is sent to another leg of ours in `attended`.
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
    from softswitch.call.leg import Leg
    from softswitch.sip.refer import OutgoingRefer

logger = logging.getLogger(__name__)

__all__ = ["NOT_POSSIBLE", "Transfer", "is_usable", "transfer"]

NOT_POSSIBLE = TransferFailed(0, "not_possible")
SCHEMES = ("sip", "sips", "tel")

MAX_WAIT_SECONDS = 300.0
"""Longer than this no phone rings; the wait of a treatment may not be longer."""


class Transfer:
    """One transfer under way; its end is told once, whoever brings it about."""

    __slots__ = ("_is_silent", "_leg", "_status", "_to", "outcome", "refer")

    def __init__(self, leg: Leg, to: str) -> None:
        """`to` is what is told of where it leads."""
        self._leg = leg
        self._to = to
        self._status = 0
        self._is_silent = False
        """Whether the peer has taken the request, and will tell no outcome."""
        self.refer: OutgoingRefer | None = None
        self.outcome: asyncio.Future[TransferOutcome] = leg.services.loop.create_future()

    def begin(self) -> None:
        """Say that it is tried."""
        self._leg.transferring = self
        self._leg.call.emit(TransferRequested, leg=self._leg.leg_id, to=self._to)

    def let_go(self) -> None:
        """It is over: another one may be tried."""
        self._leg.transferring = None

    async def run(self, uri: str, within: float) -> TransferOutcome:
        """Send REFER and wait for the outcome, so many seconds at most."""
        self.begin()
        if not self.outcome.done():  # by a subscriber
            self._send(uri)
        try:
            async with asyncio.timeout(min(within, MAX_WAIT_SECONDS)):
                return await asyncio.shield(self.outcome)
        except TimeoutError:
            self._give_up()
            return self.outcome.result()
        finally:
            # Also when the treatment itself would not wait any longer.
            self._give_up()
            self.let_go()
            if self.refer is not None:
                self.refer.give_up()

    def _send(self, uri: str) -> None:
        leg, services = self._leg, self._leg.services
        assert leg.dialog is not None
        host = services.advertised_host.strip("[]")
        by = str(Uri("sip", user=leg.call.called_number, host=host))
        self.refer = leg.dialog.refer(uri, referred_by=by, now=services.now())
        services.flush_soon()
        if self.refer is None:
            self.fail("not_possible")

    def _give_up(self) -> None:
        self.fail("untold" if self._is_silent else "timeout")

    # What the peer does.

    def on_progress(self, status: int) -> None:
        """The peer has taken the request, or its new call rings."""
        self._status = status

    def on_ended(self, event: ReferEnded) -> None:
        """The peer told the outcome, or that there is none to be told."""
        if event.why == "silenced":
            self._status, self._is_silent = event.status, True
            self.on_silenced()
        elif event.why == "told" and event.status < 300:
            self.conclude(Transferred(event.status))
        else:
            why = "failed" if event.why == "told" else event.why
            self.conclude(TransferFailed(event.status, why))

    def on_silenced(self) -> None:
        """Nothing more will be told: whether it has worked shows when the peer leaves, or never."""

    def on_bye(self, _leg: Leg) -> None:
        """The peer hangs up. One that would tell nothing tells so that it has come elsewhere (RFC
        4488 section 5); of any other it means that it would not wait."""
        if self._is_silent:
            self.conclude(Transferred(self._status))

    def on_leg_over(self, _leg: Leg) -> None:
        """The leg has ended before the outcome is known."""
        self.fail("hung_up")

    # Its end.

    def fail(self, why: str) -> None:
        """It did not come to its outcome."""
        self.conclude(TransferFailed(self._status, why))

    def conclude(self, outcome: TransferOutcome) -> None:
        """Tell the outcome, once; a call whose caller was taken elsewhere is over."""
        if self.outcome.done():
            return
        self.outcome.set_result(outcome)
        self._tell(self._leg, outcome)
        if isinstance(outcome, Transferred):
            self._leg.call.end("switch", "transferred")

    def _tell(self, leg: Leg, outcome: TransferOutcome) -> None:
        why = "" if isinstance(outcome, Transferred) else outcome.why
        leg.call.emit(TransferEnded, leg=leg.leg_id, ok=not why, status=outcome.status, why=why)


async def transfer(leg: Leg, to: str, within: float) -> TransferOutcome:
    """Send REFER and wait for the outcome, so many seconds at most."""
    if leg.ended or leg.dialog is None or leg.transferring is not None or not is_usable(to):
        logger.info("call %s leg %s: no transfer to %.100r", leg.call.call_id, leg.leg_id, to)
        return NOT_POSSIBLE
    return await Transfer(leg, to).run(to, within)


def is_usable(uri: str) -> bool:
    """Whether somebody can be sent there."""
    try:
        return Uri.parse(uri).scheme in SCHEMES
    except ParseError:
        return False
