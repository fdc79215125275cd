"""What is wrong with a configuration: every mistake with its place, all at once.

Knows nothing of YAML or of what the keys mean.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from config.model import Location

MAX_REPORTED = 1000
"""Mistakes kept. A file with more is broken in one way a thousand times; the rest is counted."""


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


class ConfigErrors(Exception):  # noqa: N818 - it carries many errors
    """Every mistake of one configuration, sorted by place."""

    def __init__(self, errors: Iterable[ConfigError], *, left_out: int = 0) -> None:
        self.errors = sorted(errors, key=lambda error: (error.location, error.message))
        self.left_out = left_out
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [str(error) for error in self.errors]
        if self.left_out:
            lines.append(f"... and {self.left_out} more")
        return "\n".join(lines)


class Problems:
    """Gathers mistakes while reading goes on; the same mistake at one place counts once."""

    def __init__(self) -> None:
        self._errors: dict[tuple[Location, str], ConfigError] = {}
        self._left_out = 0

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, location: Location, message: str, suggestion: str | None = None) -> None:
        """Note a mistake; beyond MAX_REPORTED it is only counted."""
        if len(self._errors) >= MAX_REPORTED:
            self._left_out += 1
            return
        self._errors.setdefault(
            (location, message), ConfigError(location, message, suggestion or None)
        )

    def raise_if_any(self) -> None:
        if self._errors:
            raise ConfigErrors(self._errors.values(), left_out=self._left_out)


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """The nearest candidate as a question, or None when none is near."""
    known = {candidate.lower(): candidate for candidate in candidates}
    near = difflib.get_close_matches(word.lower()[:100], known, n=1, cutoff=0.6)
    return f'did you mean "{known[near[0]]}"?' if near else None
