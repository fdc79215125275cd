"""What the verbs of ctl have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Protocol

from softswitch.commands.ctl.output import Output
from softswitch.commands.ctl.peer import Peer, RefusedError

__all__ = ["Run", "Verbs", "WrongUsageError", "call_named"]

Run = Callable[[argparse.Namespace, Peer, Output], int]

WHOLE_CALL_ID = 24
MIN_CALL_ID = 4
"""Fewer letters are a slip of the pen; nobody wants the wrong call hung up."""


class WrongUsageError(Exception):
    """What was said on the command line makes no sense; the text says why."""


class Verbs(Protocol):
    """Where verbs are added."""

    def add(self, name: str, run: Run, says: str) -> argparse.ArgumentParser:
        """A verb with the common options."""


def call_named(peer: Peer, text: str) -> str:
    """The id of a call in progress of which enough letters were written; raises WrongUsageError."""
    if len(text) >= WHOLE_CALL_ID:
        return text
    if len(text) < MIN_CALL_ID:
        raise WrongUsageError(f"{text}: at least {MIN_CALL_ID} letters of a call id are needed")
    try:
        calls = peer.ask("call.list", limit=10_000)["calls"]
    except RefusedError:
        return text
    found = [call["call"] for call in calls if call["call"].startswith(text)]
    if len(found) > 1:
        raise WrongUsageError(f"{text} is the beginning of {len(found)} call ids")
    return str(found[0]) if found else text
