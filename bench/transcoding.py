"""`python -m bench.transcoding`: what another codec or packet time costs the media engine.

Needs libopus. The engine's core runs without sockets on a virtual clock; the CPU time of its thread
is divided by the packets of 20 ms that came. What a packet costs the kernel (some microseconds)
comes on top.
"""

from __future__ import annotations

import argparse
import subprocess

from bench import machine, native_tools
from bench.figures import Figure, figure, table
from bench.processes import SWITCH_CPU, Refused, pinned

PCMU, PCMA, G722, OPUS = 0, 8, 9, 96
PACKETS_A_SECOND = 50
WAYS = (
    ("PCMU as it comes", PCMU, PCMU, 20),
    ("PCMU to PCMA", PCMU, PCMA, 20),
    ("PCMU packed into 40 ms", PCMU, PCMU, 40),
    ("PCMU packed into 10 ms", PCMU, PCMU, 10),
    ("G722 as it comes", G722, G722, 20),
    ("G722 to PCMU", G722, PCMU, 20),
    ("PCMU to G722", PCMU, G722, 20),
    ("opus as it comes", OPUS, OPUS, 20),
    ("opus to PCMU", OPUS, PCMU, 20),
    ("PCMU to opus", PCMU, OPUS, 20),
)


def main() -> int:
    """Prints one table."""
    parser = argparse.ArgumentParser(prog="bench.transcoding")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=600, help="of sound")
    options = parser.parse_args()
    for name, value in machine.describe().items():
        print(f"{name:>12}: {value}")
    rows = [_row(way, options) for way in WAYS]
    print(table(["a leg hears", "us a packet of 20 ms", "% of a core a leg"], rows))
    return 0


def _row(way: tuple[str, int, int, int], options: argparse.Namespace) -> list[str]:
    what, *settings = way
    cost = _measured([str(one) for one in settings], options)
    return [what, str(cost), f"{cost.median * PACKETS_A_SECOND / 1e6 * 100:.4f}"]


def _measured(settings: list[str], options: argparse.Namespace) -> Figure:
    """Microseconds of CPU a packet."""
    program = str(native_tools.build("transcoding", with_engine=True))
    found = []
    for _ in range(options.runs):
        command = pinned(SWITCH_CPU, [program, *settings, str(options.seconds)])
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        cost, share = (float(word) for word in printed.split())
        if share < 0.99:
            raise Refused(f"only {share:.2f} of the sound was sent")
        found.append(cost / 1000)
    return figure(found)


if __name__ == "__main__":
    raise SystemExit(main())
