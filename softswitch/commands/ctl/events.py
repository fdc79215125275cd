"""`ctl events`: what happens, as it happens, a line an event."""

from __future__ import annotations

import argparse
from typing import Any

from softswitch.commands.ctl.output import Output, clean, told
from softswitch.commands.ctl.peer import AwayError, Peer
from softswitch.commands.ctl.verb import Verbs, call_named

__all__ = ["add", "event_line", "follow_call"]

MAX_VALUE = 120
"""Letters of one value; `--json` has it whole."""


def add(verbs: Verbs) -> None:
    """Add the verb."""
    events = verbs.add("events", _events, "show events as they happen")
    events.add_argument(
        "kinds", nargs="*", metavar="KIND", help='names or patterns such as "call.*"; none: all'
    )
    events.add_argument("--call", action="append", default=[], metavar="CALL")
    events.add_argument("--campaign", action="append", default=[], metavar="NAME")
    events.add_argument("--all", action="store_true", help="first those that are still kept")
    events.add_argument("--count", type=int, metavar="N", help="leave after so many")


def _events(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    params: dict[str, Any] = {
        "kinds": options.kinds,
        "campaigns": options.campaign,
        "calls": [call_named(peer, call) for call in options.call],
    }
    if options.all:
        params |= {"after": 0, "epoch": peer.ask("status")["events"]["epoch"]}
    peer.ask("events.subscribe", **params)
    left = options.count
    while left is None or left > 0:
        message = peer.told(None)
        if message is None:
            continue
        if message.get("method") == "events.missed":
            _tell_missed(message["params"], output)
        elif message.get("method") == "event":
            _tell(message["params"], output)
            left = None if left is None else left - 1
    return 0


def follow_call(peer: Peer, output: Output, call: str) -> int:
    """Show the events of one call until its record; the connection has them all sent."""
    try:
        while (message := peer.told(None)) is not None:
            event = message.get("params", {})
            if message.get("method") == "event" and event.get("call") == call:
                _tell(event, output)
                if event["kind"] == "call.record":
                    break
    except AwayError:
        output.line(f"the connection is over, the call {call} may go on")
        raise
    return 0


def _tell(event: dict[str, Any], output: Output) -> None:
    if output.as_json:
        output.json(event)
    else:
        output.line(event_line(event))


def _tell_missed(missed: dict[str, Any], output: Output) -> None:
    if output.as_json:
        output.json({"missed": missed})
    else:
        output.line(f"{missed['last'] - missed['first'] + 1} events were missed")


def event_line(event: dict[str, Any]) -> str:
    """An event on one line, with the time of day (UTC)."""
    facts = " ".join(
        f"{name}={_short(value)}"
        for name, value in event["facts"].items()
        if value not in (None, "", [], {})
    )
    at = str(event["at"]).partition("T")[2].rstrip("Z") or event["at"]
    return f"{at} {event['call'] or '-'} {event['kind']} {facts}".rstrip()


def _short(value: Any) -> str:
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{name}: {told(one)}" for name, one in value.items()) + "}"
    else:
        text = told(value)
    return clean(text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}...")
