"""The section lists: named sets of numbers, written out or from CSV files."""

import re

from config import hints
from config.document import Scalar, Sequence, Table, Tree
from config.e164 import normalise, normalise_pattern
from config.kinds import LINE, list_of
from config.model import NumberList
from config.reading import (
    Fields,
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    note,
    read_fields,
    shorten,
)
from config.rows import Rows
from config.tables.files import rows_of

MAX_INLINE = 10_000
"""Numbers in a list; more stand better in a file."""
MAX_FILES = 20
"""Files of one list: each is read at every load."""

_COLUMN = "number"
_PLAIN = re.compile(r"\+1[2-9][0-9]{9}\Z")


def _entry(text: str, country: str) -> str:
    """A number in E.164, or a beginning of numbers with * behind it."""
    if _PLAIN.match(text):
        return text
    text = text.strip()
    found = normalise(text, country)
    if text.endswith("*"):
        found = normalise_pattern(text, country)
        if found is not None and ("X" in found or found == "+*"):
            found = None
    if found is None:
        message = f'"{shorten(text)}" is no phone number in {country}'
        raise RefusedError(message, suggestion="begin with + and the country code")
    return found


def _read_numbers(tree: Tree, reading: Reading) -> tuple[str, ...]:
    items = tree.items if isinstance(tree, Sequence) else [tree]
    if not 1 <= len(items) <= MAX_INLINE:
        raise RefusedError(f"expected 1 to {MAX_INLINE} numbers, not {len(items)}")
    found: dict[str, None] = {}
    for item in items:
        try:
            if not isinstance(item, Scalar) or item.absent:
                raise RefusedError(f"expected {ENTRY}, {describe(item)}")
            number = _entry(item.text, reading.country)
            if number in found:
                raise RefusedError(f'"{shorten(item.text)}" stands twice')
            found[number] = None
        except RefusedError as error:
            note(reading, error, item, "numbers")
    return tuple(found)


ENTRY = "a phone number, or the beginning of numbers with * behind it"
NUMBERS = Kind(f"a list of 1 to {MAX_INLINE}, each {ENTRY}", _read_numbers, hints.ANYTHING)


class ListKeys:
    """Keys of a list of numbers."""

    NUMBERS = Key(
        "numbers", NUMBERS, "Numbers; `+1900*` are all that begin so.", example="[+1 602 555 0100]"
    )
    FILE = Key(
        "file",
        list_of(LINE, most=MAX_FILES),
        f"CSV files with a column `{_COLUMN}`, relative to the configuration's folder.",
        example="blocked.csv",
    )


LIST = Section(
    "a list of numbers",
    "A named set of numbers: blocked callers, VIPs. It may be empty only in a file.",
    keys_of(ListKeys),
    short="the numbers alone, as a list",
    short_schema={"type": "array"},
    example="lists:\n  vip: [+1 602 555 0100, +1 602 555 0101]\n  blocked: {file: blocked.csv}",
)


def read_list(name: str, tree: Tree, reading: Reading) -> NumberList | None:
    """One list: its settings, or its numbers alone."""
    keys = ListKeys
    if isinstance(tree, Sequence):
        tree = Table(tree.file, tree.mark, {keys.NUMBERS.name: tree})
    try:
        fields = read_fields(tree, LIST, reading)
    except MissingError:
        return None
    if not fields.table.entries:
        reading.problems.add(tree.location, 'a list needs "numbers" or a "file"')
    entries = {*(fields.get(keys.NUMBERS) or ()), *_from_files(fields, reading)}
    prefixes = [entry[:-1] for entry in entries if entry.endswith("*")]
    return NumberList(
        name=name,
        numbers=frozenset(entry for entry in entries if not entry.endswith("*")),
        prefixes=tuple(sorted(prefixes, key=lambda prefix: (-len(prefix), prefix))),
        location=tree.location,
    )


def _from_files(fields: Fields, reading: Reading) -> set[str]:
    found: set[str] = set()
    for rows in rows_of(fields, ListKeys.FILE, reading):
        if rows.check_columns((_COLUMN,), (_COLUMN,), free=True):
            found |= _numbers_of(rows, reading.country)
    return found


def _numbers_of(rows: Rows, country: str) -> set[str]:
    index = rows.columns.index(_COLUMN)
    found: set[str] = set()
    for line, fields in rows:
        try:
            number = _entry(fields[index], country)
        except RefusedError as error:
            rows.refuse(line, index, str(error), error.suggestion)
            continue
        if number in found:
            rows.refuse(line, index, f'"{shorten(fields[index])}" stands twice in this file')
        found.add(number)
    return found
