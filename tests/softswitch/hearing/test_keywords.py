"""What was recognised becomes keywords and transcripts of the call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from config.model import Campaign, KeywordRule, Keywords
from config.said import parse_said
from media.speech.recognition.result import Recognised
from softswitch.call.events import KeywordHeard, TranscriptAdded
from softswitch.hearing.ear import Ear
from softswitch.hearing.keywords import MAX_CLIP_NS, MAX_LIVE, KeywordWatch
from tests.support.ears import HeardCall, HeardLeg
from tests.support.ears import ear as ear_of
from tests.support.recognised import SECOND, recognised

TALK = Keywords(
    (
        KeywordRule("mate", parse_said("friend or buddy"), "friend or buddy", "caller", weight=10),
        KeywordRule("card", parse_said("credit card"), "credit card"),
        KeywordRule("bye", parse_said("bye"), "bye", last_seconds=5.0),
        KeywordRule("soon", parse_said("hello"), "hello", first_seconds=5.0),
        KeywordRule("far", parse_said("refund and insurance"), "refund and insurance"),
    )
)


class Leg(HeardLeg):
    """A leg with an end and secrets."""

    def __init__(self, call: HeardCall, leg_id: str, side: str) -> None:
        super().__init__(call, leg_id, side)
        self.ended_clock: float | None = None
        self.secret_spans: tuple[tuple[float, float], ...] = ()
        self.services = SimpleNamespace(now=lambda: 60.0)

    def secret_during(self, start: float, end: float) -> bool:
        return any(begin < end and start < until for begin, until in self.secret_spans)


class Call(HeardCall):
    def __init__(self, campaign: Campaign, call_id: str = "c1") -> None:
        super().__init__(campaign)
        self.call_id = call_id
        self.ended = False
        self.speaker = Leg(self, "a", "calling")
        self.caller = self.speaker
        self.callee = Leg(self, "b1", "called")

    def ears(self) -> tuple[Ear, Ear]:
        return ear_of(0, self.caller), ear_of(1, self.callee)

    @property
    def keywords(self) -> list[KeywordHeard]:
        return [event for event in self.told if isinstance(event, KeywordHeard)]

    @property
    def rules(self) -> list[tuple[str, str]]:
        return [(event.leg, event.rule) for event in self.keywords]

    @property
    def transcript(self) -> list[TranscriptAdded]:
        return [event for event in self.told if isinstance(event, TranscriptAdded)]


class Clips:
    """Keeps what is asked of it; has no room for the rule `card`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int, str]] = []

    def request(self, ear: Ear, start_ns: int, end_ns: int, rule: str) -> str | None:
        self.asked.append((ear.leg_id, start_ns, end_ns, rule))
        return None if rule == "card" else f"{rule}.wav"


def call_of(keywords: Keywords | None = TALK, *, transcribe: bool = False, name: str = "x") -> Call:
    return Call(Campaign(name, "t", keywords=keywords, transcribe=transcribe))


def hear(watch: KeywordWatch, ear: Ear, *results: Recognised) -> None:
    for result in results:
        watch.recognised(ear, result)


# Keywords.


def test_words_that_rules_listen_for_are_known_by_their_begin() -> None:
    call, watch = call_of(), KeywordWatch()
    caller, _agent = call.ears()
    assert {"fri", "bud", "cre", "car"} <= set(watch.beginnings(caller))
    watch.set_rules((KeywordRule("live", parse_said("roof"), "roof"),), call_id="c1")
    assert set(watch.beginnings(caller)) == {"roo"}
    assert not KeywordWatch().beginnings(call_of(None).ears()[0])


def test_a_keyword_is_told_with_its_leg_time_words_and_clip() -> None:
    call, clips = call_of(), Clips()
    caller, _agent = call.ears()
    hear(KeywordWatch(clips), caller, recognised("a friend told me", 2.0))
    (told,) = call.keywords
    assert (told.leg, told.side, told.rule, told.text) == ("a", "caller", "mate", "friend")
    assert (told.start, told.end) == (2.4, 2.76)
    assert (told.weight, told.mode, told.engine, told.phrases) == (
        10,
        "rolling",
        "test",
        ("friend",),
    )
    assert (told.confidence, told.clip) == (0.9, "mate.wav")
    assert clips.asked == [("a", 2.4 * SECOND, 2.76 * SECOND, "mate")]


def test_each_leg_is_heard_by_itself_and_by_the_rules_of_its_side() -> None:
    call, watch = call_of(), KeywordWatch()
    caller, agent = call.ears()
    hear(watch, agent, recognised("a friend of mine"), recognised("my credit", 5.0))
    hear(watch, caller, recognised("card", 5.8), recognised("credit card", 20.0))
    assert call.rules == [("a", "card")]
    assert call.keywords[0].clip is None


def test_a_clip_that_cannot_be_kept_is_none() -> None:
    call = call_of()
    hear(KeywordWatch(Clips()), call.ears()[0], recognised("credit card"))
    assert call.keywords[0].clip is None


def test_of_words_far_apart_the_end_is_kept() -> None:
    call, clips = call_of(), Clips()
    hear(KeywordWatch(clips), call.ears()[0], recognised("refund"), recognised("insurance", 50.0))
    ((_leg, start_ns, end_ns, _rule),) = clips.asked
    assert end_ns - start_ns == MAX_CLIP_NS
    assert call.keywords[0].start == 0.0


def test_the_first_seconds_count_from_the_answer() -> None:
    call, watch = call_of(), KeywordWatch()
    caller, _ = call.ears()
    call.caller.answered_clock = 30.0
    hear(watch, caller, recognised("hello", 34.0), recognised("hello", 36.0))
    assert call.rules == [("a", "soon")]
    assert call.keywords[0].start == 34.0


def test_what_is_known_at_the_end_is_told_when_the_leg_is_over() -> None:
    call, watch = call_of(), KeywordWatch()
    caller, agent = call.ears()
    hear(watch, caller, recognised("bye", 56.0), recognised("well", 57.0, mode="segment"))
    hear(watch, agent, recognised("bye", 40.0))
    assert call.rules == []
    call.speaker.ended_clock = 60.0
    watch.ended(caller)
    watch.ended(agent)
    assert call.rules == [("a", "bye")]
    assert call.keywords[0].mode == "segment"
    watch.ended(caller)
    assert len(call.rules) == 1


def test_an_ear_of_which_nothing_was_recognised_may_end() -> None:
    call = call_of()
    KeywordWatch().ended(call.ears()[0])
    assert call.told == []


def test_a_campaign_without_keywords_has_none() -> None:
    call = call_of(None)
    hear(KeywordWatch(), call.ears()[0], recognised("friend"))
    assert call.told == []


def test_a_call_that_goes_on_for_another_campaign_is_heard_by_its_rules() -> None:
    call, watch = call_of(), KeywordWatch()
    caller, _ = call.ears()
    hear(watch, caller, recognised("friend"))
    other = Keywords((KeywordRule("roof", parse_said("roof"), "roof"),))
    caller.campaign = Campaign("other", "t", keywords=other)
    hear(watch, caller, recognised("friend roof", 10.0))
    assert call.rules == [("a", "mate"), ("a", "roof")]


# Secrets.


def test_what_is_said_while_a_secret_is_asked_for_is_nobodys_business() -> None:
    call, watch = call_of(transcribe=True), KeywordWatch()
    caller, agent = call.ears()
    call.speaker.secret_spans = ((10.0, 15.0),)
    hear(watch, caller, recognised("friend", 5.0), recognised("my buddy four two", 11.0))
    hear(watch, caller, recognised("so friend four", 14.0), recognised("friend", 20.0))
    hear(watch, agent, recognised("credit card", 11.0))
    assert [(told.leg, told.rule, told.start) for told in call.keywords] == [
        ("a", "mate", 5.0), ("a", "mate", 20.0), ("b1", "card", 11.0),
    ]  # fmt: skip
    assert [told.text for told in call.transcript] == ["Friend", "Friend", "Credit card"]


def test_words_around_a_secret_are_told() -> None:
    call, watch = call_of(None, transcribe=True), KeywordWatch()
    caller, _ = call.ears()
    call.speaker.secret_spans = ((10.0, 12.0),)
    hear(watch, caller, recognised("please listen four two seven thank you", 8.0, each=0.8))
    (told,) = call.transcript
    assert told.text == "please you"


def test_a_result_without_words_is_dropped_when_a_secret_was_asked_for() -> None:
    call, watch = call_of(None, transcribe=True), KeywordWatch()
    caller, _ = call.ears()
    call.speaker.secret_spans = ((10.0, 12.0),)
    hear(watch, caller, Recognised((), 11 * SECOND, 13 * SECOND, "segment", "x", True, "4 2 7"))
    hear(watch, caller, Recognised((), 20 * SECOND, 21 * SECOND, "segment", "x", True, "Thanks."))
    assert [told.text for told in call.transcript] == ["Thanks."]


# Transcripts.


def test_what_is_said_is_written_down_with_its_speaker() -> None:
    call, watch = call_of(transcribe=True), KeywordWatch()
    caller, agent = call.ears()
    hear(watch, caller, recognised("hello there", 1.0))
    hear(watch, agent, recognised("good morning", 2.0, mode="segment"))
    assert [(told.leg, told.side, told.start, told.end, told.text) for told in call.transcript] == [
        ("a", "caller", 1.0, 1.76, "Hello there"), ("b1", "agent", 2.0, 2.76, "Good morning"),
    ]  # fmt: skip


def test_only_final_results_are_written_down_and_nothing_twice() -> None:
    call, watch = call_of(transcribe=True), KeywordWatch()
    caller, _ = call.ears()
    hear(watch, caller, recognised("a friend", 1.0, final=False), recognised("a friend told", 1.0))
    hear(watch, caller, recognised("told me to call", 1.8), recognised("told me", 1.8))
    assert [told.text for told in call.transcript] == ["A friend told", "me to call"]


def test_a_campaign_that_is_not_transcribed_has_no_transcript() -> None:
    call = call_of()
    hear(KeywordWatch(), call.ears()[0], recognised("friend"))
    assert call.transcript == []


# Live rules.

ROOF = (KeywordRule("roof", parse_said("roof"), "roof"),)
HAIL = (KeywordRule("hail", parse_said("hail"), "hail"),)


def test_rules_of_a_call_go_before_those_of_its_campaign_and_end_with_it() -> None:
    watch = KeywordWatch()
    first, second = Call(call_of().campaign, "c1"), Call(call_of().campaign, "c2")
    caller, agent = first.ears()
    assert watch.set_rules(ROOF, campaign="x")
    assert watch.set_rules(HAIL, call_id="c1")
    other, _ = second.ears()
    for ear in (caller, agent, other):
        hear(watch, ear, recognised("friend roof hail"))
    assert (first.rules, second.rules) == ([("a", "hail"), ("b1", "hail")], [("a", "roof")])
    first.ended = True
    watch.ended(caller)
    hear(watch, agent, recognised("hail", 10.0))
    assert first.rules[-1] == ("b1", "hail")
    watch.ended(agent)
    hear(watch, agent, recognised("hail roof", 20.0))
    assert first.rules[-1] == ("b1", "roof")


def test_rules_of_a_call_outlive_a_leg_of_which_nothing_was_understood() -> None:
    call, watch = call_of(), KeywordWatch()
    caller, refused = call.ears()
    watch.set_rules(HAIL, call_id="c1")
    watch.ended(refused)
    hear(watch, caller, recognised("hail"))
    assert call.rules == [("a", "hail")]


def test_live_rules_hold_from_the_next_words_on_until_they_are_taken_back() -> None:
    call, watch = call_of(), KeywordWatch()
    caller, _ = call.ears()
    hear(watch, caller, recognised("roof", 1.0))
    watch.set_rules(ROOF, campaign="x")
    hear(watch, caller, recognised("roof friend", 10.0))
    watch.set_rules(None, campaign="x")
    hear(watch, caller, recognised("roof friend", 20.0))
    assert [told.rule for told in call.keywords] == ["roof", "mate"]


def test_live_rules_are_bounded() -> None:
    watch = KeywordWatch()
    assert all(watch.set_rules(ROOF, call_id=str(number)) for number in range(MAX_LIVE))
    assert not watch.set_rules(ROOF, call_id="one more")
    assert watch.set_rules(HAIL, call_id="0")
    assert watch.set_rules(None, call_id="1")
    assert watch.set_rules(ROOF, call_id="one more")


def test_nothing_is_left_of_legs_that_are_over() -> None:
    watch: Any = KeywordWatch()
    for number in range(50):
        call = Call(call_of().campaign, str(number))
        for ear in call.ears():
            hear(watch, ear, recognised("friend"))
            watch.ended(ear)
    assert watch._watched == {}
