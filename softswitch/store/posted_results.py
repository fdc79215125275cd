"""Posts results of a call: a new version of its record, rated and paid again, budgets kept to.

What `softswitch result` and the control room do alike. Budgets are charged before the version is
made, so that they are never exceeded.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from config.model import Configuration, Value
from softswitch.store.calls_table import UnknownCall, add_version
from softswitch.store.credit import charge
from softswitch.store.postgres.database import Database
from softswitch.store.reports import find_record
from softswitch.switchboard.entries import utc_text
from softswitch.switchboard.results import Correction, apply_result, with_room

__all__ = ["post_results"]


async def post_results(
    database: Database,
    configuration: Configuration,
    call_id: str,
    results: Mapping[str, Value],
    *,
    sees: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """The new version of the record; raises UnknownCall, ResultError, DatabaseAway.

    `sees`: whether whoever posts may know of a campaign's calls.
    """
    at = utc_text(time.time())
    text = await find_record(database, call_id)
    if text is None:
        raise UnknownCall(call_id)
    record = json.loads(text, parse_float=Decimal)
    if sees is not None and not sees(str(record.get("campaign"))):
        raise UnknownCall(call_id)
    room = await _charge(database, record, apply_result(record, results, configuration, at=at))

    def changes(present: dict[str, Any]) -> dict[str, Any]:
        return with_room(apply_result(present, results, configuration, at=at), room)

    return await add_version(database, call_id, changes)


async def _charge(database: Database, record: dict[str, Any], correction: Correction) -> Decimal:
    """How much the payout may grow by."""
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
