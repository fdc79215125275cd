"""Calls told to `Money` by their events, on a clock moved by hand: no legs, no sockets."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, TypeVar

from config.model import Campaign
from softswitch.call.call import Call
from softswitch.call.events import (
    CallAnswered,
    CallBridged,
    CallEnded,
    CallEvent,
    CallPaid,
    CallPresented,
    CallRated,
    DecisionMade,
    LegAnswered,
    LegEnded,
    LegOriginated,
    LegQuality,
)
from softswitch.call.stream import EventStream
from softswitch.campaign.facts import CallFacts, CallHistory
from softswitch.switchboard.money import Money
from softswitch.switchboard.record import RecordBuilder
from tests.support.call_facts import CALLED, CALLER, CONFIGURATION, RECEIVED, facts_of

E = TypeVar("E", bound=CallEvent)


class Bench:
    """A stream with money on it, and a clock; what the switchboard does with a call."""

    def __init__(self, **parts: Any) -> None:
        self.now = 100.0
        self.stream = EventStream()
        self.money = Money(self.stream, **parts)
        self.events: list[CallEvent] = []
        self.stream.subscribe(self.events.append)
        self.services: Any = SimpleNamespace(
            now=lambda: self.now,
            wall_clock=lambda: RECEIVED + self.now - 100.0,
            events=self.stream,
        )

    def present(
        self,
        counted: Campaign,
        *,
        served: Campaign | None = None,
        history: CallHistory | None = None,
    ) -> Talk:
        call = Call(
            "call-1", self.services, CONFIGURATION, served or counted,
            called="8666831950", called_number=CALLED,
        )  # fmt: skip
        facts = facts_of(campaign=counted, history=history)
        call.emit(
            CallPresented, leg="a", trunk="carrier", sip_call_id="x", source="127.0.0.1:5080",
            called="8666831950", called_number=CALLED, caller=CALLER, signalling={},
            campaign=counted.name, publisher="p1", pool=None, parameters={}, config_version="1",
        )  # fmt: skip
        self.money.open(call, facts)
        return Talk(self, call, facts)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def paid(self) -> CallPaid:
        (paid,) = self.of(CallPaid)
        return paid

    @property
    def ratings(self) -> list[str]:
        return [event.rating for event in self.of(CallRated)]

    def decided(self, about: str) -> list[tuple[str, Any]]:
        return [(one.rule, one.result) for one in self.of(DecisionMade) if one.about == about]


class Talk:
    """A call that is told event by event."""

    def __init__(self, bench: Bench, call: Call, facts: CallFacts) -> None:
        self.bench = bench
        self.call = call
        self.facts = facts

    def after(self, seconds: float) -> Talk:
        self.bench.now += seconds
        return self

    def bridge(self, leg: str = "b1") -> Talk:
        self.call.emit(CallAnswered, leg="a", codec="PCMU")
        self.call.emit(
            LegOriginated, leg=leg, trunk="carrier", sip_call_id="y", from_number=CALLER,
            to_number="+16025551234",
        )  # fmt: skip
        self.after(5).call.emit(LegAnswered, leg=leg, codec="PCMU")
        self.call.emit(CallBridged, leg="a", other_leg=leg)
        return self

    def end(self, by: str = "calling") -> bool:
        for leg in ("a", "b1"):
            self.call.emit(
                LegEnded, leg=leg, status=200, q850=16, cause="hang_up", quality=LegQuality()
            )
        converted = self.bench.money.at_end(self.call, by, "hang_up", self.call.services.now())
        self.call.emit(CallEnded, ended_by=by, cause="hang_up")
        return converted


def record_of(made: Campaign, *, rejected: bool = False) -> dict[str, Any]:
    """The record of a call of 61 seconds, as a file has it."""
    bench = Bench()
    call = bench.present(made)
    if rejected:
        call.call.emit(
            DecisionMade, about="fraud", rule="r", expression="", inputs={}, result="busy"
        )
    call.bridge().after(61).end()
    builder = RecordBuilder(bench.of(CallPresented)[0])
    for event in bench.events[1:]:
        if isinstance(event, CallRated | CallPaid | DecisionMade | CallEnded):
            builder.add(event)
    return dict(json.loads(json.dumps(builder.record)))
