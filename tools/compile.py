"""Compiles the SIP core with mypyc into build/compiled; `make compile`.

The same sources, no second file: what is compiled is a copy of the packages beside the tree, so
that the tree itself stays interpreted. Run it with `PYTHONPATH=build/compiled .venv/bin/softswitch
...`. Safe to run again: a stamp says from which sources it was made, the copy takes over only files
that differ, and the C compiler runs only where what mypyc made of them is another.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from sysconfig import get_config_var

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "build" / "compiled"
PACKAGES = ("softswitch", "rtp", "ivr", "ringpool", "media", "config")
LEFT_BEHIND = frozenset({".c", ".h", ".pyx", ".pxd", ".pyc"})
"""Kinds of files that nobody needs to run the switch."""

SUFFIX = str(get_config_var("EXT_SUFFIX"))

OPTIMISATION = "2"
"""Of the C compiler."""

NICENESS = 10
"""Compiling takes a minute of whoever else works on the machine."""

MAX_TOLD = 4000
"""Characters of what mypyc says when it fails: its end names the mistake."""

ROOM = "softswitch/sip"
MODULES = tuple(
    f"{ROOM}/{name}"
    for name in (
        "acceptance",
        "addresses",
        "authorizing",
        "causes",
        "checks",
        "compose",
        "context",
        "dialog",
        "dialog_state",
        "errors",
        "flow",
        "grammar",
        "ids",
        "in_dialog",
        "inspect",
        "invite_client",
        "invite_server",
        "matching",
        "message",
        "parameters",
        "receive",
        "reinvite",
        "routing",
        "stack",
        "timers",
        "uri",
        "validation",
        "headers/container",
        "transaction/base",
        "transaction/client_invite",
        "transaction/client_non_invite",
        "transaction/server_invite",
        "transaction/server_non_invite",
    )
)
"""What every call runs through, without `.py`. Values that msgspec makes stay out: their classes
have a metaclass that mypyc cannot take over. The rooms above stay interpreted: see
docs/decisions.md."""

BUILD = ("--quiet", "build_ext", "--inplace")

SETUP = """
from mypyc.build import mypycify
from setuptools import setup

setup(
    name="compiled",
    packages=[],
    ext_modules=mypycify({arguments!r}, opt_level={optimisation!r}, debug_level="0"),
)
"""


def main() -> int:
    """Compile if anything has changed since the last time; the exit status."""
    stamp = TARGET / "stamp"
    now = digest()
    if stamp.exists() and stamp.read_text() == now:
        return 0
    stamp.unlink(missing_ok=True)
    began = time.monotonic()
    print(f"compile: {len(MODULES)} modules with mypyc, a minute or two", file=sys.stderr)
    status = compile_into(TARGET, MODULES)
    if status == 0:
        stamp.write_text(now)
        print(f"compile: done in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return status


def compile_into(
    target: Path,
    modules: Sequence[str],
    *,
    optimisation: str = OPTIMISATION,
    command: Sequence[str] = BUILD,
) -> int:
    """Have a copy of the packages in `target`, these modules of it compiled; the exit status.

    A `command` that builds nothing leaves it at the C that mypyc has made of them.
    """
    copy_packages(target, modules)
    # Nothing is kept of what mypy finds out: compiled modules need all of it each time.
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", os.devnull]
    arguments = [*options, *(f"{module}.py" for module in modules)]
    script = SETUP.format(arguments=arguments, optimisation=optimisation)
    (target / "setup.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "setup.py", *command],
        cwd=target,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        preexec_fn=_give_way,
    )
    if done.returncode:
        print(done.stdout[-MAX_TOLD:], file=sys.stderr)
    return done.returncode


def _give_way() -> None:
    os.nice(NICENESS)


def copy_packages(target: Path, compiled: Collection[str] = ()) -> None:
    """Have the packages in `target` as they are here; what is the same is not touched, nor are
    these modules' compiled forms."""
    wanted = set(packaged(ROOT))
    for path in wanted:
        content, copy = (ROOT / path).read_bytes(), target / path
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    wanted |= {Path(f"{module}{SUFFIX}") for module in compiled}
    for path in [path for path in packaged(target) if path not in wanted]:
        (target / path).unlink()


def packaged(root: Path) -> Iterator[Path]:
    """The files of all packages, seen from `root`."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and path.suffix not in LEFT_BEHIND:
                yield path.relative_to(root)


def digest() -> str:
    """A hash of everything that the copy is made of."""
    hasher = hashlib.sha256(sys.version.encode() + Path(__file__).read_bytes())
    for path in packaged(ROOT):
        hasher.update(os.fsencode(path) + b"\0" + (ROOT / path).read_bytes())
    return hasher.hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
