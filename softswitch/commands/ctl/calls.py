"""`ctl calls|call|hangup|originate`: calls in progress, ending them, making them."""

from __future__ import annotations

import argparse
from typing import Any

from softswitch.commands.ctl.events import follow_call
from softswitch.commands.ctl.output import Output, clock, table_of
from softswitch.commands.ctl.peer import Peer
from softswitch.commands.ctl.verb import Verbs, WrongUsageError, call_named

__all__ = ["CALL_COLUMNS", "add", "call_row"]

MAX_LISTED = 10_000
"""As the switch has it (`call.list`)."""

CRITERIA = ("ringing", "answered", "any_key", "key", "word")

CALL_COLUMNS = ("call", "state", "campaign", "from", "to", ">time")


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    calls = verbs.add("calls", _calls, "list the calls in progress")
    calls.add_argument("--campaign", metavar="NAME", help="only those of this campaign")
    calls.add_argument("--limit", type=int, default=1000, metavar="N", help="at most so many")
    call = verbs.add("call", _call, "show one call: its legs, and its record so far")
    call.add_argument("call", metavar="CALL", help="call id, or enough of its beginning")
    hangup = verbs.add("hangup", _hangup, "end calls")
    hangup.add_argument("calls", nargs="+", metavar="CALL", help="call ids")
    hangup.add_argument("--cause", metavar="WORD", help="what the record says of it")
    _add_originate(verbs)


def _add_originate(verbs: Verbs) -> None:
    originate = verbs.add("originate", _originate, "call one number, then connect it to another")
    originate.add_argument("first", metavar="FIRST", help="who is called first")
    to = originate.add_mutually_exclusive_group(required=True)
    to.add_argument("second", nargs="?", metavar="SECOND", help="who is called then")
    to.add_argument("--treatment", metavar="NAME", help="what meets the first instead")
    originate.add_argument("--campaign", required=True, metavar="NAME", help="whose call it is")
    originate.add_argument("--caller-id", metavar="NUMBER", help="what they are shown")
    originate.add_argument(
        "--criterion",
        choices=CRITERIA,
        help="when the second is called",
    )
    originate.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="further parameters of call.originate; JSON, or else text",
    )  # fmt: skip
    originate.add_argument("--follow", action="store_true", help="show its events until it is over")


def _calls(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    if not 1 <= options.limit <= MAX_LISTED:
        raise WrongUsageError(f"--limit: 1 to {MAX_LISTED}")
    answer = peer.ask("call.list", campaign=options.campaign, limit=options.limit)
    if output.as_json:
        output.json(answer)
        return 0
    calls, total = answer["calls"], answer["total"]
    if calls:
        output.table(CALL_COLUMNS, [call_row(call) for call in calls])
    output.line(f"{total} calls" if total == len(calls) else f"{len(calls)} of {total} calls")
    return 0


def call_row(call: dict[str, Any]) -> tuple[Any, ...]:
    """A line of the table of calls."""
    caller = f"{call['caller'] or 'unknown'}{' (private)' if call['private'] else ''}"
    return (
        call["call"], call["state"], call["campaign"], caller, call["called"],
        clock(call["seconds"]),
    )  # fmt: skip


def _call(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    call = peer.ask("call.get", call=call_named(peer, options.call))
    if output.as_json:
        output.json(call)
        return 0
    record = call["record"]
    output.facts(
        {
            "call": call["call"],
            "state": call["state"],
            "campaign": call["campaign"],
            "from": f"{call['caller'] or 'unknown'}{' (private)' if call['private'] else ''}",
            "to": call["called"],
            "for": clock(call["seconds"]),
            "way": [str(step) for step in record.get("path") or ()],
            "answers": record.get("answers") or None,
            "attributes": record.get("attributes") or None,
        }
    )
    output.show(table_of(_LEG_COLUMNS, [_leg_row(leg) for leg in call["legs"]]))
    return 0


_LEG_COLUMNS = ("leg", "side", "state", "trunk", "number", "codec", "srtp", ">time", ">talk")


def _leg_row(leg: dict[str, Any]) -> tuple[Any, ...]:
    return (
        leg["leg"], leg["side"], leg["state"], leg["trunk"], leg["number"], leg["codec"],
        leg.get("srtp") or "no", clock(leg["seconds"]), clock(leg["talk_seconds"]),
    )  # fmt: skip


def _hangup(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    cause = {} if options.cause is None else {"cause": options.cause}
    for text in options.calls:
        answer = peer.ask("call.hangup", call=call_named(peer, text), **cause)
        if output.as_json:
            output.json(answer)
        else:
            output.line(f"{answer['call']} is ended")
    return 0


def _originate(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    from softswitch.commands.ctl.requests import parameters

    named = ("first", "second", "treatment", "campaign", "caller_id", "criterion")
    params = {name: getattr(options, name) for name in named if getattr(options, name) is not None}
    params.update(parameters(peer, "call.originate", options.set))
    if options.follow:
        peer.ask("events.subscribe")
    answer = peer.ask("call.originate", params)
    if output.as_json:
        output.json(answer)
    else:
        output.line(f"{answer['call']} is being called")
    return follow_call(peer, output, answer["call"]) if options.follow else 0
