"""Which failures of a trunk's calls send them on to the next destination.

What the default is, and which of several words counts, is `softswitch.routing.failover`'s.
"""

import re

from config import hints
from config.document import Scalar, Tree
from config.kinds import integer, list_of, one_of
from config.model import TrunkFailover
from config.reading import (
    Fields,
    Key,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    scalar,
    section_kind,
)

__all__ = ["FAILOVER", "FAILOVER_KIND"]

MAX_WORDS = 100
"""Entries of a list: there are hardly more statuses."""

_STATUS = re.compile(r"[3-6][0-9]{2}\Z")
_CLASS = re.compile(r"([3-6])[xX]{2}\Z")


def _status(text: str) -> int:
    """A status, or the digit of a class."""
    family = _CLASS.match(text)
    if family is not None:
        return int(family[1])
    if not _STATUS.match(text):
        raise ValueError
    return int(text)


_STATUSES = list_of(
    scalar(
        "a final status 300-699, or a class of them (5xx)",
        _status,
        hints.text("^([3-6][0-9]{2}|[3-6][xX]{2})$"),
    ),
    most=MAX_WORDS,
)
_CAUSES = list_of(integer(1, 127), most=MAX_WORDS)


class FailoverKeys:
    """Keys of a trunk's failures."""

    GO_ON = Key(
        "go_on",
        _STATUSES,
        "Statuses after which the next destination is called.",
        otherwise="all 3xx, 4xx and 5xx but 486 and 487",
        example="[486, 6xx]",
    )
    STOP = Key(
        "stop",
        _STATUSES,
        "Statuses after which nobody else is called. A status counts before its class.",
        otherwise="486, 487 and 6xx",
        example="[404, 484]",
    )
    GO_ON_CAUSES = Key(
        "go_on_causes",
        _CAUSES,
        "Q.850 causes, where the trunk gives one in a Reason: they count before any status.",
        otherwise="none",
        example="[34, 38, 42]",
    )
    STOP_CAUSES = Key(
        "stop_causes",
        _CAUSES,
        "Causes after which nobody else is called.",
        otherwise="none",
        example="[1, 17, 28]",
    )
    NO_ANSWER = Key(
        "no_answer",
        one_of(("go_on", "stop")),
        "Whether the next destination is called when this one rang for as long as it may.",
        default="go_on",
        example="stop",
    )


FAILOVER = Section(
    "failover",
    "Which failures of calls to the trunk lead on to the next destination. A list at the step "
    "itself (`fail_over_on`) counts in place of all this.",
    keys_of(FailoverKeys),
    example="failover: {go_on: [486], stop: [404, 484], stop_causes: [1, 28]}",
)


def _read_failover(tree: Tree, reading: Reading) -> TrunkFailover:
    if isinstance(tree, Scalar):
        raise RefusedError("expected go_on, stop, or lists of causes")
    keys = FailoverKeys
    fields = read_fields(tree, FAILOVER, reading)
    fields.need_good(keys.GO_ON, keys.STOP, keys.GO_ON_CAUSES, keys.STOP_CAUSES)
    return TrunkFailover(
        *_parted(fields, keys.GO_ON, keys.STOP),
        *_parted(fields, keys.GO_ON_CAUSES, keys.STOP_CAUSES),
        after_no_answer=fields[keys.NO_ANSWER] == "go_on",
    )


def _parted(
    fields: Fields, go_on: Key[tuple[int, ...]], stop: Key[tuple[int, ...]]
) -> tuple[frozenset[int], frozenset[int]]:
    """Two lists that have nothing in common."""
    wanted, unwanted = fields.get(go_on), fields.get(stop)
    first, second = frozenset(wanted or ()), frozenset(unwanted or ())
    both = first & second
    if both:
        word = min(both)
        shown = f"{word}xx" if word < 10 and go_on.name == "go_on" else str(word)
        raise RefusedError(
            f"{shown} stands in {go_on.name} and in {stop.name}", location=fields.place(stop)
        )
    return first, second


FAILOVER_KIND = section_kind(FAILOVER, _read_failover)
