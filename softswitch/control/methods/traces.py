"""Traces: what was said on the wire of a call, from now on or as far as it was kept; pcap files."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from softswitch.call.event import CallEvent
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.calls import going_on
from softswitch.control.methods.connection import Nothing
from softswitch.control.session import Caller
from softswitch.switchboard.record import utc_text
from softswitch.traces.capture import MAX_SECONDS, Capture
from softswitch.traces.trace import CallTrace, SipMessage
from softswitch.traces.tracer import CaptureRefusedError, TooManyOrdersError, Tracer

__all__ = ["METHODS"]

METHODS = Catalogue()

MAX_CALLS = 1000
"""Of one order; the traces of more do not fit into memory beside others."""

DAY = 86400


class TraceStart(Params):
    """Which calls: a call in progress, or those that begin from now on by a number, on a trunk, or
    all."""

    call: str | None = None
    number: str | None = None
    """Called, or calling, as the switch writes numbers."""
    trunk: str | None = None
    all: bool = False
    calls: Annotated[int, Meta(ge=1, le=MAX_CALLS)] = 10
    """So many calls; then the order ends by itself."""
    seconds: Annotated[float, Meta(ge=1, le=DAY)] = 3600
    """Or after so long."""


class TraceStarted(msgspec.Struct, frozen=True):
    """What is traced from now on."""

    order: int | None
    """Its number, for `trace.stop`; null for a call in progress, whose trace ends with it."""
    call: str | None


@METHODS.method(
    "trace.start",
    role="control",
    errors=(
        ErrorCode.CALL_NOT_FOUND,
        ErrorCode.CALL_ENDED,
        ErrorCode.NOT_CONFIGURED,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.NOT_SUPPORTED,
    ),
)
async def start(desk: Desk, caller: Caller, params: TraceStart) -> TraceStarted:
    """Keep the SIP messages and events of calls, for `trace.get`; secrets are stars in them.

    A call in progress is traced from now on; those that begin later from their INVITE on, also when
    they are refused.
    """
    tracer = _tracer(desk)
    wanted = [name for name in ("call", "number", "trunk") if getattr(params, name) is not None]
    if len(wanted) + params.all != 1:
        raise ControlError(ErrorCode.INVALID_PARAMS, "one of call, number, trunk, all is needed")
    if params.call is not None:
        going_on(desk, caller, params.call)
        tracer.trace(params.call)
        return TraceStarted(None, params.call)
    _check_sees_all(caller)
    if params.trunk is not None and params.trunk not in desk.configuration().trunks:
        raise ControlError(ErrorCode.NOT_CONFIGURED, f"there is no trunk {params.trunk[:100]}")
    what = wanted[0] if wanted else "all"
    value = str(params.number or params.trunk or "")
    by = caller.identity.name
    try:
        order = tracer.order(what, value, calls=params.calls, seconds=params.seconds, by=by)
    except TooManyOrdersError:
        raise ControlError(ErrorCode.LIMIT_REACHED, "there are too many orders") from None
    return TraceStarted(order.number, None)


class TraceStop(Params):
    """Which order."""

    order: int


@METHODS.method(
    "trace.stop", role="control", errors=(ErrorCode.NOT_CONFIGURED, ErrorCode.NOT_SUPPORTED)
)
async def stop(desk: Desk, caller: Caller, params: TraceStop) -> TraceStarted:
    """Begin no more traces; what was traced stays, and calls in progress are traced to their
    end."""
    _check_sees_all(caller)
    if not _tracer(desk).cancel(params.order):
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such order")
    return TraceStarted(params.order, None)


class OrderLine(msgspec.Struct, frozen=True):
    """What somebody wants traced."""

    order: int
    what: str
    """number, trunk or all."""
    value: str
    by: str
    calls_left: int | None
    """Null: that of the configuration, which goes on."""
    seconds_left: float | None


class TraceLine(msgspec.Struct, frozen=True):
    """A call of which there is a trace."""

    call: str
    """Of a call that was refused before it was one: the Call-ID of its INVITE."""
    at: str
    campaign: str
    called: str
    caller: str
    messages: int
    ended: bool


class CaptureLine(msgspec.Struct, frozen=True):
    """A call that is, or was, written into a pcap file."""

    call: str
    path: str
    packets: int
    bytes: int
    secret_packets: int
    """Left out because a secret was asked for."""
    sound: bool
    """Whether it has the RTP."""
    over: bool
    why: str
    """Why it is over: time, size, call ended, stopped..."""


class Traces(msgspec.Struct, frozen=True):
    """All there is, the newest calls last."""

    orders: list[OrderLine]
    traces: list[TraceLine]
    captures: list[CaptureLine]


@METHODS.method("trace.list", role="control", errors=(ErrorCode.NOT_SUPPORTED,))
async def list_traces(desk: Desk, caller: Caller, params: Nothing) -> Traces:
    """What is being traced, which traces are kept, which files were written."""
    tracer = _tracer(desk)
    now = desk.services.now()
    return Traces(
        [
            OrderLine(
                one.number, one.what, one.value, one.by,
                None if one.standing else one.calls_left,
                None if one.standing else round(max(0.0, one.until - now), 1),
            )
            for one in tracer.book.orders.values()
        ],
        [
            TraceLine(
                one.call_id, utc_text(one.began_at), one.campaign, one.called, one.caller,
                one.messages, one.ended,
            )
            for one in tracer.book.traces.values()
            if caller.identity.sees(one.campaign)
        ],
        [
            _capture_line(one)
            for one in tracer.captures.values()
            if caller.identity.sees(one.call.counts_for.name)
        ],
    )  # fmt: skip


class WhichTrace(Params):
    """Whose."""

    call: str


class TraceEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message or an event, in the order in which they happened."""

    at: str
    clock: float
    """Seconds since the trace began."""
    leg: str = ""
    direction: str = ""
    """in, out or drop; none: it is an event."""
    transport: str = ""
    ours: str = ""
    """host:port."""
    peer: str = ""
    text: str = ""
    """The message."""
    why: str = ""
    """Why it was dropped."""
    event: str = ""
    """Kind of the event."""
    facts: dict[str, Any] | None = None


class WholeTrace(msgspec.Struct, frozen=True):
    """The trace of a call."""

    call: str
    at: str
    campaign: str
    called: str
    caller: str
    ended: bool
    entries: list[TraceEntry]
    dropped: int
    """Messages and events there was no room for."""


@METHODS.method(
    "trace.get", role="control", errors=(ErrorCode.CALL_NOT_FOUND, ErrorCode.NOT_SUPPORTED)
)
async def get(desk: Desk, caller: Caller, params: WhichTrace) -> WholeTrace:
    """The trace of a call, in progress or over."""
    trace = _tracer(desk).book.traces.get(params.call)
    if trace is None or not caller.identity.sees(trace.campaign):
        raise ControlError(ErrorCode.CALL_NOT_FOUND, "there is no trace of such a call")
    return WholeTrace(
        trace.call_id,
        utc_text(trace.began_at),
        trace.campaign,
        trace.called,
        trace.caller,
        trace.ended,
        [_entry(trace, one) for one in trace.entries],
        trace.dropped,
    )


class CaptureCall(Params):
    """Which call, and what of it."""

    call: str
    seconds: Annotated[float, Meta(ge=1, le=MAX_SECONDS)] = 300
    """The file ends then, or with the call."""
    sound: bool = True
    """Whether with RTP: as it is received of each party."""


_ABOUT_CAPTURES = (
    ErrorCode.CALL_NOT_FOUND,
    ErrorCode.CALL_ENDED,
    ErrorCode.LIMIT_REACHED,
    ErrorCode.WRONG_STATE,
    ErrorCode.NOT_SUPPORTED,
)


@METHODS.method("trace.capture", role="admin", errors=_ABOUT_CAPTURES)
async def capture(desk: Desk, caller: Caller, params: CaptureCall) -> CaptureLine:
    """Write a call into a pcap file in `traces` of the data folder, from now on."""
    tracer = _tracer(desk)
    call = going_on(desk, caller, params.call)
    try:
        begun = tracer.capture(call, seconds=params.seconds, with_sound=params.sound)
    except CaptureRefusedError as error:
        raise ControlError(ErrorCode.LIMIT_REACHED, str(error)) from None
    return _capture_line(begun)


@METHODS.method("trace.capture.stop", role="admin", errors=_ABOUT_CAPTURES)
async def stop_capture(desk: Desk, caller: Caller, params: WhichTrace) -> CaptureLine:
    """End the file of a call; answered when it is whole."""
    found = _tracer(desk).captures.get(params.call)
    if found is None or not caller.identity.sees(found.call.counts_for.name):
        raise ControlError(ErrorCode.CALL_NOT_FOUND, "no such call was captured")
    found.finish("stopped")
    await found.written()
    return _capture_line(found)


def _tracer(desk: Desk) -> Tracer:
    if desk.tracer is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch traces nothing")
    return desk.tracer


def _check_sees_all(caller: Caller) -> None:
    """An order takes calls of any campaign."""
    if caller.identity.campaigns:
        raise ControlError(ErrorCode.FORBIDDEN, "this token sees some campaigns only")


def _capture_line(capture: Capture) -> CaptureLine:
    return CaptureLine(
        call=capture.call.call_id,
        path=str(capture.path),
        packets=capture.packets,
        bytes=capture.bytes,
        secret_packets=capture.secret_packets,
        sound=capture.with_sound,
        over=bool(capture.why),
        why=capture.why,
    )


def _entry(trace: CallTrace, one: SipMessage | CallEvent) -> TraceEntry:
    at, clock = utc_text(one.at), round(one.at - trace.began_at, 6)
    if isinstance(one, CallEvent):
        return TraceEntry(at, clock, event=one.kind, facts=one.facts())
    return TraceEntry(
        at,
        clock,
        leg=one.leg,
        direction=one.direction,
        transport=one.transport,
        ours=_host_port(*one.ours),
        peer=_host_port(*one.peer),
        text=one.data.decode("utf-8", "replace"),
        why=one.why,
    )


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
