"""What the control room knows of reloading: whom it asks, and what it is told.

The composition root implements `Reloads`; a part of the switch that makes something of the
configuration implements `Follower` and is told of each new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from config.model import Configuration

__all__ = ["ConfigurationRefused", "Difference", "Follower", "Mistake", "Reloaded", "Reloads"]


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with a file, and where."""

    file: str
    line: int
    """From 1; 0: the whole file."""
    column: int
    message: str
    suggestion: str | None = None


class ConfigurationRefused(Exception):
    """The configuration cannot be taken into force; the running one stays."""

    def __init__(self, mistakes: Sequence[Mistake], *, complete: bool = True) -> None:
        super().__init__(mistakes[0].message if mistakes else "")
        self.mistakes = tuple(mistakes)
        self.complete = complete
        """Whether these are all."""

    @classmethod
    def because(cls, sentence: str) -> ConfigurationRefused:
        """For one reason that has no place in the file."""
        return cls((Mistake("", 0, 0, sentence),))


class Difference(msgspec.Struct, frozen=True):
    """One thing that is different in a new configuration."""

    section: str
    name: str
    """Of the campaign, number, trunk...; of a section without names, the key."""
    change: str
    """added, removed, changed."""


class Reloaded(msgspec.Struct, frozen=True):
    """What a new configuration has brought."""

    version: str
    """Of the file that was read."""
    before: str
    """The version until now."""
    changes: list[Difference]
    """At most 1000 of them."""
    total: int
    """How many there are."""
    needs_restart: list[str]
    """Keys that are different, and stay as they are until the switch is restarted."""
    seconds: float


class Reloads(Protocol):
    """Reads the configuration again."""

    async def reload(self, *, asked: str, dry_run: bool = False) -> Reloaded:
        """Take the file into force, or with `dry_run` say what that would change; raises
        ConfigurationRefused."""


class Follower(Protocol):
    """A part that makes something of the configuration."""

    async def prepare(self, configuration: Configuration) -> None:
        """Make ready what a configuration needs, before it is in force; the one in force goes on.
        Raises ConfigurationRefused when it cannot be used."""

    def use(self, configuration: Configuration) -> None:
        """It is in force from now on: for calls that come in, not for those in progress. Never
        fails, never waits."""
