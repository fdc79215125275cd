"""`softswitch graph`: treatments drawn as an SVG tree."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    graph = commands.add_parser("graph", help="draw treatments as an SVG tree")
    graph.add_argument("file", type=Path, metavar="FILE")
    graph.add_argument("treatment", nargs="?", metavar="TREATMENT", help="default: all of them")
    graph.add_argument("-o", "--output", type=Path, metavar="OUT.svg", help="default: printed")
    graph.set_defaults(action=_graph)


def _graph(options: argparse.Namespace) -> int:
    from config.errors import ConfigErrors
    from softswitch.check import load_checked
    from softswitch.graph import UnknownTreatmentError, arrange, draw, outline

    try:
        configuration = load_checked(options.file, os.environ)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return 1
    try:
        charts = outline(configuration, options.treatment)
    except UnknownTreatmentError:
        known = ", ".join(configuration.treatments) or "none"
        print(f'there is no treatment "{options.treatment}"; there are: {known}', file=sys.stderr)
        return 1
    drawing = arrange(charts)
    text = draw(drawing, options.treatment or options.file.name)
    if options.output is None:
        sys.stdout.write(text)
        return 0
    try:
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{options.output} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{options.output}: {len(charts)} treatments, {len(drawing.boxes)} boxes")
    return 0
