"""`python -m bench.encrypting`: what it costs the media engine that a leg is encrypted.

The engine's core runs without sockets; the CPU time of its thread is divided by the packets that
crossed. What a packet costs the kernel (some microseconds) comes on top of each row.
"""

from __future__ import annotations

import argparse
import subprocess

from bench import machine, native_tools
from bench.figures import Figure, figure, table
from bench.processes import SWITCH_CPU, Refused, pinned

ROWS = {
    "plain to plain": "plain",
    "encrypted to plain": "open",
    "plain to encrypted": "seal",
    "encrypted to encrypted": "both",
}


def main() -> int:
    """Prints one table."""
    options = _options()
    for name, value in machine.describe().items():
        print(f"{name:>12}: {value}")
    rows = [[what, str(_measured(how, options))] for what, how in ROWS.items()]
    print(table(["a packet goes from leg to leg", "us of CPU"], rows))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.encrypting")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=600, help="of sound")
    return parser.parse_args()


def _measured(how: str, options: argparse.Namespace) -> Figure:
    """Microseconds of CPU a packet."""
    program = str(native_tools.build("secure", with_engine=True))
    found = []
    for _ in range(options.runs):
        command = pinned(SWITCH_CPU, [program, str(options.seconds), how])
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            why = "libsrtp2 is not installed" if done.returncode == 2 else "packets were lost"
            raise Refused(why)
        found.append(float(done.stdout) / 1000)
    return figure(found)


if __name__ == "__main__":
    raise SystemExit(main())
