"""Builds the C programs of the bench with the compiler that also builds the media engine."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "native"
BUILD = SOURCES / "build"


def build(name: str) -> Path:
    """The program of this name, built again when its source is newer."""
    source, program = SOURCES / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(exist_ok=True)
        compiler = shlex.split(os.environ.get("CC", "gcc"))
        options = ["-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source)]
        subprocess.run([*compiler, *options], check=True)
    return program
