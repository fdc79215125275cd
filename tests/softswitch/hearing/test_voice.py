"""The voice stage: what it tells of legs that speak, fall silent, leave and are judged."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from config.model import Hearing
from media.speech.recognition.result import Recognised, Word
from media.voice.silero import SileroMissing
from media.voice.stretches import LEAD_NS, TRAIL_NS
from media.voice.webrtc import WebrtcMissing
from softswitch.call.events import BeepHeard, MachineJudged, NoiseRose, SpeechHeard, TalkMeasured
from softswitch.call.leg import Leg
from softswitch.hearing import activity
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard
from softswitch.hearing.voice import LATE_SECONDS, VoiceStage
from tests.support.ears import FRAME_NS, HeardCall, HeardLeg, ear, one_frame
from tests.support.voices import has_voice, spoken

LOUD = (3000 * np.sin(np.arange(FRAME) * 0.9)).astype(np.int16)
"""A voice: loud, but for a gap between its syllables."""
SYLLABLE, GAP = 13, 2
STEADY = LOUD // 2
HUM = (40 * np.sin(np.arange(FRAME) * 0.2)).astype(np.int16)
QUIET = np.zeros(FRAME, np.int16)
Frame = NDArray[np.int16]


class Listener:
    """Keeps what it was told of stretches."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def on_start(self, ear: Ear, at_ns: int) -> None:
        self.told.append(("start", ear.leg_id, at_ns))

    def on_end(self, ear: Ear, start_ns: int, end_ns: int) -> None:
        self.told.append(("end", ear.leg_id, start_ns, end_ns))


class Room:
    """A stage that is told frame by frame, on a clock of its own."""

    def __init__(self, hearing: Hearing | None = None) -> None:
        self.stage = VoiceStage(
            asyncio.get_running_loop(), hearing or Hearing(voice_activity="energy")
        )
        self.listener = Listener()
        self.stage.segments.append(self.listener)
        self.now_ns = 1_000_000_000
        self.positions: dict[int, int] = {}
        self.ears: dict[str, Ear] = {}

    def open(self, leg: HeardLeg, slot: int) -> Ear:
        made = self.ears[leg.leg_id] = ear(slot, leg)
        self.positions.setdefault(slot, 800)
        self.stage.open(made)
        return made

    def hear(
        self, frames: dict[int, Frame | None], seconds: float = 0.02, *, level: int = 0, **said: Any
    ) -> Heard:
        """The same frame over and over; returns the last round."""
        heard = self.tick(frames, level, **said)
        for number in range(1, round(seconds * 50)):
            gap = number % (SYLLABLE + GAP) >= SYLLABLE
            heard = self.tick(
                {s: QUIET if gap and f is LOUD else f for s, f in frames.items()}, level, **said
            )
        return heard

    def tick(self, frames: dict[int, Frame | None], level: int, **said: Any) -> Heard:
        self.now_ns += FRAME_NS
        heard = one_frame(frames, self.positions, self.now_ns)
        heard.level = level
        for name, value in said.items():
            setattr(heard, name, np.array(value))
        for slot in frames:
            self.positions[slot] += FRAME
        self.stage.hear(heard)
        self.stage.after(self.now_ns)
        return heard

    def wait(self, seconds: float) -> None:
        """Time in which nothing comes."""
        for _ in range(round(seconds * 50)):
            self.now_ns += FRAME_NS
            self.stage.after(self.now_ns)

    def say(self, slot: int, text: str) -> list[float]:
        samples = spoken(text)
        frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
        likely = []
        for frame in frames:
            heard = self.tick({slot: frame}, 0)
            assert heard.speech_probability is not None
            likely.append(float(heard.speech_probability[0]))
        return likely


def told(call: HeardCall, kind: type) -> list[Any]:
    return [event for event in call.told if isinstance(event, kind)]


def as_leg(leg: HeardLeg) -> Leg:
    return cast("Leg", leg)


async def test_a_stretch_of_speech_is_told_with_lead_and_trail() -> None:
    room, call = Room(), HeardCall()
    room.open(call.caller, 0)
    room.hear({0: QUIET}, 1.0)
    began = room.now_ns
    room.hear({0: LOUD}, 0.5)
    assert room.listener.told == [("start", "a", began - LEAD_NS)]
    assert room.stage.speaking(room.ears["a"])
    ended = room.now_ns
    room.hear({0: QUIET}, 0.5)
    assert room.listener.told[1:] == [("end", "a", began - LEAD_NS, ended + TRAIL_NS)]
    assert not room.stage.speaking(room.ears["a"])


async def test_frames_are_marked_for_the_stages_behind() -> None:
    room, call = Room(), HeardCall()
    room.open(call.caller, 3)
    room.open(call.callee, 1)
    heard = room.hear({1: QUIET, 3: LOUD}, 0.2)
    assert heard.voiced is not None
    assert heard.voiced.tolist() == [False, True]
    assert heard.speech_probability is not None
    assert heard.speech_probability.tolist() == [0.0, 1.0]


async def test_tones_are_no_voice() -> None:
    room, call = Room(), HeardCall()
    room.open(call.caller, 0)
    heard = room.hear({0: LOUD}, 2.0, tonal=[True])
    assert heard.voiced is not None
    assert not heard.voiced[0]
    assert room.listener.told == []


async def test_lost_frames_within_a_word_do_not_end_it_and_many_do() -> None:
    room, call = Room(), HeardCall()
    room.open(call.caller, 0)
    room.hear({0: LOUD}, 0.4)
    room.hear({0: None}, 0.06)
    heard = room.hear({0: LOUD}, 0.02)
    assert heard.voiced is not None
    assert heard.voiced[0]
    room.hear({0: None}, 1.0)
    assert [what for what, *_ in room.listener.told] == ["start", "end"]


async def test_a_leg_that_sends_nothing_while_silent_has_its_stretch_ended() -> None:
    room, call = Room(), HeardCall()
    room.open(call.caller, 0)
    room.hear({0: LOUD}, 0.5)
    room.wait(1.0)
    assert [what for what, *_ in room.listener.told] == ["start", "end"]


async def test_speech_is_an_event_only_where_it_is_listened_to() -> None:
    campaign = replace(HeardCall().campaign, transcribe=True)
    room, plain, heard = Room(), HeardCall(), HeardCall(campaign)
    room.open(plain.caller, 0)
    room.open(heard.caller, 1)
    room.hear({0: LOUD, 1: LOUD}, 1.0)
    room.hear({0: QUIET, 1: QUIET}, 1.0)
    assert told(plain, SpeechHeard) == []
    (event,) = told(heard, SpeechHeard)
    assert (event.start, event.end) == (1.0, 2.0)


async def test_an_ear_is_attended_until_as_often_dismissed() -> None:
    room, call = Room(), HeardCall()
    caller = room.open(call.caller, 0)
    counts = []
    for change in (room.stage.attend, room.stage.attend, room.stage.dismiss, room.stage.dismiss):
        change(caller)
        room.hear({0: LOUD}, 0.5)
        room.hear({0: QUIET}, 0.5)
        counts.append(len(told(call, SpeechHeard)))
    assert counts == [1, 2, 3, 3]


async def test_talk_is_measured_at_the_end_of_the_leg() -> None:
    room, call = Room(), HeardCall()
    caller, callee = room.open(call.caller, 0), room.open(call.callee, 1)
    call.bridged = True
    room.hear({0: QUIET, 1: QUIET}, 1.0)
    room.hear({0: LOUD, 1: QUIET}, 2.0)
    room.hear({0: LOUD, 1: LOUD}, 1.0)
    room.hear({0: QUIET, 1: QUIET}, 1.0)
    room.stage.close(callee)
    room.stage.close(caller)
    theirs, ours = told(call, TalkMeasured)
    assert (theirs.leg, ours.leg) == ("b1", "a")
    assert ours.talk_seconds == pytest.approx(3.1, abs=0.15)
    assert theirs.talk_seconds == pytest.approx(1.1, abs=0.15)
    assert ours.double_talk_seconds == pytest.approx(1.0, abs=0.2)
    assert theirs.double_talk_seconds == pytest.approx(1.0, abs=0.2)
    assert ours.talk_seconds + ours.silence_seconds == pytest.approx(5.0)


async def test_what_was_not_sent_is_silence_of_the_leg() -> None:
    room, call = Room(), HeardCall()
    caller = room.open(call.caller, 0)
    room.hear({0: LOUD}, 1.0)
    room.positions[0] += 50 * FRAME
    room.hear({0: QUIET}, 0.5)
    room.stage.close(caller)
    (talk,) = told(call, TalkMeasured)
    assert talk.talk_seconds + talk.silence_seconds == pytest.approx(2.5)


async def test_who_hears_nobody_talks_double_with_nobody() -> None:
    room, call = Room(), HeardCall()
    caller = room.open(call.caller, 0)
    room.open(call.callee, 1)
    room.hear({0: LOUD, 1: LOUD}, 1.0)
    room.stage.close(caller)
    assert told(call, TalkMeasured)[0].double_talk_seconds == 0.0


async def test_a_leg_that_ends_in_a_word_ends_its_stretch_and_closes_once() -> None:
    room, call = Room(), HeardCall()
    caller = room.open(call.caller, 0)
    room.hear({0: LOUD}, 0.5)
    room.stage.close(caller)
    room.stage.close(caller)
    assert [what for what, *_ in room.listener.told] == ["start", "end"]
    assert len(told(call, TalkMeasured)) == 1
    assert room.stage.find(as_leg(call.caller)) is None
    assert not room.stage.speaking(caller)
    room.stage.dismiss(caller)


async def test_a_leg_that_was_never_heard_has_not_talked() -> None:
    room, call = Room(), HeardCall()
    room.stage.close(room.open(call.caller, 0))
    (talk,) = told(call, TalkMeasured)
    assert (talk.talk_seconds, talk.silence_seconds) == (0.0, 0.0)


async def test_a_slot_that_is_used_again_knows_nothing_of_the_leg_before() -> None:
    room, one, other = Room(), HeardCall(), HeardCall()
    room.stage.close(room.open(one.caller, 0))
    first = room.open(one.callee, 0)
    room.hear({0: LOUD}, 1.0)
    room.stage.close(first)
    second = room.open(other.caller, 0)
    heard = room.hear({0: QUIET})
    assert heard.voiced is not None
    assert not heard.voiced[0]
    room.stage.close(second)
    assert told(other, TalkMeasured)[0].talk_seconds == 0.0


async def test_more_legs_than_rows_are_heard() -> None:
    room, call = Room(), HeardCall()
    room.open(call.caller, 0)
    room.hear({0: LOUD}, 0.2)
    room.open(call.callee, 1000)
    heard = room.hear({1000: LOUD, 0: QUIET}, 0.1)
    assert heard.voiced is not None
    assert heard.voiced.tolist() == [True, True]


async def test_a_rise_of_the_noise_is_told() -> None:
    room, call = Room(), HeardCall()
    room.open(call.caller, 0)
    room.hear({0: HUM}, 8.0)
    room.hear({0: STEADY}, 10.0)
    (event,) = told(call, NoiseRose)
    assert event.level_dbfs > event.before_dbfs + 15


# Who has answered.


def answered(room: Room, call: HeardCall) -> Ear:
    call.callee.answered_clock = asyncio.get_running_loop().time()
    room.now_ns = int(call.callee.answered_clock * 1e9)
    return room.open(call.callee, 1)


async def asked(task: asyncio.Task[Any]) -> None:
    """Let a question that was just asked begin."""
    await asyncio.sleep(0)
    assert not task.done()


async def test_a_hello_is_a_person() -> None:
    room, call = Room(), HeardCall()
    answered(room, call)
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 4.0))
    await asked(verdict)
    room.hear({1: QUIET}, 0.5)
    room.hear({1: LOUD}, 0.5)
    room.hear({1: QUIET}, 1.0)
    assert await verdict == "human"
    (event,) = told(call, MachineJudged)
    assert (event.leg, event.verdict) == ("b1", "human")
    assert 0 <= event.seconds < 4


async def test_early_media_is_nobodys_greeting() -> None:
    room, call = Room(), HeardCall()
    room.open(call.callee, 1)
    loop = asyncio.get_running_loop()
    call.callee.answered_clock = loop.time()
    room.now_ns = int((call.callee.answered_clock - 20.0) * 1e9)
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 0.1))
    await asked(verdict)
    room.hear({1: LOUD}, 10.0)
    assert await verdict == "unknown"


async def test_a_leg_without_sound_is_unknown_when_the_time_is_over() -> None:
    room, call = Room(), HeardCall()
    call.callee.answered_clock = asyncio.get_running_loop().time()
    assert await room.stage.judge(as_leg(call.callee), 0.05) == "unknown"
    (event,) = told(call, MachineJudged)
    assert event.seconds == pytest.approx(0.05, abs=0.5)


async def test_a_leg_that_is_heard_only_after_the_question_is_judged() -> None:
    room, call = Room(), HeardCall()
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 4.0))
    await asked(verdict)
    answered(room, call)
    room.hear({1: LOUD}, 5.0)
    assert await verdict == "machine"


async def test_a_leg_that_hangs_up_is_unknown() -> None:
    room, call = Room(), HeardCall()
    callee = answered(room, call)
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 4.0))
    await asked(verdict)
    room.hear({1: LOUD}, 0.5)
    room.stage.close(callee)
    assert await verdict == "unknown"


async def test_a_beep_while_it_is_judged_is_a_machine_and_is_remembered() -> None:
    room, call = Room(), HeardCall()
    answered(room, call)
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 4.0))
    await asked(verdict)
    room.hear({1: LOUD}, 0.5)
    room.hear({1: QUIET}, 0.2, beep=[False])
    room.hear({1: QUIET}, 0.02, beep=[True])
    room.hear({1: QUIET}, 0.4, beep=[False])
    assert await verdict == "machine"
    assert await room.stage.beep(as_leg(call.callee), 0.0)
    assert len(told(call, BeepHeard)) == 1


async def test_a_beep_is_waited_for_and_the_quiet_after_it() -> None:
    room, call = Room(), HeardCall()
    answered(room, call)
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 4.0))
    await asked(verdict)
    room.hear({1: LOUD}, 5.0)
    assert await verdict == "machine"
    beep = asyncio.create_task(room.stage.beep(as_leg(call.callee), 30.0))
    await asked(beep)
    room.hear({1: LOUD}, 3.0)
    room.hear({1: QUIET}, 0.02, beep=[True])
    room.hear({1: QUIET}, 0.2, beep=[False])
    await asked(beep)
    room.hear({1: QUIET}, 0.2, beep=[False])
    assert await beep
    assert [event.leg for event in told(call, BeepHeard)] == ["b1"]


async def test_no_beep_within_its_time_is_none() -> None:
    room, call = Room(), HeardCall()
    callee = answered(room, call)
    assert not await room.stage.beep(as_leg(call.callee), 0.05)
    waiting = asyncio.create_task(room.stage.beep(as_leg(call.callee), 30.0))
    await asked(waiting)
    room.stage.close(callee)
    assert not await waiting
    assert told(call, BeepHeard) == []


async def test_a_question_that_is_given_up_leaves_nothing_behind() -> None:
    room, call = Room(), HeardCall()
    answered(room, call)
    for question in (
        room.stage.judge(as_leg(call.callee), 4.0),
        room.stage.beep(as_leg(call.callee), 4.0),
    ):
        asking = asyncio.create_task(question)
        await asked(asking)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert room.stage._watches == {}
    assert call.told == []


class Reader:
    """Understands greetings as the test says."""

    ready = True

    def __init__(self) -> None:
        self.follow: Any = None
        self.closed = False

    def listen(self, leg: Leg, words: Any, *, follow: Any = None) -> Any:
        self.follow = follow
        return self

    def close(self) -> None:
        self.closed = True


async def test_words_of_a_greeting_are_waited_for_where_they_are_understood() -> None:
    room, call = Room(), HeardCall()
    reader = Reader()
    room.stage.reader = cast("Any", reader)
    answered(room, call)
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 4.0))
    await asked(verdict)
    begun = room.now_ns
    room.hear({1: LOUD}, 1.5)
    room.hear({1: QUIET}, 1.0)
    await asked(verdict)
    words = tuple([Word(text, begun, begun, 0.9) for text in ("you", "have", "reached")])
    reader.follow(Recognised(words, begun, room.now_ns, "rolling", "scripted", False, ""))
    assert await verdict == "machine"
    assert reader.closed


async def test_without_a_recogniser_that_is_ready_timing_decides() -> None:
    room, call = Room(), HeardCall()
    reader = Reader()
    reader.ready = False
    room.stage.reader = cast("Any", reader)
    answered(room, call)
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 4.0))
    await asked(verdict)
    room.hear({1: LOUD}, 1.5)
    room.hear({1: QUIET}, 1.0)
    assert await verdict == "human"
    assert reader.follow is None


async def taken_for_a_person(room: Room, call: HeardCall) -> None:
    answered(room, call)
    verdict = asyncio.create_task(room.stage.judge(as_leg(call.callee), 4.0))
    await asked(verdict)
    room.hear({1: LOUD}, 0.5)
    room.hear({1: QUIET}, 1.0)
    assert await verdict == "human"
    room.hear({1: LOUD}, 3.0)


def late_beep(room: Room) -> None:
    room.hear({1: QUIET}, 0.02, beep=[True])
    room.hear({1: QUIET}, 0.4, beep=[False])


async def test_a_beep_overturns_a_person_before_the_bridge() -> None:
    room, call = Room(), HeardCall()
    await taken_for_a_person(room, call)
    assert not room.stage.overturned(as_leg(call.callee))
    late_beep(room)
    assert room.stage.overturned(as_leg(call.callee))
    assert [event.verdict for event in told(call, MachineJudged)] == ["human", "machine"]
    assert len(told(call, BeepHeard)) == 1
    assert await room.stage.beep(as_leg(call.callee), 0.0)
    assert len(told(call, BeepHeard)) == 1


async def test_a_beep_in_a_bridge_is_told_and_no_more() -> None:
    room, call = Room(), HeardCall()
    await taken_for_a_person(room, call)
    call.bridged = True
    late_beep(room)
    assert [event.verdict for event in told(call, MachineJudged)] == ["human"]
    assert len(told(call, BeepHeard)) == 1


async def test_beeps_later_than_any_greeting_are_nobodys_business() -> None:
    room, call = Room(), HeardCall()
    await taken_for_a_person(room, call)
    room.wait(LATE_SECONDS)
    late_beep(room)
    assert told(call, BeepHeard) == []
    assert room.stage._watches == {}
    assert room.stage._late == {}


# Better detectors.

needs_silero = pytest.mark.skipif(
    importlib.util.find_spec("silero_vad") is None
    or importlib.util.find_spec("onnxruntime") is None
    or not has_voice(),
    reason="the speech extra (silero, onnxruntime and a voice) is not installed",
)


@needs_silero
async def test_where_speech_matters_noise_is_not_taken_for_it() -> None:
    room, call = Room(Hearing()), HeardCall()
    await room.stage.prepare()
    noise = np.random.default_rng(5).normal(0, 1000, FRAME).astype(np.int16)
    attended, plain = room.open(call.caller, 0), room.open(call.callee, 1)
    room.stage.attend(attended)
    heard = room.hear({0: noise, 1: noise}, 0.2)
    assert heard.speech_probability is not None
    assert heard.speech_probability[0] < 0.3
    assert heard.speech_probability[1] > 0.9
    assert plain is room.stage.find(as_leg(call.callee))
    # Under overload loudness does for all.
    heard = room.hear({0: LOUD, 1: LOUD}, 0.1, level=2)
    assert heard.speech_probability is not None
    assert heard.speech_probability.tolist() == [1.0, 1.0]


@needs_silero
async def test_the_network_hears_people() -> None:
    room, call = Room(Hearing()), HeardCall()
    room.stage.attend(room.open(call.caller, 0))
    await room.stage.prepare()
    likely = room.say(0, "Good morning, I am calling about the car.")
    assert np.mean(np.array(likely) > 0.5) > 0.6
    room.hear({0: QUIET}, 1.0)
    assert len(told(call, SpeechHeard)) == 1


@pytest.mark.skipif(
    importlib.util.find_spec("webrtcvad") is None or not has_voice(),
    reason="the speech extra (webrtcvad and a voice) is not installed",
)
async def test_the_light_detector_hears_people_where_it_is_wished() -> None:
    room, call = Room(Hearing(voice_activity="webrtc")), HeardCall()
    room.stage.attend(room.open(call.caller, 0))
    likely = room.say(0, "Good morning, I am calling about the car.")
    assert set(likely) <= {0.0, 1.0}
    assert np.mean(likely) > 0.6
    assert room.stage.detector == "webrtc"


async def test_a_light_detector_that_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing() -> object:
        raise WebrtcMissing("the package webrtcvad-wheels: not there")

    monkeypatch.setattr(activity, "WebrtcActivity", missing)
    with caplog.at_level(logging.WARNING):
        room, call = Room(Hearing(voice_activity="webrtc")), HeardCall()
    assert "webrtcvad-wheels" in caplog.text
    room.stage.attend(room.open(call.caller, 0))
    heard = room.hear({0: LOUD}, 0.1)
    assert heard.speech_probability is not None
    assert heard.speech_probability[0] == 1.0
    assert room.stage.detector == "energy"


async def test_the_network_rests_where_nothing_stands_out_and_hears_what_does() -> None:
    class Network:
        def __init__(self) -> None:
            self.heard: list[list[int]] = []
            self.forgotten: list[int] = []

        def reset(self, slot: int) -> None:
            self.forgotten.append(slot)

        def hear(self, slots: NDArray[np.intp], floats: NDArray[np.float32]) -> Any:
            self.heard.append(slots.tolist())
            return np.full(len(slots), 0.9, np.float32)

    network = Network()
    room, call = Room(), HeardCall()
    heard_closely = activity.Activity(asyncio.get_running_loop(), "webrtc")
    room.stage._activity = heard_closely
    heard_closely._network = cast("Any", network)
    for slot, leg in enumerate((call.caller, call.callee)):
        room.stage.attend(room.open(leg, slot))
    room.hear({0: LOUD, 1: QUIET}, 1.0)
    assert network.heard[0] == [0, 1]
    assert network.heard[-1] == [0]
    assert network.heard.count([0, 1]) == activity.SLEEP_FRAMES - 1
    network.forgotten.clear()
    heard = room.hear({0: QUIET, 1: LOUD}, 0.1)
    assert network.heard[-1] == [0, 1]
    assert heard.speech_probability is not None
    assert heard.speech_probability.tolist() == pytest.approx([0.9, 0.9])
    # A second in which nothing was sent: the network begins anew.
    room.positions[1] += 60 * FRAME
    room.hear({0: LOUD, 1: LOUD})
    assert network.forgotten == [1]


async def test_no_more_legs_are_heard_closely_than_there_is_time_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(activity, "MAX_CLOSE_LEGS", 1)
    listening = activity.Activity(asyncio.get_running_loop(), "webrtc")
    for slot in (0, 1):
        listening.listen_closely(slot, True)
    assert np.flatnonzero(listening._close).tolist() == [0]
    listening.listen_closely(0, False)
    listening.listen_closely(1, True)
    assert np.flatnonzero(listening._close).tolist() == [1]
    listening.reset(1)
    listening.listen_closely(0, True)
    assert np.flatnonzero(listening._close).tolist() == [0]


async def test_without_the_network_loudness_does_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing() -> object:
        raise SileroMissing("the package silero-vad is not installed")

    monkeypatch.setattr(activity, "find_model", missing)
    room, call = Room(Hearing()), HeardCall()
    with caplog.at_level(logging.WARNING):
        room.stage.attend(room.open(call.caller, 0))
        await room.stage.prepare()
        room.stage.attend(room.open(call.callee, 1))
        await room.stage.prepare()
    assert len(caplog.records) == 1
    heard = room.hear({0: LOUD}, 0.1)
    assert heard.speech_probability is not None
    assert heard.speech_probability[0] == 1.0
