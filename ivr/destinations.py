"""Which destinations a connect tries, and in which order.

Conditions and templates are looked at, those that are full are left out, the policy orders the
rest (`softswitch.routing.distribution`). The same for a call and for one that is only thought
through: told the facts, it hands every decision to `decide`. Knows no call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from config.addresses import sip_uri_problem
from config.e164 import normalise
from config.model import Choice, Connect, Destination, Expression, Value
from softswitch.campaign.evaluate import render
from softswitch.campaign.facts import CallFacts, Public
from softswitch.campaign.places import Place, distance_km
from softswitch.routing.distribution import Candidate, DistributionMemory, arrange

__all__ = ["Chosen", "choose_destinations", "name_of"]

Decide = Callable[[str, str, Expression], Value]
"""Evaluates and tells: about, rule, expression."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Destinations in the order they are tried, and why it is this one."""

    destinations: tuple[Destination, ...]
    names: tuple[str, ...]
    inputs: dict[str, Any]
    plain: bool
    """Whether nothing was chosen: all of them, as written."""


def name_of(destination: Destination, called: str) -> str:
    """What records and counts call a destination."""
    return called if destination.kind == "called" else destination.number or ""


def choose_destinations(
    node: Connect,
    facts: CallFacts,
    memory: DistributionMemory,
    *,
    decide: Decide,
    turn: int,
    draw: Callable[[], float],
) -> Chosen:
    """Decide on a connect's destinations; `turn` is how often this step was decided before."""
    choice = node.choice
    called = facts.presented.called
    if choice.policy == "order" and all(map(_is_plain, node.destinations)):
        names = tuple([name_of(one, called) for one in node.destinations])
        return Chosen(node.destinations, names, {}, plain=True)
    inputs: dict[str, Any] = {}
    caller = _callers_place(choice, facts, decide, node.name, inputs)
    found: list[Destination] = []
    candidates: list[Candidate] = []
    passed: list[str] = []
    for written in node.destinations:
        destination = _filled_in(written, facts)
        if destination is None:
            passed.append(str(written.template))
            continue
        name = name_of(destination, called)
        if (
            destination.when is not None
            and decide("destination", name, destination.when) is not True
        ):
            passed.append(name)
            continue
        found.append(destination)
        candidates.append(_candidate(destination, name, choice, caller, facts, memory, decide))
    arranged = arrange(choice.policy, candidates, turn=turn, draw=draw)
    inputs.update(arranged.inputs)
    if passed:
        inputs["passed_over"] = passed
    return Chosen(
        tuple(found[place] for place in arranged.order),
        tuple(candidates[place].name for place in arranged.order),
        inputs,
        plain=choice.policy == "order"
        and len(arranged.order) == len(node.destinations)
        and all(one.kind != "template" for one in node.destinations),
    )


def _is_plain(destination: Destination) -> bool:
    """Whether it is tried whatever the call is and however many calls it has."""
    return (
        destination.when is None
        and destination.template is None
        and destination.kind != "template"
        and destination.max_calls is None
    )


def _candidate(
    destination: Destination,
    name: str,
    choice: Choice,
    caller: Place | None,
    facts: CallFacts,
    memory: DistributionMemory,
    decide: Decide,
) -> Candidate:
    price: Value = None
    if choice.policy == "price" and destination.price is not None:
        price = decide("destination", name, destination.price)
    distance = None
    if caller is not None and destination.place is not None:
        distance = distance_km(caller, destination.place)
        if choice.radius_km is not None and distance > choice.radius_km:
            distance = None
    return Candidate(
        name=name,
        weight=destination.weight,
        price=price if isinstance(price, Decimal) else None,
        distance_km=distance,
        max_calls=destination.max_calls,
        served=memory.served(name),
    )


def _filled_in(destination: Destination, facts: CallFacts) -> Destination | None:
    """A destination with its template filled in; None when that is no number or URI."""
    if destination.template is None:
        return destination
    # Where a call goes is told to everybody: a secret is no destination.
    text = render(destination.template, Public(facts, facts.secrets)).strip()
    if text.lower().startswith("sip:"):
        if sip_uri_problem(text) is not None:
            return None
        return replace(destination, kind="uri", number=text, template=None)
    number = normalise(text, facts.configuration.switch.country)
    if number is None:
        return None
    return replace(destination, kind="number", number=number, template=None)


def _callers_place(
    choice: Choice, facts: CallFacts, decide: Decide, rule: str, inputs: dict[str, Any]
) -> Place | None:
    if choice.policy != "nearest":
        return None
    zip_code = facts.fact("caller.zip")
    if choice.zip is not None:
        keyed = decide("destination", rule, choice.zip)
        zip_code = keyed if isinstance(keyed, str) else zip_code
    located = facts.tables.locate(
        choice.places,
        choice.place_from,
        {
            "zip": _text(zip_code),
            "jip": _text(facts.fact("caller.jip")),
            "area_code": _text(facts.fact("caller.area_code")),
        },
    )
    if located is None:
        inputs["place"] = None
        return None
    source, place = located
    inputs["place"] = {"from": source, "latitude": place[0], "longitude": place[1]}
    return place


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None
