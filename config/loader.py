"""Loads a configuration: file, substitution, YAML, values, references; every mistake at once.

The whole language is the top-level keys here and the sections they lead to; `python -m
config.reference` prints it. Whatever is wrong with the file becomes ConfigErrors, never another
exception. What only the media rooms know (which tones there are, whether a file is audio) is asked
of `media`, and not checked without it.
"""

import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from config.document import MAX_BYTES, Scalar, Table, Tree, parse
from config.errors import ConfigErrors, Problems, TooManyProblemsError, did_you_mean
from config.kinds import MAX_NAME, NAME
from config.model import Campaign, Configuration, Location, Number, Pool, Switch, Treatment, Trunk
from config.numbers import NumberReader
from config.reading import MediaKnowledge, Reading, RefusedError, describe, note, shorten
from config.references import check_destinations, check_treatments, check_trunks
from config.sections import read_campaign, read_pool, read_trunk
from config.steps import read_treatment
from config.switch import read_switch

__all__ = ["ConfigErrors", "load", "load_text"]

T = TypeVar("T")

SECTIONS = ("switch", "trunks", "pools", "campaigns", "treatments", "numbers")
IGNORED_PREFIX = "x-"
"""Top-level keys that begin so are left to the operator, for anchors."""

_BAD_FILE: dict[type, str] = {
    FileNotFoundError: "there is no such file",
    IsADirectoryError: "this is a folder, not a file",
    PermissionError: "it may not be read",
}


def load(
    path: Path | str, environment: Mapping[str, str], *, media: MediaKnowledge | None = None
) -> Configuration:
    """Load a file; raises ConfigErrors with everything that is wrong."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            # One byte more than allowed shows that a file is too long, however long it is.
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        text = _BAD_FILE.get(type(error)) or getattr(error, "strerror", None) or str(error)
        problems = Problems()
        problems.add(Location(str(path), 1, 1), text)
        problems.raise_if_any()
        raise
    return load_text(content, path, environment, media=media)


def load_text(
    content: bytes,
    path: Path,
    environment: Mapping[str, str],
    *,
    media: MediaKnowledge | None = None,
) -> Configuration:
    """Load the content of a file; prompts are looked for beside `path`."""
    problems = Problems()
    used: dict[str, str] = {}
    try:
        with _collection_paused():
            tree = parse(content, str(path), environment, problems, used=used)
            reading = Reading(problems, folder=path.parent, media=media)
            configuration = _read(tree, path, _version(content, used), reading)
    except TooManyProblemsError:
        problems.raise_if_any()
        raise
    problems.raise_if_any()
    # Nothing is built only when something was noted.
    assert configuration is not None
    return configuration


@contextmanager
def _collection_paused() -> Iterator[None]:
    """No garbage collection meanwhile: the tree has no cycles, and half the time went into it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _version(content: bytes, used: Mapping[str, str]) -> str:
    digest = hashlib.sha256(content)
    for name, value in sorted(used.items()):
        digest.update(f"\0{name}={value}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:12]


def _read(tree: Tree | None, path: Path, version: str, reading: Reading) -> Configuration | None:
    if tree is None:
        return None
    if not isinstance(tree, Table):
        message = f"expected the sections {', '.join(SECTIONS)}, {describe(tree)}"
        reading.problems.add(tree.location, message)
        return None
    _check_sections(tree, reading)
    entries = {name: _section(tree, name, reading) for name in SECTIONS[1:]}
    reading.names = {name: section.entries for name, section in entries.items()}
    switch = _switch(tree, reading)
    if switch is not None:
        reading.country = switch.country
    trunks = _read_each(entries["trunks"], read_trunk, reading)
    pools = _read_each(entries["pools"], read_pool, reading)
    treatments = _read_each(entries["treatments"], read_treatment, reading)
    campaigns = _read_each(entries["campaigns"], read_campaign, reading)
    numbers = _numbers(entries["numbers"], pools, reading)
    _check(switch, trunks, campaigns, treatments, reading.problems)
    if switch is None:
        return None
    return Configuration(
        switch=switch,
        trunks=trunks,
        numbers=numbers,
        pools=pools,
        campaigns=campaigns,
        treatments=treatments,
        source=path,
        version=version,
    )


def _check(
    switch: Switch | None,
    trunks: Mapping[str, Trunk],
    campaigns: Mapping[str, Campaign],
    treatments: Mapping[str, Treatment],
    problems: Problems,
) -> None:
    check_treatments(treatments, problems)
    check_destinations(campaigns, treatments, problems)
    if switch is not None:
        check_trunks(switch, trunks, problems)


def _check_sections(root: Table, reading: Reading) -> None:
    for name, written in root.keys.items():
        if name not in SECTIONS and not name.startswith(IGNORED_PREFIX):
            reading.problems.add(
                written.location,
                f'"{shorten(name)}" is no section',
                did_you_mean(name, SECTIONS) or f"sections: {', '.join(SECTIONS)}",
            )
    trunks = root.entries.get("trunks")
    if trunks is None or (isinstance(trunks, Scalar) and trunks.absent):
        message = 'the section "trunks" is missing: no call could come in'
        reading.problems.add(trunks.location if trunks else root.location, message)


def _section(root: Table, name: str, reading: Reading) -> Table:
    """The mapping of a section; an empty one when it is absent or no mapping."""
    tree = root.entries.get(name)
    if isinstance(tree, Table):
        return tree
    if tree is not None and not (isinstance(tree, Scalar) and tree.absent):
        message = f"{name}: expected a mapping from names to settings, {describe(tree)}"
        reading.problems.add(tree.location, message)
    return Table(root.file, root.mark)


def _switch(root: Table, reading: Reading) -> Switch | None:
    tree = root.entries.get("switch")
    if tree is None or (isinstance(tree, Scalar) and tree.absent):
        tree = Table(root.file, root.mark)
    return read_switch(tree, reading)


def _read_each(
    section: Table, read: Callable[[str, Tree, Reading], T | None], reading: Reading
) -> Mapping[str, T]:
    values: dict[str, T] = {}
    for name, tree in section.entries.items():
        written = section.keys[name]
        try:
            NAME.read(written, reading)
        except RefusedError:
            message = f"a name has 1 to {MAX_NAME} printable characters, without spaces around it"
            note(reading, RefusedError(message), written, shorten(name))
        value = read(name, tree, reading)
        if value is not None:
            values[name] = value
    return MappingProxyType(values)


def _numbers(section: Table, pools: Mapping[str, Pool], reading: Reading) -> tuple[Number, ...]:
    reader = NumberReader(pools, reading)
    found = (reader.read(section.keys[text], tree) for text, tree in section.entries.items())
    return tuple(number for number in found if number is not None)
