"""`ctl trace|tracing|pcap`: what was said on the wire of a call."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from softswitch.commands.ctl.ladder import ladder, mermaid, messages
from softswitch.commands.ctl.output import Output, clean
from softswitch.commands.ctl.peer import Peer, RefusedError
from softswitch.commands.ctl.verb import MIN_CALL_ID, Verbs, WrongUsageError, call_named

__all__ = ["add"]

MAX_ORDER_SECONDS = 86_400
"""As the switch has it (`trace.start`)."""
MAX_ORDER_CALLS = 1000
"""As the switch has it (`trace.start`)."""
MAX_FILE_SECONDS = 3600
"""As the switch has it (`trace.start`, `trace.capture`)."""

WRITTEN_SECONDS = 30.0
"""How long the disk of the switch may take for the end of a file."""

WELL = frozenset({"call ended", "stopped", "time", "size", "shutdown"})
"""Why a file is over that has what it was to have."""

LOOK_SECONDS = 0.5
"""How often it is asked whether a file is whole."""


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    trace = verbs.add("trace", _trace, "show the messages of a call as a ladder")
    trace.add_argument("call", metavar="CALL", help="call id, or enough of its beginning")
    form = trace.add_mutually_exclusive_group()
    form.add_argument("--messages", action="store_true", help="whole messages instead")
    form.add_argument("--mermaid", action="store_true", help="a Mermaid sequence diagram instead")
    trace.add_argument("--no-events", action="store_true", help="messages only")
    tracing = verbs.add("tracing", _tracing, "say which calls are traced, and list the traces")
    what = tracing.add_mutually_exclusive_group()
    what.add_argument("--call", metavar="CALL", help="trace this call from now on")
    what.add_argument("--number", metavar="NUMBER", help="trace calls to or from this number")
    what.add_argument("--trunk", metavar="NAME", help="trace calls on this trunk")
    what.add_argument("--all", action="store_true", help="trace all calls")
    what.add_argument("--stop", type=int, metavar="ORDER", help="end an order of these")
    tracing.add_argument("--calls", type=int, default=10, metavar="N", help="so many (10)")
    tracing.add_argument("--seconds", type=float, default=3600, metavar="S", help="so long (3600)")
    pcap = verbs.add("pcap", _pcap, "write a call into a pcap file, until it is over")
    pcap.add_argument("call", metavar="CALL", help="call id, or enough of its beginning")
    pcap.add_argument("--seconds", type=float, default=300, metavar="S", help="at most (300)")
    pcap.add_argument("--no-sound", action="store_true", help="without RTP")
    pcap.add_argument(
        "--stop", action="store_true", help="end the file of a call that is being written"
    )


# trace


def _trace(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    trace = _get(peer, options.call)
    if output.as_json:
        output.json(trace)
    elif options.messages:
        output.lines(messages(trace))
    elif options.mermaid:
        output.lines(mermaid(trace, events=not options.no_events))
    else:
        output.lines(ladder(trace, events=not options.no_events))
    return 0


def _get(peer: Peer, call: str) -> dict[str, Any]:
    """The trace of a call of which enough letters were written."""
    try:
        found: dict[str, Any] = peer.ask("trace.get", call=call)
    except RefusedError as error:
        if error.reason != "call_not_found":
            raise
        traces = peer.ask("trace.list")["traces"]
        ids = [one["call"] for one in traces if one["call"].startswith(call)]
        if len(call) < MIN_CALL_ID or not ids:
            message = f"{error}: see softswitch ctl tracing"
            raise RefusedError(error.method, {"code": error.code, "message": message}) from None
        if len(ids) > 1:
            message = f"{call} is the beginning of {len(ids)} traces"
            raise WrongUsageError(message) from None
        found = peer.ask("trace.get", call=ids[0])
    return found


# tracing


def _tracing(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    if options.stop is not None:
        return _say(output, peer.ask("trace.stop", order=options.stop), "no more is traced for it")
    if options.call is not None:
        answer = peer.ask("trace.start", call=call_named(peer, options.call))
        return _say(output, answer, f"{answer['call']} is traced from now on")
    wanted = {name: getattr(options, name) for name in ("number", "trunk", "all")}
    wanted = {name: value for name, value in wanted.items() if value}
    if not wanted:
        return _list(peer, output)
    if not 1 <= options.seconds <= MAX_ORDER_SECONDS:
        raise WrongUsageError(f"--seconds: 1 to {MAX_ORDER_SECONDS}")
    if not 1 <= options.calls <= MAX_ORDER_CALLS:
        raise WrongUsageError(f"--calls: 1 to {MAX_ORDER_CALLS}")
    answer = peer.ask("trace.start", calls=options.calls, seconds=options.seconds, **wanted)
    return _say(output, answer, f"order {answer['order']}: {options.calls} calls are traced")


def _say(output: Output, answer: dict[str, Any], text: str) -> int:
    if output.as_json:
        output.json(answer)
    else:
        output.line(text)
    return 0


def _list(peer: Peer, output: Output) -> int:
    answer = peer.ask("trace.list")
    if output.as_json:
        output.json(answer)
        return 0
    for name, columns in _TABLES.items():
        rows = answer[name]
        if rows:
            heads = [column.replace("_", " ") for column in columns]
            keys = [column.lstrip(">") for column in columns]
            output.table(heads, [[row[key] for key in keys] for row in rows])
    output.line(f"{len(answer['traces'])} traces, {len(answer['orders'])} orders")
    return 0


_TABLES = {
    "orders": ("order", "what", "value", "by", ">calls_left", ">seconds_left"),
    "traces": ("call", "at", "campaign", "caller", "called", ">messages", "ended"),
    "captures": ("call", "path", ">packets", ">bytes", "over", "why"),
}


# pcap


def _pcap(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    if not 1 <= options.seconds <= MAX_FILE_SECONDS:
        raise WrongUsageError(f"--seconds: 1 to {MAX_FILE_SECONDS}")
    call = call_named(peer, options.call)
    if options.stop:
        return _say_written(output, _stop(peer, call))
    with _interruptible():
        try:
            _follow(options, peer, output, call)
        except KeyboardInterrupt:
            pass
        except OSError:  # the terminal is gone, before its SIGHUP has come
            _stop(peer, call)
            raise
        return _say_written(output, _stop(peer, call))


def _follow(options: argparse.Namespace, peer: Peer, output: Output, call: str) -> None:
    """Have the file begun, and wait for its end."""
    capture = peer.ask(
        "trace.capture", call=call, seconds=options.seconds, sound=not options.no_sound
    )
    if not output.as_json:
        output.line(f"writing {capture['path']}; Control-C ends it")
    while not capture["over"]:
        time.sleep(LOOK_SECONDS)
        captures = peer.ask("trace.list")["captures"]
        capture = next((one for one in captures if one["call"] == call), capture)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Whoever ends the command ends the file: SIGTERM, and a terminal that goes, are as
    Control-C."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(peer: Peer, call: str) -> dict[str, Any]:
    capture: dict[str, Any] = peer.ask("trace.capture.stop", within=WRITTEN_SECONDS, call=call)
    return capture


def _say_written(output: Output, capture: dict[str, Any]) -> int:
    """What is in the file; a file that lacks something, or has nothing, is a failure."""
    summary = f"{capture['packets']} packets, {capture['bytes']:,} bytes: {capture['why']}"
    if capture["why"] in WELL and capture["packets"]:
        return _say(output, capture, summary)
    if output.as_json:
        output.json(capture)
    print(f"softswitch ctl: {capture['path']}: {clean(summary)}", file=sys.stderr)
    return 1
