"""Who has answered: greetings of persons and machines through the stages of the tick.

Every scene is a leg of its own; the tones stage and the voice stage hear them all at once, on a
clock of their own, and each is asked who it is, as a treatment asks. The limits were chosen on the
tuning set only; the figures are those of the test set.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import numpy as np

from bench.figures import table
from bench.hearing.figure import Figure, at_least, stated
from bench.hearing.greetings import FRAME, Scene, Side, beep_scenes, hard_scenes, scenes
from bench.hearing.spotting import TimedRecogniser
from bench.hearing.stand_ins import FRAME_NS, StandInCall, VirtualLoop, round_of
from config.model import Campaign, Hearing
from media import SAMPLE_RATE
from media.speech.recognition.engines import Engine, RecogniserError, choose_recogniser, load_engine
from media.speech.recognition.recognisers import RecogniserStatus
from softswitch.call.events import BeepHeard, MachineJudged
from softswitch.hearing.ear import Ear
from softswitch.hearing.speech import SpeechStage
from softswitch.hearing.stage import Stage
from softswitch.hearing.tones import ToneStage
from softswitch.hearing.voice import VoiceStage

__all__ = ["run"]

WITHIN: Final = 4.0
LEGS_AT_ONCE: Final = 200
READ_AT_ONCE: Final = 2
"""Legs that answer in the same moment, whose words one worker recognises."""
CROWD: Final = 8
FRAMES: Final = round((WITHIN + 0.5) * 50)
FLOOR_PERCENT, AIM_PERCENT = 90.0, 97.0
VERDICTS: Final = ("human", "machine", "unknown")
Detector = Literal["auto", "energy"]


@dataclass(frozen=True, slots=True)
class Told:
    """What was made of a scene."""

    scene: Scene
    verdict: str
    seconds: float
    why: str

    @property
    def right(self) -> bool:
        """Whether it was the truth."""
        return self.verdict == self.scene.truth


def run(*, quick: bool) -> list[Figure]:
    """Judges the test set, with the network and with loudness alone."""
    heard = list(scenes("test", rounds=2 if quick else 6))
    if not heard:
        return [stated("human / machine", "no synthesiser is installed")]
    figures: list[Figure] = []
    detectors: tuple[Detector, ...] = ("auto", "energy")
    for detector in detectors:
        begun = time.process_time()
        engine, told = judge_all(heard, detector)
        cost = (time.process_time() - begun) / len(told)
        _show("test", engine, told)
        figures += _figures(engine, told, cost, wanted=detector == "auto")
    figures += _hard(quick=quick)
    return figures + _beeps(list(beep_scenes("test", rounds=1 if quick else 4)))


def _hard(*, quick: bool) -> list[Figure]:
    """Greetings whose pauses and lengths mislead, with words and without."""
    heard = list(hard_scenes("test", rounds=1 if quick else 2))
    engine, told = judge_all(heard, "auto")
    _show("hard test", engine, told)
    figures = [stated(f"hard greetings right, {engine}", _percent(told), "%")]
    recogniser = _recogniser()
    if recogniser is None:
        return figures
    engine, told = judge_all(heard, "auto", recogniser)
    _show("hard test", engine, told)
    name = f"hard greetings right within {WITHIN:g} s, {engine}"
    figures.append(at_least(name, _percent(told), "%", FLOOR_PERCENT, AIM_PERCENT))
    figures += _figures(f"{engine}, hard", told, None, wanted=False)[1:]
    crowd = f"hard greetings right, {CROWD} answered in the same moment, {engine}"
    engine, told = judge_all(heard, "auto", recogniser, at_once=CROWD)
    figures.append(stated(crowd, _percent(told), "%"))
    easy = list(scenes("test", rounds=1))
    engine, told = judge_all(easy, "auto", recogniser)
    return figures + _figures(engine, told, None, wanted=True)


def _recogniser() -> Engine | None:
    try:
        return load_engine(choose_recogniser())
    except RecogniserError as error:
        print(f"greetings are not read: {error}")
        return None


class _Worker(TimedRecogniser):
    """The recogniser of the process, ready from the first moment on."""

    def status(self) -> RecogniserStatus:
        """Only `ready` is looked at."""
        return RecogniserStatus(self.engine, 1, 1, 0, 0.0, 0, 0, 0, 0, 0.0, 0.0)


class _Nobody:
    """A sink for words that nobody waits for."""

    def recognised(self, ear: Ear, result: object) -> None:
        """Not of interest."""

    def beginnings(self, ear: Ear) -> tuple[str, ...]:
        """Nothing is listened for."""
        return ()

    def ended(self, ear: Ear) -> None:
        """Nor this."""


def _beeps(heard: Sequence[Scene]) -> list[Figure]:
    """How many beeps are told, how soon, and how many where there is none."""
    delays: list[float] = []
    missed = false = without = 0
    for first in range(0, len(heard), LEGS_AT_ONCE):
        some = heard[first : first + LEGS_AT_ONCE]
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            for scene, told in zip(some, runner.run(_wait_for_beeps(some)), strict=True):
                without += scene.beep_ends is None
                if told is None or scene.beep_ends is None:
                    missed += told is None and scene.beep_ends is not None
                    false += told is not None
                else:
                    delays.append(told - scene.beep_ends)
    found = round(100 * len(delays) / max(len(delays) + missed, 1), 1)
    p50, p90 = np.percentile(delays or [0.0], (50, 90))
    return [
        stated(f"beeps told, of {len(delays) + missed}", found, "%"),
        stated("beeps told after their end, p50 / p90", f"{p50:.2f} / {p90:.2f}", "s"),
        stated(f"beeps told in {without} greetings without", false, ""),
    ]


async def _wait_for_beeps(heard: Sequence[Scene]) -> list[float | None]:
    """When the beep of each scene was told, in seconds from its beginning."""
    loop = cast("VirtualLoop", asyncio.get_running_loop())
    begun, seconds = loop.clock, min(len(scene.samples) for scene in heard) / SAMPLE_RATE
    times: dict[int, float] = {}

    def tell(call: StandInCall, event: object) -> None:
        if isinstance(event, BeepHeard):
            times[call.slot] = loop.clock - begun

    tones, voice = ToneStage(), VoiceStage(loop, Hearing())
    tones.hear_beeps_of(voice.watched)
    await voice.prepare()
    legs = _legs(heard, loop, tell, (tones, voice))
    asking = [asyncio.ensure_future(voice.beep(leg, seconds - 0.1)) for leg in legs]
    await _play(heard, loop, (tones, voice), frames=int(seconds * 50))
    await asyncio.gather(*asking)
    return [times.get(slot) for slot in range(len(heard))]


def _legs(
    heard: Sequence[Scene],
    loop: VirtualLoop,
    tell: Callable[[StandInCall, object], None],
    stages: Sequence[Stage],
) -> list[Any]:
    campaign = Campaign(name="bench", treatment="bench")
    legs = [StandInCall(slot, loop.clock, campaign, tell) for slot in range(len(heard))]
    for leg in legs:
        for stage in stages:
            stage.open(leg.ear)
    return legs


def judge_all(
    heard: Sequence[Scene],
    detector: Detector,
    recogniser: Engine | None = None,
    *,
    at_once: int = READ_AT_ONCE,
) -> tuple[str, list[Told]]:
    """(what listened, the verdict of every scene)."""
    told: list[Told] = []
    engine, at_once = "", LEGS_AT_ONCE if recogniser is None else at_once
    for first in range(0, len(heard), at_once):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            some = heard[first : first + at_once]
            engine, judged = runner.run(_judge(some, detector, recogniser))
            told += judged
    return engine if recogniser is None else f"{engine} and {recogniser.name}", told


async def _judge(
    heard: Sequence[Scene], detector: Detector, recogniser: Engine | None
) -> tuple[str, list[Told]]:
    loop = cast("VirtualLoop", asyncio.get_running_loop())
    verdicts: dict[int, MachineJudged] = {}

    def tell(call: StandInCall, event: object) -> None:
        if isinstance(event, MachineJudged):  # the first: a beep may overturn it later
            verdicts.setdefault(call.slot, event)

    tones, voice = ToneStage(), VoiceStage(loop, Hearing(voice_activity=detector))
    tones.hear_beeps_of(voice.watched)
    await voice.prepare()
    stages: list[Stage] = [tones, voice]
    worker: _Worker | None = None
    if recogniser is not None:
        speech, worker = await _speech(loop, voice, recogniser)
        stages.append(speech)
    legs = _legs(heard, loop, tell, stages)
    asking = [asyncio.ensure_future(voice.judge(leg, WITHIN)) for leg in legs]
    await _play(heard, loop, stages, worker=worker)
    await asyncio.gather(*asking)
    for leg in legs:
        for stage in stages[:2]:
            stage.close(leg.ear)
    told = [
        Told(scene, verdicts[slot].verdict, verdicts[slot].seconds, verdicts[slot].why)
        for slot, scene in enumerate(heard)
    ]
    return voice.detector, told


async def _speech(
    loop: VirtualLoop, voice: VoiceStage, recogniser: Engine
) -> tuple[SpeechStage, _Worker]:
    made: list[_Worker] = []

    def make(_engine: str, on_result: Any, *_rest: object) -> _Worker:
        made.append(_Worker(recogniser, loop, on_result))
        return made[-1]

    speech = SpeechStage(loop, Hearing(), voice, _Nobody(), make=make)
    voice.reader = speech
    await speech.engines.start()
    return speech, made[0]


async def _play(
    heard: Sequence[Scene],
    loop: VirtualLoop,
    stages: Sequence[Stage],
    *,
    frames: int = FRAMES,
    worker: _Worker | None = None,
) -> None:
    sound = np.stack([scene.samples[: frames * FRAME] for scene in heard])
    sound = sound.reshape(len(heard), frames, FRAME)
    lost = np.stack([scene.lost[:frames] for scene in heard])
    for number in range(frames):
        # A frame is heard when its last sample has come and the next tick has drained it.
        start_ns = int(loop.clock * 1e9)
        loop.clock += 0.02
        picture = round_of(sound[:, number], lost[:, number], number * FRAME, start_ns)
        for stage in stages:
            stage.hear(picture)
            stage.after(start_ns + FRAME_NS)
        if worker is not None:
            worker.step()
        # So that whoever waits is told, and deadlines that have come are seen.
        for _ in range(3):
            await asyncio.sleep(0)


def _figures(
    engine: str, told: Sequence[Told], cost: float | None, *, wanted: bool
) -> list[Figure]:
    right = _percent(told)
    name = f"human / machine right within {WITHIN:g} s, {engine}"
    first = at_least(name, right, "%", FLOOR_PERCENT, AIM_PERCENT)
    figures = [first if wanted else stated(name, right, "%")]
    for truth in ("human", "machine"):
        some = [one for one in told if one.scene.truth == truth]
        p50, p90 = np.percentile([one.seconds for one in some], (50, 90))
        figures.append(stated(f"{truth} right, {engine}", _percent(some), "%"))
        figures.append(
            stated(f"{truth}: verdict after, p50 / p90, {engine}", f"{p50:.1f} / {p90:.1f}", "s")
        )
    if cost is not None:
        figures.append(stated(f"cost of a judgement, {engine}", round(cost * 1000, 1), "ms CPU"))
    return figures


def _percent(told: Sequence[Told]) -> float:
    return round(100 * sum(one.right for one in told) / len(told), 1)


def _show(side: str, engine: str, told: Sequence[Told]) -> None:
    print(f"\nWho has answered, by {engine}: {len(told)} greetings of the {side} set\n")
    rows = []
    for truth in ("human", "machine"):
        found = Counter(one.verdict for one in told if one.scene.truth == truth)
        rows.append([truth, *(str(found[verdict]) for verdict in VERDICTS)])
    print(table(["it was", *VERDICTS], rows))
    voices = sorted({one.scene.voice for one in told})
    rows = [
        [voice, f"{_percent([one for one in told if one.scene.voice == voice])}"]
        for voice in voices
    ]
    print(f"\n{table(['voice', 'right, %'], rows)}")


def main(side: Side = "tuning") -> None:
    """Shows what goes wrong, for whoever chooses the limits: on the tuning set."""
    recogniser = _recogniser()
    for name, heard in (
        (side, list(scenes(side, rounds=1))),
        (f"hard {side}", list(hard_scenes(side, rounds=1))),
    ):
        for read in (None, recogniser):
            engine, told = judge_all(heard, "auto", read)
            _show(name, engine, told)
            _show_wrong(told)


def _show_wrong(told: Sequence[Told]) -> None:
    wrong = Counter((one.scene.what[:70], one.verdict, one.why) for one in told if not one.right)
    for (what, verdict, why), times in wrong.most_common():
        print(f"{times:3} x {verdict}, {why}: {what}")


if __name__ == "__main__":
    main()
