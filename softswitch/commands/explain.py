"""`softswitch explain`: why a call went where it went, and what it earned."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    explain = commands.add_parser("explain", help="recompute a call from its record")
    explain.add_argument("-c", "--config", required=True, type=Path, metavar="FILE")
    explain.set_defaults(action=_explain)


def _explain(options: argparse.Namespace) -> int:
    return 1
