"""Start the program anew with the C library's memory in huge pages.

The C library reads what it is tuned with (GLIBC_TUNABLES) before the program's first line runs, so
a program that wants it takes its own place once, with the variable set: same process, same
arguments. Python's small objects have arenas of their own (`softswitch._memory`); this is for all
that is larger: dictionaries, messages, the engine's legs.

https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping

__all__ = ["restart", "tuned"]

VARIABLE = "GLIBC_TUNABLES"
TUNABLE = "glibc.malloc.hugetlb"
ASKED = f"{TUNABLE}=1"
"""1: madvise, which most systems heed; 2 would take pages that an operator has set aside."""

SINCE = (2, 35)
"""The first GNU C library that knows the tunable."""


def tuned(environment: Mapping[str, str], library: str | None) -> dict[str, str] | None:
    """The environment to start anew with; None if there is nothing to gain: another C library
    (`library` is what os.confstr calls CS_GNU_LIBC_VERSION), or it has been said what to do."""
    said = environment.get(VARIABLE, "")
    if TUNABLE in said or not _knows(library):
        return None
    return {**environment, VARIABLE: f"{said}:{ASKED}" if said else ASKED}


def _knows(library: str | None) -> bool:
    name, _, version = (library or "").partition(" ")
    try:
        return name == "glibc" and tuple(map(int, version.split("."))) >= SINCE
    except ValueError:
        return False


def restart() -> None:
    """Take this process's place with huge pages asked for; returns where that gains nothing or
    cannot be done, which costs speed only."""
    environment = tuned(os.environ, _library())
    if environment is None or not sys.executable:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _library() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        return None
