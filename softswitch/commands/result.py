"""`softswitch result`: what became known of a call after it: a sale, its amount."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from config.model import Configuration, Value
    from softswitch.store.postgres.database import Database
    from softswitch.switchboard.results import Correction

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
    from softswitch.switchboard.results import ResultError, read_result

    try:
        configuration = load_checked(options.config, os.environ)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return 1

    async def work(database: Database) -> dict[str, Any]:
        return await _post(database, configuration, options.call, results)

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


async def _post(
    database: Database, configuration: Configuration, call_id: str, results: dict[str, Value]
) -> dict[str, Any]:
    """Make the new version; budgets are charged before, so that they are never exceeded."""
    import json
    import time
    from decimal import Decimal

    from softswitch.store.calls_table import UnknownCall, add_version
    from softswitch.store.reports import find_record
    from softswitch.switchboard.record import utc_text
    from softswitch.switchboard.results import apply_result, with_room

    at = utc_text(time.time())
    text = await find_record(database, call_id)
    if text is None:
        raise UnknownCall(call_id)
    record = json.loads(text, parse_float=Decimal)
    room = await _charge(database, record, apply_result(record, results, configuration, at=at))

    def changes(present: dict[str, Any]) -> dict[str, Any]:
        return with_room(apply_result(present, results, configuration, at=at), room)

    return await add_version(database, call_id, changes)


async def _charge(database: Database, record: dict[str, Any], correction: Correction) -> Decimal:
    """How much the payout may grow by."""
    from decimal import Decimal

    from softswitch.store.credit import charge

    if not any(cap.kind == "budget" for cap in correction.campaign.caps):
        return Decimal("Infinity")
    grown = correction.after - correction.before
    if grown <= 0:
        return Decimal(0)
    legs = [leg for leg in record.get("legs", ()) if leg.get("side") == "called"]
    answered = [leg for leg in legs if leg.get("answered_at")]
    destination = next((leg.get("to") for leg in reversed(answered)), None)
    return await charge(
        database,
        correction.campaign,
        publisher=record.get("publisher"),
        destination=destination,
        amount=grown,
    )


def _fail(sentence: str) -> int:
    print(f"softswitch result: {sentence}", file=sys.stderr)
    return 1
