"""Results of calls that are over: sales, amounts."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()


class ResultOfCall(Params):
    """What became known of a call after it."""

    call: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    results: dict[str, Any]
    """Names and values: truth, numbers, text. A name that was posted before has its last value."""


class NewVersion(msgspec.Struct, frozen=True):
    """The record as it is now."""

    call: str
    version: int
    payout: dict[str, Any] | None


@METHODS.method(
    "call.result",
    role="results",
    errors=(ErrorCode.CALL_NOT_FOUND, ErrorCode.NOT_SUPPORTED, ErrorCode.DATABASE_AWAY),
)
async def call_result(desk: Desk, caller: Caller, params: ResultOfCall) -> NewVersion:
    """Add results to a call's record, and rate and pay it again, as `softswitch result` does."""
    if desk.results is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch takes no results")
    record = await desk.results.post(params.call, params.results, caller.identity)
    return NewVersion(params.call, record["version"], record.get("payout"))
