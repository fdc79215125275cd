"""Builds the C fuzzer of the tone detectors and runs it for some seconds.

`python -m fuzz.fuzz_detectors [--seconds 10] [--seed N]`. The same seed does the same things,
however fast the machine is; a finding is printed with the seed and the round in which it came, and
the exit status is 1.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from fuzz.engine import native

SOURCE = Path(__file__).with_name("detection") / "fuzz_detectors.c"


def main() -> int:
    """0 when nothing was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        program = Path(directory) / "fuzz_detectors"
        native.build(SOURCE, program, folder=native.DETECTION)
        seconds = str(options.seconds)
        result = native.run(program, str(options.seed), seconds, timeout=options.seconds + 120)
    print(result.stdout, end="")
    print(result.stderr, end="", file=sys.stderr)
    return 1 if result.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
