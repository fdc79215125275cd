"""What a caller replies to a question: a key, or something said, whichever comes first.

Keys always win: one that is pressed before what was said has been acted on is the reply, and what
was said with it is forgotten. A question is cut short by words only when they answer it. Where
nothing recognises speech, or nobody asked for it, only keys count. What words mean is
`ivr.spoken`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from config.model import Prompt
from ivr.spoken import Meant, is_mumbled
from softswitch.call.events import AnswerHeard
from softswitch.call.services import Question, Utterance

if TYPE_CHECKING:
    from ivr.journey import Journey

__all__ = ["Answers", "Replies", "Reply", "tell_answer"]

MAX_SPEAKING_SECONDS = 15.0
"""Who speaks when the time is up is heard out, for so long: nobody reads out more at once, and a
television never ends."""

LOOK_SECONDS = 0.1
"""How often it is looked whether somebody still speaks when the time is up."""

Reply = str | Utterance
"""A key, or what was said."""

Answers = Callable[[Utterance], bool]
"""Whether something that was said answers the question."""


class Replies:
    """The replies of one caller to one node's question, asked as often as it takes.

    `with Replies(...)`: what listens is let go at the end.
    """

    def __init__(self, journey: Journey, words: Sequence[str] | None) -> None:
        """`words` is what the recogniser leans to; None: only keys count."""
        self._journey = journey
        self._words = words
        self._question: Question | None = None
        self._heard: asyncio.Task[Utterance] | None = None

    def __enter__(self) -> Replies:
        return self

    def __exit__(self, *exc: object) -> None:
        self.forget_speech()

    async def to(
        self, question: Prompt, *, barge_in: bool, within: float, answers: Answers
    ) -> Reply | None:
        """Play the question and wait for a reply; None when none came within so many seconds of
        its end."""
        said: Utterance | None = None
        if barge_in and self._listen():
            said = await self._during(question, answers)
        else:
            await self._journey.put(question, barge_in=barge_in)
            self._listen()
        if said is not None and not self._key_waits():
            return said
        return await self.next(within)

    async def next(self, within: float) -> Reply | None:
        """The next reply, or None when none came in time; who speaks then is heard out."""
        call = self._journey.call
        if self._question is None:
            return await call.next_digit(within)
        now = call.services.now
        deadline = now() + within
        while not call.ended and not call.caller.ended:
            remaining = deadline - now()
            speaking = self._question.speaking
            if remaining <= 0 and not (speaking and remaining > -MAX_SPEAKING_SECONDS):
                return None
            heard = await self._wait(remaining if remaining > 0 else LOOK_SECONDS)
            if self._key_waits():
                self.forget_speech()
                return await call.next_digit(within)
            if heard is not None and not is_mumbled(heard.text):
                return heard
        return None

    @property
    def speaking(self) -> bool:
        """Whether the caller speaks now, or what was said is still being recognised."""
        return self._question is not None and self._question.speaking

    def forget_speech(self) -> None:
        """Listen no more; what was said counts no more."""
        question, self._question = self._question, None
        heard, self._heard = self._heard, None
        if heard is not None:
            heard.cancel()
        if question is not None:
            question.close()

    def _listen(self) -> bool:
        """Listen anew, so that nothing said before this counts; False when nobody can."""
        self.forget_speech()
        services = self._journey.call.services
        ears = services.ears
        if self._words is None or ears is None or not ears.understands:
            return False
        self._question = ears.listen(self._journey.call.caller, self._words)
        return True

    def _key_waits(self) -> bool:
        return bool(self._journey.call.caller.keys)

    async def _during(self, question: Prompt, answers: Answers) -> Utterance | None:
        """Play the question until a key or an answer cuts it short; the answer, if it did."""
        call = self._journey.call
        playing = call.services.loop.create_task(self._journey.put(question, barge_in=True))
        try:
            while True:
                hearing = self._hearing()
                await asyncio.wait((playing, hearing), return_when=asyncio.FIRST_COMPLETED)
                if playing.done():
                    playing.result()
                    return None
                said = self._take(hearing)
                if answers(said) and not self._key_waits():
                    call.stop_playing()
                    await playing
                    return said
        finally:
            playing.cancel()

    async def _wait(self, seconds: float) -> Utterance | None:
        """Wait for a key or an utterance; the utterance, if there is one."""
        hearing = self._hearing()
        pressed = asyncio.ensure_future(self._journey.call.caller.keys.wait())
        try:
            await asyncio.wait(
                (hearing, pressed), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            pressed.cancel()
        return self._take(hearing) if hearing.done() else None

    def _hearing(self) -> asyncio.Task[Utterance]:
        """The next utterance; waited for until it comes, so that none is lost between two waits."""
        assert self._question is not None
        if self._heard is None:
            self._heard = self._journey.call.services.loop.create_task(self._question.heard())
        return self._heard

    def _take(self, hearing: asyncio.Task[Utterance]) -> Utterance:
        self._heard = None
        return hearing.result()


def tell_answer(
    journey: Journey, said: Utterance, meant: Meant | None, meaning: str | None
) -> None:
    """Tell what the caller said to a question, and what it was taken for."""
    call = journey.call
    sure = 1.0 if meant is None else meant.sure
    call.emit(
        AnswerHeard,
        leg=call.caller.leg_id,
        text=said.text,
        meaning=meaning,
        confidence=round(said.confidence * sure, 3),
    )
