"""Builds the C programs of the bench with the compiler that also builds the media engine."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "native"
BUILD = SOURCES / "build"
ENGINE = Path(__file__).resolve().parents[1] / "rtp" / "engine"


def build(name: str, *, with_engine: bool = False) -> Path:
    """The program of this name, built again when a source or header is newer; with the media
    engine's own C files where it drives them."""
    source, program = SOURCES / f"{name}.c", BUILD / name
    core = [path for path in sorted(ENGINE.glob("*.c")) if path.name[0] != "_"]
    sources = [source, *(core if with_engine else [])]
    headers = [*SOURCES.glob("*.h"), *ENGINE.glob("*.h")]
    newest = max(path.stat().st_mtime for path in (*sources, *headers))
    if not program.exists() or program.stat().st_mtime < newest:
        BUILD.mkdir(exist_ok=True)
        compiler = shlex.split(os.environ.get("CC", "gcc"))
        options = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{ENGINE}"]
        files = [str(path) for path in sources]
        subprocess.run([*compiler, *options, "-o", str(program), *files], check=True)
    return program
