"""CSV files that the YAML names: found, read and cut into rows that know where they stand.

RFC 4180, read generously: the first line is a header; fields are separated by commas, or by
semicolons or tabs if that is what the header has; empty lines and lines that begin with `#` do not
count. A row has a field for every column. The content of each file belongs to the configuration's
version. Knows no column.
"""

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator

from config.document import decode
from config.errors import Problems, did_you_mean
from config.model import Location
from config.reading import Reading, RefusedError, shorten

MAX_BYTES = 128 << 20
"""Longest file: a million rows of numbers with their binding take about 80 MB."""
MAX_ROWS = 2_000_000
"""Rows in a file; more numbers than North America has area codes and exchanges."""
MAX_COLUMNS = 100
"""A number with ten parameters has some twenty; each is looked at in every row."""

MAX_HEAD = 65_536
"""Characters in which the header is looked for, to see which separator it has."""

_SEPARATORS = ",;\t"
# The ends of lines of the csv module, which are fewer than those of str.splitlines.
_LINE_END = re.compile(r"\r\n|\r|\n")
_BAD_FILE: dict[type, str] = {
    FileNotFoundError: "there is no such file",
    IsADirectoryError: "this is a folder, not a file",
    PermissionError: "it may not be read",
}


def read_text(name: str, reading: Reading) -> tuple[str, str]:
    """Name for messages and text of a file beside the configuration; raises RefusedError, with a
    place in the file when it is the text that is bad."""
    path = reading.folder / name
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # A pipe or a device: reading it might never end.
            raise RefusedError(f"{path}: this is not a file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, RefusedError):
            raise
        text = _BAD_FILE.get(type(error)) or getattr(error, "strerror", None) or str(error)
        raise RefusedError(f"{path}: {text}") from None
    reading.files[str(path)] = hashlib.sha256(content).hexdigest()
    problems = Problems()
    text = decode(content, str(path), problems, most=MAX_BYTES)
    if text is None:
        bad = next(iter(problems))
        raise RefusedError(bad.message, location=bad.location)
    return str(path), text


def open_rows(name: str, reading: Reading) -> "Rows":
    """The rows of a file beside the configuration; raises RefusedError when it cannot be read."""
    file, text = read_text(name, reading)
    return Rows(file, text, reading)


class Rows:
    """The rows of one CSV file: gone through once, each with the line it begins in."""

    def __init__(self, file: str, text: str, reading: Reading) -> None:
        self.file = file
        self._text = text
        self._reading = reading
        self._separator = _separator(text)
        self._reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=self._separator, strict=True
        )
        self._lines: list[str] = []
        self.header_line = 1
        self.columns: list[str] = []
        """Names of the columns, as the header has them."""
        self._read_header()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Line (from 1) and fields of each row that has them all; others are noted."""
        reader, width = self._reader, len(self.columns)
        if not width:
            return  # a file without a header, which is noted
        first, count = reader.line_num + 1, 0
        try:
            for fields in reader:
                if len(fields) == width and fields[0][:1] != "#":
                    count += 1
                    if count > MAX_ROWS:
                        return self.refuse(first, 0, f"the file has more than {MAX_ROWS} rows")
                    yield first, fields
                elif not _says_nothing(fields):
                    message = f"this row has {len(fields)} fields, the header has {width}"
                    hint = f'text with "{self._separator}" in it must stand in quotes'
                    self.refuse(first, 0, message, hint if len(fields) > width else None)
                first = reader.line_num + 1
        except csv.Error as error:
            self._refuse_broken(first, error)

    def place(self, line: int, index: int) -> Location:
        """Where a field begins; `line` is its row's first."""
        return Location(self.file, line, _column(self._row(line), index, self._separator))

    def _row(self, line: int) -> str:
        """The text of a line, from 1; empty behind the end of the file."""
        if not self._lines:
            self._lines = _LINE_END.split(self._text)
        return self._lines[line - 1] if 0 < line <= len(self._lines) else ""

    def refuse(self, line: int, index: int, message: str, suggestion: str | None = None) -> None:
        """Note what is wrong with a field."""
        self._reading.problems.add(self.place(line, index), message, suggestion)

    def check_columns(
        self, known: Collection[str], needed: Collection[str], *, free: bool = False
    ) -> bool:
        """Note columns that are missing, or not known unless any may stand here; whether all is
        good. Known ones are in lower case from here on."""
        good = bool(self.columns)
        for index, written in enumerate(self.columns):
            name = written.lower() if written.lower() in known else written
            self.columns[index] = name
            if not name or name in self.columns[:index]:
                what = f'the column "{shorten(name)}" stands twice' if name else "it has no name"
                self.refuse(self.header_line, index, f"header: {what}")
            elif name not in known and not free:
                hint = did_you_mean(name, known) or f"columns: {', '.join(known)}"
                self.refuse(self.header_line, index, f'"{shorten(name)}" is no column here', hint)
            else:
                continue
            good = False
        for name in needed:
            if name not in self.columns and self.columns:
                hint = "the first line of the file names its columns"
                self.refuse(self.header_line, 0, f'the column "{name}" is missing', hint)
                good = False
        return good

    def _read_header(self) -> None:
        first = 1
        try:
            for fields in self._reader:
                if not _says_nothing(fields):
                    self.header_line = first
                    self.columns = [name.strip() for name in fields]
                    break
                first = self._reader.line_num + 1
        except csv.Error as error:
            self._refuse_broken(first, error)
        else:
            if not self.columns and self._text:
                self.refuse(1, 0, "the file has no header", "its first line names the columns")
            elif not self._text:
                self.refuse(1, 0, "the file is empty")
        if len(self.columns) > MAX_COLUMNS:
            self.refuse(self.header_line, 0, f"the file has more than {MAX_COLUMNS} columns")
            self.columns = []

    def _refuse_broken(self, line: int, error: csv.Error) -> None:
        """A row that the CSV reader gave up; with an open quote it ends only with the file."""
        if "end of data" in str(error):
            place = self.place(line, 0)
            row = self._row(line)
            column = max(0, _open_quote(row)) + 1
            self._reading.problems.add(
                Location(self.file, place.line, column), "this quote is never closed"
            )
        else:
            hint = 'a quote within quotes is written twice: ""'
            self.refuse(line, 0, f"this row cannot be read: {error}", hint)


def _separator(text: str) -> str:
    """The separator of the header: of the three that may be one, the most frequent."""
    # A header that is not found in so many lines is not looked for.
    for line in _LINE_END.split(text[:MAX_HEAD]):
        if line.strip() and not line.startswith("#"):
            return max(_SEPARATORS, key=line.count)
    return _SEPARATORS[0]


def _says_nothing(fields: list[str]) -> bool:
    """A comment, or an empty line."""
    return not fields or fields[0].startswith("#") or (len(fields) == 1 and not fields[0].strip())


def _column(row: str, index: int, separator: str) -> int:
    """Where in a line a field begins, from 1."""
    quoted = False
    for position, character in enumerate(row):
        if index == 0:
            return position + 1
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            index -= 1
    return len(row) + 1 if index == 0 and row else 1


def _open_quote(row: str) -> int:
    """Where the quote stands that a line leaves open, from 0; -1 when it leaves none."""
    opened = -1
    for position, character in enumerate(row):
        if character == '"':
            opened = position if opened < 0 else -1
    return opened
