"""Who calls, who is called, and how they behave, for the soak: a SIPp process each.

Shares are calls of a hundred. Every state of a call is hung up in by somebody: before it rings,
while it rings, when it has rung for too long, while it is bridged by either side or by both at
once, held, moved to another party, or silent.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.support.program import Switch
from tests.support.sipp import Sipp

__all__ = ["BEHAVIOURS", "CALLED", "Behaviour", "Calls", "Tally", "begin", "called_sides"]

CALLERS = "127.0.0.9"
"""Where all calls come from: one trunk."""

BUFFERS = ("-buff_size", "4194304")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Callers of one kind."""

    name: str
    scenario: str
    number: str
    share: int
    """Calls of a hundred."""
    hold_ms: int = 500


BEHAVIOURS = (
    Behaviour("talks, hangs up", "uac_plain", "100001", 46, 5000),
    Behaviour("is recorded", "uac_basic", "100009", 2, 4000),
    Behaviour("gives up while it rings", "uac_cancel_ringing", "100002", 10),
    Behaviour("is not answered", "uac_unavailable", "100003", 8),
    Behaviour("gives up at once", "uac_cancel_before_ringing", "100004", 4),
    Behaviour("is busy", "uac_busy", "100005", 10),
    Behaviour("hangs up together", "uac_plain", "100006", 4, 1000),
    Behaviour("holds, takes back", "uac_hold", "100007", 5, 500),
    Behaviour("is hung up on", "uac_waits_for_bye", "100008", 7),
    Behaviour("is moved by REFER", "uac_refers", "100008", 3),
    Behaviour("is silent", "uac_silent", "100001", 1),
)

CALLED: dict[str, int] = {
    "uas_basic": 500,
    "uas_no_answer": 500,
    "uas_silent": 500,
    "uas_busy": 500,
    "uas_crossed_bye": 1000,
    "uas_held": 500,
    "uas_hangs_up": 3000,
}
"""Scenarios of the called sides, and how long each pauses, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the calls of one behaviour."""

    name: str
    made: int
    failed: int
    retransmissions: int


def called_sides(stack: ExitStack, directory: Path, *, timeout: int) -> dict[str, str]:
    """Start all of them; the environment that tells the configuration their ports."""
    environment = {}
    for scenario, pause in CALLED.items():
        side = Sipp(
            directory,
            f"{scenario}.xml",
            hold_ms=pause,
            timeout=timeout,
            rtp_echo=scenario == "uas_basic",
            extra=BUFFERS,
            quiet=True,
        )
        stack.enter_context(side)
        environment[f"SOAK_{scenario.removeprefix('uas_').upper()}"] = str(side.port)
    return environment


class Calls:
    """The calls of all behaviours, under way."""

    def __init__(self, callers: list[tuple[Behaviour, int, Sipp]]) -> None:
        self._callers = callers

    @property
    def wanted(self) -> int:
        """How many there are to be."""
        return sum(calls for _, calls, _ in self._callers)

    def are_over(self) -> bool:
        """Whether all have been made and are over."""
        processes = [sipp.process for _, _, sipp in self._callers]
        return all(one is not None and one.poll() is not None for one in processes)

    def tallies(self) -> list[Tally]:
        """What became of them; to be asked when they are over."""
        found = []
        for behaviour, calls, sipp in self._callers:
            made = sipp.result()
            failed = max(made.failed, calls - made.successful)
            found.append(Tally(behaviour.name, calls, failed, made.retransmissions))
        return found

    def traces(self) -> str:
        """What the callers have complained of, the first of it."""
        return "\n".join(
            sipp.result().trace[:1500] for _, _, sipp in self._callers if sipp.result().failed
        )


def begin(
    stack: ExitStack, directory: Path, switch: Switch, *, rate: float, seconds: float
) -> Calls:
    """Have calls of all behaviours made, `rate` a second together."""
    callers = []
    for behaviour in BEHAVIOURS:
        own = rate * behaviour.share / 100
        calls = max(1, round(own * seconds))
        sipp = Sipp(
            directory,
            f"{behaviour.scenario}.xml",
            remote=switch.address,
            service=behaviour.number,
            calls=calls,
            rate=own,
            hold_ms=behaviour.hold_ms,
            timeout=int(seconds * 1.5 + 90),
            host=CALLERS,
            extra=BUFFERS,
            quiet=True,
        )
        stack.enter_context(sipp)
        callers.append((behaviour, calls, sipp))
    return Calls(callers)
