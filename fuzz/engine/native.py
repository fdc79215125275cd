"""Builds programs out of plain C files of the product with the address and undefined sanitizers.

Shared by the fuzzers and by the tests of the C cores; needs nothing but the compiler. The objects
of a core are kept in build/native, so that the programs of a run compile it once.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "rtp" / "engine"
DETECTION = ROOT / "media" / "detection"
OBJECTS = ROOT / "build" / "native"
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
    options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{folder}"]
    compiler = [*shlex.split(os.environ.get("CC", "gcc")), *options, *sanitizers]
    files = [str(path) for path in (source, *_objects(compiler, folder))]
    subprocess.run([*compiler, *files, "-lm", "-o", str(program)], check=True)


def _objects(compiler: Sequence[str], folder: Path) -> list[Path]:
    """The core in a folder, compiled; at once where nothing has changed since it last was."""
    core = sorted(path for path in folder.glob("*.c") if not path.name.startswith("_"))
    version = subprocess.run([compiler[0], "--version"], capture_output=True, check=True).stdout
    told = hashlib.sha256(version + "\0".join(compiler).encode())
    for path in (*core, *sorted(folder.glob("*.h"))):
        told.update(path.name.encode() + b"\0" + path.read_bytes())
    place = OBJECTS / told.hexdigest()[:24]
    if not place.exists():
        _compile([*compiler, "-c", *(str(path) for path in core)], place)
    return sorted(place.glob("*.o"))


def _compile(command: Sequence[str], place: Path) -> None:
    """The objects appear in their place all at once: others may be about the same."""
    OBJECTS.mkdir(parents=True, exist_ok=True)
    made = tempfile.mkdtemp(dir=OBJECTS)
    try:
        subprocess.run(command, check=True, cwd=made)
        with suppress(OSError):
            Path(made).rename(place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


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
