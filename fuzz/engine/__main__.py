"""`python -m fuzz.engine`: builds the fuzzers and lets each run for its share of some seconds.

The same seed does the same things, however fast the machine is; a finding is printed with the seed
and the round in which it came, and the exit status is 1.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from fuzz.engine import native
from fuzz.engine.datagrams import write_datagrams

SOURCES = ("fuzz_engine.c", "fuzz_framing.c", "fuzz_packets.c")
# What is given datagrams that the drivers in Python have kept.
WITH_DATAGRAMS = ("fuzz_packets.c",)


def main() -> int:
    """0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="fuzz.engine", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        found = [
            _fuzz(source, Path(directory), str(options.seed), options.seconds / len(SOURCES))
            for source in SOURCES
        ]
    return 1 if any(found) else 0


def _fuzz(source: str, directory: Path, seed: str, seconds: float) -> int:
    program = directory / source.removesuffix(".c")
    native.build(Path(__file__).with_name(source), program)
    datagrams = write_datagrams(directory / "datagrams") if source in WITH_DATAGRAMS else []
    result = native.run(program, seed, str(seconds), *datagrams, timeout=seconds + 120)
    print(result.stdout, end="")
    print(result.stderr, end="", file=sys.stderr)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
