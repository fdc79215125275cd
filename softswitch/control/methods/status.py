"""How the switch does, and draining it."""

from __future__ import annotations

import os
import time
from typing import Any

import msgspec

from softswitch.control.catalogue import Catalogue
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.connection import Nothing
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()


class Status(msgspec.Struct, frozen=True):
    """What an operator looks at first."""

    version: str
    pid: int
    uptime_seconds: float
    draining: bool
    drain_until: float | None
    """While draining: when calls that still go on are hung up."""
    calls: int
    presented: int
    """Calls since the start: those that were taken, and those that the switch placed."""
    refusals: dict[str, int]
    """By SIP status."""
    config_version: str
    events: dict[str, Any]
    """epoch, first and last number that are kept, and how many subscriptions read them."""
    media: dict[str, int]
    """Ports of the media engine, and what it threw away."""
    parts: dict[str, Any]
    """What other parts tell of themselves: hearing, recording..."""


@METHODS.method("status", role="read")
async def status(desk: Desk, caller: Caller, params: Nothing) -> Status:
    """How the switch does."""
    switchboard, history = desk.switchboard, desk.history
    counters = desk.services.engine.counters
    return Status(
        version=desk.version,
        pid=os.getpid(),
        uptime_seconds=round(time.monotonic() - desk.started_clock, 1),
        draining=switchboard.draining,
        drain_until=_until(switchboard.drain_seconds_left),
        calls=len(switchboard.calls),
        presented=switchboard.presented,
        refusals=dict(switchboard.refusals),
        config_version=desk.configuration().version,
        events={
            "epoch": history.epoch,
            "first": history.first,
            "last": history.last,
            "readers": history.readers,
        },
        media={name: getattr(counters, name) for name in counters.__dataclass_fields__},
        parts={name: tell() for name, tell in desk.status_of.items()},
    )


class Draining(msgspec.Struct, frozen=True):
    """How many calls are still going on, and how long they may."""

    calls: int
    until: float
    """When those that still go on are hung up."""
    seconds_left: float
    """The same, from now: `grace_time` of the section switch, less what has passed of it."""


@METHODS.method("drain", role="admin", errors=(ErrorCode.NOT_SUPPORTED,))
async def drain(desk: Desk, caller: Caller, params: Nothing) -> Draining:
    """Take no new calls, let those in progress end, hang up those that go on for longer than
    `grace_time`, then stop: as SIGTERM does. Wished again it only answers how many are left."""
    if desk.drain is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch cannot be drained from here")
    # Before anything else is read of this or any other connection.
    desk.switchboard.begin_to_drain()
    desk.drain()
    left = desk.switchboard.drain_seconds_left or 0.0
    return Draining(len(desk.switchboard.calls), _until(left) or 0.0, round(left, 1))


def _until(seconds_left: float | None) -> float | None:
    return None if seconds_left is None else round(time.time() + seconds_left, 3)
