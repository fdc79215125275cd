"""The rules of one leg, fed with what was recognised of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.model import KeywordRule
from media.speech.recognition.result import Recognised

__all__ = ["Hit", "KeywordMatcher"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule has come true."""

    rule: KeywordRule
    text: str
    """The words as they were recognised."""
    phrases: tuple[str, ...]
    """The phrases of the rule that were found, as the rule has them."""
    start_ns: int
    end_ns: int
    confidence: float


class KeywordMatcher:
    """Matches the rules of one leg; those for the other side are left out by the caller."""

    def __init__(self, rules: Sequence[KeywordRule], *, began_ns: int = 0) -> None:
        """`began_ns`: from when `first_seconds` counts."""

    def feed(self, result: Recognised) -> list[Hit]:
        """What has come true with this result, which may overlap earlier ones."""
        return []

    def finish(self, ended_ns: int) -> list[Hit]:
        """The leg is over: what is only known at its end."""
        return []
