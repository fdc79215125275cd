"""Loads a configuration: file, substitution, YAML, values, references; every mistake at once.

The whole language is the top-level keys here and the sections they lead to; `python -m
config.reference` prints it. Whatever is wrong with the file becomes ConfigErrors, never another
exception. What only the media rooms know (which tones there are, whether a file is audio) is asked
of `media`, and not checked without it.
"""

import errno
import gc
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from config.admission import read_admission
from config.campaigns import complete_syndicated, read_campaign
from config.control import read_control
from config.defence import read_defence
from config.directory import Directory
from config.document import MAX_BYTES, Scalar, Table, Tree, parse
from config.e164 import COUNTRIES
from config.errors import ConfigErrors, Problems, TooManyProblemsError, did_you_mean
from config.expression.collect import collect
from config.hearing import check_words, read_hearing
from config.keyword_questions import check_keyword_questions
from config.kinds import MAX_NAME, NAME
from config.listeners import give_listeners
from config.loops import check_loops
from config.model import (
    Campaign,
    Configuration,
    Location,
    Number,
    Pool,
    Stock,
    Switch,
    Treatment,
    Trunk,
)
from config.number_files import read_number_files
from config.originate import read_originate
from config.pools import read_pool
from config.prompts import read_named_prompt
from config.reading import MediaKnowledge, Reading, RefusedError, describe, note, shorten
from config.references import (
    check_database,
    check_destinations,
    check_publishers,
    check_tap,
    check_treatments,
    check_trunks,
)
from config.spend import check_spend
from config.steps import read_treatment
from config.stir import check_vouching, read_stir
from config.stocks import Item, read_stock
from config.switch import read_switch
from config.tables import read_hours, read_list, read_places, read_region, read_table
from config.tracing import read_tracing
from config.trunks import read_trunk
from config.web import read_web
from config.webhooks import read_pixel, read_webhook

__all__ = ["ConfigErrors", "load", "load_text"]

T = TypeVar("T")

NAMED_SECTIONS = (
    "trunks", "numbers", "pools", "stocks", "campaigns", "treatments", "hours", "regions", "lists",
    "tables", "places", "prompts", "webhooks", "pixels",
)  # fmt: skip
"""Sections that are mappings from names to settings."""
SECTIONS = (
    "switch", "control", "defence", "admission", "hearing", "originate", *NAMED_SECTIONS,
    "number_files", "web", "trace", "stir",
)  # fmt: skip
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
        with open(path, "rb", opener=_open_regular) as file:
            # One byte more than allowed shows that a file is too long, however long it is.
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        text = _BAD_FILE.get(type(error)) or getattr(error, "strerror", None) or str(error)
        problems = Problems()
        problems.add(Location(str(path), 1, 1), text)
        problems.raise_if_any()
        raise
    return load_text(content, path, environment, media=media)


def _open_regular(path: str, flags: int) -> int:
    """Not a pipe or a device: opening or reading it might never end."""
    file = os.open(path, flags | os.O_NONBLOCK)
    kind = os.fstat(file).st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        os.close(file)
        raise OSError(errno.EINVAL, "this is not a file")
    return file


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
            configuration = _read(tree, path, reading)
    except TooManyProblemsError:
        problems.raise_if_any()
        raise
    problems.raise_if_any()
    # Nothing is built only when something was noted.
    assert configuration is not None
    return replace(configuration, version=_version(content, used, reading.files))


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


def _version(content: bytes, used: Mapping[str, str], files: Mapping[str, str]) -> str:
    digest = hashlib.sha256(content)
    for name, value in (*sorted(used.items()), *sorted(files.items())):
        digest.update(f"\0{name}={value}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:12]


def _read(tree: Tree | None, path: Path, reading: Reading) -> Configuration | None:
    if tree is None:
        return None
    if not isinstance(tree, Table):
        message = f"expected the sections {', '.join(SECTIONS)}, {describe(tree)}"
        reading.problems.add(tree.location, message)
        return None
    _check_sections(tree, reading)
    entries = {name: _section(tree, name, reading) for name in NAMED_SECTIONS}
    reading.names = {name: section.entries for name, section in entries.items()}
    reading.country = _country(tree, reading)
    control = read_control(_settings(tree, "control"), reading)
    defence = read_defence(_settings(tree, "defence"), reading)
    stir = read_stir(_settings(tree, "stir"), reading)
    switch = _switch(tree, reading)
    hearing = read_hearing(_settings(tree, "hearing"), reading)
    if switch is not None:
        reading.country = switch.country
        reading.currency, reading.time_zone = switch.currency, switch.time_zone
    originate = read_originate(tree.entries.get("originate"), reading)
    # Conditions are read after what they may speak of: columns of tables, parameters of numbers.
    reading.vocabulary = collect(tree)
    hours = _read_each(entries["hours"], read_hours, reading)
    regions = _read_each(entries["regions"], read_region, reading)
    lists = _read_each(entries["lists"], read_list, reading)
    tables = _read_each(entries["tables"], read_table, reading)
    places = _read_each(entries["places"], read_places, reading)
    prompts = _read_each(entries["prompts"], read_named_prompt, reading)
    pools, stocks, numbers = _read_numbers(tree, entries, reading)
    trunks = _read_each(entries["trunks"], read_trunk, reading)
    trunks = give_listeners(switch, trunks, reading.problems)
    reading.before_end = True
    treatments = _read_each(entries["treatments"], read_treatment, reading)
    reading.before_end = False
    campaigns = _read_each(entries["campaigns"], read_campaign, reading)
    webhooks = _read_each(entries["webhooks"], read_webhook, reading)
    pixels = _read_each(entries["pixels"], read_pixel, reading)
    web = read_web(tree.entries.get("web"), reading)
    campaigns = complete_syndicated(campaigns, entries["campaigns"], reading)
    _check(switch, trunks, pools, campaigns, treatments, reading.problems)
    check_vouching(stir, trunks, reading.problems)
    check_keyword_questions(reading.keyword_questions, campaigns, reading.problems)
    check_words(hearing, campaigns, reading.problems)
    check_publishers(reading.priced, numbers, pools, campaigns, reading.problems)
    if switch is not None:
        check_database(switch, numbers, pools, campaigns, reading.problems)
        check_tap(switch, campaigns, reading.problems)
        check_spend(switch, campaigns, reading.problems)
    if switch is None:
        return None
    return Configuration(
        switch=switch,
        trunks=trunks,
        numbers=numbers,
        pools=pools,
        campaigns=campaigns,
        treatments=treatments,
        stocks=stocks,
        hours=hours,
        regions=regions,
        lists=lists,
        tables=tables,
        places=places,
        prompts=prompts,
        hearing=hearing,
        control=control,
        defence=defence,
        stir=stir,
        admission=read_admission(_settings(tree, "admission"), reading, switch),
        trace=read_tracing(_settings(tree, "trace"), reading),
        originate=originate,
        webhooks=webhooks,
        pixels=pixels,
        web=web,
        source=path,
    )


def _read_numbers(
    root: Table, entries: Mapping[str, Table], reading: Reading
) -> tuple[Mapping[str, Pool], Mapping[str, Stock], tuple[Number, ...]]:
    """Pools, stocks and the numbers of all of them, none of which may stand twice."""
    items: dict[str, tuple[Item, ...]] = {}
    pools = _read_each(
        entries["pools"],
        lambda name, tree, reading: read_pool(name, tree, reading, items),
        reading,
    )
    stocks = _read_each(
        entries["stocks"], lambda _name, tree, reading: read_stock(tree, reading), reading
    )
    files = root.entries.get("number_files")
    empty = files is None or (isinstance(files, Scalar) and files.absent)
    directory = Directory(pools, reading)
    directory.add_section(entries["numbers"])
    directory.add_pools(items)
    if files is not None and not empty:
        directory.add_files(read_number_files(files, reading))
    return pools, directory.stocks(stocks), directory.numbers()


def _check(
    switch: Switch | None,
    trunks: Mapping[str, Trunk],
    pools: Mapping[str, Pool],
    campaigns: Mapping[str, Campaign],
    treatments: Mapping[str, Treatment],
    problems: Problems,
) -> None:
    check_treatments(treatments, problems)
    check_loops(treatments, campaigns, problems)
    check_destinations(campaigns, pools, treatments, problems)
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
    none = isinstance(trunks, Scalar) and trunks.absent
    if trunks is None or none or (isinstance(trunks, Table) and not trunks.entries):
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
    return read_switch(_settings(root, "switch"), reading)


def _country(root: Table, reading: Reading) -> str:
    """The switch's country, for numbers that stand in what is read before the switch; what is
    wrong with it is told when that is read."""
    switch = root.entries.get("switch")
    written = switch.entries.get("country") if isinstance(switch, Table) else None
    country = written.text.upper() if isinstance(written, Scalar) else ""
    return country if country in COUNTRIES else reading.country


def _settings(root: Table, name: str) -> Tree:
    """What stands under a section that is one mapping; an empty one when nothing does."""
    tree = root.entries.get(name)
    if tree is None or (isinstance(tree, Scalar) and tree.absent):
        return Table(root.file, root.mark)
    return tree


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
            note(reading, RefusedError(message), written, _shown(name))
        value = read(name, tree, reading)
        if value is not None:
            values[name] = value
    return MappingProxyType(values)


def _shown(name: str) -> str:
    """A bad name for a message, so that spaces around it are seen."""
    return shorten(name) if name == name.strip() else f'"{name[:MAX_NAME]}"'
