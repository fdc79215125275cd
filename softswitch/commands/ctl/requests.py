"""`ctl ask`: any method of the control socket, with its parameters."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from softswitch.commands.ctl.output import Output
from softswitch.commands.ctl.peer import AwayError, Peer, RefusedError
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
    params = parameters(peer, options.method, options.parameters)
    answer = peer.ask(options.method, params, within=SLOW_SECONDS)
    if output.as_json:
        output.json(answer)
    else:
        print(json.dumps(answer, indent=2, ensure_ascii=True))
    return 0


def parameters(peer: Peer, method: str, written: Sequence[str]) -> dict[str, Any]:
    """Parameters of NAME=VALUE; raises WrongUsageError.

    What looks like a number is one unless the method wants a text there: 6025551234 is a telephone
    number to `number.activate`. The switch is asked what it wants, where that makes a difference.
    """
    texts: dict[str, str] = {}
    for one in written:
        name, equals, value = one.partition("=")
        if not equals or not name.isidentifier():
            raise WrongUsageError(f"{one}: expected NAME=VALUE")
        texts[name] = value
    values = {name: _value(text) for name, text in texts.items()}
    if any(isinstance(value, int | float) or value is None for value in values.values()):
        for name in _texts_of(_catalogue(peer), method):
            if name in texts:
                values[name] = texts[name]
    return values


def _catalogue(peer: Peer) -> dict[str, Any]:
    """What the switch says of its methods; nothing where it does not: then a number is one, and the
    method itself says what it wants."""
    try:
        told: dict[str, Any] = peer.ask("rpc.discover", within=SLOW_SECONDS)
    except (AwayError, RefusedError):
        return {}
    return told


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _texts_of(document: dict[str, Any], method: str) -> Iterator[str]:
    """Names of parameters that are text, and never a number or a truth."""
    for one in document.get("methods", ()):
        if one["name"] == method:
            for parameter in one["params"]:
                kinds = set(_kinds(parameter["schema"]))
                if "string" in kinds and not kinds & {"integer", "number", "boolean"}:
                    yield parameter["name"]


def _kinds(schema: dict[str, Any]) -> Iterator[str]:
    """What JSON calls the types that a parameter may have."""
    for one in (schema, *schema.get("anyOf", ())):
        kind = one.get("type", ())
        yield from (kind,) if isinstance(kind, str) else kind
        if any(isinstance(value, str) for value in one.get("enum", ())):
            yield "string"
