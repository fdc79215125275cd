"""What is wrong with a configuration: every mistake with its place, all at once.

Knows nothing of YAML or of what the keys mean.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice

from config.model import Location

MAX_REPORTED = 500
"""Mistakes noted before reading stops: such a file is broken in one way all over."""
MAX_CANDIDATES = 1000
"""Words looked at for a suggestion."""
MAX_COMPARED = 50
"""Words compared for a suggestion, letter by letter; each takes some 20 us, and mistakes may be
many."""


@dataclass(frozen=True, slots=True, order=True)
class ConfigError:
    """One mistake, at one place."""

    location: Location
    message: str
    suggestion: str | None = None
    """What was probably meant, as a short sentence; None when there is no good guess."""

    @property
    def file(self) -> str:
        return self.location.file

    @property
    def line(self) -> int:
        return self.location.line

    @property
    def column(self) -> int:
        return self.location.column

    def __str__(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.location}: {self.message}{hint}"


class ConfigErrors(Exception):
    """Every mistake of one configuration, sorted by place."""

    def __init__(self, errors: Iterable[ConfigError], *, complete: bool = True) -> None:
        self.errors = sorted(errors, key=lambda error: (error.location, error.message))
        self.complete = complete
        """Whether reading went to the end; False when there were more than MAX_REPORTED."""
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [str(error) for error in self.errors]
        if not self.complete:
            lines.append(f"... reading stopped after {len(lines)} mistakes")
        return "\n".join(lines)


class TooManyProblemsError(Exception):
    """MAX_REPORTED is reached, and reading has to stop."""


class Problems:
    """Gathers mistakes while reading goes on; the same mistake at one place counts once."""

    def __init__(self) -> None:
        self._errors: dict[tuple[Location, str], ConfigError] = {}
        self._silenced: set[Location] = set()

    def __bool__(self) -> bool:
        return bool(self._errors)

    def __len__(self) -> int:
        return len(self._errors)

    def __iter__(self) -> Iterator[ConfigError]:
        return iter(self._errors.values())

    def add(self, location: Location, message: str, suggestion: str | None = None) -> None:
        """Note a mistake; raises TooManyProblemsError when that was the last to be noted."""
        if location in self._silenced:
            return
        error = ConfigError(location, message, suggestion or None)
        self._errors.setdefault((location, message), error)
        if len(self._errors) >= MAX_REPORTED:
            raise TooManyProblemsError

    def silence(self, location: Location) -> None:
        """Note no more mistakes at a place whose value could not even be made out."""
        self._silenced.add(location)

    def raise_if_any(self) -> None:
        """Raise ConfigErrors with everything noted so far."""
        if self._errors:
            complete = len(self._errors) < MAX_REPORTED
            raise ConfigErrors(self._errors.values(), complete=complete)


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """The nearest candidate as a question, or None when none is near."""
    word = word.lower()[:100]
    known = {candidate.lower(): candidate for candidate in islice(candidates, MAX_CANDIDATES)}
    likely = list(known)
    if len(likely) > MAX_COMPARED:
        # A word with a slip in it still begins and ends as it should.
        likely = nlargest(MAX_COMPARED, likely, key=lambda one: _shared(word, one))
    near = difflib.get_close_matches(word, likely, n=1, cutoff=0.6)
    return f'did you mean "{known[near[0]]}"?' if near else None


def _shared(one: str, other: str) -> int:
    """Letters that two words have in common at their beginning and at their end."""
    return _alike(one, other) + _alike(one[::-1], other[::-1])


def _alike(one: str, other: str) -> int:
    """Letters that two words begin with alike."""
    for count, (letter, other_letter) in enumerate(zip(one, other, strict=False)):
        if letter != other_letter:
            return count
    return min(len(one), len(other))
