"""Limits of a campaign: caps that are never exceeded, thresholds of fraud, blocked callers.

What a cap, a threshold and a list mean for a call is `softswitch.campaign`'s to say.
"""

from decimal import Decimal
from typing import Any, Literal

from config import hints
from config.document import Scalar, Sequence, Tree
from config.expression import CONDITION
from config.kinds import (
    LIST_NAME,
    TIME_ZONE,
    TREATMENT_NAME,
    duration,
    list_of,
    mapping_of,
    one_of,
)
from config.model import Blocked, Cap, CapKind, CapScope, FraudRule, Prompt
from config.money import MONEY
from config.prompts import PROMPT_KIND
from config.reading import (
    Fields,
    Key,
    Reading,
    Section,
    keys_of,
    read_fields,
    section_kind,
)

MAX_CAPS = 50
"""Caps of a campaign; a call takes credit from each."""
MAX_FRAUD_RULES = 50
"""Rules of a campaign: each counts calls after every call."""
MAX_LISTS = 20
"""Lists of blocked callers: each is looked up before every call."""

Turning = Literal["ring", "busy", "announcement"]
Period = Literal["hour", "day", "month", "none"]

_CAP_KINDS: tuple[CapKind, ...] = ("concurrent", "hourly", "daily", "monthly", "budget")
_SCOPES: tuple[CapScope, ...] = ("campaign", "publisher", "destination")
_PERIODS: tuple[Period, ...] = ("hour", "day", "month", "none")
_COUNTS: tuple[Literal["connection", "conversion"], ...] = ("connection", "conversion")
_WHO: tuple[Literal["caller", "publisher", "number"], ...] = ("caller", "publisher", "number")
_TURNINGS: tuple[Turning, ...] = ("ring", "busy", "announcement")
_PERIOD_OF: dict[CapKind, Period] = {"hourly": "hour", "daily": "day", "monthly": "month"}


# Caps.


class CapKeys:
    """Keys of a cap."""

    KIND = Key(
        "kind",
        one_of(_CAP_KINDS),
        "What is limited: calls at once, calls in an hour, day or month, or an amount paid out.",
        required=True,
        example="daily",
    )
    LIMIT = Key(
        "limit",
        MONEY,
        "How many calls, or for a budget how much in the payout's currency.",
        required=True,
        example="100",
    )
    SCOPE = Key(
        "scope",
        one_of(_SCOPES),
        "One count for the campaign, or one for each of its publishers or destinations.",
        default="campaign",
        example="publisher",
    )
    COUNTS = Key(
        "counts",
        one_of(_COUNTS),
        "Every call that is put through, or only those that become a conversion.",
        default="connection",
        example="conversion",
    )
    CONVERSION = Key(
        "conversion",
        CONDITION,
        "What a conversion is.",
        otherwise="the campaign's",
        example='duration("answer", "both") >= 90 s',
    )
    PERIOD = Key(
        "period",
        one_of(_PERIODS),
        "When a budget begins anew.",
        otherwise="never; hourly, daily and monthly caps say it themselves",
        example="month",
    )
    TIME_ZONE = Key(
        "time_zone",
        TIME_ZONE,
        "Whose hour, day and month.",
        otherwise="that of the campaign's hours, else the switch's",
        example="America/Los_Angeles",
    )
    OVER = Key(
        "over",
        TREATMENT_NAME,
        "Treatment of calls above it.",
        otherwise="the next campaign or destination, else the call is refused with 480",
        example="sorry",
    )


CAP = Section(
    "a cap",
    "A limit that is never exceeded, on any number of nodes. A call counts from before its "
    "destination is called; a budget is reserved with the highest possible payout.",
    keys_of(CapKeys),
    example="caps:\n  per-day: {kind: daily, limit: 100, over: sorry}\n"
    "  lines: {kind: concurrent, limit: 5, scope: destination}\n"
    "  money: {kind: budget, limit: 2500.00, period: month}",
)


def _read_cap(tree: Tree, reading: Reading) -> Cap:
    keys = CapKeys
    fields = read_fields(tree, CAP, reading)
    kind, limit = fields[keys.KIND], fields[keys.LIMIT]
    _check_limit(kind, limit, fields, reading)
    period = _PERIOD_OF.get(kind) or fields.get(keys.PERIOD) or "none"
    if keys.PERIOD in fields and fields[keys.PERIOD] != period:
        message = f"period: a cap that is {kind} begins anew each {period}"
        reading.problems.add(fields.place(keys.PERIOD), message)
    if keys.CONVERSION in fields and fields[keys.COUNTS] != "conversion":
        message = "conversion: this cap does not count conversions"
        hint = 'set "counts: conversion", or leave it out'
        reading.problems.add(fields.place(keys.CONVERSION), message, hint)
    return Cap(
        name="",
        kind=kind,
        limit=limit,
        scope=fields[keys.SCOPE],
        counts=fields[keys.COUNTS],
        conversion=fields.get(keys.CONVERSION),
        period=period,
        time_zone=fields.get(keys.TIME_ZONE) or "",
        over=fields.get(keys.OVER),
        location=tree.location,
    )


def _check_limit(kind: CapKind, limit: Decimal, fields: Fields, reading: Reading) -> None:
    keys = CapKeys
    if limit <= 0:
        message = "limit: nothing could ever be put through"
        reading.problems.add(fields.place(keys.LIMIT), message, "the least is 1")
    elif kind != "budget" and limit != int(limit):
        reading.problems.add(fields.place(keys.LIMIT), "limit: calls are a whole number")
    if kind == "concurrent":
        useless: tuple[tuple[Key[Any], str | None], ...] = (
            (keys.COUNTS, "conversion"),
            (keys.PERIOD, None),
        )
        for key, wrong in useless:
            if key in fields and (wrong is None or fields[key] == wrong):
                message = f"{key.name}: calls at once are counted while they last"
                reading.problems.add(fields.place(key), message, f"leave {key.name} out")


CAPS = mapping_of(section_kind(CAP, _read_cap), most=MAX_CAPS, noun="cap")


# What callers who are turned away hear.


THEN = Key(
    "then",
    one_of(_TURNINGS),
    "What they hear: ringing that nobody answers, busy, or an announcement.",
    default="busy",
    example="announcement",
)
PROMPT_THEN = Key(
    "prompt",
    PROMPT_KIND,
    "The announcement.",
    otherwise="none",
    example='"This number cannot take your call."',
)


def _turning(fields: Fields, reading: Reading) -> tuple[Turning, Prompt | None]:
    """What is done, with the announcement that belongs to it."""
    then, prompt = fields[THEN], fields.get(PROMPT_THEN)
    if then == "announcement" and prompt is None and not fields.refused(PROMPT_THEN):
        message = "then: an announcement needs a prompt"
        reading.problems.add(fields.place(THEN), message, 'add "prompt"')
    elif then != "announcement" and PROMPT_THEN in fields:
        message = "prompt: it is never played"
        place = fields.place(PROMPT_THEN)
        reading.problems.add(place, message, 'set "then: announcement", or leave it out')
    return then, prompt


# Fraud.


class FraudKeys:
    """Keys of a threshold."""

    WHEN = Key(
        "when",
        CONDITION,
        "Looked at when a call has ended: what calls look like that are no calls.",
        required=True,
        example="short_calls(1 h, 10 s) >= 5",
    )
    WHO = Key(
        "who",
        one_of(_WHO),
        "Whose following calls are turned away: the caller's, the publisher's, or those to the "
        "number.",
        default="caller",
        example="publisher",
    )
    FOR = Key(
        "for",
        duration("1 min", "366 days"),
        "For how long.",
        default="24 h",
        example="1 h",
    )
    THEN = THEN
    PROMPT = PROMPT_THEN


FRAUD = Section(
    "a fraud rule",
    "A threshold; calls that follow are turned away and earn nothing.",
    keys_of(FraudKeys),
    example="fraud:\n  short: {when: 'short_calls(1 h, 10 s) >= 5', who: caller, for: 1 h}",
)


def _read_fraud(tree: Tree, reading: Reading) -> FraudRule:
    keys = FraudKeys
    fields = read_fields(tree, FRAUD, reading)
    when = fields[keys.WHEN]
    then, prompt = _turning(fields, reading)
    return FraudRule(
        name="",
        when=when,
        who=fields[keys.WHO],
        seconds=fields[keys.FOR],
        then=then,
        prompt=prompt,
        location=tree.location,
    )


FRAUD_RULES = mapping_of(section_kind(FRAUD, _read_fraud), most=MAX_FRAUD_RULES, noun="fraud rule")


# Blocked callers.


class BlockedKeys:
    """Keys of blocked callers."""

    LISTS = Key(
        "lists",
        list_of(LIST_NAME, most=MAX_LISTS),
        "Lists of callers that are turned away.",
        required=True,
        example="[nuisance]",
    )
    THEN = THEN
    PROMPT = PROMPT_THEN


BLOCKED = Section(
    "blocked",
    "Callers that are turned away before anything else.",
    keys_of(BlockedKeys),
    short="the names of the lists alone",
    short_schema=hints.list_of(hints.SCALAR, MAX_LISTS, doubles=False),
    example="blocked: nuisance\n# or\nblocked: {lists: [nuisance, telemarketers], then: ring}",
)


def _read_blocked(tree: Tree, reading: Reading) -> Blocked:
    if isinstance(tree, Scalar | Sequence):
        return Blocked(BlockedKeys.LISTS.kind.read(tree, reading))
    fields = read_fields(tree, BLOCKED, reading)
    lists = fields[BlockedKeys.LISTS]
    then, prompt = _turning(fields, reading)
    return Blocked(lists, then, prompt)


BLOCKED_KIND = section_kind(BLOCKED, _read_blocked)
