"""Runs the C fuzzers of the media engine: `python -m fuzz.fuzz_engine --seconds 10 --seed 1`."""

import sys

from fuzz.engine.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
