from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from config.model import Campaign, Hearing, KeywordRule, Keywords, Phrase
from media.speech.recognition.result import Recognised
from softswitch.call.end_hold import MAX_HOLD_SECONDS, EndHold
from softswitch.call.events import KeywordHeard, SpeechUnheard, TranscriptAdded
from softswitch.call.services import Utterance
from softswitch.hearing.ear import Ear
from softswitch.hearing.keywords import KeywordWatch
from softswitch.hearing.speech import LAST_WORDS_NS, SpeechStage
from tests.support.ears import FRAME_NS, HeardCall, HeardLeg, one_frame
from tests.support.speakers import ScriptedRecogniser

RULE = KeywordRule("friend", Phrase(("friend",)), "friend")
ROLLING = Campaign("c", "t", keywords=Keywords((RULE,)))
SEGMENT = Campaign("c", "t", keywords=Keywords((RULE,), mode="segment"))
NOTHING = Campaign("c", "t")
LOUD = np.full(160, 1000, np.int16)


class Leg(HeardLeg):
    """A leg that may tell secrets, of a call whose end may be held."""

    secret_spans: tuple[tuple[float, float], ...] = ()

    def secret_during(self, start: float, end: float) -> bool:
        return any(begin < end and start < until for begin, until in self.secret_spans)


class Call(HeardCall):
    call_id = "c1"

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(campaign)
        self.caller = Leg(self, "a", "calling")
        self.callee = Leg(self, "b1", "called")
        self.holds: list[EndHold] = []
        self.released: list[EndHold] = []

    def hold_end(self, what: str) -> EndHold:
        self.holds.append(EndHold(what, self.released.append))
        return self.holds[-1]


class Voices:
    """Says when somebody speaks, as the test wants it."""

    def __init__(self) -> None:
        self.segments: list[Any] = []
        self.ears: dict[Any, Ear] = {}
        self.open: set[Ear] = set()
        self.attended: list[Ear] = []

    def find(self, leg: Any) -> Ear | None:
        return self.ears.get(leg)

    def speaking(self, ear: Ear) -> bool:
        return ear in self.open

    def attend(self, ear: Ear) -> None:
        self.attended.append(ear)

    def dismiss(self, ear: Ear) -> None:
        self.attended.remove(ear)


class Sink:
    def __init__(self) -> None:
        self.results: list[tuple[Ear, Recognised]] = []
        self.over: list[Ear] = []
        self.listened_for: tuple[str, ...] = ()

    def recognised(self, ear: Ear, result: Recognised) -> None:
        self.results.append((ear, result))

    def beginnings(self, ear: Ear) -> tuple[str, ...]:
        return self.listened_for

    def ended(self, ear: Ear) -> None:
        self.over.append(ear)

    @property
    def said(self) -> list[tuple[str, bool]]:
        return [(result.text, result.final) for _, result in self.results]


class Bench:
    """A stage with one recogniser, and legs whose frames pass."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.voices, self.sink = Voices(), Sink()
        self.recognisers: list[ScriptedRecogniser] = []
        self.now_ns = int(loop.time() * 1e9)
        self.level = 0
        self.stage = SpeechStage(
            loop, Hearing(engine="auto"), self.voices, self.sink, make=self._make
        )
        self.stage.engines.own = "whisper"

    def _make(self, _name: str, on_result: Any, _model: object, _count: int) -> ScriptedRecogniser:
        self.recognisers.append(ScriptedRecogniser(on_result))
        return self.recognisers[-1]

    @property
    def recogniser(self) -> ScriptedRecogniser:
        (one,) = self.recognisers
        return one

    def ear(self, campaign: Campaign, slot: int = 0) -> Ear:
        call = Call(campaign)
        ear = Ear(slot, cast("Any", call.caller), campaign, 0)
        self.voices.ears[call.caller] = ear
        self.stage.open(ear)
        return ear

    def speak(self, ear: Ear, frames: int, *, voiced: bool = True) -> None:
        for _ in range(frames):
            self.now_ns += FRAME_NS
            heard = one_frame({ear.slot: LOUD}, {ear.slot: 0}, self.now_ns)
            heard.voiced = np.array([voiced])
            heard.level = self.level
            if voiced and ear not in self.voices.open:
                self.voices.open.add(ear)
                self.stage.on_start(ear, self.now_ns - FRAME_NS)
            self.stage.hear(heard)

    def pause(self, ear: Ear) -> None:
        """The stretch ends."""
        self.speak(ear, 20, voiced=False)
        self.voices.open.discard(ear)
        self.stage.on_end(ear, self.now_ns - 30 * FRAME_NS, self.now_ns)

    def hold_ends(self, ear: Ear) -> tuple[int, int]:
        call = cast("Call", ear.call)
        return len(call.holds), len(call.released)


@pytest.fixture
async def bench() -> Bench:
    return Bench(asyncio.get_running_loop())


async def test_what_is_being_said_is_recognised_while_it_is_said(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 35)
    words = ("a", 0.0, 0.1), ("friend", 0.1, 0.4), ("to", 0.4, 0.6)
    window = bench.recogniser.answer(*words)
    assert (window.purpose, window.final) == ("rolling", False)
    assert bench.sink.said == [("a friend", False)]
    assert bench.sink.results[0][1].mode == "rolling"


async def test_a_word_that_its_window_cuts_is_told_when_more_is_known(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 35)
    bench.recogniser.answer(("a", 0.0, 0.1), ("friend", 0.1, 0.6))
    assert bench.sink.said == [("a", False)]
    bench.speak(ear, 30)
    bench.recogniser.answer(("a", 0.0, 0.1), ("friendly", 0.1, 0.7), ("day", 0.7, 1.2))
    assert bench.sink.said[1:] == [("a friendly", False)]


@pytest.mark.parametrize(("listened_for", "frames"), [("fri", 42), ("can", 60)])
async def test_a_word_that_its_window_cuts_is_soon_looked_at_again_if_it_matters(
    bench: Bench, listened_for: str, frames: int
) -> None:
    bench.sink.listened_for = (listened_for,)
    ear = bench.ear(ROLLING)
    bench.speak(ear, 30)
    first = bench.recogniser.answer(("a", 0.0, 0.1), ("friend", 0.1, 0.6))
    bench.speak(ear, 30)
    again = bench.recogniser.windows[0]
    assert again.end_ns - first.start_ns == frames * FRAME_NS


async def test_a_word_that_matters_and_is_whole_is_not_looked_at_again(bench: Bench) -> None:
    bench.sink.listened_for = ("fri",)
    ear = bench.ear(ROLLING)
    bench.speak(ear, 30)
    bench.recogniser.answer(("friend", 0.0, 0.3))
    bench.speak(ear, 29)
    assert bench.sink.said == [("friend", False)]
    assert bench.recogniser.windows == []


async def test_the_last_result_of_a_stretch_is_final(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 10)
    bench.speak(ear, 1, voiced=False)
    bench.recogniser.answer(("friend", 0.0, 0.2))
    bench.pause(ear)
    assert bench.sink.said == [("friend", False), ("friend", True)]
    assert bench.recogniser.windows == []


async def test_a_result_that_comes_after_the_end_is_final(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 10)
    bench.pause(ear)
    assert bench.sink.said == []
    bench.recogniser.answer(("friend", 0.0, 0.2))
    assert bench.sink.said == [("friend", True)]


async def test_segments_are_recognised_once_at_their_end(bench: Bench) -> None:
    ear = bench.ear(SEGMENT)
    bench.speak(ear, 60)
    assert bench.recogniser.windows == []
    bench.pause(ear)
    window = bench.recogniser.answer(("friend", 0.0, 0.2))
    assert (window.purpose, window.final) == ("segment", True)
    assert window.samples.any()
    assert bench.sink.said == [("friend", True)]


async def test_parts_of_a_long_segment_are_all_told(bench: Bench) -> None:
    ear = bench.ear(SEGMENT)
    bench.speak(ear, 405)
    bench.speak(ear, 1, voiced=False)
    bench.speak(ear, 20)
    bench.pause(ear)
    bench.recogniser.answer(("one", 0.0, 0.2))
    bench.recogniser.answer(("two", 0.0, 0.2))
    assert bench.sink.said == [("one", True), ("two", True)]


async def test_a_call_whose_campaign_wants_nothing_is_not_listened_to(bench: Bench) -> None:
    ear = bench.ear(NOTHING)
    bench.speak(ear, 100)
    bench.pause(ear)
    assert bench.recognisers == []
    bench.stage.close(ear)
    assert bench.sink.over == []


async def test_a_transcript_is_made_of_segments(bench: Bench) -> None:
    ear = bench.ear(replace(NOTHING, transcribe=True))
    bench.speak(ear, 60)
    bench.pause(ear)
    assert bench.recogniser.windows[0].purpose == "segment"


@pytest.mark.parametrize(("level", "purpose"), [(0, "rolling"), (1, "segment")])
async def test_under_overload_rolling_becomes_segment(
    bench: Bench, level: int, purpose: str
) -> None:
    bench.level = level
    ear = bench.ear(ROLLING)
    bench.speak(ear, 60)
    bench.pause(ear)
    assert {window.purpose for window in bench.recogniser.windows} == {purpose}


async def test_recognisers_that_fall_behind_get_segments_until_they_keep_up(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.recogniser.delay_seconds = 2.0
    bench.stage.after(bench.now_ns)
    bench.speak(ear, 60)
    assert bench.recogniser.windows == []
    bench.recogniser.delay_seconds = 0.2
    bench.stage.after(bench.now_ns)
    bench.speak(ear, 1)
    assert [window.purpose for window in bench.recogniser.windows] == ["rolling"]


async def test_another_campaign_may_want_speech_recognised(bench: Bench) -> None:
    ear = bench.ear(NOTHING)
    ear.campaign = SEGMENT
    bench.stage.changed(ear)
    bench.speak(ear, 30)
    bench.pause(ear)
    assert len(bench.recogniser.windows) == 1
    ear.campaign = NOTHING
    bench.stage.changed(ear)
    bench.speak(ear, 30)
    bench.pause(ear)
    assert len(bench.recogniser.windows) == 1


# Words that the recogniser leans to.


async def test_keywords_are_hinted_only_where_the_campaign_says_so(bench: Bench) -> None:
    hinted = replace(SEGMENT, keywords=Keywords((RULE,), mode="segment", hint=True))
    for slot, (campaign, words) in enumerate([(SEGMENT, ()), (hinted, ("friend",))]):
        ear = bench.ear(campaign, slot)
        bench.speak(ear, 30)
        bench.pause(ear)
        assert bench.recogniser.windows.pop().words == words


async def test_keywords_of_the_other_side_are_not_hinted(bench: Bench) -> None:
    agents = replace(RULE, side="agent")
    hinted = replace(SEGMENT, keywords=Keywords((agents,), mode="segment", hint=True))
    ear = bench.ear(hinted)
    bench.speak(ear, 30)
    bench.pause(ear)
    assert bench.recogniser.windows.pop().words == ()


# The end of a leg.


async def test_the_end_of_a_call_waits_for_the_last_words(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 15)
    bench.stage.close(ear)
    assert bench.hold_ends(ear) == (1, 0)
    assert bench.sink.over == []
    bench.recogniser.answer(("friend", 0.0, 0.2))
    assert bench.sink.said == [("friend", True)]
    assert bench.sink.over == [ear]
    assert bench.hold_ends(ear) == (1, 1)


async def test_a_leg_that_said_nothing_ends_at_once(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.stage.close(ear)
    bench.stage.close(ear)
    assert bench.sink.over == [ear]
    assert bench.hold_ends(ear) == (0, 0)


async def test_last_words_that_are_lost_are_not_waited_for(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 15)
    bench.stage.close(ear)
    bench.recogniser.lose()
    assert bench.sink.over == [ear]
    assert bench.hold_ends(ear) == (1, 1)


async def test_last_words_are_given_up_in_time(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 15)
    bench.stage.close(ear)
    late_ns = int(asyncio.get_running_loop().time() * 1e9) + LAST_WORDS_NS + 1
    bench.stage.after(late_ns)
    assert bench.sink.over == [ear]
    assert bench.hold_ends(ear) == (1, 1)
    assert "call c1 leg a: last words were not recognised" in caplog.text
    bench.recogniser.answer(("friend", 0.0, 0.2))
    assert bench.sink.said == []


async def test_last_words_are_not_waited_for_when_they_cannot_come_in_time(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 15)
    bench.recogniser.delay_seconds = LAST_WORDS_NS / 1e9
    bench.stage.close(ear)
    bench.stage.after(int(asyncio.get_running_loop().time() * 1e9))
    assert bench.sink.over == [ear]
    assert bench.hold_ends(ear) == (1, 1)
    assert caplog.text.count("last words") == 1


async def test_a_slot_that_is_used_again_has_nothing_of_the_leg_before(bench: Bench) -> None:
    first = bench.ear(ROLLING)
    bench.speak(first, 15)
    bench.stage.close(first)
    second = bench.ear(SEGMENT)
    bench.speak(second, 30)
    bench.recogniser.answer(("friend", 0.0, 0.2))
    bench.pause(second)
    bench.recogniser.answer(("other", 0.0, 0.2))
    assert [ear for ear, _ in bench.sink.results] == [first, second]


# What is not heard.


def unheard(ear: Ear) -> list[tuple[str, float, str]]:
    told = cast("Call", ear.call).told
    return [
        (event.leg, round(event.end - event.start, 2), event.why)
        for event in told
        if isinstance(event, SpeechUnheard)
    ]


async def test_what_a_recogniser_has_lost_is_told(bench: Bench) -> None:
    ear = bench.ear(SEGMENT)
    bench.speak(ear, 60)
    bench.pause(ear)
    bench.recogniser.lose()
    assert unheard(ear) == [("a", 1.6, "lost")]


async def test_a_lost_part_of_a_long_segment_is_told_and_the_others_are_not(bench: Bench) -> None:
    ear = bench.ear(SEGMENT)
    bench.speak(ear, 405)
    bench.speak(ear, 1, voiced=False)
    bench.speak(ear, 20)
    bench.pause(ear)
    bench.recogniser.lose()
    bench.recogniser.answer(("two", 0.0, 0.2))
    assert unheard(ear) == [("a", 8.12, "lost")]


async def test_a_window_that_a_later_one_covers_is_not_missed(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 35)
    bench.recogniser.lose()
    bench.pause(ear)
    bench.recogniser.answer(("friend", 0.0, 0.2))
    assert unheard(ear) == []


async def test_last_words_that_are_given_up_are_told(bench: Bench) -> None:
    ear = bench.ear(ROLLING)
    bench.speak(ear, 15)
    bench.stage.close(ear)
    bench.stage.after(int(asyncio.get_running_loop().time() * 1e9) + LAST_WORDS_NS + 1)
    assert unheard(ear) == [("a", 0.3, "late")]


async def test_a_leg_whose_speech_is_shed_is_told_for_how_long(bench: Bench) -> None:
    ear, other = bench.ear(ROLLING), bench.ear(NOTHING, 1)
    for level in (1, 2, 3, 1):
        bench.stage.overload(level)
        await asyncio.sleep(0.03)
    bench.stage.overload(2)
    late = bench.ear(ROLLING, 2)
    await asyncio.sleep(0.03)
    for one in (ear, other, late):
        bench.stage.close(one)
    for one, times in ((ear, 2), (other, 0), (late, 1)):
        assert [why for _, _, why in unheard(one)] == ["overload"] * times


async def test_a_leg_that_nobody_can_recognise_is_told(bench: Bench) -> None:
    bench.stage.engines.own = None
    ear = bench.ear(ROLLING)
    await asyncio.sleep(0.03)
    bench.stage.close(ear)
    assert [why for _, _, why in unheard(ear)] == ["no recogniser"]


async def test_recognisers_that_fall_behind_are_told_and_that_they_keep_up_again(
    bench: Bench,
) -> None:
    told: list[tuple[bool, str]] = []
    bench.stage.on_behind = lambda why: told.append((bench.stage.behind, why))
    bench.ear(ROLLING)
    for delay in (0.2, 2.0, 1.8, 0.2, 0.1):
        bench.recogniser.delay_seconds = delay
        bench.stage.after(bench.now_ns)
    assert told == [
        (True, "speech recognition is 2.0 s behind"),
        (False, "speech recognition keeps up again"),
    ]


# Spoken answers.


async def test_a_spoken_answer_is_told_when_it_has_ended(bench: Bench) -> None:
    ear = bench.ear(NOTHING)
    question = bench.stage.listen(ear.leg, ["one", "two"])
    before = question.speaking
    bench.speak(ear, 20)
    assert (before, question.speaking) == (False, True)
    bench.speak(ear, 9, voiced=False)
    window = bench.recogniser.answer(("two", 0.1, 0.4))
    assert (window.purpose, window.words) == ("answer", ("one", "two"))
    bench.pause(ear)
    said = await asyncio.wait_for(question.heard(), 1)
    assert isinstance(said, Utterance)
    assert (said.text, round(said.confidence, 3)) == ("two", 0.9)
    assert said.start < said.end <= bench.now_ns / 1e9
    assert not question.speaking


async def test_somebody_who_speaks_already_is_listened_to_from_then_on(bench: Bench) -> None:
    ear = bench.ear(NOTHING)
    bench.speak(ear, 20)
    bench.stage.listen(ear.leg, ["yes"])
    since_ns = bench.now_ns
    bench.speak(ear, 10)
    bench.pause(ear)
    assert bench.recogniser.windows[0].start_ns == since_ns


async def test_what_is_not_understood_is_an_empty_answer(bench: Bench) -> None:
    ear = bench.ear(NOTHING)
    question = bench.stage.listen(ear.leg, [])
    bench.speak(ear, 20)
    bench.pause(ear)
    assert question.speaking
    bench.recogniser.answer()
    assert (await asyncio.wait_for(question.heard(), 1)).text == ""


async def test_a_question_may_come_before_the_first_packet(bench: Bench) -> None:
    call = Call(NOTHING)
    leg = cast("Any", call.caller)
    question = bench.stage.listen(leg, ["yes"])
    assert not question.speaking
    ear = Ear(0, leg, NOTHING, 0)
    bench.voices.ears[call.caller] = ear
    bench.stage.open(ear)
    bench.speak(ear, 20)
    bench.pause(ear)
    bench.recogniser.answer(("yes", 0.0, 0.3))
    assert (await asyncio.wait_for(question.heard(), 1)).text == "yes"
    assert bench.voices.attended == [ear]
    question.close()
    question.close()
    assert bench.voices.attended == []
    bench.speak(ear, 20)
    bench.pause(ear)
    assert bench.recogniser.windows == []


async def test_answers_are_listened_to_under_the_first_level_of_overload(bench: Bench) -> None:
    bench.level = 1
    ear = bench.ear(ROLLING)
    bench.stage.listen(ear.leg, ["yes"])
    bench.speak(ear, 20)
    bench.pause(ear)
    assert [window.purpose for window in bench.recogniser.windows] == ["answer"]


async def test_secret_words_are_told_to_the_question_and_to_nobody_else(bench: Bench) -> None:
    ear = bench.ear(replace(SEGMENT, transcribe=True))
    bench.stage._sink = KeywordWatch()
    cast("Leg", ear.leg).secret_spans = ((0.0, math.inf),)
    question = bench.stage.listen(ear.leg, [])
    bench.speak(ear, 20)
    bench.pause(ear)
    bench.recogniser.answer(("friend", 0.0, 0.3))
    assert (await asyncio.wait_for(question.heard(), 1)).text == "friend"
    assert cast("Call", ear.call).told == []


async def test_what_is_said_after_a_secret_is_heard_though_it_began_with_it(bench: Bench) -> None:
    ear = bench.ear(replace(SEGMENT, transcribe=True))
    bench.stage._sink = KeywordWatch()
    cast("Leg", ear.leg).secret_spans = ((0.0, bench.now_ns / 1e9 + 0.5),)
    bench.speak(ear, 120)
    bench.pause(ear)
    bench.recogniser.answer(("buddy", 0.1, 0.3), ("my", 1.4, 1.5), ("friend", 1.5, 1.8))
    told = cast("Call", ear.call).told
    texts = [event.text for event in told if isinstance(event, KeywordHeard | TranscriptAdded)]
    assert texts == ["friend", "my friend"]


# Without a recogniser.


async def test_without_a_recogniser_it_is_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.stage.engines.own = None
    assert not bench.stage.engines.available
    for slot in range(3):
        ear = bench.ear(ROLLING, slot)
        bench.speak(ear, 30)
        bench.pause(ear)
        bench.stage.close(ear)
    assert caplog.text.count("no speech recogniser is installed") == 1
    assert bench.stage.engines.unheard == 3


async def test_the_recogniser_is_started_when_it_is_needed_and_stopped(bench: Bench) -> None:
    assert bench.recognisers == []
    bench.ear(ROLLING)
    await asyncio.sleep(0)
    assert bench.recogniser.started
    await bench.stage.engines.stop()
    assert bench.recogniser.stopped
    assert bench.stage.status()["listening"] == 1


async def test_the_recogniser_can_be_started_ahead(bench: Bench) -> None:
    await bench.stage.engines.start()
    assert bench.recogniser.started


def test_last_words_are_given_up_before_the_call_is() -> None:
    assert LAST_WORDS_NS < MAX_HOLD_SECONDS * 1e9


async def test_who_follows_is_told_words_while_they_are_said(bench: Bench) -> None:
    ear = bench.ear(NOTHING)
    told: list[Recognised] = []
    ready = [bench.stage.ready]
    question = bench.stage.listen(ear.leg, (), follow=told.append)
    bench.speak(ear, 35)
    ready.append(bench.stage.ready)
    window = bench.recogniser.answer(("you", 0.0, 0.1), ("have", 0.1, 0.2), ("x", 0.2, 0.5))
    assert window.purpose == "rolling"
    assert [result.text for result in told] == ["you have"]
    assert ready == [False, True]
    question.close()
    left = len(bench.recogniser.windows)
    bench.speak(ear, 35)
    assert len(bench.recogniser.windows) == left
