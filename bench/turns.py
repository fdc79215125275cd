"""Signalling in turn: each form of the switch, then the peer, and the same again.

In turn, so that a machine whose speed drifts does all of them the same wrong. The peer's absence,
or a run of it that is not clean, takes nothing from the switch's own figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import peers, signalling
from bench.chart import Bar
from bench.figures import Figure, figure
from bench.processes import Refused
from bench.signalling import Run
from bench.standing import Standing
from bench.switch import forms

HEAD = ("rate", "form", "calls", "ms CPU a bridged call", "% of a core", "ms INVITE to 200")


@dataclass(slots=True)
class Turns:
    """The runs at one rate, by form; the peer's name is a form of its own."""

    rate: int
    runs: dict[str, list[Run]] = field(default_factory=dict)
    peer: str = ""
    refusal: str = ""
    """Why the peer has no runs here."""

    def cost(self, form: str) -> Figure:
        """ms of CPU a bridged call."""
        return figure([run.cpu_ms_per_call for run in self.runs[form]])

    def rows(self) -> list[list[str]]:
        """A line for each form, a cell under each of HEAD."""
        return [self._row(form, runs) for form, runs in self.runs.items()]

    def bars(self) -> list[Bar]:
        """A bar for each form; what we ship is ours."""
        return [
            Bar(
                f"{self.rate} calls/s, {peers.SHORT_NAME if form == self.peer else form}",
                *(cost.median, min(cost.runs), max(cost.runs)),
                ours=form == "interpreted",
            )
            for form, cost in ((form, self.cost(form)) for form in self.runs)
        ]

    def standings(self) -> list[Standing]:
        """Each form of the switch beside the peer; none without one."""
        if self.peer not in self.runs:
            return []
        ours = [form for form in self.runs if form != self.peer]
        peer = self.cost(self.peer)
        return [Standing(self.rate, form, self.cost(form), peer) for form in ours]

    def _row(self, form: str, runs: Sequence[Run]) -> list[str]:
        busy = figure([run.cpu_percent for run in runs])
        set_up = figure([run.set_up_ms for run in runs])
        head = [f"{self.rate}/s", form, str(runs[0].calls)]
        return [*head, str(self.cost(form)), str(busy), str(set_up)]


def measure(directory: Path, rate: int, calls: int, turns: int) -> Turns:
    """That many turns at one rate; Refused when a run of the switch is not clean."""
    found = Turns(rate, peer="" if peers.missing() else peers.name())
    for turn in range(turns):
        for form in forms():
            run = signalling.measure(directory / f"{rate}-{turn}-{form}", rate, calls, form=form)
            found.runs.setdefault(form, []).append(run)
        if found.peer and not found.refusal:
            _measure_peer(found, directory / f"{rate}-{turn}-peer", calls)
    return found


def _measure_peer(found: Turns, directory: Path, calls: int) -> None:
    try:
        run = peers.measure(directory, found.rate, calls)
    except Refused as refusal:
        found.refusal = str(refusal)
        found.runs.pop(found.peer, None)
    else:
        found.runs.setdefault(found.peer, []).append(run)
