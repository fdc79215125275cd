"""`softswitch report`: calls, talk and money, by whatever they are asked for."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    report = commands.add_parser("report", help="sum up calls, talk and money")
    report.add_argument("-c", "--config", required=True, type=Path, metavar="FILE")
    report.set_defaults(action=_report)


def _report(options: argparse.Namespace) -> int:
    return 1
