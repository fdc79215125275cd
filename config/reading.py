"""How a mapping of the YAML becomes typed values: keys, kinds of value, sections.

A `Section` lists the `Key`s a mapping may have, a `Kind` turns what was written into a value and
says in words what it expects. The loader reads by these, and `config.reference` prints them: there
is no second list. Every mistake is noted with its place and reading goes on.
Knows no key of the language by itself.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from config import hints
from config.document import Scalar, Table, Tree
from config.errors import Problems, did_you_mean
from config.hints import ANYTHING, SCALAR, Schema
from config.model import Function, Location

if TYPE_CHECKING:
    # Its kinds are read by this module.
    from config.expression.vocabulary import Vocabulary

T = TypeVar("T")

MAX_SHOWN = 60
"""Characters of a bad value repeated in a message."""


class MediaKnowledge(Protocol):
    """What only the media rooms know; passed in, because configuration stands below them."""

    @property
    def tone_plans(self) -> Collection[str]:
        """Countries with a tone plan, in lower case."""

    @property
    def tones(self) -> Collection[str]:
        """Names of tones a prompt may be."""

    def wav_problem(self, path: Path) -> str | None:
        """Why a file cannot be played, or None when it can."""


def _no_names() -> "Vocabulary":
    from config.expression.vocabulary import Vocabulary

    return Vocabulary()


@dataclass(frozen=True, slots=True)
class KeywordQuestion:
    """A condition that asks whether a keyword was heard."""

    function: Function
    location: Location
    campaign: str
    """Whose condition it is; empty: of a treatment."""


@dataclass(slots=True)
class Reading:
    """What is going on while a configuration is read."""

    problems: Problems
    folder: Path = Path()
    """Folder of the file; prompts are relative to it."""
    country: str = "US"
    media: MediaKnowledge | None = None
    names: dict[str, Collection[str]] = field(default_factory=dict)
    """Names declared in each section, so that a reference is checked where it stands."""
    currency: str = "USD"
    """The switch's."""
    time_zone: str = "UTC"
    """The switch's."""
    zones: dict[str, str] = field(default_factory=dict)
    """Time zone of each schedule of the section hours."""
    vocabulary: "Vocabulary" = field(default_factory=_no_names)
    """What expressions may speak of."""
    before_end: bool = False
    """Whether what is read is looked at while the call lives: its end is not known then."""
    priced: list[tuple[str, Location]] = field(default_factory=list)
    """Publishers that payouts have prices for."""
    campaign: str = ""
    """The campaign that is read now, when one is."""
    keyword_questions: list[KeywordQuestion] = field(default_factory=list)
    """Where conditions ask for keywords, so that somebody listens for them."""
    files: dict[str, str] = field(default_factory=dict)
    """Digest of each further file that was read: they belong to the configuration's version."""
    control_tokens: bool = False
    """Whether peers of the control socket have to show a token."""
    steps: int = 0
    """Steps of treatments made so far."""
    depth: int = 0
    """How deep in nested steps."""
    step_names: set[str] = field(default_factory=set)
    """Names given to steps of this treatment."""
    step_counts: dict[str, int] = field(default_factory=dict)
    """Steps of each kind in this treatment, for the names of the others."""


class RefusedError(ValueError):
    """A value that does not fit, and why."""

    def __init__(
        self, message: str, *, suggestion: str | None = None, location: Location | None = None
    ) -> None:
        super().__init__(message)
        self.suggestion = suggestion
        self.location = location
        self.others: list[RefusedError] = []
        """What else is wrong with the same value, each with its place."""


class MissingError(LookupError):
    """A key that was needed is absent or was refused; the problem is noted."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of value: what it is in words, and how it is read (raises RefusedError)."""

    says: str
    read: Callable[[Tree, Reading], T]
    schema: Schema = field(default_factory=lambda: ANYTHING, compare=False, repr=False)
    """What a JSON Schema can say of it (config.hints)."""


class Key(Generic[T]):
    """One key of a mapping. `default` is written as an operator would."""

    def __init__(
        self,
        name: str,
        kind: Kind[T],
        about: str,
        *,
        default: str | None = None,
        otherwise: str | None = None,
        required: bool = False,
        example: str = "",
    ) -> None:
        self.name = name
        self.kind = kind
        self.about = about
        self.default = default
        self.otherwise = otherwise
        """What holds without the key, in words, where that is no value of its own."""
        self.required = required
        self.example = example
        self.default_value: T | None = None
        if default is not None:
            tree = Scalar("", _NO_MARK, default)
            self.default_value = kind.read(tree, Reading(Problems()))


@dataclass(slots=True)
class _NoMark:
    line: int = -1
    column: int = -1


_NO_MARK = _NoMark()


MAX_ELSEWHERE = 2
"""Sections that a key may belong to for its place to be told: one that is in more says nothing."""

_SECTIONS_WITH: dict[str, set[str]] = {}
"""The names of the sections that have a key; filled as the modules of the language are loaded."""


class Section:
    """The keys of one mapping of the language."""

    def __init__(
        self,
        name: str,
        about: str,
        keys: Iterable[Key[Any]],
        *,
        short: str = "",
        short_schema: Schema = ANYTHING,
        example: str,
    ) -> None:
        self.name = name
        self.about = about
        self.keys = {key.name: key for key in keys}
        for key in self.keys:
            _SECTIONS_WITH.setdefault(key, set()).add(name)
        self.short = short
        """What may stand instead of the mapping, in words."""
        self.short_schema = short_schema
        """The same for a JSON Schema; not looked at where nothing may stand instead."""
        self.example = example


def section_kind(section: Section, read: Callable[[Tree, Reading], T]) -> Kind[T]:
    """The kind of value that a section's mapping (or what may stand instead) becomes."""
    return Kind(section.name, read, hints.section(section.name))


def keys_of(holder: type) -> list[Key[Any]]:
    """The keys of a section, in the order they were written."""
    return [value for value in vars(holder).values() if isinstance(value, Key)]


class Fields:
    """The values of one mapping, by key."""

    def __init__(self, table: Table, values: dict[str, object]) -> None:
        self.table = table
        self._values = values

    def __contains__(self, key: Key[Any]) -> bool:
        return key.name in self._values

    def __getitem__(self, key: Key[T]) -> T:
        """The value or the default; raises MissingError when there is neither."""
        if key.name in self._values:
            return cast(T, self._values[key.name])
        if key.default is not None:
            return cast(T, key.default_value)
        raise MissingError(key.name)

    def get(self, key: Key[T]) -> T | None:
        """The value, the default, or None."""
        if key.name in self._values:
            return cast(T, self._values[key.name])
        return key.default_value

    def refused(self, *keys: Key[Any]) -> bool:
        """Whether one of the keys was written, and what stands there was no value for it."""
        for key in keys:
            tree = self.table.entries.get(key.name)
            written = tree is not None and not (isinstance(tree, Scalar) and tree.absent)
            if written and key.name not in self._values:
                return True
        return False

    def need_good(self, *keys: Key[Any]) -> None:
        """Raise MissingError when one of the keys was refused: what is left would mislead."""
        if self.refused(*keys):
            raise MissingError(keys[0].name)

    def need_written(self, key: Key[Any], reading: Reading, cure: str) -> None:
        """Raise MissingError when a value stands empty, or was refused, and nobody means what
        would hold without it."""
        tree = self.table.entries.get(key.name)
        if isinstance(tree, Scalar) and tree.absent:
            message = f'"{key.name}" is empty: expected {key.kind.says}'
            reading.problems.add(tree.location, message, cure)
            raise MissingError(key.name)
        self.need_good(key)

    def need_condition(self, key: Key[Any], reading: Reading) -> None:
        """The same for a condition, which would hold always: nobody writes `when` to say that."""
        self.need_written(key, reading, f"leave {key.name} out for always")

    def place(self, key: Key[Any]) -> Location:
        """Where the value stands, or the mapping when it is absent."""
        tree = self.table.entries.get(key.name)
        return tree.location if tree is not None else self.table.location

    def places(self, *keys: Key[Any]) -> Mapping[str, Location]:
        """Where the values stand, by the names of their keys."""
        return {key.name: self.place(key) for key in keys}


def read_fields(tree: Tree, section: Section, reading: Reading) -> Fields:
    """Read a mapping by its section, noting every mistake; raises MissingError when it is none."""
    if not isinstance(tree, Table):
        reading.problems.add(
            tree.location, f"expected the settings of {section.name}, {describe(tree)}"
        )
        raise MissingError(section.name)
    values: dict[str, object] = {}
    for name, value in tree.entries.items():
        key = section.keys.get(name)
        if key is None:
            _unknown_key(tree.keys[name], section, reading)
        elif not (isinstance(value, Scalar) and value.absent):
            try:
                values[name] = key.kind.read(value, reading)
            except RefusedError as error:
                note(reading, error, value, name)
            except MissingError:
                pass
    for key in section.keys.values():
        if key.required and key.name not in values:
            _missing_key(tree, key, section, reading)
    return Fields(tree, values)


def _unknown_key(written: Scalar, section: Section, reading: Reading) -> None:
    cut = "(" in written.text or ")" in written.text
    reading.problems.add(
        written.location,
        f'"{shorten(written.text)}" is no setting of {section.name}',
        "inside { } a text with a comma stands in quotes"
        if cut
        else _elsewhere(written.text)
        or did_you_mean(written.text, section.keys)
        or f"settings: {', '.join(section.keys)}",
    )


def _elsewhere(name: str) -> str:
    """Where a key belongs that stands in the wrong place; empty: it is no key, or one of many."""
    sections = sorted(_SECTIONS_WITH.get(name, ()))
    if not 0 < len(sections) <= MAX_ELSEWHERE:
        return ""
    return "it is a setting " + " and ".join(f"of {section}" for section in sections)


def _missing_key(table: Table, key: Key[Any], section: Section, reading: Reading) -> None:
    value = table.entries.get(key.name)
    if value is None:
        message = f'{section.name} needs "{key.name}": {key.kind.says}'
        reading.problems.add(table.location, message)
    elif isinstance(value, Scalar) and value.absent:
        reading.problems.add(value.location, f'"{key.name}" is empty: expected {key.kind.says}')


def note(reading: Reading, error: RefusedError, tree: Tree, key: str) -> None:
    """Add a refused value to the problems, named after its key."""
    for one in (error, *error.others):
        location = one.location or tree.location
        reading.problems.add(location, f"{key}: {one}", one.suggestion)


def refuse_all(errors: list[RefusedError]) -> None:
    """Raise the first of the errors, with the others in its train; nothing when there are none."""
    if errors:
        errors[0].others = errors[1:]
        raise errors[0]


def read_each(items: Iterable[Tree], read: Callable[[Tree], None], says: str) -> None:
    """Have each entry of a list read; raises what was refused of all of them together, and
    MissingError when nothing was refused but a value is missing."""
    errors: list[RefusedError] = []
    missing = False
    for item in items:
        try:
            read(item)
        except RefusedError as error:
            error.location = error.location or item.location
            errors.append(error)
        except MissingError:
            missing = True
    refuse_all(errors)
    if missing:
        raise MissingError(says)


def scalar(says: str, convert: Callable[[str], T], schema: Schema = SCALAR) -> Kind[T]:
    """A kind made from text; a ValueError of `convert` becomes "expected ..., not ..."."""

    def read(tree: Tree, _reading: Reading) -> T:
        if not isinstance(tree, Scalar):
            raise RefusedError(f"expected {says}, {describe(tree)}")
        try:
            return convert(tree.text)
        except RefusedError:
            raise
        except ValueError:
            raise RefusedError(f"expected {says}, {describe(tree)}") from None

    return Kind(says, read, schema)


def describe(tree: Tree) -> str:
    """What was written instead of what was expected."""
    if isinstance(tree, Scalar):
        return f'not "{shorten(tree.text)}"' if not tree.absent else "not nothing"
    return "not settings" if isinstance(tree, Table) else "not a list"


def shorten(text: str) -> str:
    """A value for a message: one line, not too long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
