"""`softswitch explain`: why a call went where it went and what it earned, from its record.

The record comes from the configured database (its newest version, with results that were posted
later) and from records.jsonl where the database has none, or from a file. Exit status 1 also says
that the record does not agree with its own inputs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from config.model import Configuration

__all__ = ["add"]

MAX_RECORD = 10_000_000
"""Characters of one record; a line that is longer is none of ours."""


class NoRecord(Exception):
    """There is nothing to explain, and why."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    explain = commands.add_parser(
        "explain", help="recompute a call from its record: way, rating and payout, rule by rule"
    )
    explain.add_argument(
        "call", nargs="?", metavar="CALL", help="call id; not needed for one record"
    )
    explain.add_argument("-c", "--config", type=Path, metavar="FILE")
    record = "a record, or records.jsonl, instead of the configured ones; - is standard input"
    explain.add_argument("--record", metavar="FILE", help=record)
    explain.add_argument("--json", action="store_true", help="print one JSON object")
    explain.set_defaults(action=_explain)


def _explain(options: argparse.Namespace) -> int:
    from config.errors import ConfigErrors
    from softswitch.explain import as_dict, explain, lines

    if options.record is None and (options.config is None or options.call is None):
        return _usage("tell CALL and -c FILE, or --record FILE")
    try:
        configuration = _configuration(options.config)
        record = _record(options, configuration)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return 1
    except NoRecord as error:
        print(f"softswitch explain: {error}", file=sys.stderr)
        return 1
    found = explain(record, configuration)
    if options.json:
        print(json.dumps(as_dict(found), ensure_ascii=True))
    else:
        print("\n".join(lines(found)))
    return 1 if found.differs else 0


def _usage(sentence: str) -> int:
    print(f"usage: softswitch explain: {sentence}", file=sys.stderr)
    return 2


def _configuration(path: Path | None) -> Configuration | None:
    from softswitch.check import load_checked

    return None if path is None else load_checked(path, os.environ)


# Where the record comes from.


def _record(options: argparse.Namespace, configuration: Configuration | None) -> Mapping[str, Any]:
    if options.record is not None:
        return _from_file(options.record, options.call)
    assert configuration is not None
    newest = _from_database(configuration, options.call)
    path = configuration.switch.data / "records.jsonl"
    try:
        written = _from_file(str(path), options.call)
    except NoRecord:
        if newest is None:
            raise NoRecord(f"there is no call {options.call} in {path}") from None
        return newest
    # Of one version, the line that was written keeps the order of what was drawn from.
    return written if newest is None or newest.get("version") == written.get("version") else newest


def _from_file(name: str, call_id: str | None) -> Mapping[str, Any]:
    try:
        if name == "-":
            return _choose(sys.stdin, call_id, "standard input")
        with open(name, encoding="utf-8", errors="replace") as file:
            return _choose(file, call_id, name)
    except OSError as error:
        raise NoRecord(f"{name} cannot be read: {error.strerror}") from None


def _choose(file: Iterable[str], call_id: str | None, name: str) -> Mapping[str, Any]:
    """The last record of this call in a file, or the only record there is."""
    chosen: Mapping[str, Any] | None = None
    others = False
    for record in _records(file):
        if call_id is not None and record.get("call_id") != call_id:
            continue
        others = others or (chosen is not None and chosen.get("call_id") != record.get("call_id"))
        chosen = record
    if others:
        raise NoRecord(f"{name} has more than one call: tell which, by its call id")
    if chosen is None:
        what = "record" if call_id is None else f"call {call_id}"
        raise NoRecord(f"there is no {what} in {name}")
    return chosen


def _records(file: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """A record a line; or one record over many lines."""
    whole: list[str] = []
    size = 0
    for line in file:
        record = _parsed(line)
        if record is not None and "call_id" in record:
            yield record
            continue
        size += len(line)
        if size <= MAX_RECORD:
            whole.append(line)
    record = _parsed("".join(whole))
    if record is not None and "call_id" in record:
        yield record


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text) if len(text) <= MAX_RECORD else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _from_database(configuration: Configuration, call_id: str) -> Mapping[str, Any] | None:
    """The newest version in the database; None, and a remark where it cannot be asked."""
    from softswitch.commands.databases import NoDatabase, read_database
    from softswitch.store.reports import find_record

    async def find(database: Any) -> str | None:
        return await find_record(database, call_id)

    try:
        text = read_database(configuration, find)
    except NoDatabase as error:
        if error.expected and configuration.switch.database != "off":
            note = f"{error}; results that were posted later are not seen"
            print(f"softswitch explain: {note}", file=sys.stderr)
        return None
    return None if text is None else _parsed(text)
