"""Builds programs out of plain C files of the product with the address and undefined sanitizers.

Shared by the fuzzers and by the tests of the C cores; needs nothing but the compiler.
"""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "rtp" / "engine"
DETECTION = ROOT / "media" / "detection"
SANITIZERS = [
    "-g",
    "-O1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
]
# GCC cannot follow the one fence that keeps a sleeping thread from missing a command.
THREAD_SANITIZER = ["-g", "-O1", "-fsanitize=thread", "-Wno-tsan"]
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def build(
    source: Path,
    program: Path,
    *,
    sanitizers: Sequence[str] = SANITIZERS,
    folder: Path = ENGINE,
) -> None:
    """Compiles `source` together with the whole core in a folder."""
    core = sorted(path for path in folder.glob("*.c") if not path.name.startswith("_"))
    options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{folder}"]
    options += sanitizers
    compiler = shlex.split(os.environ.get("CC", "gcc"))
    files = [str(path) for path in (source, *core)]
    subprocess.run([*compiler, *options, *files, "-lm", "-o", str(program)], check=True)


def run(program: Path, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """Runs it with the sanitizers' settings; the caller looks at the exit status."""
    return subprocess.run(
        [str(program), *arguments],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
