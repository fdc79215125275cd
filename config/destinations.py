"""Destinations: whom a connect calls, when, and at what price."""

import re

from config import hints
from config.addresses import sip_uri_problem
from config.document import Scalar, Sequence, Tree
from config.e164 import normalise
from config.errors import did_you_mean
from config.expression import AMOUNT, CONDITION, TEMPLATE
from config.kinds import TRUNK_NAME, integer, ring_time
from config.model import Destination
from config.reading import (
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    read_fields,
    scalar,
    section_kind,
)

_DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,8})?\Z")


# Whom.


def _read_number(tree: Tree, reading: Reading) -> Destination:
    says = NUMBER_KIND.says
    if not isinstance(tree, Scalar):
        raise RefusedError(f"expected {says}, {describe(tree)}")
    text = tree.text.strip()
    if text.lower() == "called":
        return Destination("called", location=tree.location)
    if "{" in text:
        template = TEMPLATE.read(tree, reading)
        if template.constant is None:
            return Destination("template", template=template, location=tree.location)
        text = template.constant
    if text.lower().startswith(("sip:", "sips:")):
        problem = sip_uri_problem(text)
        if problem is not None:
            raise RefusedError(problem)
        return Destination("uri", text, location=tree.location)
    number = normalise(text, reading.country)
    if number is None:
        suggestion = did_you_mean(text, ("called",))
        raise RefusedError(f"expected {says}, {describe(tree)}", suggestion=suggestion)
    return Destination("number", number, location=tree.location)


NUMBER_KIND = Kind("a phone number, a SIP URI, or called", _read_number, hints.SCALAR)


# How long, where.


RING_TIME = ring_time("1 s", "10 min")


def _degrees(text: str, limit: float) -> float:
    value = float(text) if _DEGREES.match(text) else None
    if value is None or abs(value) > limit:
        raise ValueError(text)
    return value


def _place(text: str) -> tuple[float, float]:
    latitude, comma, longitude = text.partition(",")
    if not comma:
        raise ValueError(text)
    return _degrees(latitude.strip(), 90.0), _degrees(longitude.strip(), 180.0)


_PLACE_TEXT = scalar('latitude and longitude in degrees, such as "33.45, -112.07"', _place)


def _read_place(tree: Tree, reading: Reading) -> tuple[float, float]:
    if isinstance(tree, Sequence) and len(tree.items) == 2:
        texts = [item.text if isinstance(item, Scalar) else "" for item in tree.items]
        return _PLACE_TEXT.read(Scalar(tree.file, tree.mark, ",".join(texts)), reading)
    return _PLACE_TEXT.read(tree, reading)


PLACE = Kind(_PLACE_TEXT.says, _read_place)


class DestinationKeys:
    """Keys of a destination."""

    NUMBER = Key(
        "number",
        NUMBER_KIND,
        "Whom to call. `called` is the number the caller dialled, kept as it was. A template, such "
        "as `{lookup.bid.number}`, is filled in for each call; what is no number then is passed "
        "over.",
        required=True,
        example="+1 602 555 1234",
    )
    TRUNK = Key(
        "trunk",
        TRUNK_NAME,
        "Trunk it is reached by. A SIP URI goes to its own host unless a trunk is named here.",
        otherwise="the campaign's",
        example="carrier",
    )
    RING_TIME = Key(
        "ring_time",
        RING_TIME,
        "How long it may ring.",
        otherwise="the connect's",
        example="20 s",
    )
    WHEN = Key(
        "when",
        CONDITION,
        "It is called only when this holds: an agent's schedule, say.",
        otherwise="always",
        example='weekday in ["sat", "sun"]',
    )
    WEIGHT = Key(
        "weight",
        integer(1, 1000),
        "Its share of the calls, with `choose: weighted`.",
        default="1",
        example="3",
    )
    PRICE = Key(
        "price",
        AMOUNT,
        "What it pays for the call, with `choose: price`.",
        otherwise="nothing",
        example="12.50",
    )
    MAX_CALLS = Key(
        "max_calls",
        integer(1, 100_000),
        "Calls it takes at once, counted by this node; while it has so many it is passed over.",
        otherwise="no limit",
        example="2",
    )
    PLACE = Key(
        "place",
        PLACE,
        "Where it is, for the step nearest.",
        otherwise="unknown",
        example='"33.45, -112.07"',
    )


DESTINATION = Section(
    "a destination",
    "One place a connect tries.",
    keys_of(DestinationKeys),
    short="its number alone",
    example="connect:\n  to:\n    - +1 602 555 1234\n"
    "    - {number: +1 602 555 9999, trunk: backup, ring_time: 4 rings}",
)


def _read_destination(tree: Tree, reading: Reading) -> Destination:
    if isinstance(tree, Scalar):
        return _read_number(tree, reading)
    keys = DestinationKeys
    fields = read_fields(tree, DESTINATION, reading)
    found = fields[keys.NUMBER]
    fields.need_condition(keys.WHEN, reading)
    return Destination(
        found.kind,
        found.number,
        trunk=fields.get(keys.TRUNK),
        ring_seconds=fields.get(keys.RING_TIME),
        when=fields.get(keys.WHEN),
        weight=fields[keys.WEIGHT],
        price=fields.get(keys.PRICE),
        max_calls=fields.get(keys.MAX_CALLS),
        place=fields.get(keys.PLACE),
        template=found.template,
        location=found.location,
    )


DESTINATION_KIND = section_kind(DESTINATION, _read_destination)
