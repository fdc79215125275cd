"""`softswitch result`: what became known of a call after it: a sale, its amount."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from softswitch.store.postgres.database import Database

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    result = commands.add_parser(
        "result", help="add results to a call's record, and rate and pay it again"
    )
    result.add_argument("-c", "--config", required=True, type=Path, metavar="FILE")
    result.add_argument("call", metavar="CALL", help="call id")
    result.add_argument(
        "results", nargs="+", metavar="NAME=VALUE", help="such as sale=yes or amount=120.50"
    )
    result.set_defaults(action=_result)


def _result(options: argparse.Namespace) -> int:
    import asyncio
    import os

    from config.errors import ConfigErrors
    from softswitch.check import load_checked
    from softswitch.commands.databases import NoDatabase, with_database
    from softswitch.store.calls_table import UnknownCall
    from softswitch.store.posted_results import post_results
    from softswitch.switchboard.results import ResultError, read_result

    try:
        configuration = load_checked(options.config, os.environ)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return 1

    async def work(database: Database) -> dict[str, Any]:
        return await post_results(database, configuration, options.call, results)

    try:
        results = dict(read_result(text) for text in options.results)
        record = asyncio.run(with_database(configuration, work))
    except UnknownCall:
        return _fail(f"there is no record of the call {options.call}")
    except (ResultError, NoDatabase) as error:
        return _fail(str(error))
    payout = record.get("payout") or {}
    earned = f", {payout['amount']} {payout['currency']}" if payout else ""
    print(f"{options.call}: version {record['version']}{earned}")
    return 0


def _fail(sentence: str) -> int:
    print(f"softswitch result: {sentence}", file=sys.stderr)
    return 1
