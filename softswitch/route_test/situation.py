"""What is known at a place of a walk: facts that can be parted where the ways do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.model import Campaign, Configuration, Value
from ringpool.lookup import NumberMatch
from softswitch.campaign.facts import CallFacts, PresentedFacts
from softswitch.campaign.history import NoHistory
from softswitch.campaign.tables import Tables

__all__ = ["Given", "Situation"]


@dataclass(frozen=True, slots=True)
class Given:
    """What whoever asks says of the caller."""

    answers: Mapping[str, str]
    keys: tuple[str, ...]


class Situation:
    """The facts so far, and the keys that are still to be pressed."""

    def __init__(
        self,
        configuration: Configuration,
        tables: Tables,
        match: NumberMatch,
        caller: str,
        at: float,
        given: Given,
        trunk: str = "",
    ) -> None:
        self._configuration = configuration
        self._tables = tables
        self._match = match
        self._caller = caller
        self._at = at
        self._trunk = trunk
        self._set: list[tuple[str, Value]] = []
        self.given = given
        self.keys = given.keys
        self.facts = self._facts(configuration.campaigns[match.campaign])
        for name, value in given.answers.items():
            if "." in name:
                self.set(name, value)

    def _facts(self, campaign: Campaign) -> CallFacts:
        match = self._match
        presented = PresentedFacts(
            caller=self._caller,
            called_number=match.number,
            called=match.called,
            received_at=self._at,
            publisher=match.publisher,
            pool=match.pool,
            parameters=match.binding,
            trunk=self._trunk,
        )
        return CallFacts(
            self._configuration, campaign, presented, self._tables, NoHistory(), lambda: self._at
        )

    def set(self, name: str, value: Value) -> None:
        """Make a value known from here on."""
        self._set.append((name, value))
        self.facts.set(name, value)

    def parted(self) -> Situation:
        """The same, for one of several ways."""
        other = Situation.__new__(Situation)
        other._configuration = self._configuration
        other._tables = self._tables
        other._match = self._match
        other._caller = self._caller
        other._at = self._at
        other._trunk = self._trunk
        other._set = []
        other.given = self.given
        other.keys = self.keys
        other.facts = other._facts(self.facts.campaign)
        for name, value in self._set:
            other.set(name, value)
        return other
