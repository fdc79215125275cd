"""The section tables: what is known of numbers by their beginning, from CSV files.

Columns are `prefix` and whatever is known: `type`, `state`, `city`, `zip`, `network`, `country`,
`area_code`, `time_zone`; any other becomes the fact `caller.COLUMN`. An empty field says nothing: a
shorter prefix, a later table or the numbering plan may.
"""

import re
from types import MappingProxyType

from config import hints
from config.document import Scalar, Table, Tree
from config.errors import did_you_mean
from config.expression.vocabulary import CALLER_COLUMNS, FACTS, LINE_TYPES
from config.kinds import LINE, MAX_VALUE
from config.model import PrefixTable
from config.reading import (
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    shorten,
)
from config.rows import Rows
from config.tables.codes import (
    Code,
    area_code,
    city_name,
    country_code,
    number_prefix,
    state_code,
    time_zone,
    zip_code,
)
from config.tables.files import only_rows

PREFIX = "prefix"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")


def _line_type(text: str, _country: str) -> str:
    word = text.lower().replace("-", "_").replace(" ", "_")
    if word not in LINE_TYPES:
        hint = did_you_mean(word, LINE_TYPES) or f"types: {', '.join(LINE_TYPES)}"
        raise RefusedError(f'there is no type of line "{shorten(text)}"', suggestion=hint)
    return word


def _free(text: str, _country: str) -> str:
    if len(text) > MAX_VALUE:
        raise RefusedError(f"longer than {MAX_VALUE} characters")
    return text


_CELLS: dict[str, Code] = {
    "type": _line_type,
    "country": country_code,
    "state": state_code,
    "city": city_name,
    "zip": zip_code,
    "area_code": area_code,
    "time_zone": time_zone,
}


class TableKeys:
    """Keys of a table of prefixes."""

    FILE = Key(
        "file",
        LINE,
        f"CSV file with a column `{PREFIX}` (the beginning of numbers, such as 1602555) and what "
        "is known of them, relative to the configuration's folder.",
        required=True,
        example="lines.csv",
    )


TABLE = Section(
    "a table",
    "What is known of callers by the beginning of their number: columns are "
    f"{', '.join(f'`{name}`' for name in CALLER_COLUMNS)}; any other is `caller.COLUMN`. The "
    "longest prefix that has a value in a column counts; of several tables the first.",
    keys_of(TableKeys),
    short="the name of the file alone",
    short_schema=hints.SCALAR,
    example="tables:\n  lines: lines.csv",
)


def read_table(name: str, tree: Tree, reading: Reading) -> PrefixTable | None:
    """One table of prefixes: its settings, or its file alone."""
    keys = TableKeys
    if isinstance(tree, Scalar) and not tree.absent:
        tree = Table(tree.file, tree.mark, {keys.FILE.name: tree})
    try:
        fields = read_fields(tree, TABLE, reading)
        rows = only_rows(fields, keys.FILE, reading)
    except MissingError:
        return None
    if rows is None or not rows.check_columns((PREFIX, *CALLER_COLUMNS), (PREFIX,), free=True):
        return None
    columns = tuple(column for column in rows.columns if column != PREFIX)
    _check_names(rows, columns)
    reading.vocabulary.columns.update(set(columns) - set(CALLER_COLUMNS))
    values = _read_rows(rows, reading.country)
    return PrefixTable(name, columns, MappingProxyType(values), location=tree.location)


def _check_names(rows: Rows, columns: tuple[str, ...]) -> None:
    """A column that is no column of the language becomes a fact, so its name must be free."""
    for column in columns:
        if column in CALLER_COLUMNS:
            continue
        message = hint = ""
        if not _NAME.match(column):
            message, hint = "letters, digits and _ only", "it becomes caller.NAME"
        elif f"caller.{column}" in FACTS:
            message = f"caller.{column} is a fact already"
            hint = "the type of line stands in the column type" if column == "line_type" else ""
        if message:
            index = rows.columns.index(column)
            rows.refuse(rows.header_line, index, f'"{shorten(column)}": {message}', hint or None)


def _read_rows(rows: Rows, country: str) -> dict[str, tuple[str, ...]]:
    """Digits of the prefix to the values of the other columns."""
    at = rows.columns.index(PREFIX)
    readers = [_ColumnReader(_CELLS.get(column, _free)) for column in rows.columns]
    readers[at] = _ColumnReader(number_prefix)
    values: dict[str, tuple[str, ...]] = {}
    for line, fields in rows:
        found: list[str] = []
        for index, text in enumerate(fields):
            try:
                found.append(readers[index].read(text, country))
            except RefusedError as error:
                rows.refuse(line, index, str(error), error.suggestion)
                found.append("")
        prefix = found.pop(at).removeprefix("+")
        if not prefix and not fields[at].strip():
            rows.refuse(line, at, "the prefix is empty")
        elif prefix in values:
            rows.refuse(line, at, f'the prefix "{shorten(fields[at])}" stands twice')
        elif prefix:
            values[prefix] = tuple(found)
    return values


class _ColumnReader:
    """Reads the fields of one column; what repeats itself, as types and states do, only once."""

    MAX_REMEMBERED = 1000
    """Texts of a column; one with more different ones (names of places) repeats itself little."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._known: dict[str, str] = {}

    def read(self, text: str, country: str) -> str:
        """The canonical value; empty for an empty field."""
        known = self._known.get(text)
        if known is None:
            bare = text.strip()
            known = self._code(bare, country) if bare else ""
            if len(self._known) < self.MAX_REMEMBERED:
                self._known[text] = known
        return known
