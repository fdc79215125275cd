"""A spoken answer that is waited for: what `Ears.listen` gives to a treatment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from media.speech.recognition.result import Recognised
from softswitch.call.leg import Leg
from softswitch.call.services import Utterance

__all__ = ["Questions", "SpokenQuestion"]

MAX_UTTERANCES = 16
"""Of one question that nobody took yet: beyond it the oldest goes."""


class SpokenQuestion:
    """One leg is listened to until `close`."""

    def __init__(
        self,
        leg: Leg,
        words: tuple[str, ...],
        is_speaking: Callable[[Leg], bool],
        on_close: Callable[[SpokenQuestion], None],
        follow: Callable[[Recognised], None] | None = None,
    ) -> None:
        self.leg = leg
        self.words = words
        self.follow = follow
        """Told all that is understood, also what may still change; None: only `heard` is."""
        self._is_speaking = is_speaking
        self._on_close: Callable[[SpokenQuestion], None] | None = on_close
        self._said: asyncio.Queue[Utterance] = asyncio.Queue(MAX_UTTERANCES)

    @property
    def speaking(self) -> bool:
        """Whether a voice is heard now, or what it said is still being recognised."""
        return self._on_close is not None and self._is_speaking(self.leg)

    async def heard(self) -> Utterance:
        """The next utterance, as soon as it is understood."""
        return await self._said.get()

    def close(self) -> None:
        """Listen no more; twice is once."""
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close(self)

    def tell(self, result: Recognised) -> None:
        """Somebody has said something."""
        if self._said.full():
            self._said.get_nowait()
        sure = [word.confidence for word in result.words]
        self._said.put_nowait(
            Utterance(
                text=" ".join([word.text for word in result.words]),
                confidence=sum(sure) / len(sure) if sure else 0.0,
                start=result.start_ns / 1e9,
                end=result.end_ns / 1e9,
            )
        )


class Questions:
    """Those that wait for an answer, by leg."""

    def __init__(self) -> None:
        self._open: dict[Leg, tuple[SpokenQuestion, ...]] = {}

    def of(self, leg: Leg) -> tuple[SpokenQuestion, ...]:
        """Those of a leg, the oldest first."""
        return self._open.get(leg, ())

    def add(self, question: SpokenQuestion) -> None:
        """Another one is asked."""
        self._open[question.leg] = (*self.of(question.leg), question)

    def remove(self, question: SpokenQuestion) -> None:
        """One is closed."""
        left = tuple([one for one in self.of(question.leg) if one is not question])
        if left:
            self._open[question.leg] = left
        else:
            self._open.pop(question.leg, None)
