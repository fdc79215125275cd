"""`softswitch records import`: the table of calls, from records.jsonl."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.model import Configuration
    from softswitch.store.calls_import import Imported

__all__ = ["add"]

START_SECONDS = 60.0
"""How long to wait for the database: an embedded server may have a log to replay."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    records = commands.add_parser("records", help="call records and their table in the database")
    verbs = records.add_subparsers(required=True, metavar="VERB")
    importing = verbs.add_parser(
        "import",
        help="bring records.jsonl into the database; while the switch runs, or not",
    )
    importing.add_argument("-c", "--config", required=True, type=Path, metavar="FILE")
    importing.add_argument(
        "--rebuild",
        action="store_true",
        help="replace calls that are there by what the file says; corrections are made again",
    )
    importing.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="RECORDS",
        help="files of records, such as rotated ones; default: records.jsonl of the data folder",
    )
    importing.set_defaults(action=_import)


def _import(options: argparse.Namespace) -> int:
    import asyncio
    import os

    from config.errors import ConfigErrors
    from softswitch.check import load_checked

    try:
        configuration = load_checked(options.config, os.environ)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return 1
    if configuration.switch.database == "off":
        return _fail("the configuration has no database (database: off)")
    files = options.files or [configuration.switch.data / "records.jsonl"]
    return asyncio.run(_import_files(configuration, files, rebuild=options.rebuild))


async def _import_files(configuration: Configuration, files: list[Path], *, rebuild: bool) -> int:
    from softswitch.store.calls_import import import_records
    from softswitch.store.postgres.database import Database
    from softswitch.store.postgres.errors import DatabaseAway, DatabaseUnusable
    from softswitch.store.postgres.node import Node

    folder = configuration.switch.data
    try:
        node = Node.of_folder(folder)
        database = Database(configuration.switch.database, folder, node=False)
        await database.start(wait=START_SECONDS)
        try:
            for file in files:
                done = await import_records(database, file, node=node.id, replace=rebuild)
                _tell(file, done, rebuild=rebuild)
        finally:
            await database.close()
    except DatabaseAway as error:
        return _fail(f"the database is away: {error}")
    except DatabaseUnusable as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}")
    return 0


def _tell(file: Path, done: Imported, *, rebuild: bool) -> None:
    verb = "written" if rebuild else "new"
    there = "" if rebuild else f", {done.lines - done.calls - done.skipped} there already"
    print(f"{file}: {done.lines} lines, {done.calls} calls {verb}{there}")
    if done.skipped:
        print(f"{file}: {done.skipped} lines hold no record and were passed over", file=sys.stderr)


def _fail(reason: str) -> int:
    print(f"softswitch: {reason}", file=sys.stderr)
    return 1
