"""The command line: run, check, route-test, version, and those of `softswitch.commands`."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING

from softswitch import huge_pages
from softswitch._memory import use_huge_pages
from softswitch.commands import ctl, explain, graph, pool, recording, records, report, result
from softswitch.version import VERSION

if TYPE_CHECKING:
    from config.model import Configuration, Switch
    from softswitch.app import App

GC_THRESHOLDS = (10_000, 200, 100)
"""Calls leave no cycles behind (a test holds that), so reference counts free nearly everything, and
the collector only has to find accidents. At the default of 700 and 10 it walks the lingering
transactions thousands of times a minute: a fifth of the signalling's cost. A look at the 10,000
newest objects stops the loop for 5 ms; all that lingers is looked at every few minutes."""

COMMANDS = (ctl, pool, records, recording, result, report, explain, graph)
"""Commands with a file of their own."""

NOT_SERVED = 3
"""Exit status of route-test when the call would be refused."""

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 well, 1 the configuration or the start is bad, 2 wrong
    usage."""
    _hold_standard_descriptors()
    options = _parser().parse_args(arguments)
    if arguments is None and options.action is _run:
        # Only where the process is ours alone: who calls with arguments would be replaced too.
        # A reload that is asked for too early is none, and no end; this holds beyond the restart.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        huge_pages.restart()
    try:
        status = int(options.action(options))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`).
        _forget_output()
        return 0
    except OSError as error:
        _forget_output()
        print(f"softswitch: {error}", file=sys.stderr)
        return 1
    return status


def _hold_standard_descriptors() -> None:
    """Have something on descriptors 0 to 2, or sockets of ours would be taken for them."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            # The lowest free number is given out, which is this one.
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 - as long as the process


def _forget_output() -> None:
    """Drop what could not be written, so that Python does not try it again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="softswitch", description="A call-bridging softswitch.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the switch")
    run.add_argument("-c", "--config", required=True, type=Path, metavar="FILE")
    run.set_defaults(action=_run)
    check = commands.add_parser("check", help="check a configuration; exit 1 and the errors if bad")
    check.add_argument("file", type=Path, metavar="FILE")
    check.set_defaults(action=_check)
    route = commands.add_parser(
        "route-test", help="say how a call would be served, without calling"
    )
    route.add_argument("file", type=Path, metavar="FILE")
    route.add_argument("--from", dest="caller", required=True, metavar="NUMBER")
    route.add_argument("--to", dest="called", required=True, metavar="NUMBER")
    route.add_argument("--trunk", metavar="NAME", help="the trunk that the call comes in by")
    route.add_argument(
        "--at",
        metavar="TIME",
        help='when: "2026-12-24 17:30" or "17:30" by the campaign\'s clock',
    )
    route.add_argument(
        "--answer",
        action="append",
        default=[],
        metavar="NODE=VALUE",
        help="what the caller answers; a fact such as lookup.bid.price may be given too",
    )
    route.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="KEY",
        help="the key pressed at the next menu; without one all choices are followed",
    )
    route.add_argument("--json", action="store_true", help="print one JSON object")
    route.set_defaults(action=_route_test)
    for command in COMMANDS:
        command.add(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(action=_version)
    return parser


def _load(path: Path, *, to_start: bool = False) -> Configuration | None:
    # Half a second that commands without a configuration need not wait.
    from config.errors import ConfigErrors
    from softswitch.check import load_checked, load_startable

    try:
        return (load_startable if to_start else load_checked)(path, os.environ)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return None


def _run(options: argparse.Namespace) -> int:
    use_huge_pages()
    # Until all is loaded there is only what stays: a twentieth of the start is spent looking at it.
    gc.disable()
    # numpy's library would start a thread for each core, for matrices that there are none of here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import uvloop

    from softswitch.app import StartError

    configuration = _load(options.config, to_start=True)
    if configuration is None:
        return 1
    # What is loaded by now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
    try:
        uvloop.run(_serve(configuration))
    except StartError as error:
        print(f"softswitch: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(configuration: Configuration) -> None:
    from softswitch.serving import leave_behind, serve

    await serve(configuration, on_ready=_say_ready)
    await leave_behind()


def _say_ready(app: App) -> None:
    """Print the line that says, flushed, that calls are taken."""
    switch = app.configuration.switch
    with contextlib.suppress(OSError):  # nobody reads it: the calls come all the same
        _print_ready(app, switch)


def _print_ready(app: App, switch: Switch) -> None:
    host = f"[{switch.listen_host}]" if ":" in switch.listen_host else switch.listen_host
    print(
        f"ready sip={host}:{switch.listen_port} trunks={len(app.configuration.trunks)} "
        f"numbers={len(app.configuration.numbers)} recovered={app.recovered} pid={os.getpid()}",
        flush=True,
    )


def _check(options: argparse.Namespace) -> int:
    configuration = _load(options.file, to_start=True)
    if configuration is None:
        return 1
    from softswitch.check import warnings_of

    for warning in warnings_of(configuration):
        print(f"{warning} (a warning)", file=sys.stderr)
    print(
        f"{options.file}: good: {_count(configuration.numbers, 'number')}, "
        f"{_count(configuration.campaigns, 'campaign')}, "
        f"{_count(configuration.treatments, 'treatment')}, {_count(configuration.trunks, 'trunk')}"
    )
    return 0


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}" + ("" if len(things) == 1 else "s")


def _route_test(options: argparse.Namespace) -> int:
    import time

    from softswitch.route_test import MomentError, moment, route, zone_of
    from softswitch.route_test.slips import answer_problem, key_problem

    configuration = _load(options.file)
    if configuration is None:
        return 1
    at = time.time()
    answers = dict(one.split("=", 1) for one in options.answer if "=" in one)
    if len(answers) < len(options.answer):
        print("softswitch: --answer: expected NODE=VALUE", file=sys.stderr)
        return 2
    wrong = answer_problem(configuration, answers)
    if wrong:
        print(f"softswitch: --answer: {wrong}", file=sys.stderr)
        return 2
    wrong = key_problem(options.key)
    if wrong:
        print(f"softswitch: --key: {wrong}", file=sys.stderr)
        return 2
    trunk = configuration.trunks.get(options.trunk)
    if options.trunk is not None and trunk is None:
        known = ", ".join(sorted(configuration.trunks))
        print(f"softswitch: --trunk: there is none of that name: {known}", file=sys.stderr)
        return 2
    try:
        if options.at is not None:
            at = moment(options.at, zone_of(configuration, options.called, trunk), now=at)
    except MomentError as error:
        print(f"softswitch: --at: {error}", file=sys.stderr)
        return 2
    found = route(
        configuration,
        trunk=trunk,
        caller=options.caller,
        called=options.called,
        at=at,
        answers=answers,
        keys=options.key,
    )
    if options.json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        print("\n".join(found.lines()))
    return 0 if found.refusal is None else NOT_SERVED


def _version(options: argparse.Namespace) -> int:
    print(f"softswitch {VERSION}")
    return 0
