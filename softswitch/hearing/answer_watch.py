"""Watches a called leg after its answer: who is it, and has it beeped?

One a leg, from the first question on; a question may come before the leg is heard at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from media.speech.recognition.result import Recognised
from media.voice.answering import AnswerJudge, BeepWatch, Judgement
from softswitch.call.services import Question

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = ["AnswerWatch", "GreetingReader"]

EARLY_NS: Final = 100_000_000
"""What was sent so long before our answer arrived may still be said by whoever answered; what came
before that is early media."""


FRAME_NS: Final = 20_000_000


class GreetingReader(Protocol):
    """Who understands words while they are said."""

    @property
    def ready(self) -> bool:
        """Whether words would come soon."""

    def listen(
        self,
        leg: Leg,
        words: Sequence[str],
        *,
        follow: Callable[[Recognised], None] | None = None,
    ) -> Question:
        """Tell what is said on a leg, as it is understood."""


class AnswerWatch:
    """What is asked about one leg, and what is heard on it meanwhile."""

    def __init__(self, answered_ns: int) -> None:
        self._answered_ns = answered_ns
        self._judge = AnswerJudge()
        self._beep = BeepWatch()
        self._judged: asyncio.Future[Judgement] = asyncio.get_running_loop().create_future()
        self._beeped: asyncio.Future[None] | None = None
        self._begun_ns: int | None = None
        """When the first frame began."""
        self._settled = self._newest = ""
        """Words that are sure, and those after them that may still change."""

    @property
    def judged(self) -> bool:
        """Whether there is a judgement."""
        return self._judged.done()

    def hear(self, *, at_ns: int, voice: bool, beep: bool, skipped: int) -> None:
        """Take a frame that began at `at_ns`."""
        if at_ns < self._answered_ns - EARLY_NS:
            return
        if self._begun_ns is None:
            self._begun_ns = at_ns
        if not self._judged.done():
            judgement = self._judge.hear(voice, skipped=skipped)
            if self._beep.hear(beep=beep, voice=voice, skipped=skipped):
                judgement = self._judge.beep()
            if judgement is not None:
                self._judged.set_result(judgement)
        else:
            self._beep.hear(beep=beep, voice=voice, skipped=skipped)
        if self._beep.came and self._beeped is not None and not self._beeped.done():
            self._beeped.set_result(None)

    @property
    def beeped(self) -> bool:
        """Whether there was a beep and quiet after it."""
        return self._beep.came

    def await_words(self) -> None:
        """Words will be told: they are waited for."""
        self._judge.reads = True

    def read(self, result: Recognised) -> None:
        """Take words; those of windows that overlap come again and again."""
        text = " ".join([word.text for word in result.words])
        if result.final:
            self._settled, self._newest = f"{self._settled} {text}", ""
        else:
            self._newest = text
        if self._judged.done() or self._begun_ns is None:
            return
        until = (result.end_ns - self._begun_ns) // FRAME_NS
        judgement = self._judge.read(f"{self._settled} {self._newest}", until)
        if judgement is not None:
            self._judged.set_result(judgement)

    def leave(self) -> None:
        """The leg is over: no more will be heard."""
        if not self._judged.done():
            self._judged.set_result(Judgement("unknown", "it has hung up"))
        if self._beeped is not None:
            self._beeped.cancel()

    async def judgement(self, within: float) -> Judgement:
        """Who it is: as soon as it is sure, or the likeliest after so many seconds."""
        await asyncio.wait((self._judged,), timeout=max(within, 0.0))
        if not self._judged.done():
            self._judged.set_result(self._judge.out_of_time())
        return self._judged.result()

    async def beep(self, within: float) -> bool:
        """Whether a beep came, and quiet after it, within so many seconds."""
        if self._beep.came:
            return True
        self._beeped = self._beeped or asyncio.get_running_loop().create_future()
        await asyncio.wait((self._beeped,), timeout=max(within, 0.0))
        return self._beeped.done() and not self._beeped.cancelled()
