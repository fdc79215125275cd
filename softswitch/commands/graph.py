"""`softswitch graph`: a treatment as an SVG tree."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    graph = commands.add_parser("graph", help="draw treatments as SVG")
    graph.add_argument("file", type=Path, metavar="FILE")
    graph.set_defaults(action=_graph)


def _graph(options: argparse.Namespace) -> int:
    return 1
