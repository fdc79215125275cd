"""What is heard becomes facts, and a fax goes on in its campaign's fax treatment, or by T.38."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from config.model import Campaign, HangUp, Treatment
from ivr.journey import Journey
from softswitch.call.events import (
    CallEnded,
    CallEvent,
    FaxHeard,
    KeywordHeard,
    MachineJudged,
    QualityMeasured,
    TalkMeasured,
)
from softswitch.call.stream import EventStream
from softswitch.switchboard import heeding
from softswitch.switchboard.heeding import FAX_ANSWER_SECONDS, Heeding


class Facts:
    """Values as they are set."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.keywords: list[tuple[str, str, str, tuple[str, ...], int]] = []

    def heard(
        self, side: str, rule: str, text: str, *, phrases: tuple[str, ...], weight: int
    ) -> None:
        self.keywords.append((side, rule, text, phrases, weight))

    def set(self, name: str, value: object) -> None:
        self.values[name] = value

    def get(self, name: str) -> Any:
        return self.values.get(name)


class Heard:
    """A call that tells what is done to it."""

    def __init__(self, campaign: Campaign) -> None:
        self.call_id = "c1"
        self.campaign = campaign
        self.caller = self
        self.leg_id = "a"
        self.ended = False
        self.told: list[tuple[str, str]] = []
        self.diverted = 0
        self.bridged = False
        self.fax: object | None = None
        self.callee: object | None = None
        self.services = SimpleNamespace(loop=self)
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.cancelled = 0

    def bridge(self, leg_id: str) -> None:
        self.bridged = True
        self.callee = SimpleNamespace(leg_id=leg_id)

    def call_later(self, seconds: float, do: Callable[..., None], *facts: Any) -> Heard:
        self.due.append((seconds, lambda: do(*facts)))
        return self

    def cancel(self) -> None:
        self.cancelled += 1
        self.due.clear()

    def wait(self) -> None:
        """All timers are due."""
        due, self.due = self.due, []
        for _, do in due:
            do()

    def emit(self, kind: type[CallEvent], **facts: Any) -> None:
        self.told.append((kind.kind, facts["treatment"]))

    def divert(self, treatment: object) -> None:
        self.diverted += 1


class FakeJourney:
    def __init__(self, call: Heard) -> None:
        self.call = call
        self.facts = Facts()
        self.campaign = call.campaign
        self.diverted = False
        self.configuration = self
        self.treatments = {"fax": Treatment("fax", (HangUp("hang-up-1"),))}


class Bench:
    def __init__(self, campaign: Campaign) -> None:
        self.stream = EventStream()
        self.heeding = Heeding(self.stream)
        self.call = Heard(campaign)
        self.journey = FakeJourney(self.call)
        self.heeding.open(cast("Journey", self.journey))
        self.number = 0

    @property
    def values(self) -> dict[str, Any]:
        return self.journey.facts.values

    def hear(self, kind: type[CallEvent], **facts: Any) -> None:
        self.number += 1
        self.stream.publish(
            kind(call_id="c1", number=self.number, at=0.0, clock=0.0, **facts),
        )

    def keyword(self, rule: str, text: str, side: str = "caller", weight: int = 1) -> None:
        self.hear(
            KeywordHeard, leg="a", side=side, rule=rule, text=text, start=1.0, end=2.0,
            confidence=0.9, weight=weight, mode="rolling", engine="whisper", clip=None,
            phrases=("friend",),
        )  # fmt: skip


@pytest.fixture
def bench() -> Bench:
    return Bench(Campaign("sale", "main", fax="fax"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Legs that T.38 was offered to, on which a machine has answered or may have."""
    legs: list[str] = []
    monkeypatch.setattr(heeding, "offer_to", lambda leg: legs.append(leg.leg_id))
    return legs


def test_a_keyword_is_known_by_its_rule_its_words_and_its_phrase(bench: Bench) -> None:
    bench.keyword("mate", "friends", weight=10)
    bench.keyword("mate", "friend", side="agent")
    assert bench.journey.facts.keywords == [
        ("caller", "mate", "friends", ("friend",), 10),
        ("agent", "mate", "friend", ("friend",), 1),
    ]


def test_verdict_talk_and_quality_are_facts(bench: Bench) -> None:
    bench.hear(MachineJudged, leg="b1", verdict="machine", seconds=2.0, why="long greeting")
    bench.hear(
        TalkMeasured, leg="b1", talk_seconds=3.5, silence_seconds=1.0, double_talk_seconds=0.0
    )
    bench.hear(
        QualityMeasured, leg="a", mos=4.3, mos_far=None, loss=0.0, burst_ratio=1.0, jitter_ms=0.5,
        round_trip_ms=None, last=True,
    )  # fmt: skip
    assert bench.values["machine"] == "machine"
    assert bench.values["agent_talk_seconds"] == Decimal("3.5")
    assert bench.values["caller_mos"] == Decimal("4.3")


def test_a_calling_fax_machine_is_diverted_once(bench: Bench) -> None:
    bench.hear(FaxHeard, leg="a", tone="cng")
    bench.hear(FaxHeard, leg="a", tone="cng")
    assert bench.call.diverted == 1
    assert bench.call.told == [("treatment.changed", "fax")]
    assert bench.values["fax"] is True


@pytest.mark.parametrize(("leg", "tone"), [("a", "ced"), ("b1", "cng"), ("b1", "ansam")])
def test_other_fax_tones_are_facts_only(bench: Bench, leg: str, tone: str) -> None:
    bench.hear(FaxHeard, leg=leg, tone=tone)
    assert bench.call.diverted == 0
    assert bench.values["fax"] is True


@pytest.mark.parametrize("tone", ["ced", "ansam"])
@pytest.mark.usefixtures("asked")
def test_a_fax_machine_that_is_bridged_to_another_one_stays_there(bench: Bench, tone: str) -> None:
    bench.call.bridge("b1")
    bench.hear(FaxHeard, leg="b1", tone=tone)
    bench.hear(FaxHeard, leg="a", tone="cng")
    bench.call.wait()
    assert bench.call.diverted == 0
    assert bench.values["fax"] is True


def test_the_called_party_may_turn_out_to_be_a_fax_machine_a_moment_later(bench: Bench) -> None:
    bench.call.bridge("b1")
    bench.hear(FaxHeard, leg="a", tone="cng")
    assert [seconds for seconds, _ in bench.call.due] == [FAX_ANSWER_SECONDS]
    bench.hear(FaxHeard, leg="b1", tone="ced")
    bench.call.wait()
    assert bench.call.diverted == 0


def test_a_fax_machine_that_is_bridged_to_a_person_is_diverted_after_a_moment(
    bench: Bench,
) -> None:
    bench.call.bridge("b2")
    bench.hear(FaxHeard, leg="b1", tone="ced")  # of a destination that is gone
    bench.hear(FaxHeard, leg="a", tone="cng")
    assert bench.call.diverted == 0
    bench.call.wait()
    assert bench.call.diverted == 1


def test_machines_that_have_agreed_on_fax_stay_with_each_other(bench: Bench) -> None:
    bench.call.bridge("b2")
    bench.hear(FaxHeard, leg="a", tone="cng")
    bench.call.fax = object()
    bench.call.wait()
    assert bench.call.diverted == 0


def test_nobody_is_diverted_when_the_call_has_ended_meanwhile(bench: Bench) -> None:
    bench.call.bridge("b1")
    bench.hear(FaxHeard, leg="a", tone="cng")
    bench.hear(CallEnded, ended_by="calling", cause="hung_up")
    assert bench.call.cancelled == 1


def test_a_campaign_without_a_fax_treatment_goes_on(asked: list[str]) -> None:
    bench = Bench(Campaign("sale", "main"))
    bench.hear(FaxHeard, leg="a", tone="cng")
    assert bench.call.diverted == 0
    assert not asked


@pytest.mark.parametrize("tones", [("cng", "ansam"), ("ansam", "cng")])
@pytest.mark.parametrize("fax", ["fax", None])
def test_who_answers_a_calling_machine_as_modems_do_is_offered_t38_at_once(
    asked: list[str], tones: tuple[str, str], fax: str | None
) -> None:
    bench = Bench(Campaign("sale", "main", fax=fax))
    bench.call.bridge("b1")
    for tone in tones:
        assert not asked
        bench.hear(FaxHeard, leg="a" if tone == "cng" else "b1", tone=tone)
    assert asked == ["b1"]
    bench.call.wait()
    bench.hear(FaxHeard, leg="a", tone="cng")
    assert asked == ["b1"], "once"
    assert bench.call.diverted == 0


def test_who_answers_as_modems_do_is_left_alone_when_no_machine_has_called(
    asked: list[str], bench: Bench
) -> None:
    bench.call.bridge("b1")
    bench.hear(FaxHeard, leg="b1", tone="ansam")
    assert not asked


def test_who_answers_a_calling_machine_without_a_tone_is_offered_t38_after_a_moment(
    asked: list[str],
) -> None:
    bench = Bench(Campaign("sale", "main"))
    bench.call.bridge("b1")
    bench.hear(FaxHeard, leg="a", tone="cng")
    assert not asked
    bench.call.wait()
    assert asked == ["b1"]


def test_at_the_plain_answering_tone_nobody_is_asked_twice(asked: list[str]) -> None:
    bench = Bench(Campaign("sale", "main"))
    bench.call.bridge("b1")
    bench.hear(FaxHeard, leg="a", tone="cng")
    bench.hear(FaxHeard, leg="b1", tone="ced")
    bench.call.wait()
    assert not asked


def test_nothing_is_kept_of_a_call_that_has_ended(bench: Bench) -> None:
    bench.hear(CallEnded, ended_by="calling", cause="hung_up")
    bench.keyword("mate", "friend")
    assert bench.values == {}
