"""What the switchboard makes of what is heard: facts for conditions, and the fax treatment.

A subscriber of the event stream, before those that rate. A campaign's conditions know what was
heard when the event of it is delivered; a caller that turns out to be a fax machine goes on in its
campaign's fax treatment, once.
"""

from __future__ import annotations

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
from softswitch.call.stream import EventStream

__all__ = ["Heeding"]

CALLING_MACHINE = "cng"
"""The tone of a fax machine that has called (T.30 section 4): the caller wants a fax."""


class Heeding:
    """Heeds what is heard on all calls of this node."""

    def __init__(self, stream: EventStream) -> None:
        self._open: dict[str, Journey] = {}
        stream.subscribe(self.receive, kinds=_HANDLERS)

    def open(self, journey: Journey) -> None:
        """Heed what is heard on a call from now on, until it has ended."""
        self._open[journey.call.call_id] = journey

    def receive(self, event: CallEvent) -> None:
        """Take one event of the stream."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            journey = self._open.get(event.call_id)
            if journey is not None:
                handler(self, journey, event)

    def _on_ended(self, journey: Journey, event: CallEnded) -> None:
        del self._open[event.call_id]

    def _on_keyword(self, journey: Journey, event: KeywordHeard) -> None:
        journey.facts.heard(
            event.side, event.rule, event.text, phrases=event.phrases, weight=event.weight
        )

    def _on_machine(self, journey: Journey, event: MachineJudged) -> None:
        journey.facts.set("machine", event.verdict)

    def _on_quality(self, journey: Journey, event: QualityMeasured) -> None:
        journey.facts.set(f"{_side(event.leg)}_mos", Decimal(str(event.mos)))

    def _on_talk(self, journey: Journey, event: TalkMeasured) -> None:
        talk = Decimal(str(event.talk_seconds))
        journey.facts.set(f"{_side(event.leg)}_talk_seconds", talk)

    def _on_fax(self, journey: Journey, event: FaxHeard) -> None:
        journey.facts.set("fax", True)
        call = journey.call
        name = journey.campaign.fax or call.campaign.fax
        if name is None or event.tone != CALLING_MACHINE or event.leg != call.caller.leg_id:
            return
        if call.ended or journey.diverted:
            return
        journey.diverted = True
        treatment = journey.configuration.treatments[name]
        call.emit(TreatmentChanged, treatment=name, why=f"fax tone {event.tone}")
        call.divert(partial(run_treatment, journey, treatment))


def _side(leg: str) -> str:
    return "caller" if leg == "a" else "agent"


_HANDLERS: Mapping[type[CallEvent], Callable[[Heeding, Journey, Any], None]] = {
    CallEnded: Heeding._on_ended,
    KeywordHeard: Heeding._on_keyword,
    MachineJudged: Heeding._on_machine,
    QualityMeasured: Heeding._on_quality,
    TalkMeasured: Heeding._on_talk,
    FaxHeard: Heeding._on_fax,
}
