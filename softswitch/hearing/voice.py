"""Who speaks when on each leg, and what follows from it: the voice stage of the tick.

Stretches of speech for those who have them recognised, seconds of talk, a rise of the noise, who
has answered and whether it beeps. What is said is not its business. Tonal frames (the tones stage
says which) are no voice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from config.model import Hearing
from media.voice.noise import LOOKS_A_SECOND, RiseWatch
from media.voice.rows import FIRST_ROWS, grown
from media.voice.stretches import LEAD_NS, TRAIL_NS, Changes, Stretches
from media.voice.talk import TalkMeter
from softswitch.call.events import BeepHeard, MachineJudged, NoiseRose, SpeechHeard, TalkMeasured
from softswitch.hearing.activity import Activity
from softswitch.hearing.answer_watch import AnswerWatch, GreetingReader
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = ["SegmentListener", "VoiceStage"]

UNHEARD: Final = -1
"""In place of the position of a leg's next frame."""
NOISE_STEP_NS: Final = 1_000_000_000 // LOOKS_A_SECOND
FRESH_NS: Final = 500_000_000
"""A leg that has sent nothing for so long has no noise now."""
LATE_SECONDS: Final = 30.0
"""From the answer on, a beep tells that it was a machine after all: longer than most greetings."""


class SegmentListener(Protocol):
    """Who is told of stretches of speech."""

    def on_start(self, ear: Ear, at_ns: int) -> None:
        """Somebody speaks, since `at_ns` (a lead before the first voice included)."""

    def on_end(self, ear: Ear, start_ns: int, end_ns: int) -> None:
        """Nobody speaks any more: a pause long enough has passed, or the leg is over."""


class VoiceStage:
    """Voice activity of all legs."""

    name = "voice"
    shed_at = 3

    def __init__(self, loop: asyncio.AbstractEventLoop, hearing: Hearing) -> None:
        self.segments: list[SegmentListener] = []
        """Told of stretches of speech, in this order."""
        self._loop = loop
        self._activity = Activity(loop, hearing.voice_activity)
        self._stretches = Stretches()
        self._talk = TalkMeter()
        self._noise = RiseWatch()
        self._rows = FIRST_ROWS
        self._noise_ns = 0
        self._first = np.zeros(FIRST_ROWS, np.int64)
        self._next = np.full(FIRST_ROWS, UNHEARD, np.int64)
        self._ears: dict[int, Ear] = {}
        self._by_leg: dict[Leg, Ear] = {}
        self._attended: Counter[Leg] = Counter()
        self._watches: dict[Leg, AnswerWatch] = {}
        self._late: dict[Leg, float] = {}
        """Legs taken for persons, with the time until which a beep would overturn that."""
        self._overturned: set[Leg] = set()
        self.reader: GreetingReader | None = None
        """Who understands greetings; None: they are judged by when somebody speaks alone."""

    # What the tick says.

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on."""
        while ear.slot >= self._rows:
            self._grow()
        for state in (self._activity, self._stretches, self._talk, self._noise):
            state.reset(ear.slot)
        self._next[ear.slot] = UNHEARD
        self._first[ear.slot] = UNHEARD
        self._ears[ear.slot] = self._by_leg[ear.leg] = ear
        self._look(ear)

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign."""
        self._look(ear)

    def hear(self, heard: Heard) -> None:
        """Tell voice from the rest, in one frame of many legs."""
        slots = heard.slots
        skipped = self._skipped(slots, heard.positions)
        counted = _counted(heard)
        likely = self._activity.hear(heard, counted, heard.tonal, skipped)
        changes = self._stretches.hear(slots, likely, heard.times_ns, skipped)
        heard.speech_probability, heard.voiced = likely, changes.voiced
        self._talk.hear(slots, changes.voiced)
        self._tell(slots, changes)
        if self._watches:
            self._watch(heard, skipped)

    def close(self, ear: Ear) -> None:
        """The leg is over: what it was saying ends, and its talk is told."""
        if self._ears.get(ear.slot) is not ear:
            return
        self._end(ear.slot)
        frames = int(self._next[ear.slot] - self._first[ear.slot]) // FRAME
        seconds = self._talk.measured(ear.slot, frames)
        self._emit(
            ear,
            TalkMeasured,
            talk_seconds=seconds.talk,
            silence_seconds=seconds.silence,
            double_talk_seconds=seconds.double,
        )
        watch = self._watches.pop(ear.leg, None)
        if watch is not None:
            watch.leave()
        self._late.pop(ear.leg, None)
        self._overturned.discard(ear.leg)
        self._talk.part(ear.slot)
        self._activity.reset(ear.slot)
        del self._ears[ear.slot], self._by_leg[ear.leg]
        self._attended.pop(ear.leg, None)

    def after(self, now_ns: int) -> None:
        """End what was said on legs that send nothing while nobody speaks."""
        for slot in self._stretches.stale(now_ns):
            self._ended(int(slot), *self._stretches.span(slot))
        if now_ns >= self._noise_ns:
            self._forget_late(now_ns / 1e9)
            self._noise_ns = now_ns + NOISE_STEP_NS
            self._look_at_noise(now_ns)

    def _forget_late(self, now: float) -> None:
        for leg in [leg for leg, until in self._late.items() if now >= until]:
            self._unwatch(leg)

    def _look_at_noise(self, now_ns: int) -> None:
        slots = self._stretches.heard_since(now_ns - FRESH_NS)
        for rise in self._noise.hear(slots, self._activity.floor_db[slots]):
            ear = self._ears.get(rise.slot)
            if ear is not None:
                level, before = round(rise.level_db, 1), round(rise.before_db, 1)
                self._emit(ear, NoiseRose, level_dbfs=level, before_dbfs=before)

    # What others ask.

    def find(self, leg: Leg) -> Ear | None:
        """The ear of a leg, if it has one yet."""
        return self._by_leg.get(leg)

    def speaking(self, ear: Ear) -> bool:
        """Whether a stretch of speech is under way."""
        return self._ears.get(ear.slot) is ear and bool(self._stretches.open[ear.slot])

    @property
    def detector(self) -> str:
        """What hears legs closely: silero, webrtc or energy."""
        return self._activity.engine

    async def prepare(self) -> None:
        """Load what hears legs closely; without it, it is loaded when the first leg needs it."""
        loading = self._activity.load()
        if loading is not None:
            await asyncio.wait((loading,))

    def attend(self, ear: Ear) -> None:
        """What is said on this leg matters from now on; counted."""
        self._attended[ear.leg] += 1
        self._look(ear)

    def dismiss(self, ear: Ear) -> None:
        """It matters to one less."""
        self._attended[ear.leg] -= 1
        if self._attended[ear.leg] <= 0:
            del self._attended[ear.leg]
        self._look(ear)

    async def judge(self, leg: Leg, within: float) -> str:
        """Whether human, machine or unknown has answered: at latest so many seconds after it."""
        watch = self._watched(leg)
        answered = leg.answered_clock
        begun = self._loop.time() if answered is None else answered
        question = None
        if self.reader is not None and self.reader.ready:
            watch.await_words()
            question = self.reader.listen(leg, (), follow=watch.read)
        try:
            judgement = await watch.judgement(begun + within - self._loop.time())
        finally:
            if question is not None:
                question.close()
            if not watch.judged:
                self._unwatch(leg)
        seconds = round(self._loop.time() - begun, 3)
        leg.call.emit(
            MachineJudged,
            leg=leg.leg_id,
            verdict=judgement.verdict,
            seconds=seconds,
            why=judgement.why,
        )
        if judgement.verdict != "machine" and leg in self._watches:
            self._late[leg] = begun + LATE_SECONDS
            self._look(self._by_leg.get(leg))
        return judgement.verdict

    def overturned(self, leg: Leg) -> bool:
        """Whether a beep has come on a leg that was not taken for a machine."""
        return leg in self._overturned

    async def beep(self, leg: Leg, within: float) -> bool:
        """Wait for an answering machine's beep and the quiet after it; whether it came."""
        if leg in self._overturned:
            return True
        watch = self._watched(leg)
        try:
            came = await watch.beep(within)
        finally:
            self._unwatch(leg)
        if came:
            leg.call.emit(BeepHeard, leg=leg.leg_id)
        return came

    # Legs that are watched.

    @property
    def watched(self) -> Collection[Leg]:
        """Legs of which somebody waits to know who answered, or whether it beeps."""
        return self._watches.keys()

    def _watched(self, leg: Leg) -> AnswerWatch:
        watch = self._watches.get(leg)
        if watch is None:
            answered = leg.answered_clock
            clock = self._loop.time() if answered is None else answered
            watch = self._watches[leg] = AnswerWatch(int(clock * 1e9))
            self._look(self._by_leg.get(leg))
        return watch

    def _beeped_late(self, leg: Leg) -> None:
        """It was a machine: not bridged yet, it is judged anew; bridged, it is only told."""
        self._unwatch(leg)
        self._overturned.add(leg)
        leg.call.emit(BeepHeard, leg=leg.leg_id)
        if leg.call.other_leg(leg) is None:
            seconds = round(self._loop.time() - (leg.answered_clock or self._loop.time()), 3)
            verdict, why = "machine", "a beep after all"
            leg.call.emit(MachineJudged, leg=leg.leg_id, verdict=verdict, seconds=seconds, why=why)

    def _unwatch(self, leg: Leg) -> None:
        self._late.pop(leg, None)
        if self._watches.pop(leg, None) is not None:
            self._look(self._by_leg.get(leg))

    def _watch(self, heard: Heard, skipped: NDArray[np.int64] | None) -> None:
        active = self._stretches.active(heard.slots)
        rows = {slot: row for row, slot in enumerate(heard.slots.tolist())}
        for leg, watch in list(self._watches.items()):
            ear = self._by_leg.get(leg)
            row = None if ear is None else rows.get(ear.slot)
            if ear is not None and row is not None:
                watch.hear(
                    at_ns=int(heard.times_ns[row]),
                    voice=bool(active[row]),
                    beep=heard.beep is not None and bool(heard.beep[row]),
                    skipped=0 if skipped is None else int(skipped[row]),
                )
                if leg in self._late and watch.beeped:
                    self._beeped_late(leg)

    # Stretches.

    def _tell(self, slots: NDArray[np.intp], changes: Changes) -> None:
        for row, (start_ns, end_ns) in zip(changes.ended, changes.spans, strict=True):
            self._ended(int(slots[row]), int(start_ns), int(end_ns))
        for row in changes.started:
            self._started(int(slots[row]))

    def _started(self, slot: int) -> None:
        ear = self._ears[slot]
        self._join(ear)
        at_ns = int(self._stretches.start_ns[slot]) - LEAD_NS
        for listener in self.segments:
            listener.on_start(ear, at_ns)

    def _ended(self, slot: int, start_ns: int, end_ns: int) -> None:
        ear = self._ears[slot]
        self._talk.fall_silent(slot)
        if self._matters(ear):
            self._emit(ear, SpeechHeard, start=ear.seconds(start_ns), end=ear.seconds(end_ns))
        for listener in self.segments:
            listener.on_end(ear, start_ns - LEAD_NS, end_ns + TRAIL_NS)

    def _end(self, slot: int) -> None:
        if self._stretches.open[slot]:
            self._stretches.end(slot)
            self._ended(slot, *self._stretches.span(slot))

    def _join(self, ear: Ear) -> None:
        """Both legs of a bridge may talk at once: looked up when one of them begins to."""
        leg = ear.call.other_leg(ear.leg)
        other = None if leg is None else self._by_leg.get(leg)
        if other is None:
            self._talk.part(ear.slot)
        else:
            self._talk.join(ear.slot, other.slot)

    # Odds and ends.

    def _matters(self, ear: Ear) -> bool:
        """Whether somebody wants to know what is said."""
        campaign = ear.campaign
        return campaign.keywords is not None or campaign.transcribe or self._attended[ear.leg] > 0

    def _look(self, ear: Ear | None) -> None:
        if ear is not None and self._ears.get(ear.slot) is ear:
            judging = ear.leg in self._watches and ear.leg not in self._late
            closely = judging or self._matters(ear)
            self._activity.listen_closely(ear.slot, closely)

    def _skipped(
        self, slots: NDArray[np.intp], positions: NDArray[np.int64]
    ) -> NDArray[np.int64] | None:
        """[M] frames that were never sent before this one; None when there are none at all."""
        gap = positions - self._next[slots]
        self._next[slots] = positions + FRAME
        if not gap.any():
            return None
        first = slots[self._first[slots] == UNHEARD]
        self._first[first] = self._next[first] - FRAME
        gap[np.isin(slots, first)] = 0
        return np.asarray(np.maximum(gap, 0) // FRAME)

    def _emit(self, ear: Ear, kind: Any, **facts: Any) -> None:
        ear.call.emit(kind, leg=ear.leg_id, **facts)

    def _grow(self) -> None:
        self._rows *= 2
        for state in (self._activity, self._stretches, self._talk, self._noise):
            state.grow(self._rows)
        self._first = grown(self._first, self._rows, 0)
        self._next = grown(self._next, self._rows, UNHEARD)


def _counted(heard: Heard) -> NDArray[np.bool_]:
    """[M] whether half of the frame arrived and no tone carries it."""
    counted = heard.whole
    if not counted.all():
        counted = 2 * np.count_nonzero(heard.valid, axis=1) >= FRAME
    return counted if heard.tonal is None else counted & ~heard.tonal
