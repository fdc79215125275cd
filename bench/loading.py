"""Cost of loading a large configuration: 100,000 numbers from CSV, 1,000 campaigns from YAML.

Every campaign has a treatment of its own with a menu, and hours, a rating, a payout, a cap and
attributes; a tenth of the numbers stand in pools with three parameters. Loading is measured in this
process, and `softswitch check` as the program that an operator starts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Refused
from config.loader import load
from ringpool.lookup import NumberTable

NUMBERS = 100_000
CAMPAIGNS = 1_000
POOLS = 100

_HEAD = """\
switch: {without_synthesiser: chime, max_calls: 100}
trunks: {carrier: 127.0.0.1:5080}
hours: {office: Mon-Fri 8-17 America/Los_Angeles}
regions: {west: {states: [CA, OR, WA]}}
number_files: [numbers.csv]
"""
_CAMPAIGN = """\
  campaign {n}:
    treatment: treatment {n}
    publisher: p{n}
    hours: office
    regions: west
    keywords: [friend]
    rating: [{{when: caller.line_type = "mobile" or keyword("friend"), rate: high}}, {{rate: low}}]
    payout:
      base: [{{when: rating = "high", amount: {n}.50}}, {{amount: 1.00}}]
      repeat: {{within: 30 days, amount: 0}}
    caps: {{daily: {{kind: daily, limit: 100}}, lines: {{kind: concurrent, limit: 5}}}}
    attributes: {{state: caller.state, seen: calls_by_caller(30 days)}}
    headers: {{X-Place: "{{attribute.state}}"}}
"""
_TREATMENT = """\
  treatment {n}:
    - menu:
        prompt: For sales of campaign {n} press 1, for support press 2.
        choices:
          1: [connect: {{to: [+1 602 555 {n:04}, +1 602 556 {n:04}], ring_time: 4 rings}}]
          2:
            - condition: {{if: open("office"), then: [connect: +1 602 557 {n:04}], else: hang_up}}
"""
_POOL = (
    "  pool {n}: {{parameters: [website, location, path], campaign: campaign {n}, "
    "minimum_lifetime: 10 min}}\n"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run cost."""

    load_cpu: float
    """Seconds of CPU until the configuration is there."""
    table_cpu: float
    """Seconds of CPU for the table of numbers."""
    check_cpu: float
    """Seconds of CPU of the whole program `softswitch check`."""
    check_wall: float
    check_megabytes: float
    """Most memory it held."""


def write(directory: Path, *, numbers: int = NUMBERS, campaigns: int = CAMPAIGNS) -> Path:
    """Write the configuration and its CSV file; returns the YAML file."""
    parts = [_HEAD, "pools:\n", *(_POOL.format(n=n) for n in range(POOLS))]
    parts += ["campaigns:\n", *(_CAMPAIGN.format(n=n) for n in range(campaigns))]
    parts += ["treatments:\n", *(_TREATMENT.format(n=n) for n in range(campaigns))]
    path = directory / "large.yaml"
    path.write_text("".join(parts))
    rows = ["number,campaign,publisher,pool,website,location,path\n"]
    rows += [_row(n, campaigns) for n in range(numbers)]
    (directory / "numbers.csv").write_text("".join(rows))
    return path


def _row(n: int, campaigns: int) -> str:
    number = f"+1{2 + n // 12_500_000}{n // 100_000 % 100:02}2{n % 1_000_000:06}"
    if n % 10 == 0:
        return f"{number},,p{n % 500},pool {n % POOLS},site-{n % 97},footer,page-{n}\n"
    return f"{number},campaign {n % campaigns},p{n % 500},,,,\n"


def measure(directory: Path) -> Reading:
    """Load once, check once."""
    path = write(directory)
    begun = time.process_time()
    configuration = load(path, {})
    loaded = time.process_time()
    NumberTable(configuration)
    tabled = time.process_time()
    if len(configuration.numbers) != NUMBERS:
        raise Refused(f"{len(configuration.numbers)} numbers instead of {NUMBERS}")
    wall = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "softswitch", "check", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    wall = time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise Refused(f"check says: {done.stderr[:500]}")
    return Reading(
        load_cpu=loaded - begun,
        table_cpu=tabled - loaded,
        check_cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        check_wall=wall,
        check_megabytes=after.ru_maxrss / 1024,
    )
