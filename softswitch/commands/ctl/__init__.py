"""`softswitch ctl`: looks at a switch that runs, and steers it, over its control socket."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from softswitch.commands.ctl import calls, events, overview, requests, top, tracing
from softswitch.commands.ctl.output import WAITING, Output, clean
from softswitch.commands.ctl.peer import AwayError, Peer, RefusedError, Where
from softswitch.commands.ctl.verb import WrongUsageError

__all__ = ["add"]

REFUSED = 1
"""Exit status when the switch says no."""
WRONG_USAGE = 2
AWAY = 3
"""Exit status when no switch answers."""

DEFAULT_PORT = 8021
"""As in the section switch of a configuration that names none."""

SUBJECTS = (overview, calls, events, top, tracing, requests)

TOKEN_VARIABLE = "SOFTSWITCH_TOKEN"
"""A token on the command line is seen by everybody who looks at the processes."""

_NONE = argparse.SUPPRESS
"""Options may stand before the verb or behind it: what was not given there overwrites nothing."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    common = _common()
    ctl = commands.add_parser(
        "ctl", parents=[common], help="look at a switch that runs, and steer it"
    )
    verbs = ctl.add_subparsers(required=True, metavar="VERB")
    for subject in SUBJECTS:
        subject.add(_Verbs(verbs, common))


class _Verbs:
    """Adds verbs that take the common options too."""

    def __init__(self, verbs: Any, common: argparse.ArgumentParser) -> None:
        self._verbs = verbs
        self._common = common

    def add(self, name: str, run: Any, says: str) -> argparse.ArgumentParser:
        """A verb: what runs it takes the options, the switch and the output."""
        parser: argparse.ArgumentParser = self._verbs.add_parser(
            name, parents=[self._common], help=says
        )
        parser.set_defaults(action=_act, run=run)
        return parser


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    where = common.add_mutually_exclusive_group()
    where.add_argument(
        "-c", "--config", type=Path, default=_NONE, metavar="FILE",
        help="the switch of this configuration, by the Unix socket in its data folder",
    )  # fmt: skip
    where.add_argument("--socket", type=Path, default=_NONE, metavar="PATH", help="its Unix socket")
    where.add_argument(
        "--connect", default=_NONE, metavar="HOST:PORT",
        help="its TCP address (SOFTSWITCH_CONTROL, else 127.0.0.1:8021)",
    )  # fmt: skip
    common.add_argument(
        "--token-file", type=Path, default=_NONE, metavar="FILE",
        help=f"file with the token to show on TCP; without one {TOKEN_VARIABLE} is taken",
    )  # fmt: skip
    common.add_argument("--token", default=_NONE, help="the token itself: others may see it")
    common.add_argument("--tls", action="store_true", default=_NONE, help="speak TLS")
    common.add_argument(
        "--ca", type=Path, default=_NONE, metavar="FILE", help="trust its certificates (with --tls)"
    )
    common.add_argument(
        "--json", action="store_true", default=_NONE, help="print JSON, for programs"
    )
    return common


def _act(options: argparse.Namespace) -> int:
    """Run a verb; whatever goes wrong is one line and an exit status."""
    output = Output(as_json=getattr(options, "json", False))
    try:
        with Peer(_where(options), on_waiting=_say_waiting) as peer:
            return int(options.run(options, peer, output))
    except KeyboardInterrupt:
        return 130
    except WrongUsageError as error:
        return _fail(str(error), WRONG_USAGE)
    except AwayError as error:
        return _fail(str(error), AWAY)
    except RefusedError as error:
        return _refused(error, output)


def _refused(error: RefusedError, output: Output) -> int:
    if output.as_json:
        told = {"code": error.code, "message": str(error), "data": error.details}
        output.json({"error": told})
    if error.reason == "not_authenticated":
        return _fail(f"{error} (--token-file FILE, or {TOKEN_VARIABLE})", REFUSED)
    if error.reason == "method_not_found":
        return _fail(f"this switch does not know {error.method}", REFUSED)
    return _fail(str(error), REFUSED)


def _say_waiting() -> None:
    """To people; a program would take what stands on standard error for a failure."""
    if sys.stderr.isatty():
        print(f"softswitch ctl: {WAITING}", file=sys.stderr)


def _fail(message: str, status: int) -> int:
    print(f"softswitch ctl: {clean(message)}", file=sys.stderr)
    return status


def _where(options: argparse.Namespace) -> Where:
    """The switch that is meant; raises WrongUsageError."""
    path: Path | None = getattr(options, "socket", None)
    if path is None and hasattr(options, "config"):
        path = _socket_of(options.config)
    if path is not None:
        return Where(path)
    address = getattr(options, "connect", None) or os.environ.get("SOFTSWITCH_CONTROL", "")
    host, port = _address(address or "127.0.0.1")
    return Where(
        None,
        host,
        port,
        token=_token(options),
        tls=getattr(options, "tls", False) or hasattr(options, "ca"),
        authority=getattr(options, "ca", None),
    )


def _socket_of(config: Path) -> Path:
    from config.errors import ConfigErrors
    from softswitch.check import load_checked

    try:
        config.stat()
    except OSError as error:
        raise WrongUsageError(f"configuration {config}: {error.strerror}") from None
    try:
        configuration = load_checked(config, os.environ)
    except ConfigErrors as errors:
        raise WrongUsageError(f"{config} has mistakes: say softswitch check {config}") from errors
    return configuration.switch.data / "control.sock"


def _address(text: str) -> tuple[str, int]:
    """Host and port; not by the reader of configurations, which takes its time to load."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.endswith("]")):
        host, port = text, str(DEFAULT_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise WrongUsageError(f"{text} is no host:port such as 127.0.0.1:{DEFAULT_PORT}")
    return host, int(port)


def _token(options: argparse.Namespace) -> str:
    path: Path | None = getattr(options, "token_file", None)
    if path is None:
        return str(getattr(options, "token", None) or os.environ.get(TOKEN_VARIABLE, ""))
    try:
        return path.read_text().strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise WrongUsageError(f"token file {path}: {why}") from None
