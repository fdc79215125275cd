"""Caller ids: what a destination sees as calling."""

import re

from config import hints
from config.addresses import sip_uri_problem
from config.document import Scalar, Table, Tree
from config.e164 import normalise, normalise_pattern
from config.errors import did_you_mean
from config.kinds import PHONE_NUMBER
from config.model import CallerId
from config.reading import (
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    read_fields,
    shorten,
)

MAX_RANGE = 10_000_000
"""Numbers of a range: one is used for each call, and comes round when all were."""

_WORDS = ("original", "called")
_SEPARATORS = re.compile(r"[-\s.()/]")
_MASK = re.compile(r"\+?[0-9X]{1,15}\Z")


class UniqueKeys:
    """Keys of a caller id of its own for each call."""

    UNIQUE = Key(
        "unique",
        PHONE_NUMBER,
        "First number of a range. Each call shows another one, which is stored with it and shown "
        "by no other for four hours. Where all of a range are in use the number called is shown, "
        "and the log says so: a range lasts that has as many numbers as four hours have calls.",
        required=True,
        example="+1 800 555 0000",
    )
    LAST = Key(
        "last",
        PHONE_NUMBER,
        "Last number of the range.",
        required=True,
        example="+1 800 555 0999",
    )


CALLER_ID_SECTION = Section(
    "a caller id",
    "What destinations see as calling. `original` is the caller, `called` the number called; a "
    "number or a SIP URI is shown as it is; in a mask (`212XXXXXXX`) each X is the caller's own "
    "digit; a range gives each call a number of its own.",
    keys_of(UniqueKeys),
    short="original, called, a number, a mask or a SIP URI",
    short_schema=hints.SCALAR,
    example="caller_id: original\n# or\ncaller_id: 212XXXXXXX\n# or\n"
    "caller_id: {unique: +1 800 555 0000, last: +1 800 555 0999}",
)


def _read_caller_id(tree: Tree, reading: Reading) -> CallerId:
    if isinstance(tree, Table):
        return _read_range(tree, reading)
    if not isinstance(tree, Scalar):
        raise RefusedError(f"expected {CALLER_ID.says}, {describe(tree)}")
    caller_id = parse_caller_id(tree.text, reading.country)
    if caller_id is None:
        suggestion = did_you_mean(tree.text.strip(), _WORDS)
        message = f"expected {CALLER_ID.says}, {describe(tree)}"
        raise RefusedError(message, suggestion=suggestion)
    return caller_id


def parse_caller_id(text: str, country: str) -> CallerId | None:
    """A caller id that is one word; None when it is none, RefusedError when it is a wrong one."""
    text = text.strip()
    if text.lower() == "original":
        return CallerId("original")
    if text.lower() == "called":
        return CallerId("called")
    if text.lower().startswith(("sip:", "sips:")):
        problem = sip_uri_problem(text)
        if problem is not None:
            raise RefusedError(problem)
        return CallerId("uri", text)
    number = normalise(text, country)
    if number is not None:
        return CallerId("fixed", number)
    mask = _SEPARATORS.sub("", text).upper()
    if "X" in mask and _MASK.match(mask):
        # A whole number of the plan, or one with its country code.
        if normalise_pattern(mask, country) is None:
            raise RefusedError(
                f'the mask "{shorten(text)}" makes no phone number in {country}',
                suggestion="as many digits and X as a number has: 212XXXXXXX",
            )
        return CallerId("mask", mask)
    return None


def _read_range(tree: Table, reading: Reading) -> CallerId:
    fields = read_fields(tree, CALLER_ID_SECTION, reading)
    first, last = fields[UniqueKeys.UNIQUE], fields[UniqueKeys.LAST]
    count = int(last[1:]) - int(first[1:]) + 1
    if len(first) != len(last) or not 1 <= count <= MAX_RANGE:
        raise RefusedError(
            f"{first} to {last} is no range of 1 to {MAX_RANGE} numbers",
            suggestion="its first number stands first" if count < 1 else None,
            location=fields.place(UniqueKeys.LAST),
        )
    return CallerId("unique", first, last)


CALLER_ID = Kind(
    "original, called, a phone number, a mask such as 212XXXXXXX, a SIP URI, or a range",
    _read_caller_id,
    hints.section("a caller id"),
)
