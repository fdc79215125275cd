"""CSV files of numbers: `number_files` of the YAML, and the files of pools and stocks.

One row is one number. The header says what the columns are: number, campaign, publisher, pool,
as_is and refuse as in the section numbers, `attribute.NAME`, and whatever else is the name of a
parameter. 100,000 rows are read in a second, so each row goes through as little as it can: what is
good is looked up, and only what is not is looked at closely.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from config import hints
from config.document import Scalar, Tree
from config.errors import did_you_mean
from config.kinds import (
    CAMPAIGN_NAME,
    LINE,
    MAX_NAME,
    MAX_VALUE,
    NAME,
    POOL_NAME,
    REFUSALS,
    known_names,
    list_of,
    printed,
)
from config.model import NOTHING, Location, Number, Pool, StockNumber
from config.numbers import TakenNumbers, attributes_of, classify
from config.reading import (
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    note,
    read_fields,
    section_kind,
    shorten,
)
from config.rows import Rows, open_rows

MAX_FILES = 1000
"""Each is opened, read and kept an eye on at every load."""

_FIXED = ("number", "campaign", "publisher", "pool", "as_is", "refuse")
_ATTRIBUTE = "attribute."
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("", "false", "no", "off", "0")
_REFUSALS = {str(status): status for status in REFUSALS}


@dataclass(frozen=True, slots=True)
class NumberFile:
    """A file of numbers, and what holds where its columns say nothing."""

    file: str
    location: Location
    campaign: str | None = None
    publisher: str | None = None
    pool: str | None = None


class NumberFileKeys:
    """Keys of a file of numbers."""

    FILE = Key(
        "file",
        LINE,
        "The CSV file, relative to the configuration's folder.",
        required=True,
        example="numbers.csv",
    )
    CAMPAIGN = Key(
        "campaign",
        CAMPAIGN_NAME,
        "Campaign of numbers whose row names none.",
        otherwise="the pool's",
        example="spring-sale",
    )
    PUBLISHER = Key(
        "publisher",
        NAME,
        "Publisher of numbers whose row names none.",
        otherwise="the pool's, then the campaign's",
        example="p1",
    )
    POOL = Key(
        "pool",
        POOL_NAME,
        "Pool of numbers whose row names none.",
        otherwise="none",
        example="ad-placement",
    )


NUMBER_FILE = Section(
    "a file of numbers",
    "A CSV file of live numbers, a row each. Its first line names the columns: `number`, and any "
    "of `campaign`, `publisher`, `pool`, `as_is`, `refuse`, `attribute.NAME`; every other column "
    "is a parameter. A field that is empty says nothing; a number of a pool without any parameter "
    "is bound when it is asked for.",
    keys_of(NumberFileKeys),
    short="the name of the file alone",
    short_schema=hints.SCALAR,
    example="number_files:\n  - numbers.csv\n  - {file: more.csv, campaign: spring-sale}",
)


def _read_number_file(tree: Tree, reading: Reading) -> NumberFile:
    keys = NumberFileKeys
    if isinstance(tree, Scalar):
        return NumberFile(LINE.read(tree, reading), tree.location)
    fields = read_fields(tree, NUMBER_FILE, reading)
    file = fields[keys.FILE]
    fields.need_good(keys.CAMPAIGN, keys.PUBLISHER, keys.POOL)
    return NumberFile(
        file,
        fields.place(keys.FILE),
        fields.get(keys.CAMPAIGN),
        fields.get(keys.PUBLISHER),
        fields.get(keys.POOL),
    )


NUMBER_FILES = list_of(section_kind(NUMBER_FILE, _read_number_file), most=MAX_FILES, doubles=True)


def read_number_files(tree: Tree, reading: Reading) -> tuple[NumberFile, ...]:
    """The section number_files."""
    try:
        return NUMBER_FILES.read(tree, reading)
    except RefusedError as error:
        note(reading, error, tree, "number_files")
    except MissingError:
        pass
    return ()


class FileReader:
    """Makes numbers of the rows of files."""

    def __init__(self, pools: Mapping[str, Pool], taken: TakenNumbers, reading: Reading) -> None:
        self._pools = pools
        self._taken = taken
        self._reading = reading

    def numbers(self, file: NumberFile) -> Iterator[Number]:
        """The live numbers of a file."""
        rows = self._open(file.file, file.location)
        if rows is None or not rows.check_columns(_FIXED, ("number",), free=True):
            return
        reader = _RowReader(rows, file, self._pools, self._reading)
        if not reader.good:
            return
        for line, fields in rows:
            number = reader.number(line, fields)
            if number is not None and self._take(number, rows, reader.index, line, fields):
                yield number

    def stock(self, file: str, location: Location) -> Iterator[StockNumber]:
        """The numbers of a stock's file, whose further columns are attributes."""
        rows = self._open(file, location)
        if rows is None or not rows.check_columns(("number",), ("number",), free=True):
            return
        index = rows.columns.index("number")
        names = [name.removeprefix(_ATTRIBUTE) for name in rows.columns]
        for line, fields in rows:
            number = _canonical(fields[index], rows, line, index, self._reading)
            place = Location(rows.file, line, 1)
            if number is None or not self._taken.take(number, fields[index], place):
                continue
            given = {
                name: value
                for position, (name, value) in enumerate(zip(names, fields, strict=True))
                if position != index and value
            }
            yield StockNumber(number, attributes_of(number, given), place)

    def _open(self, file: str, location: Location) -> Rows | None:
        try:
            return open_rows(file, self._reading)
        except RefusedError as error:
            self._reading.problems.add(error.location or location, f"file: {error}")
        return None

    def _take(self, number: Number, rows: Rows, index: int, line: int, fields: list[str]) -> bool:
        return self._taken.take(number.pattern, fields[index], number.location, as_is=number.as_is)


def _canonical(text: str, rows: Rows, line: int, index: int, reading: Reading) -> str | None:
    """The number of a field in E.164; None (and a problem) when it is none."""
    try:
        number, kind = classify(text, reading.country, as_is=False)
        if kind != "exact":
            raise RefusedError(f'"{shorten(text)}" is not one phone number')
    except RefusedError as error:
        rows.refuse(line, index, f"number: {error}", error.suggestion)
        return None
    return number


class _RowReader:
    """Makes a number of one row."""

    def __init__(
        self, rows: Rows, file: NumberFile, pools: Mapping[str, Pool], reading: Reading
    ) -> None:
        self._rows = rows
        self._file = file
        self._pools = pools
        self._reading = reading
        self._campaigns = reading.names.get("campaigns", ())
        self._publishers: set[str] = set()
        columns = rows.columns
        self.index = columns.index("number")
        self._fixed = {name: columns.index(name) for name in _FIXED if name in columns}
        self._attributes = [
            (index, name.removeprefix(_ATTRIBUTE))
            for index, name in enumerate(columns)
            if name.startswith(_ATTRIBUTE)
        ]
        self._parameters = [
            (index, name)
            for index, name in enumerate(columns)
            if name not in _FIXED and not name.startswith(_ATTRIBUTE)
        ]
        self.good = self._check_names()
        reading.vocabulary.bindings.update(name for _index, name in self._parameters)

    def _check_names(self) -> bool:
        """Names of parameters are names; in a file for one pool, the pool's."""
        pool = self._pools.get(self._file.pool or "")
        good = True
        for index, name in self._parameters:
            message = hint = None
            if not printed(name):
                message = f"the name of a parameter has 1 to {MAX_NAME} printable characters"
            elif pool is not None and "pool" not in self._fixed and name not in pool.parameters:
                message = f'"{shorten(name)}" is no parameter of the pool "{pool.name}"'
                hint = did_you_mean(name, (*pool.parameters, *_FIXED))
            if message is not None:
                self._rows.refuse(self._rows.header_line, index, message, hint)
                good = False
        return good

    def number(self, line: int, fields: list[str]) -> Number | None:
        """The number of a row; None (and problems) when it is no use."""
        try:
            return self._build(line, fields)
        except RefusedError as error:
            self._reading.problems.add(
                error.location or self._rows.place(line, 0), str(error), error.suggestion
            )
        except MissingError:
            pass
        return None

    def _build(self, line: int, fields: list[str]) -> Number:
        as_is = "as_is" in self._fixed and self._as_is(line, fields)
        text = fields[self.index]
        try:
            pattern, kind = classify(text, self._reading.country, as_is=as_is)
        except RefusedError as error:
            raise self._wrong(line, self.index, f"number: {error}", error.suggestion) from None
        pool = self._pool(line, fields)
        parameters = self._binding(line, fields, pool)
        if pool is not None and (kind != "exact" or as_is):
            message = f'number: the pool "{pool.name}" has phone numbers only'
            raise self._wrong(line, self.index, message)
        return Number(
            pattern,
            kind,
            self._campaign(line, fields, pool),
            self._publisher(line, fields, pool),
            pool.name if pool is not None else None,
            parameters,
            as_is,
            self._refusal(line, fields) if "refuse" in self._fixed else None,
            self._given(pattern, fields, pool),
            pool is not None and not parameters,
            Location(self._rows.file, line, 1),
        )

    def _wrong(
        self, line: int, index: int, message: str, suggestion: str | None = None
    ) -> RefusedError:
        place = self._rows.place(line, index)
        return RefusedError(message, suggestion=suggestion, location=place)

    def _text(self, name: str, fields: list[str]) -> str:
        index = self._fixed.get(name)
        return fields[index] if index is not None else ""

    def _as_is(self, line: int, fields: list[str]) -> bool:
        text = self._text("as_is", fields).strip().lower()
        if text not in _FALSE and text not in _TRUE:
            message = f'as_is: expected true or false, not "{shorten(text)}"'
            raise self._wrong(line, self._fixed["as_is"], message)
        return text in _TRUE

    def _refusal(self, line: int, fields: list[str]) -> int | None:
        text = self._text("refuse", fields).strip()
        if text and text not in _REFUSALS:
            message = f"refuse: expected a status to refuse with: {', '.join(_REFUSALS)}"
            raise self._wrong(line, self._fixed["refuse"], f'{message}, not "{shorten(text)}"')
        return _REFUSALS[text] if text else None

    def _pool(self, line: int, fields: list[str]) -> Pool | None:
        name = self._text("pool", fields) or self._file.pool
        if not name:
            return None
        pool = self._pools.get(name)
        if pool is None:
            names = self._reading.names.get("pools", ())
            if name in names:
                # It was refused, and that is told where it stands.
                raise MissingError(name)
            message = f'pool: there is no pool "{shorten(name)}"'
            hint = did_you_mean(name, names) or known_names(names, "pools")
            raise self._wrong(line, self._fixed.get("pool", 0), message, hint)
        return pool

    def _campaign(self, line: int, fields: list[str], pool: Pool | None) -> str:
        name = self._text("campaign", fields) or self._file.campaign
        if not name:
            if pool is not None and pool.campaign:
                return pool.campaign
            message = "a number needs a campaign: in its row, its file or its pool"
            raise self._wrong(line, self._fixed.get("campaign", self.index), message)
        if name not in self._campaigns:
            message = f'campaign: there is no campaign "{shorten(name)}"'
            known = known_names(self._campaigns, "campaigns")
            hint = did_you_mean(name, self._campaigns) or known
            raise self._wrong(line, self._fixed.get("campaign", 0), message, hint)
        return name

    def _publisher(self, line: int, fields: list[str], pool: Pool | None) -> str | None:
        name = self._text("publisher", fields) or self._file.publisher
        if not name:
            return pool.publisher if pool is not None else None
        if name not in self._publishers:
            if not printed(name):
                message = f"publisher: expected {NAME.says}"
                raise self._wrong(line, self._fixed["publisher"], message)
            self._publishers.add(name)
        return name

    def _binding(self, line: int, fields: list[str], pool: Pool | None) -> Mapping[str, str]:
        """The values of the parameters; in a pool all of them or none."""
        values = {name: fields[index] for index, name in self._parameters if fields[index]}
        if not values:
            return NOTHING
        for index, name in self._parameters:
            if len(fields[index]) > MAX_VALUE:
                message = f"{name}: expected text of up to {MAX_VALUE} characters"
                raise self._wrong(line, index, message)
            if pool is not None and name in values and name not in pool.parameters:
                message = f'"{name}" is no parameter of the pool "{pool.name}"'
                raise self._wrong(line, index, message, did_you_mean(name, pool.parameters))
        if pool is not None and len(values) != len(pool.parameters):
            names = {name for _index, name in self._parameters}
            missing = [name for name in pool.parameters if name not in names]
            if missing:
                message = f'the pool "{pool.name}" needs a value for {", ".join(missing)}'
                raise self._wrong(line, self.index, message, "add a column")
            values = {name: values.get(name, "") for name in pool.parameters}
        return MappingProxyType(values)

    def _given(self, pattern: str, fields: list[str], pool: Pool | None) -> Mapping[str, str]:
        given = NOTHING
        if self._attributes:
            found = {name: fields[index] for index, name in self._attributes if fields[index]}
            given = MappingProxyType(found) if found else NOTHING
        return attributes_of(pattern, given) if pool is not None else given
