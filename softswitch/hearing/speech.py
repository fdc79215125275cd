"""The stage that hands speech to recognisers, for keywords, transcripts and spoken answers.

The voice stage says when somebody speaks; a plan a stretch says which windows of it are recognised;
workers elsewhere do it. What they understood goes to the sink, and to whoever has asked. Under
overload rolling windows become one a segment, then none. Knows no keywords.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from config.model import Hearing
from media.keywords.beginnings import beginning
from media.speech.recognition.result import Recognised
from media.speech.recognition.window import Purpose, Window
from media.voice.rows import FIRST_ROWS, grown
from softswitch.call.end_hold import MAX_HOLD_SECONDS
from softswitch.call.leg import Leg
from softswitch.call.services import Question
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.sent import sent_beside
from softswitch.hearing.sound_ring import SoundRing
from softswitch.hearing.speech_engines import SpeechEngines
from softswitch.hearing.speech_parts import (
    MakeRecogniser,
    SpeechSink,
    Voices,
    make_recognisers,
)
from softswitch.hearing.speech_plan import Cut, SpeechPlan
from softswitch.hearing.spoken import Questions, SpokenQuestion
from softswitch.hearing.talker import Stretch, Talker
from softswitch.hearing.unheard import LATE, LOST, NOBODY, OVERLOAD, Unheard, tell_unheard

__all__ = ["SpeechSink", "SpeechStage"]

logger = logging.getLogger(__name__)

FRAME_NS = 20_000_000
LAST_WORDS_NS = int((MAX_HOLD_SECONDS - 1.0) * 1e9)
"""How long the end of a leg's speech is waited for: shorter than the end of a call waits."""
NO_ROW = -1


class SpeechStage:
    """Speech of all legs that are listened to."""

    name = "speech"
    shed_at = 2

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hearing: Hearing,
        voices: Voices,
        sink: SpeechSink,
        *,
        make: MakeRecogniser = make_recognisers,
    ) -> None:
        self._loop = loop
        self._voices = voices
        self._sink = sink
        self.engines = SpeechEngines(loop, hearing, make, self._on_result)
        self._ring = SoundRing()
        self._rows = np.full(FIRST_ROWS, NO_ROW, np.intp)
        """[slots] row of the ring."""
        self._talkers: dict[int, Talker] = {}
        """By slot."""
        self._leaving: dict[Talker, int] = {}
        """Talkers whose leg is over, with the time by which their last words are given up."""
        self._stretches: dict[int, Stretch] = {}
        """By the number of their stream."""
        self._streams = 0
        self._questions = Questions()
        self._level = 0
        self.behind = False
        """Whether recognisers do not keep up: segments only."""
        self.on_behind: Callable[[str], None] | None = None
        """Told when that changes, and why."""
        self._shed = False
        self._not_heard = Unheard()
        voices.segments.append(self)

    def status(self) -> dict[str, Any]:
        """How it does, to be shown."""
        return {
            "engine": self.engines.own,
            "listening": len(self._talkers),
            "behind": self.behind,
            "unheard": self.engines.unheard,
            "workers": self.engines.status(),
        }

    @property
    def ready(self) -> bool:
        """Whether what is said now would soon be understood."""
        return self.engines.ready and not (self._level or self.behind)

    def listen(
        self, leg: Leg, words: Sequence[str], *, follow: Callable[[Recognised], None] | None = None
    ) -> Question:
        """Have a leg's speech recognised from now on; `words` is what may be said. `follow` is
        told all of it while it is said."""
        speaking, forget = self._is_speaking, self._forget
        question = SpokenQuestion(leg, tuple(words), speaking, forget, follow)
        self._questions.add(question)
        ear = self._voices.find(leg)
        if ear is not None:
            self._voices.attend(ear)
            self._look(ear)
        return question

    def overload(self, level: int) -> None:
        """The level of overload has changed: from `shed_at` on nothing is heard here."""
        shed, self._shed = self._shed, level >= self.shed_at
        for talker in self._talkers.values() if shed != self._shed else ():
            if self._shed:
                self._not_heard.begin(talker.ear, self._now_ns(), OVERLOAD)
            else:
                self._not_heard.end(talker.ear, self._now_ns())

    # What the tick says.

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on."""
        if ear.slot >= len(self._rows):
            rows = max(2 * len(self._rows), ear.slot + 1)
            self._rows = grown(self._rows, rows, NO_ROW)
        for _ in self._questions.of(ear.leg):
            self._voices.attend(ear)
        self._look(ear)

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign."""
        self._look(ear)

    def hear(self, heard: Heard) -> None:
        """Keep what is heard of those who are listened to, and cut windows from it."""
        self._level = heard.level
        if not self._talkers:
            return
        rows = self._rows[heard.slots]
        wanted = rows != NO_ROW
        self._ring.write(rows[wanted], heard.samples[wanted], heard.times_ns[wanted])
        for place in np.flatnonzero(wanted):
            talker = self._talkers[int(heard.slots[place])]
            if talker.late:
                self._begin(talker, int(heard.times_ns[place]))
            if talker.stretch is not None:
                voiced = heard.voiced is None or bool(heard.voiced[place])
                self._go_on(talker, int(heard.times_ns[place]) + FRAME_NS, voiced=voiced)

    def close(self, ear: Ear) -> None:
        """The leg is over: its last words are recognised; the end of the call waits for them."""
        self._not_heard.end(ear, self._now_ns())
        talker = self._talkers.get(ear.slot)
        if talker is None or talker.ear is not ear:
            return
        if talker.stretch is not None:
            self._end(talker, talker.stretch.heard_ns)
        self._leave(talker)

    def after(self, now_ns: int) -> None:
        """Give up last words that take too long; see whether the recognisers keep up."""
        late = [one for one, until_ns in self._leaving.items() if now_ns >= until_ns]
        calls = {talker.ear.call.call_id: talker.ear.leg_id for talker in late}
        for call_id, leg_id in calls.items():
            logger.warning("call %s leg %s: last words were not recognised", call_id, leg_id)
        for talker in late:
            for stretch in [one for one in self._stretches.values() if one.talker is talker]:
                self._tell_missed(stretch, LATE)
            self._gone(talker)
        if self.engines.any:
            self._look_at_delay()

    # What the voice stage says.

    def on_start(self, ear: Ear, at_ns: int) -> None:
        """Somebody speaks."""
        talker = self._talkers.get(ear.slot)
        if talker is not None and talker.ear is ear:
            self._begin(talker, at_ns)

    def on_end(self, ear: Ear, start_ns: int, end_ns: int) -> None:
        """Nobody speaks any more."""
        talker = self._talkers.get(ear.slot)
        if talker is not None and talker.ear is ear:
            self._end(talker, end_ns)

    # Who is listened to.

    def _look(self, ear: Ear) -> None:
        """Begin or stop to listen to a leg, as is wanted now."""
        talker = self._talkers.get(ear.slot)
        if self._wants(ear):
            if talker is None and not self.engines.prepare(ear):
                self._not_heard.begin(ear, self._now_ns(), NOBODY)
            elif talker is None:
                talker = self._talkers[ear.slot] = Talker(ear, self._ring.take_row())
                self._rows[ear.slot] = talker.row
                talker.late = self._voices.speaking(ear)
                if self._shed:
                    self._not_heard.begin(ear, self._now_ns(), OVERLOAD)
            return
        self._not_heard.end(ear, self._now_ns())
        if talker is not None:
            if talker.stretch is not None:
                self._end(talker, talker.stretch.heard_ns)
            self._leave(talker)

    def _wants(self, ear: Ear) -> bool:
        campaign = ear.campaign
        return (
            campaign.keywords is not None
            or campaign.transcribe
            or bool(self._questions.of(ear.leg))
        )

    def _forget(self, question: SpokenQuestion) -> None:
        """A question is closed."""
        self._questions.remove(question)
        ear = self._voices.find(question.leg)
        if ear is not None:
            self._voices.dismiss(ear)
            self._look(ear)

    def _is_speaking(self, leg: Leg) -> bool:
        ear = self._voices.find(leg)
        if ear is None:
            return False
        talker = self._talkers.get(ear.slot)
        return self._voices.speaking(ear) or (talker is not None and talker.unfinished > 0)

    # Stretches of speech.

    def _begin(self, talker: Talker, at_ns: int) -> None:
        talker.late = False
        if talker.stretch is not None:
            self._end(talker, at_ns)
        self._streams += 1
        stretch = Stretch(
            talker, self._streams, SpeechPlan(at_ns, self._purpose(talker.ear)), at_ns
        )
        talker.stretch = self._stretches[stretch.stream] = stretch
        talker.unfinished += 1

    def _go_on(self, talker: Talker, end_ns: int, *, voiced: bool) -> None:
        stretch = talker.stretch
        assert stretch is not None
        stretch.heard_ns = end_ns
        stretch.plan.purpose = self._purpose(talker.ear)
        cut = stretch.plan.hear(end_ns, voiced=voiced)
        if cut is not None:
            self._submit(stretch, cut)

    def _end(self, talker: Talker, end_ns: int) -> None:
        stretch, talker.stretch = talker.stretch, None
        talker.late = False
        if stretch is None:
            return
        stretch.over = True
        cut = stretch.plan.end(end_ns)
        if cut is not None:
            self._submit(stretch, cut)
        if not stretch.pending:
            self._conclude(stretch)

    def _purpose(self, ear: Ear) -> Purpose:
        questions = self._questions.of(ear.leg)
        if any(one.follow is None for one in questions):
            return "answer"
        keywords = ear.campaign.keywords
        rolls = bool(questions) or (keywords is not None and keywords.mode == "rolling")
        return "rolling" if rolls and not self._level and not self.behind else "segment"

    def _submit(self, stretch: Stretch, cut: Cut) -> None:
        talker = stretch.talker
        samples, start_ns = self._ring.cut(talker.row, cut.start_ns, cut.end_ns)
        engine = self.engines.of(talker.ear)
        if not samples.any() or engine is None:
            return
        stretch.pending += 1
        stretch.asked_ns = max(stretch.asked_ns, cut.end_ns)
        questions = self._questions.of(talker.ear.leg)
        words = talker.words(engine, [word for one in questions for word in one.words])
        sent = sent_beside(talker.ear.leg.player.played, start_ns, samples.size)
        self.engines.named(engine).submit(
            Window(stretch.stream, samples, start_ns, cut.purpose, cut.final, words, sent)
        )

    # What was understood.

    def _on_result(self, window: Window, result: Recognised | None) -> None:
        stretch = self._stretches.get(window.stream)
        if stretch is None:
            return
        stretch.pending -= 1
        if result is not None:
            stretch.known_ns = max(stretch.known_ns, window.end_ns)
            self._take(stretch, window, result)
        elif stretch.plan.is_part(window.end_ns):
            stretch.known_ns = max(stretch.known_ns, window.end_ns)
            tell_unheard(stretch.talker.ear, window.start_ns, window.end_ns, LOST)
        if stretch.over and not stretch.pending:
            self._conclude(stretch)

    def _take(self, stretch: Stretch, window: Window, result: Recognised) -> None:
        plan, ear = stretch.plan, stretch.talker.ear
        if plan.is_part(window.end_ns):
            plan.forget()
            self._tell(ear, replace(result, final=True))
            return
        newest = plan.understood(result)
        if newest is not None and not stretch.over:
            whole = plan.whole(newest)
            if len(whole.words) < len(newest.words):
                self._look_again(stretch, newest, whole)
            self._tell(ear, replace(whole, final=False))
        settled = plan.settle()
        if settled is not None:
            self._tell(ear, replace(settled, final=True))

    def _look_again(self, stretch: Stretch, newest: Recognised, whole: Recognised) -> None:
        """Soon, where words that are not over may be some that are listened for."""
        wanted = self._sink.beginnings(stretch.talker.ear)
        cut = [word.text for word in newest.words if word not in whole.words]
        if any(beginning(text) in wanted for text in cut):
            stretch.plan.look_again(newest.end_ns)

    def _conclude(self, stretch: Stretch) -> None:
        """All of a stretch that will be understood has been."""
        talker = stretch.talker
        del self._stretches[stretch.stream]
        talker.unfinished -= 1
        self._tell_missed(stretch, LOST)
        rest = stretch.plan.rest()
        if rest is not None:
            rest = replace(rest, final=True)
            self._tell(talker.ear, rest)
            for question in self._questions.of(talker.ear.leg):
                question.tell(rest)
        if talker in self._leaving and not talker.unfinished:
            self._gone(talker)

    def _tell(self, ear: Ear, result: Recognised) -> None:
        """What in it is said to a secret question, the sink leaves out."""
        self._sink.recognised(ear, result)
        for question in self._questions.of(ear.leg):
            if question.follow is not None:
                question.follow(result)

    # Ends.

    def _leave(self, talker: Talker) -> None:
        """No more sound of this leg; what it said may still be on its way."""
        slot = talker.ear.slot
        del self._talkers[slot]
        self._rows[slot] = NO_ROW
        self._ring.give_back(talker.row)
        # The recognisers may be so far behind that there is nothing to wait for.
        wait_ns = 0 if self.engines.delay_ns >= LAST_WORDS_NS else LAST_WORDS_NS
        self._leaving[talker] = self._now_ns() + wait_ns
        if talker.unfinished:
            talker.hold = talker.ear.call.hold_end("speech")
        else:
            self._gone(talker)

    def _gone(self, talker: Talker) -> None:
        del self._leaving[talker]
        for stream in [one.stream for one in self._stretches.values() if one.talker is talker]:
            del self._stretches[stream]
        self._sink.ended(talker.ear)
        if talker.hold is not None:
            talker.hold.release()

    def _tell_missed(self, stretch: Stretch, why: str) -> None:
        """What of a stretch nobody has understood, if there is any."""
        start_ns = max(stretch.known_ns, stretch.start_ns)
        tell_unheard(stretch.talker.ear, start_ns, stretch.asked_ns, why)

    def _now_ns(self) -> int:
        return int(self._loop.time() * 1e9)

    def _look_at_delay(self) -> None:
        why = self.engines.change(behind=self.behind)
        if why is not None:
            self.behind = not self.behind
            if self.on_behind is not None:
                self.on_behind(why)
