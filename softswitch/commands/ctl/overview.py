"""`ctl status|trunks|pools|reload|drain|log`: the switch as a whole."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from softswitch.commands.ctl.output import Output, clean, clock
from softswitch.commands.ctl.peer import Peer, RefusedError
from softswitch.commands.ctl.verb import Verbs

__all__ = ["add", "closed_for", "status_facts", "trunk_row"]

SLOW_SECONDS = 600.0
"""New prompts are spoken before a configuration is in force."""

LEVELS = ("debug", "info", "warning", "error", "default")


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.add("status", _status, "how the switch does")
    verbs.add("trunks", _trunks, "trunks, and the calls on them")
    pools = verbs.add("pools", _pools, "ring pools, and what is left of them")
    pools.add_argument("pool", nargs="?", metavar="POOL", help="only this one")
    caps = verbs.add("caps", _caps, "caps of campaigns, how full they are, and what is paused")
    caps.add_argument("--campaign", metavar="NAME", help="only those of this campaign")
    numbers = verbs.add("numbers", _numbers, "numbers that take calls, and whose they are")
    numbers.add_argument("--campaign", metavar="NAME", help="only those of this campaign")
    numbers.add_argument("--limit", type=int, default=1000, metavar="N", help="at most so many")
    reload = verbs.add("reload", _reload, "take the configuration file as it is now")
    reload.add_argument("--dry-run", action="store_true", help="only say what would change")
    verbs.add("drain", _drain, "take no new calls, hang up after grace_time, stop, as SIGTERM does")
    log = verbs.add("log", _log, "show or set the level of the log")
    log.add_argument("level", nargs="?", choices=LEVELS, help="least level that is logged")
    log.add_argument(
        "--logger",
        metavar="NAME",
        help="of this part only, such as softswitch.hearing.tick, or events",
    )


# status


def _status(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    status = peer.ask("status")
    if output.as_json:
        output.json(status)
    else:
        output.facts(status_facts(status))
    return 0


def status_facts(status: dict[str, Any]) -> dict[str, Any]:
    """What people want to know of the answer."""
    media = status["media"]
    return {
        "version": f"{status['version']} (pid {status['pid']})",
        "up": clock(status["uptime_seconds"]),
        "state": _state(status),
        "admission": _admission(status["parts"].get("admission")),
        "calls": f"{status['calls']} now, {status['presented']} since the start",
        "refused": status["refusals"] or "none",
        "configuration": status["config_version"],
        "media ports": f"{media['ports_in_use']} pairs in use, {media['ports_free']} free, "
        f"{media['ports_resting']} resting, {media['ports_unusable']} unusable",
        "media losses": _losses(media),
        **_heard(status["parts"].get("hearing")),
    }


def _state(status: dict[str, Any]) -> str:
    if not status["draining"]:
        why = closed_for(status)
        return f"too full ({why}): refuses new calls" if why else "takes calls"
    until = status.get("drain_until")
    hung_up = "" if until is None else f", calls are hung up at {_time_of_day(until)}"
    return f"draining: takes no new calls{hung_up}"


def closed_for(status: dict[str, Any]) -> str:
    """Which limit has closed the switch to new calls; empty while it takes them."""
    return str((status["parts"].get("admission") or {}).get("closed") or "")


def _admission(told: Any) -> str:
    if not isinstance(told, dict):
        return "not watched"
    state = f"closed ({told['closed']})" if told["closed"] else "open"
    return (
        f"{state}, closed {told['times_closed']} times since the start, "
        f"loop {told['loop_lag_ms']:.1f} ms late, {told['worst_loop_lag_ms']:.1f} ms at worst, "
        f"backlog {told['backlog']:.0%}"
    )


def _time_of_day(at: float) -> str:
    return time.strftime("%H:%M:%SZ", time.gmtime(at))


def _losses(media: dict[str, int]) -> str:
    names = ("stray_packets", "events_lost", "tap_lost", "send_errors")
    return ", ".join(f"{name.replace('_', ' ')} {media[name]}" for name in names if media[name])


def _heard(hearing: Any) -> dict[str, Any]:
    if not isinstance(hearing, dict):
        return {"hearing": "off"}
    tick, speech = hearing["tick"], hearing["speech"]
    return {
        "tick": f"{tick['mean_ms']:.2f} ms on average, {tick['worst_ms']:.1f} ms at worst, "
        f"{tick['late']} of {tick['ticks']} late",
        "overload": f"level {tick['level']}" if tick["level"] else "none",
        "left out": tick["left_out"] or "nothing",
        "speech": _speech(speech),
        "recording": hearing["recording"],
    }


def _speech(speech: dict[str, Any]) -> str:
    if not speech["engine"]:
        return "no recogniser"
    behind = ", behind" if speech["behind"] else ""
    return f"{speech['engine']}: listens to {speech['listening']} legs{behind}"


# trunks and pools


def _trunks(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    answer = peer.ask("trunk.list")
    if output.as_json:
        output.json(answer)
        return 0
    trunks = answer["trunks"]
    _list_of({"trunks": [trunk_row(trunk) for trunk in trunks]}, "trunks", output)
    servers = [
        {"trunk": trunk["trunk"], **server}
        for trunk in trunks
        for server in trunk.get("servers", ())
    ]
    return _list_of({"servers": servers}, "servers", output) if servers else 0


def trunk_row(trunk: dict[str, Any]) -> dict[str, Any]:
    """What people want to know of a trunk itself: its servers are rows of their own."""
    plain = {name: one for name, one in trunk.items() if not isinstance(one, dict | list)}
    return {**plain, "state": str(trunk["state"]).replace("_", " ")}


def _pools(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    params = {} if options.pool is None else {"pool": options.pool}
    answer = peer.ask("pool.stats", **params)
    if output.as_json:
        output.json(answer)
        return 0
    return _list_of(answer, "pools", output)


def _caps(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    answer = peer.ask("cap.list", campaign=options.campaign)
    if output.as_json:
        output.json(answer)
        return 0
    _list_of(answer, "counts", output)
    return _list_of(answer, "paused", output) if answer["paused"] else 0


def _numbers(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    answer = peer.ask("number.list", campaign=options.campaign, limit=options.limit)
    if output.as_json:
        output.json(answer)
        return 0
    _list_of(answer, "numbers", output)
    if answer["more"]:
        output.line("and more (--limit)")
    return 0


def _list_of(answer: dict[str, Any], what: str, output: Output) -> int:
    """A table of all that the switch tells, a column a field."""
    rows = answer[what]
    names = list(rows[0]) if rows else []
    numbers = {name for name in names if isinstance(rows[0][name], int | float)}
    columns = [f"{'>' if name in numbers else ''}{name.replace('_', ' ')}" for name in names]
    if rows:
        output.table(columns, [[row.get(name) for name in names] for row in rows])
    output.line(f"{len(rows)} {what}")
    return 0


# reload, drain, log


def _reload(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    try:
        answer = peer.ask("config.reload", within=SLOW_SECONDS, dry_run=options.dry_run)
    except RefusedError as error:
        if not output.as_json:
            for mistake in error.details.get("errors", ()):
                print(clean(_mistake(mistake)), file=sys.stderr)
        raise
    if output.as_json:
        output.json(answer)
        return 0
    for change in answer["changes"]:
        output.line(f"{change['change']}: {change['section']} {change['name']}")
    more = answer["total"] - len(answer["changes"])
    if more:
        output.line(f"and {more} more")
    for name in answer["needs_restart"]:
        output.line(f"needs a restart: {name}")
    would = "would be" if options.dry_run else "is"
    output.line(f"configuration {answer['version']} {would} in force")
    return 0


def _mistake(mistake: dict[str, Any]) -> str:
    """As `softswitch check` tells it."""
    place = f"{mistake['file']}:{mistake['line']}:{mistake['column']}: " if mistake["line"] else ""
    hint = f" ({mistake['suggestion']})" if mistake.get("suggestion") else ""
    return f"{place}{mistake['message']}{hint}"


def _drain(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    answer = peer.ask("drain")
    if output.as_json:
        output.json(answer)
    else:
        until, left = _time_of_day(answer["until"]), answer["seconds_left"]
        hung_up = f"hung up at {until}, in {left:.0f} s"
        output.line(f"draining: {answer['calls']} calls in progress, {hung_up}")
    return 0


def _log(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    params = {"level": options.level, "logger": options.logger}
    answer = peer.ask("log.level", **{name: one for name, one in params.items() if one})
    if output.as_json:
        output.json(answer)
    else:
        output.facts(answer)
    return 0
