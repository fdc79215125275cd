"""A route: the number that was dialled, who serves it, and the walk through its treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from config.e164 import MAX_TEXT, dialled, normalise
from config.model import Configuration, Trunk
from ivr.entry import Entry, enter
from ivr.journey import original_of
from ringpool.lookup import NumberMatch, NumberTable
from softswitch.campaign.tables import Tables
from softswitch.route_test.situation import Given, Situation
from softswitch.route_test.steps import RouteDecision, RouteDestination, RouteNote, Step
from softswitch.route_test.walk import Walk
from softswitch.routing.number_forms import received_number, received_uri

__all__ = ["Route", "route", "zone_of"]

NOT_ACTIVE = 404
BUSY = 486
UNAVAILABLE = 480


@dataclass(frozen=True, slots=True)
class Route:
    """How a call would be served; `refusal` is set when it would not be."""

    caller: str
    called: str
    number: str | None = None
    pattern: str | None = None
    campaign: str | None = None
    publisher: str | None = None
    pool: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    at: str | None = None
    """The moment, by the campaign's clock."""
    served_by: str | None = None
    """Campaign whose treatment it gets, when that is another: of a syndicated one the original."""
    treatment: str | None = None
    first_node: str | None = None
    steps: tuple[Step, ...] = ()
    """Decisions, notes and destinations, in the order they come."""
    refusal: int | None = None
    why: str | None = None

    @property
    def destinations(self) -> tuple[RouteDestination, ...]:
        """Destinations it may come to."""
        return tuple(step for step in self.steps if isinstance(step, RouteDestination))

    @property
    def decisions(self) -> tuple[RouteDecision, ...]:
        """What was decided on the way."""
        return tuple(step for step in self.steps if isinstance(step, RouteDecision))

    @property
    def notes(self) -> tuple[RouteNote, ...]:
        """What was taken for granted."""
        return tuple(step for step in self.steps if isinstance(step, RouteNote))

    def as_dict(self) -> dict[str, Any]:
        """One object for JSON."""
        found = {
            name: getattr(self, name)
            for name in (
                "caller", "called", "number", "pattern", "campaign", "publisher", "pool", "at",
                "served_by", "treatment", "first_node", "refusal", "why",
            )
        }  # fmt: skip
        found["parameters"] = dict(self.parameters)
        for name in ("decisions", "notes", "destinations"):
            found[name] = [msgspec.to_builtins(one) for one in getattr(self, name)]
        return found

    def lines(self) -> list[str]:
        """The same for people, a fact a line."""
        facts = [("from", self.caller), ("to", self.called)]
        if self.number is not None:
            pattern = "" if self.pattern == self.number else f" (by {self.pattern})"
            facts.append(("number", f"{self.number}{pattern}"))
            facts.append(("campaign", self.campaign or ""))
            facts.append(("publisher", self.publisher or "none"))
            facts.append(("pool", self.pool or "none"))
            facts.extend(("parameter", f"{name} = {value}") for name, value in self.parameters)
            facts.append(("at", self.at or ""))
        if self.served_by is not None:
            facts.append(("served by", self.served_by))
        facts.extend(step.fact() for step in self.steps if step.before_treatment)
        if self.treatment is not None:
            facts.append(("treatment", self.treatment))
            facts.append(("first step", self.first_node or "none"))
        facts.extend(step.fact() for step in self.steps if not step.before_treatment)
        if self.refusal is not None:
            facts.append(("refused", f"{self.refusal}: {self.why}"))
        return [f"{name + ':':<13}{value}" for name, value in facts]


def zone_of(configuration: Configuration, called: str, trunk: Trunk | None = None) -> str:
    """The zone whose clock a call to this number goes by: its campaign's hours', else the
    switch's."""
    called = called.strip()
    match = NumberTable(configuration).find(
        called if trunk is None else received_uri(called, trunk)
    )
    if match is None:
        return configuration.switch.time_zone
    campaign = configuration.campaigns[match.campaign]
    hours = configuration.hours.get(campaign.hours or "")
    return configuration.switch.time_zone if hours is None else hours.time_zone


def route(
    configuration: Configuration,
    *,
    caller: str,
    called: str,
    at: float = 0.0,
    answers: Mapping[str, str] | None = None,
    keys: Sequence[str] = (),
    trunk: Trunk | None = None,
) -> Route:
    """Follow a call from `caller` to `called` (numbers, or SIP or tel URIs) without calling.

    `at` is UTC in seconds. `answers` are what the caller answers, by node; a name with a dot is a
    fact (`lookup.bid.price`). `keys` are pressed at menus, one after the other; a menu without a
    key is followed along all of its choices. `trunk` is the one it comes in by, whose numbers are
    read as it writes them.
    """
    caller, called = caller.strip()[:MAX_TEXT], called.strip()
    if trunk is not None and trunk.numbers is not None:
        numbers = trunk.numbers
        called = received_uri(called, trunk)
        caller = received_number(dialled(caller), numbers.receive_caller, numbers.country)
    match = NumberTable(configuration).find(called)
    caller = normalise(caller, configuration.switch.country) or caller
    if match is None:
        return Route(caller, called, refusal=NOT_ACTIVE, why="the number is not active")
    given = Given(dict(answers or {}), tuple(keys))
    by = "" if trunk is None else trunk.name
    situation = Situation(configuration, Tables(configuration), match, caller, at, given, by)
    return _route(configuration, match, situation, caller, at)


def _route(
    configuration: Configuration, match: NumberMatch, situation: Situation, caller: str, at: float
) -> Route:
    campaign = configuration.campaigns[match.campaign]
    original = original_of(configuration, campaign)
    walk = Walk(configuration, situation, match)
    entry = enter(
        configuration, campaign, situation.facts, fraud=lambda _one: None, note=walk.note_entry
    )
    refusal, why = _refusal(match, entry)
    treatment = None
    if refusal is None and entry.treatment is not None:
        treatment = configuration.treatments[entry.treatment]
        walk.follow(treatment, original)
        refusal, why = walk.refusal
    clock = ZoneInfo(situation.facts.tables.time_zone(campaign))
    return Route(
        caller=caller,
        called=match.called,
        number=match.number,
        pattern=match.pattern,
        campaign=campaign.name,
        publisher=match.publisher,
        pool=match.pool,
        parameters=tuple(match.binding.items()),
        at=datetime.fromtimestamp(at, UTC).astimezone(clock).strftime("%Y-%m-%d %H:%M %Z"),
        served_by=None if original.name == campaign.name else original.name,
        treatment=None if treatment is None else treatment.name,
        first_node=walk.first_node,
        steps=tuple(walk.steps),
        refusal=refusal,
        why=why,
    )


def _refusal(match: NumberMatch, entry: Entry) -> tuple[int | None, str | None]:
    if match.refuse is not None:
        return match.refuse, "the number only takes the signalling (refuse)"
    if entry.treatment is not None:
        return None, None
    told = {
        "blocked": "the caller is blocked",
        "closed": "the campaign is closed, and has no after_hours",
        "out_of_region": "the caller is in none of the regions, and there is no outside",
    }
    heard = {"ring": ", who hears ringing", "announcement": ", who hears an announcement"}
    status = BUSY if entry.then == "busy" else UNAVAILABLE
    return status, told.get(entry.why, entry.why) + heard.get(entry.then, "")
