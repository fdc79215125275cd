"""What the switchboard makes of what is heard: facts for conditions, and the fax treatment.

A subscriber of the event stream, before those that rate. A campaign's conditions know what was
heard when the event of it is delivered; a caller that turns out to be a fax machine goes on in its
campaign's fax treatment, once, unless it talks to another fax machine already. One that has no such
treatment, or talks to a machine that answers as modems do, is offered T.38 with its party.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from ivr.flow import run_treatment
from ivr.journey import Journey
from softswitch.call.events import (
    CallEnded,
    CallEvent,
    FaxHeard,
    KeywordHeard,
    MachineJudged,
    QualityMeasured,
    TalkMeasured,
    TreatmentChanged,
)
from softswitch.call.fax_offer import ANSWERING_TONE, offer_to
from softswitch.call.stream import EventStream

__all__ = ["FAX_ANSWER_SECONDS", "Heeding"]

CALLING_MACHINE = "cng"
"""The tone of a fax machine that has called (T.30 section 4): the caller wants a fax."""

ANSWERING_MACHINES = (ANSWERING_TONE, "ansam")
"""The tones of one that has been called; the second may be a modem's, too, but not one's that a fax
machine has called (T.30 annex F)."""

FAX_ANSWER_SECONDS = 4.0
"""How long the called party of a bridged call has to turn out to be a fax machine itself: one sends
its tone within 2.5 s of the answer (T.30 section 4), and that is recognised 1.3 s later."""


class _Heeded:
    """A call, and what is known of its fax machines."""

    __slots__ = ("answering", "calling", "journey", "timer")

    def __init__(self, journey: Journey) -> None:
        self.journey = journey
        self.calling = False
        """Whether the caller is one."""
        self.answering: dict[str, str] = {}
        """Legs on which a fax machine has answered, with its tone."""
        self.timer: asyncio.TimerHandle | None = None
        """Runs while the called party may still turn out to be one."""


class Heeding:
    """Heeds what is heard on all calls of this node."""

    def __init__(self, stream: EventStream) -> None:
        self._open: dict[str, _Heeded] = {}
        stream.subscribe(self.receive, kinds=_HANDLERS)

    def open(self, journey: Journey) -> None:
        """Heed what is heard on a call from now on, until it has ended."""
        self._open[journey.call.call_id] = _Heeded(journey)

    def journey(self, call_id: str) -> Journey | None:
        """The journey of a call that has not ended."""
        heeded = self._open.get(call_id)
        return None if heeded is None else heeded.journey

    def receive(self, event: CallEvent) -> None:
        """Take one event of the stream."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            heeded = self._open.get(event.call_id)
            if heeded is not None:
                handler(self, heeded, event)

    def _on_ended(self, heeded: _Heeded, event: CallEnded) -> None:
        del self._open[event.call_id]
        if heeded.timer is not None:
            heeded.timer.cancel()

    def _on_keyword(self, heeded: _Heeded, event: KeywordHeard) -> None:
        heeded.journey.facts.heard(
            event.side, event.rule, event.text, phrases=event.phrases, weight=event.weight
        )

    def _on_machine(self, heeded: _Heeded, event: MachineJudged) -> None:
        heeded.journey.facts.set("machine", event.verdict)

    def _on_quality(self, heeded: _Heeded, event: QualityMeasured) -> None:
        heeded.journey.facts.set(f"{_side(event.leg)}_mos", Decimal(str(event.mos)))

    def _on_talk(self, heeded: _Heeded, event: TalkMeasured) -> None:
        talk = Decimal(str(event.talk_seconds))
        heeded.journey.facts.set(f"{_side(event.leg)}_talk_seconds", talk)

    def _on_fax(self, heeded: _Heeded, event: FaxHeard) -> None:
        journey = heeded.journey
        journey.facts.set("fax", True)
        call = journey.call
        if event.leg != call.caller.leg_id:
            if event.tone in ANSWERING_MACHINES:
                heeded.answering[event.leg] = event.tone
                if heeded.calling and _answer(heeded) is not None:
                    self._settle(heeded)
        elif event.tone == CALLING_MACHINE and not heeded.calling:
            heeded.calling = True
            if call.bridged and _answer(heeded) is None:
                loop = call.services.loop
                heeded.timer = loop.call_later(FAX_ANSWER_SECONDS, self._settle, heeded)
            else:
                self._settle(heeded)

    def _settle(self, heeded: _Heeded) -> None:
        """The caller wants a fax machine: it goes where there is one, unless it has one."""
        if heeded.timer is not None:
            heeded.timer.cancel()
            heeded.timer = None
        journey = heeded.journey
        call = journey.call
        if call.ended or journey.diverted or call.caller.fax is not None:
            return
        answer = _answer(heeded)
        if answer == ANSWERING_TONE:
            return  # at which the call has offered T.38 by itself
        name = journey.campaign.fax or call.campaign.fax
        if name is not None and answer is None:
            self._divert(journey, name)
        elif call.bridged and call.callee is not None:
            offer_to(call.callee)

    def _divert(self, journey: Journey, name: str) -> None:
        journey.diverted = True
        call, treatment = journey.call, journey.configuration.treatments[name]
        call.emit(TreatmentChanged, treatment=name, why=f"fax tone {CALLING_MACHINE}")
        call.divert(partial(run_treatment, journey, treatment))


def _answer(heeded: _Heeded) -> str | None:
    """The tone with which the called party has answered as a fax machine."""
    call = heeded.journey.call
    if not call.bridged or call.callee is None:
        return None
    return heeded.answering.get(call.callee.leg_id)


def _side(leg: str) -> str:
    return "caller" if leg == "a" else "agent"


_HANDLERS: Mapping[type[CallEvent], Callable[[Heeding, _Heeded, Any], None]] = {
    CallEnded: Heeding._on_ended,
    KeywordHeard: Heeding._on_keyword,
    MachineJudged: Heeding._on_machine,
    QualityMeasured: Heeding._on_quality,
    TalkMeasured: Heeding._on_talk,
    FaxHeard: Heeding._on_fax,
}
