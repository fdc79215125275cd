"""`python -m bench.mixing`: what it costs the media engine that legs hear several others.

The engine's core runs without sockets on a virtual clock; the CPU time of its thread is divided by
the frames sent. Beside it stands the same for legs that hear one other, relayed: what a packet
costs the kernel (some microseconds) comes on top of both.
"""

from __future__ import annotations

import argparse
import subprocess

from bench import machine, native_tools
from bench.figures import Figure, figure, table
from bench.processes import SWITCH_CPU, Refused, pinned

SIZES = (3, 10, 50)
FRAMES_A_SECOND = 50


def main() -> int:
    """Prints one table."""
    options = _options()
    for name, value in machine.describe().items():
        print(f"{name:>12}: {value}")
    rows = [_row("relayed in pairs", 50, "relay", options)]
    rows += [_row(f"conference of {size}", size, "mix", options) for size in options.sizes]
    print(table(["legs hear", "us a leg and frame", "% of a core a leg", "% for all"], rows))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.mixing")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60, help="of sound")
    return parser.parse_args()


def _row(what: str, legs: int, how: str, options: argparse.Namespace) -> list[str]:
    cost = _measured(legs, how, options)
    share = cost.median * FRAMES_A_SECOND / 1e6 * 100
    return [what, str(cost), f"{share:.4f}", f"{share * legs:.2f}"]


def _measured(legs: int, how: str, options: argparse.Namespace) -> Figure:
    """Microseconds of CPU a leg and frame."""
    program = str(native_tools.build("mixing", with_engine=True))
    found = []
    for _ in range(options.runs):
        command = pinned(SWITCH_CPU, [program, str(legs), str(options.seconds), how])
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        cost, share = (float(word) for word in printed.split())
        if share < 0.99:
            raise Refused(f"only {share:.2f} of the frames were sent")
        found.append(cost / 1000)
    return figure(found)


if __name__ == "__main__":
    raise SystemExit(main())
