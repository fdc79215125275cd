"""What a recogniser made of a stretch of speech. Times are monotonic nanoseconds."""

from dataclasses import dataclass

__all__ = ["Recognised", "Word"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was understood."""

    text: str
    """Lower case; letters, digits and apostrophes."""
    start_ns: int
    end_ns: int
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """The words of one window. Windows that overlap report the same word again, its times within
    about 0.3 s."""

    words: tuple[Word, ...]
    start_ns: int
    end_ns: int
    mode: str
    """rolling or segment: how it came about."""
    engine: str
    final: bool
    """Whether it is the last result that covers this stretch."""
    text: str
    """As it was understood, with its spelling."""
