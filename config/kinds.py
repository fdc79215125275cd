"""The kinds of value in the language: what is accepted, in which units and ranges.

Every scalar is text when it comes here: what it means depends on the key it stands at, so YAML's
own guesses (octal numbers, sexagesimal times, `no` as false) never happen. Addresses are
`config.addresses`'. Knows no key.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Generic, TypeVar

from config import hints
from config.document import Scalar, Sequence, Table, Tree
from config.e164 import COUNTRIES, normalise
from config.errors import did_you_mean
from config.reading import (
    Kind,
    MissingError,
    Reading,
    RefusedError,
    describe,
    note,
    read_each,
    scalar,
    shorten,
)
from config.time_zones import zone_problem

T = TypeVar("T")
L = TypeVar("L", bound=str)

MAX_NAME = 100
"""Characters of a name: names stand in every log line and record."""
MAX_VALUE = 2000
"""Characters of a free value (a parameter, a prompt's text)."""

MAX_LISTED = 10
"""Names listed in a suggestion; more help nobody."""

REFUSALS = (404, 410, 480, 486, 600, 603)
"""Statuses a call may be refused with: those that need no header beside them."""

_DIGITS = re.compile(r"[0-9]{1,9}\Z")
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) *([a-z]*)\Z")
_DAY = 86400.0
_UNITS = {
    "": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0,
    "day": _DAY, "days": _DAY, "week": 7 * _DAY, "weeks": 7 * _DAY,
}  # fmt: skip
SECONDS_A_RING = 6.0
"""Two seconds of tone and four of silence in North America; others are near."""
_RING_UNITS = {**_UNITS, "ring": SECONDS_A_RING, "rings": SECONDS_A_RING}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_FACT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_DAY_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_CURRENCY = re.compile(r"[A-Za-z]{3}\Z")
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


@dataclass(frozen=True, slots=True)
class Off(Generic[T]):
    """A value that can be switched off: None when it is."""

    value: T | None


# Text.


def _free_text(text: str) -> str:
    if not text.strip() or len(text) > MAX_VALUE:
        raise ValueError
    return text


def _name(text: str) -> str:
    if text != text.strip() and printed(text.strip()):
        raise RefusedError(f'expected a name without spaces around it, not "{text}"')
    if not printed(text):
        raise ValueError
    return text


def _line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError
    return _free_text(text)


TEXT = scalar(f"text (up to {MAX_VALUE} characters)", _free_text)
LINE = scalar(f"text of one line (up to {MAX_VALUE} characters)", _line)
NAME = scalar(f"a name (up to {MAX_NAME} printable characters)", _name)


def printed(name: str) -> bool:
    """Whether a text can be a name."""
    return 0 < len(name) <= MAX_NAME and not _CONTROL.search(name) and name == name.strip()


def _fact_name(text: str) -> str:
    if not _FACT_NAME.match(text):
        raise ValueError
    return text


FACT_NAME = scalar(
    "a name of letters, digits and _ (not a digit first)",
    _fact_name,
    hints.text("^[A-Za-z_][A-Za-z0-9_]{0,99}$"),
)
"""A name that expressions can say: `attribute.NAME`."""


def one_of(words: Collection[L]) -> Kind[L]:
    """One of some words, in any case."""
    known = {word.lower(): word for word in words}
    says = " or ".join([", ".join([*words][:-1]), [*words][-1]] if len(words) > 1 else [*words])

    def convert(text: str) -> L:
        word = known.get(text.lower())
        if word is None:
            message = f'expected {says}, not "{shorten(text)}"'
            raise RefusedError(message, suggestion=did_you_mean(text, words))
        return word

    return scalar(says, convert, hints.words(words))


def mapping_of(
    kind: Kind[T], *, most: int, noun: str, name: Kind[str] = NAME
) -> Kind[Mapping[str, T]]:
    """A mapping from names to values of one kind. What is wrong with a value is noted, and it is
    left out."""
    says = f"a mapping from 1 to {most} names of {noun}s to {kind.says}"

    def read(tree: Tree, reading: Reading) -> Mapping[str, T]:
        if not isinstance(tree, Table):
            raise RefusedError(f"expected {says}, {describe(tree)}")
        if not 1 <= len(tree.entries) <= most:
            raise RefusedError(f"expected 1 to {most} {noun}s, not {len(tree.entries)}")
        values: dict[str, T] = {}
        for key, value in tree.entries.items():
            place: Tree = tree.keys[key]
            try:
                name.read(place, reading)
                place = value
                values[key] = kind.read(value, reading)
            except RefusedError as error:
                note(reading, error, place, f"{noun} {shorten(key)}")
            except MissingError:
                pass
        return MappingProxyType(values)

    return Kind(says, read, hints.mapping(kind.schema))


def _boolean(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE and word not in _FALSE:
        raise ValueError
    return word in _TRUE


BOOLEAN = scalar("true or false", _boolean, hints.BOOLEAN)


def secret(says: str, is_one: Callable[[str], bool]) -> Kind[str]:
    """A secret: whatever is wrong with it, it is not shown, as it may be the secret, or most of
    it."""

    def read(tree: Tree, _reading: Reading) -> str:
        if not isinstance(tree, Scalar) or tree.absent or not is_one(tree.text):
            raise RefusedError(f"expected {says}")
        return tree.text

    return Kind(says, read, hints.SCALAR)


def _country(text: str) -> str:
    if text.upper() not in COUNTRIES:
        message = f'the national numbers of "{shorten(text)}" are not known'
        raise RefusedError(message, suggestion=f"known: {', '.join(sorted(COUNTRIES))}")
    return text.upper()


COUNTRY = scalar("a country (two letters, ISO 3166)", _country)


def _currency(text: str) -> str:
    if not _CURRENCY.match(text):
        raise ValueError
    return text.upper()


CURRENCY = scalar("a currency (three letters, ISO 4217, such as USD)", _currency)


def _time_zone(text: str) -> str:
    problem = zone_problem(text)
    if problem is not None:
        raise RefusedError(problem[0], suggestion=problem[1])
    return text


TIME_ZONE = scalar("a time zone (IANA, such as America/New_York)", _time_zone)


def _day(text: str) -> date:
    if not _DAY_TEXT.match(text):
        raise ValueError
    return date.fromisoformat(text)


DAY = scalar('a day such as "2026-12-24"', _day, hints.text("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))


# Numbers and durations.


def integer(lowest: int, highest: int) -> Kind[int]:
    """A whole number, decimal whatever it begins with."""
    says = f"a whole number, {lowest}-{highest}"

    def convert(text: str) -> int:
        if not _DIGITS.match(text) or not lowest <= int(text) <= highest:
            raise ValueError
        return int(text)

    return scalar(says, convert, hints.whole_number(lowest, highest))


def _refusal(text: str) -> int:
    if not _DIGITS.match(text) or int(text) not in REFUSALS:
        raise ValueError
    return int(text)


REFUSAL = scalar(
    f"a status to refuse with: {', '.join(map(str, REFUSALS))}",
    _refusal,
    hints.words([*REFUSALS, *map(str, REFUSALS)]),
)


def _seconds(text: str, units: Mapping[str, float] = _UNITS) -> float:
    match = _DURATION.match(text.strip().lower())
    if match is None or match[2] not in units:
        raise ValueError
    return round(float(match[1]) * units[match[2]], 6)


def duration(shortest: str, longest: str) -> Kind[float]:
    """A time with its unit (ms, s, min, h, days, weeks); a plain number is seconds."""
    return _duration(shortest, longest, _UNITS, f'a time such as "30 s", {shortest} to {longest}')


def ring_time(shortest: str, longest: str) -> Kind[float]:
    """A time for which something rings, in rings too; seconds."""
    says = f'a time such as "30 s" or "4 rings", {shortest} to {longest}'
    return _duration(shortest, longest, _RING_UNITS, says)


def _duration(shortest: str, longest: str, units: Mapping[str, float], says: str) -> Kind[float]:
    lowest, highest = _seconds(shortest), _seconds(longest)

    def convert(text: str) -> float:
        seconds = _seconds(text, units)
        if not lowest <= seconds <= highest:
            raise ValueError
        return seconds

    names = "|".join(unit for unit in units if unit)
    return scalar(says, convert, hints.text(f"^ *[0-9.]+ *({names})? *$"))


def or_off(kind: Kind[T]) -> Kind[Off[T]]:
    """A value, or the word off."""

    def read(tree: Tree, reading: Reading) -> Off[T]:
        if isinstance(tree, Scalar) and tree.text.lower() == "off":
            return Off(None)
        try:
            return Off(kind.read(tree, reading))
        except RefusedError as error:
            if isinstance(tree, Sequence) or error.suggestion:
                raise  # it knows which of them it is, or what was meant
            raise RefusedError(f"expected {says}, {describe(tree)}") from None

    says = f"{kind.says}, or off"
    return Kind(says, read, {"anyOf": [kind.schema, {"enum": ["off", False]}]})


# Files.


def _file(tree: Tree, reading: Reading) -> Path:
    return Path(LINE.read(tree, reading))


FILE = Kind("a file, relative to the working directory", _file, hints.SCALAR)
FOLDER = scalar("a folder, relative to the working directory", lambda text: Path(_line(text)))


# Parties.


def _phone_number(tree: Tree, reading: Reading) -> str:
    if not isinstance(tree, Scalar):
        raise RefusedError(f"expected {PHONE_NUMBER.says}, {describe(tree)}")
    number = normalise(tree.text, reading.country)
    if number is None:
        raise RefusedError(
            f'"{shorten(tree.text)}" is no phone number in {reading.country}',
            suggestion="begin with + and the country code",
        )
    return number


PHONE_NUMBER = Kind("a phone number", _phone_number, hints.SCALAR)


# Lists.


def _stands_in(value: T, values: list[T], seen: set[object]) -> bool:
    """Whether a value is among those read; quickly where values can be hashed."""
    try:
        twice = value in seen
        seen.add(value)
    except TypeError:
        return value in values
    return twice


def list_of(kind: Kind[T], *, most: int, doubles: bool = False) -> Kind[tuple[T, ...]]:
    """A list, without doubles unless they make sense; one value may stand without a list."""
    says = f"a list of 1 to {most}, each {kind.says}"

    def read(tree: Tree, reading: Reading) -> tuple[T, ...]:
        items = tree.items if isinstance(tree, Sequence) else [tree]
        if not 1 <= len(items) <= most:
            raise RefusedError(f"expected 1 to {most} entries, not {len(items)}")
        values: list[T] = []
        seen: set[object] = set()

        def read_one(item: Tree) -> None:
            value = kind.read(item, reading)
            if not doubles and _stands_in(value, values, seen):
                raise RefusedError(f'"{shorten(getattr(item, "text", ""))}" stands twice')
            values.append(value)

        read_each(items, read_one, says)
        return tuple(values)

    return Kind(says, read, hints.list_of(kind.schema, most, doubles=doubles))


def named(words: Callable[[Reading], Collection[str] | None], says: str) -> Kind[str]:
    """A word the media rooms must know; unchecked while nobody said what they know."""

    def read(tree: Tree, reading: Reading) -> str:
        if not isinstance(tree, Scalar):
            raise RefusedError(f"expected {says}, {describe(tree)}")
        known = words(reading)
        word = tree.text.lower()
        if known is not None and word not in known:
            raise RefusedError(
                f"expected {says}, {describe(tree)}",
                suggestion=did_you_mean(word, known) or f"known: {', '.join(sorted(known))}",
            )
        return word

    return Kind(says, read, hints.SCALAR)


TONE_PLAN = named(
    lambda reading: reading.media.tone_plans if reading.media else None,
    "a country with a tone plan, such as us",
)
TONE = named(
    lambda reading: reading.media.tones if reading.media else None,
    "the name of a tone, such as chime or busy",
)


def reference(section: str, noun: str, *, in_section: str = "") -> Kind[str]:
    """The name of something declared in a section of the same file."""
    says = f"the name of a {noun}" + (f" (section {in_section})" if in_section else "")

    def read(tree: Tree, reading: Reading) -> str:
        name = NAME.read(tree, reading)
        declared = reading.names.get(section, ())
        if name not in declared:
            suggestion = did_you_mean(name, declared) or known_names(
                declared, in_section or f"{noun}s"
            )
            raise RefusedError(f'there is no {noun} "{shorten(name)}"', suggestion=suggestion)
        return name

    return Kind(says, read, hints.SCALAR)


def known_names(names: Collection[str], noun: str) -> str:
    """A suggestion that lists what there is, when it is not too much."""
    if not names:
        return f"there are no {noun}"
    if len(names) > MAX_LISTED:
        return f"there are {len(names)} {noun}"
    return f"{noun}: {', '.join(sorted(names))}"


CAMPAIGN_NAME = reference("campaigns", "campaign")
HOURS_NAME = reference("hours", "schedule", in_section="hours")
LIST_NAME = reference("lists", "list")
PLACES_NAME = reference("places", "table of places", in_section="places")
REGION_NAME = reference("regions", "region")
STOCK_NAME = reference("stocks", "stock")
TREATMENT_NAME = reference("treatments", "treatment")
TRUNK_NAME = reference("trunks", "trunk")
POOL_NAME = reference("pools", "pool")
