"""Which windows of what a leg says go to the recogniser, and when. Told frames and times; knows no
sound.

Rolling: a window whenever so much more was said, and at each pause. It begins where the stretch of
speech began, later at a word, so that it never grows long. Answer: a window at each pause, so that
it is understood when the pause has become an end. Segment: the whole of a stretch once, at its end;
a long one in parts, cut at pauses. A window that ends in the middle of what is said may end in the
middle of a word (`friend`, of `friendly`): its last word is told with a later one, which comes
sooner where the word may be one that is listened for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from media.speech.recognition.result import Recognised
from media.speech.recognition.window import Purpose

__all__ = ["Cut", "SpeechPlan"]

STEP_NS = 600_000_000
"""Of speech between two rolling windows: half of it is the delay of a word on average."""
MAX_ROLLING_NS = 4_000_000_000
"""Longer windows cost more and tell nothing new of what was said last."""
KEPT_NS = 2_200_000_000
"""What a rolling window keeps of the one before when it moves on: what is unsettled, with enough
before it to be understood."""
UNSETTLED_NS = 700_000_000
AGAIN_NS = 240_000_000
"""A window that ends in the middle of a word that is listened for is followed by one as soon as
this: what is missing of most words."""
TOUCHING_NS = 200_000_000
"""A last word that ends so shortly before its window may go on behind it: times are not exact."""
SQUEEZED_NS = 100_000_000
"""Words that end within so little of a window's end stand in for one that it cuts."""
PART_NS = 8_000_000_000
"""A segment that is so long already ends at the next pause."""
MAX_PART_NS = 12_000_000_000
"""A segment that knows no pause is cut here."""


class Cut(NamedTuple):
    """A window to be made."""

    start_ns: int
    end_ns: int
    purpose: Purpose
    final: bool


class SpeechPlan:
    """One leg's stretch of speech."""

    __slots__ = (
        "_base_ns",
        "_cut_ns",
        "_midway",
        "_paused",
        "_result",
        "_step_ns",
        "_voiced_ns",
        "purpose",
    )

    def __init__(self, start_ns: int, purpose: Purpose) -> None:
        self.purpose: Purpose = purpose
        """May change at any time."""
        self._base_ns = start_ns
        """What comes before has been settled."""
        self._cut_ns = start_ns
        """End of the last window."""
        self._voiced_ns = start_ns
        """End of the last frame in which somebody spoke."""
        self._step_ns = STEP_NS
        """Until the next window."""
        self._paused = False
        self._midway = False
        """Whether the last window ended while somebody spoke."""
        self._result: Recognised | None = None
        """The newest, without what has been settled."""

    @property
    def is_new(self) -> bool:
        """Whether something was said since the last window."""
        return self._voiced_ns > self._cut_ns

    def hear(self, end_ns: int, *, voiced: bool) -> Cut | None:
        """A frame that ends at `end_ns`."""
        pauses = not voiced and not self._paused
        self._paused = not voiced
        if voiced:
            self._voiced_ns = end_ns
        if self.purpose == "segment":
            return self._part(end_ns)
        # A pause right behind a window that ended midway: its last word was not told.
        if not self.is_new and not (pauses and self._midway):
            return None
        steps = self.purpose == "rolling" and end_ns - self._cut_ns >= self._step_ns
        if not steps and not pauses:
            return None
        self._cut_ns = end_ns
        self._step_ns = STEP_NS
        self._midway = not self._paused
        start_ns = max(self._base_ns, end_ns - MAX_PART_NS)
        return Cut(start_ns, end_ns, self.purpose, False)

    def end(self, end_ns: int) -> Cut | None:
        """The stretch is over; the last window, unless the one before has all of it."""
        if not self.is_new:
            return None
        self._cut_ns = end_ns
        start_ns = max(self._base_ns, end_ns - MAX_PART_NS)
        return Cut(start_ns, end_ns, self.purpose, True)

    def understood(self, result: Recognised) -> Recognised | None:
        """What was made of a window: what of it is new to be looked at, and may change still."""
        self._result = _between(result, self._base_ns, result.end_ns)
        return self._result

    def whole(self, result: Recognised) -> Recognised:
        """A result without a last word that may be the begin of a longer one: nothing follows it in
        its window, and somebody spoke on."""
        paused = self._paused and self._voiced_ns < result.end_ns
        if paused or not result.words:
            return result
        last = result.words[-1]
        if last.end_ns + TOUCHING_NS < result.end_ns:
            return result
        until_ns = result.end_ns - SQUEEZED_NS
        words = tuple(
            [
                word
                for word in result.words
                if word.start_ns < last.start_ns and word.end_ns <= until_ns
            ]
        )
        return replace(result, words=words, text=" ".join([word.text for word in words]))

    def look_again(self, end_ns: int) -> None:
        """The window that ends there has ended in the middle of something that matters."""
        if end_ns == self._cut_ns:
            self._step_ns = AGAIN_NS

    def is_part(self, end_ns: int) -> bool:
        """Whether a window that ends there is one that no later one covers."""
        return end_ns <= self._base_ns + 20_000_000

    def forget(self) -> None:
        """What was understood so far has been told."""
        self._result = None

    def settle(self) -> Recognised | None:
        """What no window will have any more, once the stretch has grown long."""
        result = self._result
        if result is None or self._cut_ns - self._base_ns < MAX_ROLLING_NS:
            return None
        # No further than what was understood reaches, less what may still change at its end.
        until = min(self._cut_ns - KEPT_NS, result.end_ns - UNSETTLED_NS)
        if until <= self._base_ns:
            return None
        starts = [word.start_ns for word in result.words if word.start_ns >= until]
        base_ns = min(starts, default=until)
        settled = _between(result, self._base_ns, base_ns)
        self._result = _between(result, base_ns, result.end_ns)
        self._base_ns = base_ns
        return settled

    def rest(self) -> Recognised | None:
        """What is not settled yet, when the stretch is over and understood."""
        return self._result

    def _part(self, end_ns: int) -> Cut | None:
        length = end_ns - self._base_ns
        if length < PART_NS or (length < MAX_PART_NS and not self._paused) or not self.is_new:
            return None
        start_ns, self._base_ns, self._cut_ns = self._base_ns, end_ns, end_ns
        return Cut(start_ns, end_ns, "segment", True)


def _between(result: Recognised, start_ns: int, end_ns: int) -> Recognised:
    """The part of a result whose words lie between two times, by their middle."""
    words = tuple(
        [word for word in result.words if start_ns <= (word.start_ns + word.end_ns) // 2 < end_ns]
    )
    text = result.text if words == result.words else " ".join([word.text for word in words])
    start_ns = max(start_ns, result.start_ns)
    return replace(result, words=words, text=text, start_ns=start_ns, end_ns=end_ns)
