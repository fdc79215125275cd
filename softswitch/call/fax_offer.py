"""Fax that the switch itself asks for, when a fax machine answers on a leg of a bridged call.

Both trunks have `t38: offer`. The machine that answers is asked first, as it would have asked
itself; what it says is offered to the other one. Either may refuse, and then both have sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.call.fax import MAX_WAIT_SECONDS, FaxRelay, refusal_of, tell_refused
from softswitch.sdp.fax import MAX_DATAGRAM_BYTES, offer_fax

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg
    from softswitch.sip.message import Response

__all__ = ["ANSWERING_TONE", "FaxOffer", "offer_to"]

ANSWERING_TONE = "ced"
"""What a machine answers with (T.30 section 4). With phase reversals (ansam) it may be a modem,
which T.38 would cut off."""

NOT_ACCEPTABLE = 488

OURS = (
    "T38FaxVersion:0",
    "T38MaxBitRate:14400",
    "T38FaxRateManagement:transferredTCF",
    f"T38FaxMaxDatagram:{MAX_DATAGRAM_BYTES}",
    "T38FaxUdpEC:t38UDPRedundancy",
)
"""What any machine can do; what they agree to is less."""


def offer_to(leg: Leg) -> None:
    """Ask for fax on behalf of the machine that answers on a leg, where both trunks want that."""
    other = leg.call.other_leg(leg)
    if other is None or leg.fax is not None or other.fax is not None:
        return
    if leg.trunk.t38 != "offer" or other.trunk.t38 != "offer" or refusal_of(leg, other):
        return
    FaxOffer(leg.call, leg, other).ask_both()


class FaxOffer(FaxRelay):
    """Two legs from our own question for fax until both have sound again."""

    __slots__ = ("_asked",)

    def __init__(self, call: Call, leg: Leg, other: Leg) -> None:
        super().__init__(call, leg, other)
        self._asked: list[Leg] = []
        """Those who were asked; empty when both have agreed: from then on it is as any fax."""

    def ask_both(self) -> None:
        """Ask the one, then the other."""
        loop = self._asked_first.services.loop
        self._timer = loop.call_later(MAX_WAIT_SECONDS, self.give_up, "late")
        self._ask(self._asked_first, OURS)

    def _ask(self, leg: Leg, attributes: tuple[str, ...]) -> None:
        assert leg.media is not None
        self._asked.append(leg)
        self._said[leg] = attributes
        leg.offer_other(offer_fax(leg.media.local, attributes))

    def on_answered(self, leg: Leg, response: Response) -> None:
        if not self._asked:
            super().on_answered(leg, response)
            return
        theirs = self._read(leg, response)
        if theirs is None:
            self.give_up("refused")
        elif self._theirs is None:
            self._theirs = theirs
            if self._other.is_negotiating:
                self.give_up("refused")  # it holds, or is held, by now
            else:
                self._ask(self._other, theirs.attributes)
        else:
            self._asked.clear()
            self._forget_asker()
            self._begin(self._asked_first, self._theirs, leg, theirs)

    def on_rejected(self, leg: Leg, status: int) -> None:
        if not self._asked:
            super().on_rejected(leg, status)
            return
        self._asked.remove(leg)  # it has the sound that it had
        self.give_up("refused")

    def give_up(self, why: str = "parted") -> None:
        if self._began is not None:
            super().give_up(why)
            return
        asked = tuple(self._asked)
        self._close(why)
        tell_refused(self._asked_first, NOT_ACCEPTABLE, why)
        for leg in asked:
            if not (leg.ended or self._call.ended):
                leg.offer_sound()

    def on_left(self, leg: Leg) -> None:
        if self._began is not None:
            super().on_left(leg)
            return
        other = self._partner(leg)
        asked = other in self._asked
        self._close("hung_up")
        if asked and not (other.ended or self._call.ended):
            other.offer_sound()
