"""The keys of the steps that call destinations, and the kinds of value they take."""

import re
from typing import Literal

from config.caller_ids import CALLER_ID
from config.destinations import DESTINATION_KIND, RING_TIME
from config.document import Scalar, Tree
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
from config.model import DistributionPolicy, PlaceSource
from config.prompts import PROMPT_KIND
from config.reading import Key, Kind, Reading, RefusedError, scalar
from config.steps.accept import ACCEPT_KIND
from config.steps.lists import STEPS
from config.steps.machine import MachineStepKeys
from config.steps.send import DTMF

MAX_HEADERS = 20
"""Header fields of one INVITE beside our own: an INVITE over UDP has to stay below 64 kB."""
MAX_AT_ONCE = 10
"""Telephones that ring at once for one call: each is a leg with a media port."""

KM_IN_A_MILE = 1.609344

Strategy = Literal["sequential", "simultaneous"]

_MAX_TIME = duration("1 s", "24 h")
"""As long as a call may last altogether."""
_DISTANCE = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?) *(km|miles|mile|mi)\Z")
POLICIES: tuple[DistributionPolicy, ...] = (
    "order", "round_robin", "weighted", "price", "conversion", "availability", "least_used",
)  # fmt: skip
_STRATEGIES: tuple[Strategy, ...] = ("simultaneous", "sequential")
PLACE_SOURCES: tuple[PlaceSource, ...] = ("zip", "jip", "area_code")


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
    MACHINE = MachineStepKeys.MACHINE
    MESSAGE = MachineStepKeys.MESSAGE
    ACT_ON_TONES = Key(
        "act_on_tones",
        BOOLEAN,
        "Whether a busy tone, a congestion tone or special information tones before the answer "
        "end the attempt, as 486, 503 and 404 would. For gateways that play what they could say.",
        default="false",
        example="true",
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
    AFTER_AGENT = Key(
        "after_agent",
        STEPS,
        "Steps for the caller, who stays when the called party has left. Then whatever follows.",
        otherwise="the call ends with the talk",
        example='[wait: 30 s, play: "Thank you."]',
    )
    AFTER_CALLER = Key(
        "after_caller",
        STEPS,
        "Steps for the called party, which stays when the caller has left; then whatever follows. "
        "Keys and answers are its own from then on.",
        otherwise="the call ends with the talk",
        example='[ask: {prompt: "Enter the order number.", digits: 1-6}]',
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
        list_of(one_of(PLACE_SOURCES), most=3),
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
