"""Results of calls that somebody posts later, a call centre say: over HTTP or the control socket.

Whatever is wrong with them becomes a ControlError. The new version of the record is told as
`call.result`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from config.model import Configuration, Value
from softswitch.call.events import ResultPosted
from softswitch.call.stream import EventStream
from softswitch.control.access import Identity
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.http_app import WebApp
from softswitch.control.rpc import json_bytes
from softswitch.store.calls_table import UnknownCall
from softswitch.store.posted_results import post_results
from softswitch.store.postgres.database import Database
from softswitch.store.postgres.errors import DatabaseAway
from softswitch.switchboard.results import ResultError, read_result

__all__ = ["ResultDesk", "add_results", "answer_results"]

MAX_NUMBER = Decimal(10) ** 15
"""No amount, no count; what is more is kept as text by nobody's wish."""

MAX_CALL_ID = 200
"""Characters; ours are a fraction of it."""

_STATUS = {
    ErrorCode.CALL_NOT_FOUND: 404,
    ErrorCode.INVALID_PARAMS: 422,
    ErrorCode.NOT_SUPPORTED: 501,
    ErrorCode.DATABASE_AWAY: 503,
}


class ResultDesk:
    """Takes results; one for the process."""

    def __init__(
        self,
        database: Database | None,
        configuration: Callable[[], Configuration],
        events: EventStream,
    ) -> None:
        self._database = database
        self._configuration = configuration
        self._events = events
        self.posted = 0

    async def post(
        self, call_id: str, results: Mapping[str, Any], identity: Identity
    ) -> dict[str, Any]:
        """The new version of the call's record; raises ControlError."""
        if not _is_plain(call_id):
            raise ControlError(ErrorCode.CALL_NOT_FOUND, "there is no record of such a call")
        database = self._database
        if database is None:
            raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch runs without a database")
        try:
            record = await post_results(
                database,
                self._configuration(),
                call_id,
                values_of(results),
                sees=identity.sees,
            )
        except UnknownCall:
            raise ControlError(
                ErrorCode.CALL_NOT_FOUND, "there is no record of such a call", call=call_id
            ) from None
        except ResultError as error:
            raise ControlError(ErrorCode.INVALID_PARAMS, str(error)) from None
        except DatabaseAway as error:
            raise ControlError(ErrorCode.DATABASE_AWAY, str(error)) from None
        self.posted += 1
        self._tell(record)
        return record

    def _tell(self, record: Mapping[str, Any]) -> None:
        self._events.publish(
            ResultPosted(
                call_id=str(record["call_id"]),
                number=0,
                at=time.time(),
                clock=time.monotonic(),
                campaign=str(record.get("campaign") or ""),
                version=int(record["version"]),
                results=record.get("results") or {},
                payout=record.get("payout"),
                rating=record.get("rating"),
            )
        )


def values_of(results: Mapping[str, Any]) -> dict[str, Value]:
    """Results as JSON has them; raises ResultError. Text is read as `softswitch result` does."""
    if not results:
        raise ResultError("there are no results")
    return dict(_value_of(name, value) for name, value in results.items())


def _value_of(name: str, value: Any) -> tuple[str, Value]:
    if isinstance(value, float) and not math.isfinite(value):
        raise ResultError(f'"{name[:60]}" is no number')
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if not isinstance(value, str | int | float | Decimal):
        raise ResultError(f'"{name[:60]}" is text, a number, true or false')
    if isinstance(value, str) and not _is_plain(value):
        raise ResultError(f'"{name[:60]}" has half a character, or one that is none')
    if isinstance(value, int | float | Decimal) and not -MAX_NUMBER < value < MAX_NUMBER:
        raise ResultError(f'"{name[:60]}" is a number beyond all sense')
    if "=" in name:
        raise ResultError(f'"{name[:60]}" is no name of a result')
    return read_result(f"{name}={value}")


def _is_plain(text: str) -> bool:
    """Whether a text can be written anywhere: JSON can say half characters and NUL, which UTF-8 and
    PostgreSQL cannot."""
    return text.isprintable() or not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in text)


def add_results(app: WebApp, desk: ResultDesk) -> None:
    """Take results on the port of the control socket."""

    async def posted(request: web.Request) -> web.Response:
        identity = app.identify(request)
        assert identity is not None, "the role was checked"
        return await answer_results(request, desk, identity)

    app.add("POST", "/results", posted, role="results")


async def answer_results(
    request: web.Request, desk: ResultDesk, identity: Identity
) -> web.Response:
    """Answer `POST /results` of somebody who may."""
    try:
        call_id, results = _read(await request.read())
        record = await desk.post(call_id, results, identity)
    except ControlError as error:
        status = _STATUS.get(error.code, 400)
        return web.Response(
            status=status, body=json_bytes(error.as_object()), content_type="application/json"
        )
    told = {"call": call_id, "version": record["version"], "payout": record.get("payout")}
    return web.Response(body=json_bytes(told), content_type="application/json")


def _no_number(text: str) -> None:
    """NaN and Infinity, which Python reads and JSON has not (RFC 8259 section 6)."""
    raise ValueError(text)


def _read(body: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ControlError(ErrorCode.PARSE_ERROR, "expected a JSON object: call and results")
    call_id, results = found.get("call"), found.get("results")
    if not isinstance(call_id, str) or not 0 < len(call_id) <= MAX_CALL_ID:
        raise ControlError(ErrorCode.INVALID_PARAMS, "call: expected the id of a call")
    if not isinstance(results, dict):
        raise ControlError(ErrorCode.INVALID_PARAMS, "results: expected names with values")
    return call_id, results
