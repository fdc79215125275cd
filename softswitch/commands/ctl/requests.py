"""`ctl ask`: any method of the control socket, with its parameters."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from softswitch.commands.ctl.output import Output
from softswitch.commands.ctl.peer import Peer
from softswitch.commands.ctl.verb import Verbs, WrongUsageError

__all__ = ["add", "parameters"]

SLOW_SECONDS = 600.0
"""Some methods wait for a caller: a gather, a transfer."""


def add(verbs: Verbs) -> None:
    """Add the verb."""
    ask = verbs.add("ask", _ask, "call a method of the control socket (docs/control.md)")
    ask.add_argument("method", metavar="METHOD", help="such as call.get")
    ask.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="JSON, or else it is text")


def _ask(options: argparse.Namespace, peer: Peer, output: Output) -> int:
    params = parameters(options.parameters)
    answer = peer.ask(options.method, within=SLOW_SECONDS, **params)
    if output.as_json:
        output.json(answer)
    else:
        print(json.dumps(answer, indent=2, ensure_ascii=True))
    return 0


def parameters(written: Sequence[str]) -> dict[str, Any]:
    """Parameters of NAME=VALUE; raises WrongUsageError."""
    found: dict[str, Any] = {}
    for one in written:
        name, equals, value = one.partition("=")
        if not equals or not name.isidentifier():
            raise WrongUsageError(f"{one}: expected NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
