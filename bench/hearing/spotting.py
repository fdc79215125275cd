"""Legs that say keywords, heard faster than time goes; and what came of it.

The whole way of the sound but for the network: frames of several legs at once through the voice
stage, the speech stage, the recogniser and the matcher, in virtual time: a result comes as much
later as its windows took to recognise, after those before them. One worker serves all legs.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np

from bench.hearing.greetings import pink
from bench.hearing.stand_ins import FRAME_NS, StandInCall, VirtualLoop, round_of
from bench.hearing.tracks import RULES, Track
from config.model import Campaign, Hearing, Keywords, SpeechMode
from media import SAMPLE_RATE
from media.g711 import Samples, decode, encode
from media.keywords.beginnings import beginnings
from media.keywords.matcher import KeywordMatcher
from media.level import active_level
from media.speech.recognition.engines import Engine
from media.speech.recognition.queue import WindowQueue
from media.speech.recognition.recognisers import MAX_BATCH, RecogniserStatus
from media.speech.recognition.result import Recognised
from media.speech.recognition.window import Window
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME
from softswitch.hearing.speech import SpeechStage
from softswitch.hearing.speech_parts import OnResult
from softswitch.hearing.voice import VoiceStage

__all__ = ["CLEAN", "CONDITIONS", "Condition", "Heard", "Track", "hear", "score"]

TALK_SHARE: Final = 0.4
"""Of a leg's time, in the figures of cost."""
SLACK_NS: Final = 600_000_000
"""A hit so near to where the keyword is is of that keyword."""
SAME_NS: Final = 1_500_000_000
"""Mentions so near to each other are one hit."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is done to the sound."""

    name: str
    noise_db: float | None = None
    loss: float = 0.0


CLEAN: Final = Condition("clean")
CONDITIONS: Final = (
    CLEAN,
    Condition("noise 20 dB", 20.0),
    Condition("noise 10 dB", 10.0),
    Condition("noise 20 dB, 2 % loss", 20.0, 0.02),
)


@dataclass(frozen=True, slots=True)
class Said:
    """A keyword in a leg's sound."""

    leg: int
    keyword: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A keyword in a result."""

    leg: int
    keyword: str
    start_ns: int
    end_ns: int
    confidence: float
    at_ns: int
    """When it was known."""


@dataclass(slots=True)
class Heard:
    """What came of a run."""

    said: list[Said]
    mentions: list[Mention]
    seconds: float
    """Of all legs together."""
    talk_seconds: float
    cpu_seconds: float
    windows: int
    superseded: int

    @property
    def cost(self) -> float:
        """CPU-s for a second of a leg that talks 40 % of its time."""
        return self.cpu_seconds / self.talk_seconds * TALK_SHARE


@dataclass(frozen=True, slots=True)
class Score:
    """At one threshold."""

    hits: int
    said: int
    false: int
    hours: float
    delays: tuple[float, ...] = field(repr=False)

    @property
    def share(self) -> float:
        """Of the keywords that were said, in percent."""
        return 100.0 * self.hits / self.said if self.said else 0.0

    @property
    def false_an_hour(self) -> float:
        """All keywords together."""
        return self.false / self.hours

    def delay(self, percent: float) -> float:
        """Seconds from a word's end to its hit."""
        return float(np.percentile(self.delays, percent)) if self.delays else 0.0


class TimedRecogniser:
    """A recogniser in the process, whose results come when a worker's would."""

    def __init__(self, engine: Engine, loop: VirtualLoop, on_result: OnResult) -> None:
        self.engine = engine.name
        self.cpu_seconds = 0.0
        self.windows = self.superseded = 0
        self._recogniser = engine
        self._loop = loop
        self._on_result = on_result
        self._queue = WindowQueue()
        self._busy_until = 0.0
        self._due: list[tuple[float, int, Window, Recognised]] = []

    delay_seconds = 0.0

    async def start(self) -> None:
        """It is ready."""

    async def refusal(self, within: float) -> str:
        """It works."""
        return ""

    async def stop(self) -> None:
        """Nothing runs."""

    def status(self) -> RecogniserStatus:
        """Nobody asks."""
        raise NotImplementedError

    def submit(self, window: Window) -> None:
        """Have a window recognised."""
        for one in self._queue.put(window, self._loop.time()):
            self.superseded += 1
            self._on_result(one, None)

    def step(self) -> None:
        """Let the time be what the loop says."""
        now = self._loop.time()
        while self._due and self._due[0][0] <= now:
            _, _, window, result = heapq.heappop(self._due)
            self._on_result(window, result)
        if len(self._queue) and now >= self._busy_until:
            windows = [window for window, _ in self._queue.take(MAX_BATCH)]
            began = time.process_time()
            results = self._recogniser.recognise(windows)
            spent = time.process_time() - began
            self.cpu_seconds += spent
            self._busy_until = now + spent
            for window, result in zip(windows, results, strict=True):
                self.windows += 1
                heapq.heappush(self._due, (self._busy_until, self.windows, window, result))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to come."""
        return not self._due and not len(self._queue)


class Listener:
    """Takes what is recognised, and finds the keywords in it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.mentions: list[Mention] = []

    def recognised(self, ear: Ear, result: Recognised) -> None:
        """Each result by itself: what is one hit is counted later, for each threshold."""
        at_ns = int(self._loop.time() * 1e9)
        for hit in KeywordMatcher(RULES).feed(result):
            self.mentions.append(
                Mention(ear.slot, hit.rule.name, hit.start_ns, hit.end_ns, hit.confidence, at_ns)
            )

    def beginnings(self, ear: Ear) -> Collection[str]:
        """Of all keywords."""
        return beginnings(RULES)

    def ended(self, ear: Ear) -> None:
        """Nothing is left to be done."""


# The sound.


def _spoiled(track: Track, condition: Condition, seed: int) -> tuple[Samples, np.ndarray[Any, Any]]:
    """The sound as it arrives, and which frames do not."""
    dice = np.random.default_rng(seed)
    sound = track.sound.astype(np.float32) / 32768
    if condition.noise_db is not None:
        level = 10 ** ((active_level(sound) - condition.noise_db) / 20)
        sound = sound + pink(sound.size, dice) * np.float32(level)
    line = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
    frames = line.size // FRAME
    lost = dice.random(frames) < condition.loss
    return decode(encode(line[: frames * FRAME])), lost


# A run.


def hear(
    engine: Engine, tracks: Sequence[Track], condition: Condition, mode: SpeechMode, *, hint: bool
) -> Heard:
    """Play all tracks at once, a leg each."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        return _hear(loop, engine, tracks, condition, mode, hint=hint)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _hear(
    loop: VirtualLoop,
    engine: Engine,
    tracks: Sequence[Track],
    condition: Condition,
    mode: SpeechMode,
    *,
    hint: bool,
) -> Heard:
    listener = Listener(loop)
    made: list[TimedRecogniser] = []

    def make(_name: str, on_result: OnResult, _model: object, _workers: int) -> TimedRecogniser:
        made.append(TimedRecogniser(engine, loop, on_result))
        return made[-1]

    hearing = Hearing(engine=cast("Any", engine.name))
    voice = VoiceStage(loop, hearing)
    stage = SpeechStage(loop, hearing, voice, listener, make=make)
    keywords = Keywords(RULES, mode=mode, hint=hint)
    campaign = Campaign(name="bench", treatment="bench", keywords=keywords)
    calls = [StandInLeg(slot, loop.time(), campaign) for slot in range(len(tracks))]
    loop.run_until_complete(voice.prepare())
    for call in calls:
        voice.open(call.ear)
        stage.open(call.ear)
    loop.run_until_complete(asyncio.sleep(0))
    (recogniser,) = made
    sounds = [_spoiled(track, condition, seed) for seed, track in enumerate(tracks)]
    count = max([len(lost) for _, lost in sounds])
    frames = np.zeros((len(sounds), count, FRAME), np.int16)
    lost = np.zeros((len(sounds), count), np.bool_)
    for leg, (sound, gone) in enumerate(sounds):
        frames[leg, : len(gone)] = sound.reshape(-1, FRAME)
        lost[leg, : len(gone)] = gone
    start_ns = int(loop.clock * 1e9)
    for place in range(count):
        begin_ns = start_ns + place * FRAME_NS
        loop.clock = (begin_ns + FRAME_NS) / 1e9
        heard = round_of(frames[:, place], lost[:, place], place * FRAME, begin_ns)
        voice.hear(heard)
        stage.hear(heard)
        voice.after(begin_ns + FRAME_NS)
        stage.after(begin_ns + FRAME_NS)
        recogniser.step()
    while not recogniser.is_idle:
        loop.clock += 0.02
        recogniser.step()
    said = [
        Said(leg, keyword, start_ns + first * 125_000, start_ns + last * 125_000)
        for leg, track in enumerate(tracks)
        for keyword, first, last in track.said
    ]
    return Heard(
        said,
        listener.mentions,
        sum([track.sound.size for track in tracks]) / SAMPLE_RATE,
        sum([track.talk_seconds for track in tracks]),
        recogniser.cpu_seconds,
        recogniser.windows,
        recogniser.superseded,
    )


class StandInLeg(StandInCall):
    """A leg that tells no secrets and whose events nobody reads."""

    def __init__(self, slot: int, answered: float, campaign: Campaign) -> None:
        super().__init__(slot, answered, campaign, lambda _call, _event: None)

    def secret_during(self, _start: float, _end: float) -> bool:
        """Never."""
        return False


# What came of it.


def score(heard: Heard, threshold: float) -> Score:
    """Hits and false alarms when less sure mentions do not count."""
    left = dict.fromkeys(heard.said)
    hits: list[tuple[Said, int]] = []
    last: dict[tuple[int, str], int] = {}
    false = 0
    found: set[Said] = set()
    for mention in sorted(heard.mentions, key=lambda one: one.at_ns):
        if mention.confidence < threshold:
            continue
        said = next((one for one in left if _is_of(mention, one)), None)
        if said is not None:
            if said not in found:
                found.add(said)
                hits.append((said, mention.at_ns))
            continue
        key = (mention.leg, mention.keyword)
        if key not in last or abs(mention.start_ns - last[key]) > SAME_NS:
            false += 1
        last[key] = mention.start_ns
    delays = tuple([max(0.0, (at_ns - said.end_ns) / 1e9) for said, at_ns in hits])
    return Score(len(hits), len(heard.said), false, heard.seconds / 3600, delays)


def _is_of(mention: Mention, said: Said) -> bool:
    return (
        mention.leg == said.leg
        and mention.keyword == said.keyword
        and mention.start_ns < said.end_ns + SLACK_NS
        and mention.end_ns > said.start_ns - SLACK_NS
    )
