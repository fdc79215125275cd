"""Who has answered: a person says a little and waits, a machine talks on.

Judged from when somebody speaks in the first seconds after the answer, 20 ms at a time, as early
as it is sure: how long the greeting is, how long the pauses within it are and the one after it,
whether there was a beep. Where the words are recognised too, they come first: an announcement may
pause like a person, and a person greet as long as an announcement.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from media.voice.greeting_words import Said, said_by

__all__ = ["AnswerJudge", "BeepWatch", "Judgement"]

WORD_FRAMES: Final = 3
"""Less in a row is a click, not a word."""
LONG_FRAMES: Final = 170
"""From 3.4 s on hardly a person goes on (the longest greetings of firms take that)."""
PAUSE_FRAMES: Final = 40
"""After its greeting a person waits for an answer; a machine goes on earlier than 0.8 s."""
SENTENCE_PAUSE_FRAMES: Final = 10
"""A pause like this within a greeting stands between two sentences."""
TWO_SENTENCES_FRAMES: Final = 90
"""A greeting with such a pause in it is a machine's when it is this long."""
LIKELY_LONG_FRAMES: Final = 125
"""What goes on for so long when there is no time left is taken to go on."""
LIKELY_PAUSE_FRAMES: Final = 12
"""A pause this long when there is no time left is taken to last."""
ASKED_PAUSE_FRAMES: Final = 20
"""After a question a person is waiting."""
GREETING_PAUSE_FRAMES: Final = 50
"""After a mere hello; an announcement goes on a little earlier."""
PATIENT_FRAMES: Final = 65
"""Where words may still follow: longer than announcements pause between their sentences."""
RECENT_FRAMES: Final = 50
TELLING_WORDS: Final = 5
"""Most announcements say what they are in so many words: who has not by the end of the time, with
what was said until a second ago understood, is rather a person."""
COVERED_FRAMES: Final = 15
"""Words that reach so near to the end of the greeting are all of it."""


class Judgement(NamedTuple):
    """Who it is and what it was told by."""

    verdict: Literal["human", "machine", "unknown"]
    why: str


class AnswerJudge:
    """Judges one leg from its answer on."""

    def __init__(self) -> None:
        self._frames = 0
        self._row = 0
        """Frames of voice in a row."""
        self._first: int | None = None
        """Frame in which the greeting began."""
        self._last = 0
        """Frame after its last voice."""
        self._longest_pause = 0
        self.reads = False
        """Whether words are recognised, and worth being waited for."""
        self._said = Said.ANYONE
        self._words = 0
        self._read_until = 0
        """Frame up to which words are known."""

    def hear(self, voice: bool, *, skipped: int = 0) -> Judgement | None:
        """Take a frame, after `skipped` that were never sent; a judgement as soon as it is sure."""
        self._frames += skipped + 1
        self._row = self._row + 1 if voice else 0
        if self._row >= WORD_FRAMES:
            self._voice()
        return self._judge()

    def read(self, text: str, until_frame: int) -> Judgement | None:
        """Take all words of the greeting that are understood so far."""
        self._said = said_by(text)
        self._words = len(text.split())
        self._read_until = max(self._read_until, until_frame)
        return self._judge()

    def beep(self) -> Judgement:
        """A beep was heard."""
        return Judgement("machine", "a beep")

    def out_of_time(self) -> Judgement:
        """The likeliest, now that there is no more time."""
        if self._first is None:
            return Judgement("unknown", "no voice")
        if self._said in _PERSONS:
            return Judgement("human", "its words")
        if self._two_sentences:
            return Judgement("machine", "several sentences")
        if self._understood:
            return Judgement("human", "no words of a machine")
        if self._pause >= LIKELY_PAUSE_FRAMES:
            return Judgement("human", "a greeting and a pause")
        if self._span >= LIKELY_LONG_FRAMES:
            return Judgement("machine", "a long greeting")
        return Judgement("human", "a short greeting")

    def _voice(self) -> None:
        begin = self._frames - self._row
        if self._first is None:
            self._first = begin
        elif self._row == WORD_FRAMES:
            self._longest_pause = max(self._longest_pause, begin - self._last)
        self._last = self._frames

    @property
    def _span(self) -> int:
        return self._last - (self._first or 0)

    @property
    def _pause(self) -> int:
        return self._frames - self._last

    @property
    def _two_sentences(self) -> bool:
        long = self._span >= TWO_SENTENCES_FRAMES
        return long and self._longest_pause >= SENTENCE_PAUSE_FRAMES

    @property
    def _understood(self) -> bool:
        """Whether enough words are known for a machine to have told itself by them."""
        return self._read_until >= self._last - RECENT_FRAMES and self._words >= TELLING_WORDS

    def _judge(self) -> Judgement | None:
        if self._said is Said.MACHINE:
            return Judgement("machine", "its words")
        if self._first is None:
            return None
        if self.reads:
            return self._judge_by_words()
        if self._two_sentences:
            return Judgement("machine", "several sentences")
        if self._span >= LONG_FRAMES:
            return Judgement("machine", "a long greeting")
        if self._pause >= PAUSE_FRAMES:
            return Judgement("human", "a greeting and a pause")
        return None

    def _judge_by_words(self) -> Judgement | None:
        """How long it speaks tells nothing until there is no time left: words may still come."""
        understood = self._read_until >= self._last - COVERED_FRAMES
        if self._said is Said.HUMAN and self._pause >= ASKED_PAUSE_FRAMES:
            return Judgement("human", "its words")
        if understood and self._said is Said.GREETING and self._pause >= GREETING_PAUSE_FRAMES:
            return Judgement("human", "its words")
        if self._pause >= PATIENT_FRAMES:
            return Judgement("human", "a greeting and a pause")
        return None


_PERSONS: Final = frozenset((Said.HUMAN, Said.LIKELY_HUMAN))

QUIET_FRAMES: Final = 15
"""300 ms of quiet after a beep: it records now."""
TALK_FRAMES: Final = 10
"""A beep that is talked over was part of a tune. Less than 200 ms may be how it rings out."""


class BeepWatch:
    """Waits for a beep and the quiet after it."""

    def __init__(self) -> None:
        self._quiet: int | None = None
        """Frames of quiet since a beep; None: none was heard."""
        self._voice = 0
        """Frames of voice since then."""

    @property
    def came(self) -> bool:
        """Whether a beep was heard and it was quiet since."""
        return self._quiet is not None and self._quiet >= QUIET_FRAMES

    def hear(self, *, beep: bool, voice: bool, skipped: int = 0) -> bool:
        """Take a frame, after `skipped` that were never sent; whether it has come."""
        if beep:
            self._quiet = self._voice = 0
        elif self._quiet is not None and voice:
            self._quiet = 0
            self._voice += 1
            if self._voice >= TALK_FRAMES:
                self._quiet = None
        elif self._quiet is not None:
            self._quiet += 1 + skipped
        return self.came
