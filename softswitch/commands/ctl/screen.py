"""The picture of `ctl top`: made of two looks at the switch, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from softswitch.commands.ctl.calls import CALL_COLUMNS, call_row
from softswitch.commands.ctl.output import clean, clock, table_of
from softswitch.commands.ctl.overview import closed_for, trunk_row

__all__ = ["Sample", "picture"]

HEAD_LINES = 14
"""What stands above the calls: head, figures, and the head of their table."""

FEWEST_CALLS = 3
"""So many calls are shown on however small a screen."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The switch at one moment."""

    clock: float
    """Monotonic seconds of whoever looks."""
    status: dict[str, Any]
    calls: list[dict[str, Any]]
    total: int
    trunks: list[dict[str, Any]]

    @property
    def told(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {"status": self.status, "calls": self.calls, "trunks": self.trunks}

    def rate(self, before: Sample, *, refused: bool = False) -> float:
        """Calls presented (or refused) a second between two looks."""
        seconds = self.clock - before.clock
        if seconds <= 0:
            return 0.0
        more = self._count(refused) - before._count(refused)
        return round(max(0.0, more / seconds), 2)

    def _count(self, refused: bool) -> int:
        if refused:
            return sum(self.status["refusals"].values())
        return int(self.status["presented"])


def picture(sample: Sample, before: Sample, *, lines: int) -> Any:
    """Everything, on so many lines."""
    from rich.console import Group

    parts = [_head(sample), _figures(sample, before)]
    room = lines - HEAD_LINES
    if sample.trunks:
        trunks = sample.trunks[: max(FEWEST_CALLS, lines // 4)]
        parts.append(_trunk_table(trunks))
        room -= len(trunks) + 3
    shown = sample.calls[-max(FEWEST_CALLS, room) :]
    more = sample.total - len(shown)
    title = f"{sample.total} calls" + (f", the newest {len(shown)}" if more > 0 else "")
    parts.append(table_of(CALL_COLUMNS, [call_row(call) for call in reversed(shown)], title))
    return Group(*parts)


def _head(sample: Sample) -> Any:
    from rich.text import Text

    status = sample.status
    why = closed_for(status)
    state = "DRAINING" if status["draining"] else f"TOO FULL ({why})" if why else "takes calls"
    text = (
        f"softswitch {status['version']}  pid {status['pid']}  up "
        f"{clock(status['uptime_seconds'])}  {state}  configuration {status['config_version']}"
    )
    return Text(clean(text), "bold" if state == "takes calls" else "bold yellow")


def _figures(sample: Sample, before: Sample) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 3))
    for name, value, alarming in _lines(sample, before):
        table.add_row(Text(name, "dim"), Text(clean(value), "bold red" if alarming else ""))
    return table


def _lines(sample: Sample, before: Sample) -> list[tuple[str, str, bool]]:
    """Name, value, and whether somebody should look."""
    status, media = sample.status, sample.status["media"]
    refused_rate = sample.rate(before, refused=True)
    refusals = ", ".join(f"{code}: {n}" for code, n in sorted(status["refusals"].items()))
    lost = media["events_lost"] + media["tap_lost"] + media["send_errors"]
    lines = [
        (
            "calls",
            f"{sample.total} now, {sample.rate(before):.1f} a second, {status['presented']} in all",
            False,
        ),
        ("refused", f"{refused_rate:.1f} a second  {refusals}", refused_rate > 0),
        (
            "media ports",
            f"{media['ports_in_use']} in use, {media['ports_free']} free of {media['ports_total']}",
            media["ports_free"] == 0,
        ),
        (
            "media losses",
            f"events {media['events_lost']}, tap {media['tap_lost']}, sends {media['send_errors']}",
            lost > 0,
        ),
    ]
    hearing = status["parts"].get("hearing")
    return [*lines, *(_heard(hearing) if isinstance(hearing, dict) else ())]


def _heard(hearing: dict[str, Any]) -> list[tuple[str, str, bool]]:
    tick, speech, recording = hearing["tick"], hearing["speech"], hearing["recording"]
    queued = sum(int(worker.get("waiting", 0)) for worker in speech["workers"])
    left_out = f", left out: {', '.join(tick['left_out'])}" if tick["left_out"] else ""
    return [
        (
            "tick",
            f"{tick['mean_ms']:.2f} ms, worst {tick['worst_ms']:.1f} ms, late {tick['late']} of "
            f"{tick['ticks']}, level {tick['level']}{left_out}",
            tick["level"] > 0,
        ),
        (
            "speech",
            f"{speech['engine'] or 'none'}, {speech['listening']} legs, {queued} windows wait",
            bool(speech["behind"]),
        ),
        (
            "recording",
            f"{recording['recording']} now, {recording['saved']} saved, "
            f"{recording['failed']} failed",
            recording["failed"] > 0,
        ),
    ]


def _trunk_table(trunks: list[dict[str, Any]]) -> Any:
    rows = [trunk_row(trunk) for trunk in trunks]
    columns = [
        f"{'>' if isinstance(value, int | float) else ''}{name.replace('_', ' ')}"
        for name, value in rows[0].items()
    ]
    return table_of(columns, [[row.get(name) for name in rows[0]] for row in rows])
