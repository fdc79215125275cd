"""The switch under measurement: the real program with load.yaml, on one core."""

from __future__ import annotations

from pathlib import Path

from bench.processes import SWITCH_CPU, Refused, raise_group, require_sole_owner
from tests.support.ports import free_rtp_range
from tests.support.program import ROOT, Switch

LOAD_CONFIGURATION = ROOT / "config" / "examples" / "load.yaml"
NUMBER = "100001"
RTP_PORTS = 8000


COMPILED = ROOT / "build" / "compiled"


def forms() -> dict[str, Path]:
    """The trees to measure: the sources, and the compiled copy when `make compile` has made it."""
    found = {"interpreted": ROOT}
    if (COMPILED / "stamp").exists():
        found["compiled"] = COMPILED
    return found


def start(directory: Path, trunk_port: int, *, tree: Path = ROOT) -> Switch:
    """A running switch whose trunk is the loopback, with ports for 2,000 calls."""
    switch = Switch(
        directory,
        LOAD_CONFIGURATION,
        trunk=f"127.0.0.1:{trunk_port}",
        rtp=free_rtp_range(RTP_PORTS, may_be_taken=200),
        cpu=SWITCH_CPU,
        environment={"PYTHONPATH": str(tree)},
    )
    switch.start()
    raise_group(switch.pid)
    require_sole_owner(switch.sip_port, switch.pid)
    return switch


def require_clean_log(switch: Switch) -> None:
    """Refuses when the switch had to say that something went wrong."""
    for line in switch.output().splitlines():
        if "Traceback" in line or " ERROR" in line or '"level": "error"' in line.lower():
            raise Refused(f"the switch logged: {line[:300]}")
