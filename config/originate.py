"""The section originate, and the same settings of a campaign or a control token: which calls the
switch places when it is asked to."""

import re

from config import hints
from config.document import Scalar, Tree
from config.e164 import normalise_pattern
from config.kinds import TRUNK_NAME, integer, list_of
from config.model import OriginateRules
from config.reading import (
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    read_fields,
    section_kind,
    shorten,
)

__all__ = ["MAX_AT_ONCE", "MAX_PER_MINUTE", "ORIGINATE", "ORIGINATE_KIND", "read_originate"]

MAX_PER_MINUTE = 6000
"""A hundred calls a second: the time of each within a minute is kept."""
MAX_AT_ONCE = 10_000
"""Legs; more than the ports for sound that one host has."""
MAX_PATTERNS = 1000
"""Looked through one after the other for each request."""
MAX_TRUNKS = 50
"""Looked through for each request."""

_URI = re.compile(r"sip:(?:\*|[A-Za-z0-9+._~-]{1,64})@[A-Za-z0-9.-]{1,250}(?::[0-9]{1,5})?\Z")


def _read_pattern(tree: Tree, reading: Reading) -> str:
    if not isinstance(tree, Scalar):
        raise RefusedError(f"expected {PATTERN.says}, {describe(tree)}")
    text = tree.text.strip()
    if text.lower().startswith("sip:"):
        if not _URI.match("sip:" + text[4:]):
            raise RefusedError(
                f'"{shorten(text)}" is no SIP address to be called',
                suggestion="sip:agent@192.0.2.7, or sip:*@192.0.2.7:5060 for everybody there",
            )
        user, _, host = text[4:].rpartition("@")
        return f"sip:{user}@{host.lower()}"
    pattern = normalise_pattern(text, reading.country)
    if pattern is None:
        raise RefusedError(
            f'"{shorten(text)}" makes no phone numbers in {reading.country}',
            suggestion="such as +1602*, +1 800 555 XXXX, or a whole number",
        )
    return pattern


PATTERN = Kind(
    "a phone number, numbers with X or a last *, or a SIP address", _read_pattern, hints.SCALAR
)


class OriginateKeys:
    """Keys of what may be called."""

    TO = Key(
        "to",
        list_of(PATTERN, most=MAX_PATTERNS),
        "Whom the switch may call when it is asked to: numbers, `X` for any digit, a last `*` for "
        "whatever follows; SIP addresses, with `*` for any user. Nobody else is called.",
        otherwise="nobody",
        example='["+1602*", +1 800 555 XXXX, "sip:*@192.0.2.7"]',
    )
    NEVER = Key(
        "never",
        list_of(PATTERN, most=MAX_PATTERNS),
        "Whom not, whatever `to` says.",
        otherwise="no exceptions",
        example='["+1900*"]',
    )
    TRUNKS = Key(
        "trunks",
        list_of(TRUNK_NAME, most=MAX_TRUNKS),
        "Trunks that a request may name.",
        otherwise="none but the campaign's",
        example="[carrier]",
    )
    CALLER_IDS = Key(
        "caller_ids",
        list_of(PATTERN, most=MAX_PATTERNS),
        "Numbers that a request may have shown, as in `to`.",
        otherwise="none but the campaign's",
        example='["+1 602 555 01XX"]',
    )
    PER_MINUTE = Key(
        "per_minute",
        integer(1, MAX_PER_MINUTE),
        "How many calls may be placed within any minute.",
        default="60",
        example="300",
    )
    AT_ONCE = Key(
        "at_once",
        integer(1, MAX_AT_ONCE),
        "How many of them may be in progress.",
        default="20",
        example="50",
    )


ORIGINATE = Section(
    "originate",
    "Which calls the switch places when the control socket, a list or a controller asks for them. "
    "Each leg counts. The rules of a campaign stand in place of those of the section; the limits "
    "of both hold, and what a token may not, it may not in any campaign.",
    keys_of(OriginateKeys),
    example='originate: {to: ["+1602*"], never: ["+1602976*"], per_minute: 30, at_once: 10}',
)


def _read(tree: Tree, reading: Reading) -> OriginateRules:
    keys = OriginateKeys
    fields = read_fields(tree, ORIGINATE, reading)
    return OriginateRules(
        to=fields.get(keys.TO) or (),
        never=fields.get(keys.NEVER) or (),
        trunks=fields.get(keys.TRUNKS) or (),
        caller_ids=fields.get(keys.CALLER_IDS) or (),
        per_minute=fields[keys.PER_MINUTE],
        at_once=fields[keys.AT_ONCE],
        location=tree.location,
    )


ORIGINATE_KIND = section_kind(ORIGINATE, _read)


def read_originate(tree: Tree | None, reading: Reading) -> OriginateRules | None:
    """The section; None when there is none."""
    if tree is None or (isinstance(tree, Scalar) and tree.absent):
        return None
    try:
        return _read(tree, reading)
    except MissingError:
        return None
