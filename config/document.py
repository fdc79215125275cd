"""YAML text to a tree of mappings, sequences and scalars that know where they stand.

YAML 1.1's syntax by libyaml's parser, without its types: every scalar stays the text that was
written (`010`, `1:30`, `no` and `+16025551234` are text), so that whoever reads a key decides
what it means. Anchors, aliases and merge keys (`<<`) work, duplicate keys are mistakes, `${NAME}`
is replaced. The tree is built from parser events without recursion, because PyYAML's own composer
overruns the C stack on deep nesting, and takes five times as long.

Knows nothing of which keys exist.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import yaml

from config.errors import Problems
from config.model import Location
from config.substitution import SubstitutionError, substitute

MAX_BYTES = 16 << 20
"""Longest file: 10,000 numbers with a binding each take about 1.3 MB."""
MAX_DEPTH = 100
"""Deepest nesting: a menu takes three levels, and nobody survives thirty menus."""
MAX_NODES = 2_000_000
"""Scalars, lists and mappings in a file; what MAX_BYTES of real configuration stays far below."""
MAX_MERGED = 1_000_000
"""Entries copied by merge keys; a chain of merges could copy a large mapping without end."""

_PARSER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_YAML_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    {"!"} | {_YAML_TAG + kind for kind in ("str", "int", "float", "bool", "seq", "map")}
)
# What YAML 1.1 section 5.1 allows in a stream; the rest are control characters and surrogates.
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Mark(Protocol):
    """Where the parser stood; lines and columns count from 0."""

    line: int
    column: int


@dataclass(slots=True, eq=False)
class Placed:
    """Something that knows where it stands. The location is made on use: few are ever shown."""

    file: str
    mark: Mark

    @property
    def location(self) -> Location:
        return Location(self.file, self.mark.line + 1, self.mark.column + 1)


@dataclass(slots=True, eq=False)
class Scalar(Placed):
    """A piece of text. `plain` when it was written without quotes."""

    text: str
    plain: bool = True
    moved: bool = False
    """Whether its characters stand elsewhere than one after the other behind its place: in a block,
    in several lines, or behind a variable."""

    @property
    def absent(self) -> bool:
        """Whether it says nothing: empty, or YAML's null."""
        return not self.text or (self.plain and self.text in ("~", "null", "Null", "NULL"))


@dataclass(slots=True, eq=False)
class Sequence(Placed):
    """A list."""

    items: "list[Tree]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Table(Placed):
    """A mapping from text to trees; `keys` has each key as it was written."""

    entries: "dict[str, Tree]" = field(default_factory=dict)
    keys: dict[str, Scalar] = field(default_factory=dict)


Tree = Scalar | Sequence | Table


class _UnreadableError(Exception):
    """Reading cannot go on; the problem is noted."""


@dataclass(slots=True, eq=False)
class _Open:
    """A collection that is being built."""

    tree: Sequence | Table
    anchor: str | None
    key: Scalar | None = None
    merges: list[tuple[Scalar, Tree]] = field(default_factory=list)


def parse(
    content: bytes,
    file: str,
    variables: Mapping[str, str],
    problems: Problems,
    *,
    used: dict[str, str],
) -> Tree | None:
    """The tree of a file's content; None (and a problem) when it is not one YAML document."""
    text = decode(content, file, problems, most=MAX_BYTES)
    if text is None:
        return None
    composer = _Composer(file, problems, lambda raw: substitute(raw, variables, used=used))
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            composer.receive(event)
    except _UnreadableError:
        return None
    except yaml.MarkedYAMLError as error:
        problems.add(*_syntax_problem(error, file, text))
        return None
    except yaml.YAMLError as error:
        text_of_error = " ".join(str(error).split())
        problems.add(Location(file, 1, 1), f"this is not YAML: {text_of_error}")
        return None
    if composer.root is None and not problems:
        problems.add(Location(file, 1, 1), "the file is empty")
    return composer.root


def decode(content: bytes, file: str, problems: Problems, *, most: int) -> str | None:
    """The text of a file of up to so many bytes; None (and a problem) when it is none."""
    if len(content) > most:
        problems.add(Location(file, 1, 1), f"the file is longer than {most >> 20} MB")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        message = f"this is not UTF-8 text (byte 0x{content[error.start]:02x})"
        problems.add(_place(file, before, len(before)), message)
        return None
    bad = _NOT_PRINTABLE.search(text)
    if bad:
        message = f"the character U+{ord(bad[0]):04X} may not stand in a text file"
        problems.add(_place(file, text, bad.start()), message)
        return None
    return text


def _place(file: str, text: str, offset: int) -> Location:
    line_start = text.rfind("\n", 0, offset) + 1
    return Location(file, text.count("\n", 0, offset) + 1, offset - line_start + 1)


def _syntax_problem(
    error: yaml.MarkedYAMLError, file: str, text: str
) -> tuple[Location, str, str | None]:
    """What libyaml says, at its place, in an operator's words where they are known."""
    mark = error.problem_mark or error.context_mark
    if error.context == "while scanning a quoted scalar" and "end of" in (error.problem or ""):
        # libyaml comes to the end of the file; what is to be mended stands where the quote is.
        mark = error.context_mark
        if mark is not None:
            place = Location(file, mark.line + 1, mark.column + 1)
            return place, "this quote is never closed", None
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    location = Location(file, line + 1, column + 1)
    rows = text.split("\n")
    row = rows[line] if line < len(rows) else ""
    if row[column : column + 1] == "\t":
        return location, "a tab may not indent; use spaces", None
    problem = error.problem or "it cannot be read"
    context = f" {error.context}" if error.context else ""
    hint = None
    if "${" in row and "{" in row.replace("${", ""):
        hint = "inside { } or [ ] a ${NAME} must stand in quotes"
    elif "mapping values are not allowed" in problem:
        hint = 'text with ": " in it must stand in quotes'
    elif row[column : column + 1] in tuple("@`%*&!|>"):
        hint = f'text that begins with "{row[column]}" must stand in quotes'
    return location, f"this is not YAML:{context}{',' if context else ''} {problem}", hint


class _Composer:
    """Builds the tree from parser events."""

    def __init__(self, file: str, problems: Problems, replace: Callable[[str], str]) -> None:
        self.root: Tree | None = None
        self._file = file
        self._problems = problems
        self._replace = replace
        self._open: list[_Open] = []
        self._anchors: dict[str, Tree | None] = {}
        self._documents = 0
        self._nodes = 0
        self._merged = 0

    def receive(self, event: object) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    # Events.

    def _document_start(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(self._location(event), "a file holds one document; this begins a second one")

    def _scalar(self, event: Any) -> None:
        # libyaml says "" for a plain scalar, PyYAML's own parser None.
        scalar = Scalar(self._file, event.start_mark, event.value, not event.style)
        if event.tag is not None:
            self._check_tag(event.tag, scalar)
        if " " in event.value:
            scalar.moved = event.end_mark.line != event.start_mark.line
        if "$" in event.value:
            self._substitute(scalar)
            scalar.moved = True
        if event.anchor is not None:
            self._anchors[event.anchor] = scalar
        self._add(scalar)

    def _alias(self, event: Any) -> None:
        tree = self._anchors.get(event.anchor)
        if tree is None:
            known = event.anchor in self._anchors
            why = "contains itself" if known else "was not defined before"
            self._stop(self._location(event), f"the alias *{event.anchor} {why}")
        self._add(tree)

    def _mapping_start(self, event: Any) -> None:
        self._begin(event, Table(self._file, event.start_mark))

    def _sequence_start(self, event: Any) -> None:
        self._begin(event, Sequence(self._file, event.start_mark))

    def _begin(self, event: Any, tree: Sequence | Table) -> None:
        if event.tag is not None:
            self._check_tag(event.tag, tree)
        if len(self._open) >= MAX_DEPTH:
            self._stop(tree.location, f"nested more than {MAX_DEPTH} levels deep")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(tree, event.anchor))

    def _end(self, _event: Any) -> None:
        ended = self._open.pop()
        if isinstance(ended.tree, Table):
            for key, source in ended.merges:
                self._merge(ended.tree, source, key)
        if ended.anchor is not None:
            self._anchors[ended.anchor] = ended.tree
        self._add(ended.tree)

    # Building.

    def _add(self, tree: Tree) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(tree.location, f"the file has more than {MAX_NODES} values")
        if not self._open:
            self.root = tree
            return
        parent = self._open[-1]
        if isinstance(parent.tree, Sequence):
            parent.tree.items.append(tree)
        elif parent.key is None:
            self._set_key(parent, tree)
        else:
            self._set_value(parent, parent.tree, parent.key, tree)

    def _set_key(self, parent: _Open, tree: Tree) -> None:
        if not isinstance(tree, Scalar):
            self._problems.add(tree.location, "a key must be text, not a list or mapping")
            tree = Scalar(tree.file, tree.mark, "")
        parent.key = tree

    def _set_value(self, parent: _Open, mapping: Table, key: Scalar, value: Tree) -> None:
        parent.key = None
        if key.text == "<<" and key.plain:
            parent.merges.append((key, value))
            return
        if key.text in mapping.keys:
            first = mapping.keys[key.text]
            message = f'"{key.text}" stands twice here, first in line {first.location.line}'
            self._problems.add(key.location, message)
            return
        mapping.entries[key.text] = value
        mapping.keys[key.text] = key

    def _merge(self, target: Table, source: Tree, merge_key: Scalar) -> None:
        """Add the entries that are not there yet; of several sources the first wins."""
        for tree in source.items if isinstance(source, Sequence) else [source]:
            if not isinstance(tree, Table):
                self._problems.add(
                    merge_key.location, "<< merges a mapping (*name) or a list of them"
                )
                continue
            self._merged += len(tree.entries)
            if self._merged > MAX_MERGED:
                self._stop(merge_key.location, f"merge keys copy more than {MAX_MERGED} entries")
            for key, value in tree.entries.items():
                if key not in target.entries:
                    target.entries[key] = value
                    target.keys[key] = tree.keys[key]

    def _substitute(self, scalar: Scalar) -> None:
        try:
            scalar.text = self._replace(scalar.text)
        except SubstitutionError as error:
            place = scalar.location
            if scalar.plain and "\n" not in scalar.text:
                place = Location(place.file, place.line, place.column + error.offset)
            self._problems.add(place, str(error))
            self._problems.silence(scalar.location)
            scalar.text = ""

    def _check_tag(self, tag: str, tree: Tree) -> None:
        if tag not in _PLAIN_TAGS:
            shown = tag.replace(_YAML_TAG, "!!")
            self._problems.add(tree.location, f"the tag {shown} has no meaning here")

    def _location(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(self._file, mark.line + 1, mark.column + 1)

    def _stop(self, location: Location, message: str) -> NoReturn:
        self._problems.add(location, message)
        raise _UnreadableError


# Functions, not methods bound to a composer: those would hold it, and the tree with it, in a
# circle. Any: PyYAML's events carry no types.
_HANDLERS: dict[type, Callable[[_Composer, Any], None]] = {
    yaml.ScalarEvent: _Composer._scalar,
    yaml.AliasEvent: _Composer._alias,
    yaml.MappingStartEvent: _Composer._mapping_start,
    yaml.MappingEndEvent: _Composer._end,
    yaml.SequenceStartEvent: _Composer._sequence_start,
    yaml.SequenceEndEvent: _Composer._end,
    yaml.DocumentStartEvent: _Composer._document_start,
}
