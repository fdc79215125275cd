"""What the drivers of this folder share: the command line, the clock, how a finding is told."""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

__all__ = ["drive"]

Made = TypeVar("Made")


def drive(
    description: str | None,
    make: Callable[[random.Random], Made],
    check: Callable[[Made, random.Random], object],
    *,
    most_seconds: float,
) -> int:
    """Make and check for as long as the command line says; the exit status, 1 for a finding.

    `description` is the driver's, of which its first line is shown. What `check` raises is a
    finding, and so is what takes more processor time than `most_seconds`; it is printed as a Python
    literal with the seed. What it gives is counted where it is true.
    """
    first = (description or "").splitlines()[0]
    parser = argparse.ArgumentParser(description=first)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    end = time.monotonic() + options.seconds
    tried = good = 0
    while time.monotonic() < end:
        made = make(chance)
        begun = time.process_time()
        try:
            good += bool(check(made, chance))
            took = time.process_time() - begun
            assert took <= most_seconds, f"took {took:.2f} s"
        except Exception:  # noqa: BLE001 - whatever comes out is the finding
            print(f"finding after {tried}, seed {options.seed}:\n{made!r}")
            traceback.print_exc(file=sys.stdout)
            return 1
        tried += 1
    print(f"seed {options.seed}: {tried} tried, {good} of them good, no finding")
    return 0
