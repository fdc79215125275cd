"""Ears that hear what a test says: in place of the recogniser and of who has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from softswitch.call.leg import Leg
from softswitch.call.services import Utterance


class ScriptedQuestion:
    """Hears what `say` says, until it is closed."""

    def __init__(self, leg: Leg, words: Sequence[str]) -> None:
        self.leg = leg
        self.words = tuple(words)
        self.speaking = False
        self.closed = False
        self._said: asyncio.Queue[Utterance] = asyncio.Queue()

    def say(self, text: str, confidence: float = 0.9) -> None:
        """The utterance is understood now; nobody speaks any more."""
        self.speaking = False
        self._said.put_nowait(Utterance(text, confidence, 0.0, 1.0))

    async def heard(self) -> Utterance:
        return await self._said.get()

    def close(self) -> None:
        self.closed = True


class ScriptedEars:
    """Every question is kept; judgements and beeps come from the test."""

    def __init__(self, *, understands: bool = True) -> None:
        self.understands = understands
        self.questions: list[ScriptedQuestion] = []
        self.verdict = "human"
        self.beeps = True
        self.judged: list[tuple[str, float]] = []
        self.waited: list[tuple[str, float]] = []
        self.judge_seconds = 1.0
        self.beep_seconds = 2.0
        self.beeped_late = False

    @property
    def question(self) -> ScriptedQuestion:
        """The last question, which somebody still listens to."""
        assert self.questions, "nobody listens"
        assert not self.questions[-1].closed, "nobody listens any more"
        return self.questions[-1]

    def listen(self, leg: Leg, words: Sequence[str]) -> ScriptedQuestion:
        self.questions.append(ScriptedQuestion(leg, words))
        return self.questions[-1]

    async def judge(self, leg: Leg, within: float) -> str:
        self.judged.append((leg.leg_id, within))
        await asyncio.sleep(min(self.judge_seconds, within))
        return self.verdict

    async def beep(self, leg: Leg, within: float) -> bool:
        self.waited.append((leg.leg_id, within))
        await asyncio.sleep(min(self.beep_seconds, within))
        return self.beeps

    def overturned(self, leg: Leg) -> bool:
        return self.beeped_late
