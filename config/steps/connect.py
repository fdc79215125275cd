"""The steps that call destinations: connect, ring_group and nearest."""

import re
from typing import Literal

from config.caller_ids import CALLER_ID
from config.destinations import DESTINATION_KIND, RING_TIME
from config.document import Scalar, Table, Tree
from config.expression import EXPRESSION
from config.header_names import HEADER_NAME, HEADER_VALUE
from config.kinds import (
    BOOLEAN,
    PLACES_NAME,
    TONE_PLAN,
    duration,
    integer,
    list_of,
    mapping_of,
    one_of,
)
from config.model import (
    Choice,
    Connect,
    Destination,
    DistributionPolicy,
    Location,
    Node,
    PlaceSource,
)
from config.prompts import PROMPT_KIND
from config.reading import (
    Fields,
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    scalar,
)
from config.steps.accept import ACCEPT_KIND
from config.steps.lists import STEPS
from config.steps.send import DTMF

MAX_HEADERS = 20
"""Header fields of one INVITE beside our own: an INVITE over UDP has to stay below 64 kB."""
MAX_AT_ONCE = 10
"""Telephones that ring at once for one call: each is a leg with a media port."""

KM_IN_A_MILE = 1.609344

Strategy = Literal["sequential", "simultaneous"]

_MAX_TIME = duration("1 s", "24 h")
_DISTANCE = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?) *(km|miles|mile|mi)\Z")
POLICIES: tuple[DistributionPolicy, ...] = (
    "order", "round_robin", "weighted", "price", "conversion", "availability", "least_used",
)  # fmt: skip
_STRATEGIES: tuple[Strategy, ...] = ("simultaneous", "sequential")
_PLACE_SOURCES: tuple[PlaceSource, ...] = ("zip", "jip", "area_code")


# Kinds of value.


def _distance(text: str) -> float:
    match = _DISTANCE.match(text.strip().lower())
    if match is None or float(match[1]) == 0:
        raise ValueError(text)
    return round(float(match[1]) * (1.0 if match[2] == "km" else KM_IN_A_MILE), 3)


DISTANCE = scalar('a distance such as "50 km" or "30 miles"', _distance)


HEADERS = mapping_of(HEADER_VALUE, most=MAX_HEADERS, noun="header field", name=HEADER_NAME)


# Keys.


def _read_policy(tree: Tree, reading: Reading) -> DistributionPolicy:
    if isinstance(tree, Scalar) and tree.text.strip().lower() == "nearest":
        raise RefusedError(f"expected {_POLICY.says}", suggestion="use the step nearest")
    return _POLICY.read(tree, reading)


_POLICY = one_of(POLICIES)
POLICY = Kind(_POLICY.says, _read_policy, _POLICY.schema)


class DialKeys:
    """Keys that connect, ring_group and nearest have in common."""

    TO = Key(
        "to",
        list_of(DESTINATION_KIND, most=20, doubles=True),
        "Destinations, tried in this order until one answers.",
        required=True,
        example="[+1 602 555 1234, +1 602 555 9999]",
    )
    RING_TIME = Key(
        "ring_time", RING_TIME, "How long each may ring.", default="30 s", example="4 rings"
    )
    PROMPT = Key(
        "prompt",
        PROMPT_KIND,
        "Played to the caller, answering first, while the first destination is called.",
        otherwise="what the far end sends",
        example='"Please hold."',
    )
    CALLER_ID = Key(
        "caller_id",
        CALLER_ID,
        "What these destinations see as calling.",
        otherwise="the campaign's",
        example="called",
    )
    RINGBACK = Key(
        "ringback",
        TONE_PLAN,
        "Country of the tones an answered caller hears meanwhile.",
        otherwise="the campaign's",
        example="uk",
    )
    FAIL_OVER_ON = Key(
        "fail_over_on",
        list_of(integer(300, 699), most=100),
        "Statuses after which the next destination is tried, exactly these.",
        otherwise="every failure but 486, 487 and 6xx; 408 is no answer, 503 an unreachable host",
        example="[408, 480, 486, 503]",
    )
    WHISPER = Key(
        "whisper",
        PROMPT_KIND,
        "Played to the called party when it has answered, before it is connected.",
        otherwise="none",
        example='"A call for baby fans."',
    )
    ACCEPT = Key(
        "accept",
        ACCEPT_KIND,
        "A key the called party has to press before it is connected; else the next is tried.",
        otherwise="none",
        example='"Press 1 to take the call."',
    )
    SEND_DTMF = Key(
        "send_dtmf",
        DTMF,
        "Keys sent to the called party when it has answered, an extension say; `w` waits half a "
        "second.",
        otherwise="none",
        example='"ww204"',
    )
    HEADERS = Key(
        "headers",
        HEADERS,
        "Header fields of the INVITE to the destination, beside the campaign's. Empty ones are "
        "left out.",
        otherwise="none",
        example='{X-Keyword: "{binding.keyword}"}',
    )
    CREDIT = Key(
        "credit",
        BOOLEAN,
        "Whether a call that is connected here counts against the campaign's caps.",
        default="true",
        example="false",
    )
    ON_FAILURE = Key(
        "on_failure",
        STEPS,
        "Steps when nobody answered. Whatever follows comes after them.",
        otherwise="the step after this, or the end of the call",
        example='[play: "All agents are busy."]',
    )
    MAX_TIME = Key(
        "max_time", _MAX_TIME, "Longest talk.", otherwise="the campaign's", example="30 min"
    )


class ChooseKeys:
    """How the order is chosen."""

    CHOOSE = Key(
        "choose",
        POLICY,
        "The order they are tried in: as written; in turn (`round_robin`); at random by `weight`; "
        "by `price`, highest first; by share of calls that became conversions; by free places "
        "under `max_calls`; or the one with the fewest calls first (`least_used`).",
        default="order",
        example="weighted",
    )


class StrategyKeys:
    """One after the other, or at once."""

    STRATEGY = Key(
        "strategy",
        one_of(_STRATEGIES),
        f"`simultaneous`: up to {MAX_AT_ONCE} ring at once, the first that answers (and accepts) "
        "has the call. `sequential`: one after the other.",
        default="simultaneous",
        example="sequential",
    )


class NearestKeys:
    """What the step nearest has beside the others."""

    FROM = Key(
        "from",
        list_of(one_of(_PLACE_SOURCES), most=3),
        "Where the caller's place is taken from, the first that is known: the zip that was keyed, "
        "the exchange the call came from (JIP), the area code.",
        otherwise="zip, jip, area_code",
        example="[zip, area_code]",
    )
    ZIP = Key(
        "zip",
        EXPRESSION,
        "The zip, when the caller has keyed one.",
        otherwise="the caller's, if it is known",
        example="answer.zip",
    )
    RADIUS = Key(
        "radius",
        DISTANCE,
        "Destinations farther away are none.",
        otherwise="any distance",
        example="50 miles",
    )
    PLACES = Key(
        "places",
        PLACES_NAME,
        "Table of places.",
        otherwise="the one shipped",
        example="our-zips",
    )
    OUTSIDE = Key(
        "outside",
        STEPS,
        "Steps when no destination is within the radius, or the caller's place is not known.",
        otherwise="the step after this, or the end of the call",
        example='[play: "There is no store near you."]',
    )


CONNECT = Section(
    "connect",
    "Calls destinations one after the other and bridges the first that answers. As the first step "
    "of a treatment, without a prompt, it is transparent: the caller hears the far end ring and is "
    "not answered before it is.",
    [*keys_of(DialKeys), *keys_of(ChooseKeys)],
    short="a destination or a list of them",
    example="- connect: +1 602 555 1234\n- connect: called\n"
    "- connect:\n    to: [+1 602 555 1234, +1 602 555 9999]\n    ring_time: 20 s",
)
RING_GROUP = Section(
    "ring_group",
    "Calls a group of telephones, all at once or one after the other, and bridges the first that "
    "answers. The others are cancelled and do not count the call as missed.",
    [*keys_of(StrategyKeys), *keys_of(DialKeys), *keys_of(ChooseKeys)],
    short="a list of destinations",
    example="- ring_group: [+1 602 555 1234, +1 602 555 9999]\n"
    "- ring_group:\n    strategy: sequential\n    choose: least_used\n    ring_time: 4 rings\n"
    "    to: [+1 602 555 1234, +1 602 555 9999]",
)
NEAREST = Section(
    "nearest",
    "Calls the destination nearest to the caller, then the next nearest.",
    [*keys_of(NearestKeys), *keys_of(DialKeys)],
    example="- nearest:\n    radius: 50 miles\n    zip: answer.zip\n    to:\n"
    '      - {number: +1 602 555 1234, place: "33.45, -112.07"}\n'
    '      - {number: +1 520 555 1234, place: "32.22, -110.97"}\n'
    '    outside: [play: "There is no store near you."]',
)


# Steps.


def _fields(tree: Tree, section: Section, reading: Reading) -> Fields:
    if not isinstance(tree, Table):
        tree = Table(tree.file, tree.mark, {DialKeys.TO.name: tree})
    return read_fields(tree, section, reading)


def _dial(
    name: str,
    fields: Fields,
    location: Location,
    *,
    strategy: Strategy = "sequential",
    choice: Choice,
    outside: tuple[Node, ...] = (),
) -> Connect:
    """What the three steps have in common."""
    keys = DialKeys
    statuses = fields.get(keys.FAIL_OVER_ON)
    return Connect(
        name=name,
        destinations=fields[keys.TO],
        ring_seconds=fields[keys.RING_TIME],
        prompt=fields.get(keys.PROMPT),
        caller_id=fields.get(keys.CALLER_ID),
        ringback=fields.get(keys.RINGBACK),
        fail_over_on=None if statuses is None else frozenset(statuses),
        on_failure=fields.get(keys.ON_FAILURE) or (),
        max_seconds=fields.get(keys.MAX_TIME),
        strategy=strategy,
        choice=choice,
        whisper=fields.get(keys.WHISPER),
        accept=fields.get(keys.ACCEPT),
        send_dtmf=fields.get(keys.SEND_DTMF),
        headers=tuple((fields.get(keys.HEADERS) or {}).items()),
        outside=outside,
        credit=fields[keys.CREDIT],
        location=location,
    )


def read_connect(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """connect: one after the other, in the order of a policy."""
    fields = _fields(tree, CONNECT, reading)
    _check_choice(fields, reading)
    return _dial(name, fields, location, choice=Choice(fields[ChooseKeys.CHOOSE]))


def _check_choice(fields: Fields, reading: Reading) -> None:
    """An order is chosen by what the destinations say of themselves."""
    place, policy = fields.place(ChooseKeys.CHOOSE), fields[ChooseKeys.CHOOSE]
    destinations = fields[DialKeys.TO]
    if policy == "price" and all(one.price is None for one in destinations):
        reading.problems.add(place, "choose: no destination has a price", 'add "price"')
    if policy == "availability" and all(one.max_calls is None for one in destinations):
        reading.problems.add(place, "choose: no destination has max_calls", 'add "max_calls"')
    weighed = next((one for one in destinations if one.weight != 1), None)
    if weighed is not None and policy != "weighted":
        message = f"weight: it counts for nothing where the choice is {policy}"
        reading.problems.add(weighed.location, message, 'set "choose: weighted"')


def read_ring_group(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """ring_group: at once unless it says sequential."""
    fields = _fields(tree, RING_GROUP, reading)
    strategy = fields[StrategyKeys.STRATEGY]
    count = len(fields[DialKeys.TO])
    if strategy == "simultaneous" and count > MAX_AT_ONCE:
        message = f"to: up to {MAX_AT_ONCE} telephones ring at once, not {count}"
        reading.problems.add(fields.place(DialKeys.TO), message, "strategy: sequential")
    if strategy == "simultaneous":
        _check_twice(fields[DialKeys.TO], reading)
        if ChooseKeys.CHOOSE in fields:
            message = "choose: there is no order where all ring at once"
            place = fields.place(ChooseKeys.CHOOSE)
            reading.problems.add(place, message, "strategy: sequential")
    else:
        _check_choice(fields, reading)
    choice = Choice(fields[ChooseKeys.CHOOSE])
    return _dial(name, fields, location, strategy=strategy, choice=choice)


def _check_twice(destinations: tuple[Destination, ...], reading: Reading) -> None:
    """A telephone that rings already is busy for another call."""
    seen: set[tuple[str | None, str | None]] = set()
    for one in destinations:
        if one.kind in ("number", "uri") and one.when is None:
            if (one.number, one.trunk) in seen:
                message = f"to: {one.number} rings at once with itself"
                reading.problems.add(one.location, message, "name it once")
            seen.add((one.number, one.trunk))


def read_nearest(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """nearest: every destination has a place."""
    keys = NearestKeys
    fields = _fields(tree, NEAREST, reading)
    for destination in fields[DialKeys.TO]:
        if destination.place is None:
            message = "to: a destination of nearest needs its place"
            hint = '{number: ..., place: "33.45, -112.07"}'
            reading.problems.add(destination.location, message, hint)
    choice = Choice(
        policy="nearest",
        place_from=fields.get(keys.FROM) or _PLACE_SOURCES,
        zip=fields.get(keys.ZIP),
        radius_km=fields.get(keys.RADIUS),
        places=fields.get(keys.PLACES),
    )
    return _dial(name, fields, location, choice=choice, outside=fields.get(keys.OUTSIDE) or ())
