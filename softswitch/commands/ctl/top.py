"""`ctl top`: the switch on one screen, once a second, until `q` is pressed.

The picture is in `screen`; here is what asks the switch, the keyboard and the clock.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import sys
import time
from collections.abc import Iterator
from typing import Any

from softswitch.commands.ctl.output import WAITING, Output
from softswitch.commands.ctl.peer import Peer, RefusedError
from softswitch.commands.ctl.screen import Sample, picture
from softswitch.commands.ctl.verb import Verbs, WrongUsageError

__all__ = ["add"]

LEAVE = frozenset("qQ\x1b\x03\x04")
"""Keys that leave: q, Escape, Control-C, Control-D."""

MAX_SHOWN = 200
"""Calls asked for: more than any screen has lines."""

SHORTEST_SECONDS = 0.2
"""Looking more often would be felt by the switch, and by nobody else."""


def add(verbs: Verbs) -> None:
    """Add the verb."""
    top = verbs.add("top", _top, "the switch on one screen, live; q leaves")
    top.add_argument("--interval", type=float, default=1.0, metavar="SECONDS")
    top.add_argument("--once", action="store_true", help="print one picture and leave")


def _top(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    if not SHORTEST_SECONDS <= options.interval <= 3600:
        raise WrongUsageError(f"--interval: {SHORTEST_SECONDS} to 3600 seconds")
    look = _Look(peer)
    if options.once or output.as_json or not _has_screen(output):
        return _once(look, output, options.interval)
    return _live(look, peer, output, options.interval)


def _has_screen(output: Output) -> bool:
    """A terminal that can only write on (TERM=dumb) gets one picture, as a file does."""
    terminals = sys.stdin.isatty() and sys.stdout.isatty()
    return terminals and not output.console.is_dumb_terminal


def _once(look: _Look, output: Output, interval: float) -> int:
    before = look()
    time.sleep(interval)
    sample = look()
    if output.as_json:
        output.json({**sample.told, "calls_a_second": sample.rate(before)})
    else:
        output.show(picture(sample, before, lines=MAX_SHOWN))
    return 0


def _live(look: _Look, peer: Peer, output: Output, interval: float) -> int:
    from rich.live import Live

    console = output.console
    before = look()
    shown: Any = ""
    with (
        _keyboard() as keyboard,
        Live(console=console, screen=True, auto_refresh=False, transient=True) as live,
    ):
        peer.on_waiting = lambda: live.update(_waiting(shown), refresh=True)
        while True:
            sample = look()
            shown = picture(sample, before, lines=console.height)
            live.update(shown, refresh=True)
            before = sample
            if _pressed(keyboard, interval) & LEAVE:
                return 0


def _waiting(shown: Any) -> Any:
    """What was seen last, below the reason why it does not change."""
    from rich.console import Group
    from rich.text import Text

    return Group(Text(WAITING, "bold red"), shown)


@contextlib.contextmanager
def _keyboard() -> Iterator[int]:
    """Keys as they are pressed, not by lines; the terminal is as it was afterwards."""
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield fd
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _pressed(keyboard: int, within: float) -> frozenset[str]:
    """Keys pressed meanwhile; returns at the first. A keyboard that is gone leaves, too."""
    if not select.select([keyboard], [], [], within)[0]:
        return frozenset()
    try:
        data = os.read(keyboard, 64)
    except OSError:
        data = b""
    return frozenset(data.decode("latin-1") or "q")


class _Look:
    """Asks the switch; what it does not know is asked once."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._knows_trunks = True

    def __call__(self) -> Sample:
        """The switch as it is now."""
        status = self._peer.ask("status")
        calls = self._peer.ask("call.list", limit=MAX_SHOWN)
        return Sample(time.monotonic(), status, calls["calls"], calls["total"], self._trunks())

    def _trunks(self) -> list[dict[str, object]]:
        if not self._knows_trunks:
            return []
        try:
            return list(self._peer.ask("trunk.list")["trunks"])
        except RefusedError:
            self._knows_trunks = False
            return []
