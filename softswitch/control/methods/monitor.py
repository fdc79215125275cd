"""Supervisors: hearing a call, whispering to the party called, barging in."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from softswitch.call.call import Call
from softswitch.call.leg import Leg
from softswitch.call.monitor import Mode, Monitor, TooMany
from softswitch.control.attending import Attending, answered_leg
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.inviting import call_out
from softswitch.control.methods.calls import going_on, leg_of
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()

MAX_LISTED = 1000
"""Supervisors in one answer: some hundred kilobytes, written in one turn of the loop."""

_ERRORS = (
    ErrorCode.CALL_NOT_FOUND,
    ErrorCode.CALL_ENDED,
    ErrorCode.LEG_NOT_FOUND,
    ErrorCode.WRONG_STATE,
    ErrorCode.NOT_IN_CONTROL,
    ErrorCode.LIMIT_REACHED,
    ErrorCode.NOT_CONFIGURED,
    ErrorCode.DESTINATION_NOT_ALLOWED,
    ErrorCode.NO_CAPACITY,
    ErrorCode.NOT_SUPPORTED,
)


class Overhear(Params):
    """Which call, and who hears it."""

    call: str
    """The call that is to be heard."""
    supervisor: str | None = None
    """The supervisor's own call, in progress; or give `to`."""
    leg: str = "a"
    """Its leg."""
    to: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    """A number or SIP URI: the supervisor is called, and hears the call once it has answered."""
    party: str | None = None
    """The leg that hears a whisper, and is heard though it talks to nobody; null: of those who talk
    the one that was called. Where the switch has called an agent first, the agent is `a`."""
    campaign: str | None = None
    """Whose call that to the supervisor is; null: that of the call that is heard."""


class Overheard(msgspec.Struct, frozen=True):
    """Who hears what."""

    monitor: str | None
    """Its id; null: the supervisor has not answered yet, `monitor.started` tells it."""
    call: str
    supervisor: str
    """The supervisor's own call."""
    mode: Literal["listen", "whisper", "barge"]


@METHODS.method("monitor.listen", role="control", errors=_ERRORS)
async def listen(desk: Desk, caller: Caller, params: Overhear) -> Overheard:
    """Have a supervisor hear a call, and be heard by nobody.

    Said of one who hears it already, it changes what that one does: as whisper and barge do. The
    supervisor's call leaves its treatment, unless it is steered, and ends with what it hears. An
    administrator may hear calls that another steers.
    """
    return _overhear(desk, caller, params, "listen")


@METHODS.method("monitor.whisper", role="control", errors=_ERRORS)
async def whisper(desk: Desk, caller: Caller, params: Overhear) -> Overheard:
    """Have a supervisor hear a call, and be heard by one party alone: the one that was called."""
    return _overhear(desk, caller, params, "whisper")


@METHODS.method("monitor.barge", role="control", errors=_ERRORS)
async def barge(desk: Desk, caller: Caller, params: Overhear) -> Overheard:
    """Have a supervisor hear a call, and be heard by all of it."""
    return _overhear(desk, caller, params, "barge")


def _overhear(desk: Desk, caller: Caller, params: Overhear, mode: Mode) -> Overheard:
    if (params.supervisor is None) == (params.to is None):
        raise ControlError(ErrorCode.INVALID_PARAMS, "give either supervisor or to")
    call = _mine(desk, caller, params.call)
    if params.party is not None:
        leg_of(call, params.party)
    if params.to is not None:
        return _called_in(desk, caller, params, call, mode)
    assert params.supervisor is not None
    own = _mine(desk, caller, params.supervisor)
    if own is call:
        raise ControlError(ErrorCode.WRONG_STATE, "a call does not supervise itself")
    ear = answered_leg(leg_of(own, params.leg))
    monitor = desk.services.monitors.by(ear)
    if monitor is not None and monitor.call is call:
        monitor.change(mode, params.party)
    else:
        if own.bridged:
            raise ControlError(ErrorCode.WRONG_STATE, "the supervisor talks to somebody")
        monitor = _start(desk, call, ear, mode, params.party)
        _attending(own, monitor).begin(desk.holders)
    return Overheard(monitor.monitor_id, call.call_id, own.call_id, monitor.mode)


def _mine(desk: Desk, caller: Caller, call_id: str) -> Call:
    if caller.identity.may("admin"):
        return going_on(desk, caller, call_id)
    return desk.steered(call_id, caller)


def _start(desk: Desk, call: Call, ear: Leg, mode: Mode, party: str | None) -> Monitor:
    try:
        return desk.services.monitors.start(call, ear, mode, party)
    except TooMany as error:
        raise ControlError(ErrorCode.LIMIT_REACHED, str(error)) from None


def _attending(own: Call, monitor: Monitor) -> Attending:
    attending = Attending(own, "monitor", partial(monitor.stop, "supervisor_left"))
    monitor.on_end.append(attending.conclude)
    return attending


def _called_in(desk: Desk, caller: Caller, params: Overhear, call: Call, mode: Mode) -> Overheard:
    assert params.to is not None

    async def come_in(own: Call) -> None:
        if call.ended:
            own.end("switch", "monitor_call_ended")
            return
        try:
            monitor = desk.services.monitors.start(call, own.caller, mode, params.party)
        except TooMany:
            own.end("switch", "monitor_refused")
            return
        await _attending(own, monitor).run()

    campaign = params.campaign or call.counts_for.name
    placed = call_out(desk, caller, campaign, params.to, come_in)
    return Overheard(None, call.call_id, placed.call_id, mode)


class WhichMonitor(Params):
    """Which supervisor."""

    monitor: str


class Stopped(msgspec.Struct, frozen=True):
    """The one who listens no more."""

    monitor: str


@METHODS.method("monitor.stop", role="control", errors=(ErrorCode.MONITOR_NOT_FOUND,))
async def stop(desk: Desk, caller: Caller, params: WhichMonitor) -> Stopped:
    """Have a supervisor hear the call no more; a supervisor's call that did nothing else ends."""
    monitor = desk.services.monitors.find(params.monitor)
    if monitor is None or not caller.identity.sees(monitor.call.counts_for.name):
        raise ControlError(ErrorCode.MONITOR_NOT_FOUND, "nobody of that id listens")
    monitor.stop()
    return Stopped(params.monitor)


class MonitorState(msgspec.Struct, frozen=True):
    """A supervisor."""

    monitor: str
    call: str
    supervisor: str
    leg: str
    """Of the supervisor's call."""
    mode: Literal["listen", "whisper", "barge"]
    seconds: float


class MonitorList(msgspec.Struct, frozen=True):
    """Supervisors, the first to come first."""

    monitors: list[MonitorState]
    total: int


class MonitorsListed(Params):
    """Of which call, and how many."""

    call: str | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED)] = 100


@METHODS.method("monitor.list", role="control")
async def list_monitors(desk: Desk, caller: Caller, params: MonitorsListed) -> MonitorList:
    """Who hears which call."""
    found = [
        one
        for one in desk.services.monitors
        if caller.identity.sees(one.call.counts_for.name)
        and params.call in (None, one.call.call_id)
    ]
    return MonitorList([_state(one) for one in found[: params.limit]], len(found))


def _state(monitor: Monitor) -> MonitorState:
    ear = monitor.ear
    return MonitorState(
        monitor.monitor_id,
        monitor.call.call_id,
        ear.call.call_id,
        ear.leg_id,
        monitor.mode,
        round(ear.services.now() - monitor.since, 3),
    )
