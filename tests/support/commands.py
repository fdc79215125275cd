"""Runs a command of the command line in this process, as its action would be run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

__all__ = ["run_command"]

Add = Callable[[Any], None]


def run_command(add: Add, *arguments: str) -> int:
    """The exit status of a command that `add` adds; wrong usage raises SystemExit."""
    parser = argparse.ArgumentParser(prog="softswitch")
    add(parser.add_subparsers(required=True))
    options = parser.parse_args(arguments)
    return int(options.action(options))
