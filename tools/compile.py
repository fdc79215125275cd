"""Compiles the rooms a call goes through with mypyc into build/compiled; `make compile`.

The same sources, no second file: what is compiled is a copy of the packages beside the tree, so
that the tree itself stays interpreted. Run it with `PYTHONPATH=build/compiled .venv/bin/softswitch
...`. Safe to run again: a stamp says from which sources it was made.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "build" / "compiled"
PACKAGES = ("softswitch", "rtp", "ivr", "ringpool", "media", "config")
ROOMS = (
    "softswitch/sip",
    "softswitch/sip/transaction",
    "softswitch/sdp",
    "softswitch/call",
    "softswitch/switchboard",
    "softswitch/routing",
    "ivr",
    "ivr/nodes",
)
MORE = (
    "softswitch/sip/headers/container.py",
    "softswitch/store/journal.py",
    "softswitch/store/records.py",
    "softswitch/transport/pump.py",
    "softswitch/transport/transport.py",
    "softswitch/transport/udp.py",
    "config/e164.py",
)
# Values that msgspec makes in C already have a metaclass that mypyc cannot take over.
MADE_IN_C = "msgspec"
# A package's own file says what it exports, nothing to gain; events holds only values.
LEFT_OUT = ("__init__.py", "events.py", "outcomes.py", "prompts.py", "protocols.py")


def sources(root: Path) -> list[Path]:
    """The modules worth compiling, below `root`."""
    found = [path for core in ROOMS for path in sorted((root / core).glob("*.py"))]
    found += [root / path for path in MORE]
    return [
        path
        for path in found
        if path.name not in LEFT_OUT and MADE_IN_C not in path.read_text(encoding="utf-8")
    ]


def digest() -> str:
    """A hash of every Python file and the engine that go into the copy."""
    hasher = hashlib.sha256(sys.version.encode())
    hasher.update(Path(__file__).read_bytes())
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in (".py", ".so", ".yaml", ".sql", ".csv"):
                hasher.update(path.read_bytes())
    return hasher.hexdigest()


def copy_packages() -> None:
    """Put a fresh copy of the packages into build/compiled."""
    shutil.rmtree(TARGET, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, TARGET / package, ignore=shutil.ignore_patterns("__pycache__", "*.c")
        )
    shutil.copy(ROOT / "pyproject.toml", TARGET)


def main() -> int:
    """Compile if anything has changed since the last time; mypyc's exit status."""
    stamp = TARGET / "stamp"
    now = digest()
    if stamp.exists() and stamp.read_text() == now:
        return 0
    copy_packages()
    files = [str(path.relative_to(TARGET)) for path in sources(TARGET)]
    print(f"compile: {len(files)} modules with mypyc, many minutes", file=sys.stderr)
    compiler = Path(sys.executable).with_name("mypyc")
    done = subprocess.run(
        [compiler, "--config-file", "pyproject.toml", *files],
        cwd=TARGET,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout[-4000:], file=sys.stderr)
        return done.returncode
    shutil.rmtree(TARGET / "build", ignore_errors=True)
    stamp.write_text(now)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
