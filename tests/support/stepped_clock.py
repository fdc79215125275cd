"""A time of day that tests set while a switch runs, and nobody else on the machine sees.

A small library is loaded into the switch (LD_PRELOAD) that adds what a file says to the clock.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("stepped_clock.c")


class SteppedClock:
    """One for a switch: start it with this `environment`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.step_to(0)
        library = folder / "stepped_clock.so"
        built = ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-o", str(library), str(SOURCE)]
        subprocess.run(built, check=True, capture_output=True, timeout=60)
        self.environment = {"LD_PRELOAD": str(library), "STEPPED_CLOCK": str(self._file)}

    def step_to(self, seconds: int) -> None:
        """Have the time of day so far from the right one, at once."""
        mode = "r+b" if self._file.exists() else "wb"
        with self._file.open(mode) as file:
            file.write(struct.pack("q", seconds))
