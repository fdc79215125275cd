"""Keyword spotting: hits against false alarms, delay and cost, for each recogniser and mode.

The confidence from which on a hit counts was chosen on the tuning set; figures are of the test set,
and the whole curve is printed, so that an operator can choose otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.figures import table
from bench.hearing.figure import Figure, at_least, at_most, stated
from bench.hearing.spotting import (
    CLEAN,
    CONDITIONS,
    Condition,
    Heard,
    hear,
    score,
)
from bench.hearing.tracks import Track, make_tracks
from bench.hearing.voices import Part
from config.model import SpeechMode
from media.speech.recognition.engines import Engine, RecogniserError, load_engine

__all__ = ["CONFIDENCE", "run"]

CONFIDENCE: Final = 0.3
"""From here on a hit counts; chosen on the tuning set."""
THRESHOLDS: Final = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run."""

    engine: str
    mode: SpeechMode
    part: Part
    conditions: tuple[Condition, ...]
    hint: bool = False

    @property
    def name(self) -> str:
        """As it is shown."""
        hint = ", hinted" if self.hint else ""
        part = ", robotic voices" if self.part == "robotic" else ""
        return f"{self.engine}, {self.mode}{hint}{part}"


def _plans(*, quick: bool) -> list[Plan]:
    noisy = CONDITIONS[:2] if quick else CONDITIONS
    plans = [Plan("whisper", "rolling", "test", noisy), Plan("whisper", "segment", "test", noisy)]
    if quick:
        return plans
    return [
        *plans,
        Plan("whisper", "rolling", "test", CONDITIONS[1:3], hint=True),
        Plan("whisper", "rolling", "robotic", CONDITIONS[:2]),
        Plan("pocketsphinx", "segment", "test", CONDITIONS[:2]),
    ]


def run(*, quick: bool) -> list[Figure]:
    """Every recogniser that is installed, in its modes; the curves are printed as they come."""
    figures: list[Figure] = []
    tracks: dict[Part, list[Track]] = {}
    engines: dict[str, Engine] = {}
    for plan in _plans(quick=quick):
        try:
            engine = engines.get(plan.engine) or load_engine(plan.engine)
            aligner = engines.get("whisper") or load_engine("whisper")
        except RecogniserError as error:
            print(f"{plan.name}: {error}")
            continue
        engines |= {plan.engine: engine, "whisper": aligner}
        if plan.part not in tracks:
            tracks[plan.part] = make_tracks(plan.part, aligner, share=0.4 if quick else 1.0)
        figures += _measure(plan, engine, tracks[plan.part])
    return figures


def _measure(plan: Plan, engine: Engine, tracks: list[Track]) -> list[Figure]:
    if not tracks:
        print(f"{plan.name}: none of its voices is installed")
        return []
    figures: list[Figure] = []
    for condition in plan.conditions:
        heard = hear(engine, tracks, condition, plan.mode, hint=plan.hint)
        _print_curve(plan, condition, heard)
        figures += _figures(plan, condition, heard)
    return figures


def _print_curve(plan: Plan, condition: Condition, heard: Heard) -> None:
    rows = []
    for threshold in THRESHOLDS:
        found = score(heard, threshold)
        rows.append(
            [
                f"{threshold:.1f}{' *' if threshold == CONFIDENCE else ''}",
                f"{found.share:.1f}",
                f"{found.hits} of {found.said}",
                f"{found.false_an_hour:.1f}",
                str(found.false),
                f"{found.delay(50):.2f}",
                f"{found.delay(90):.2f}",
            ]
        )
    head = ["confidence", "hits %", "hits", "false an hour", "false", "p50 s", "p90 s"]
    print(
        f"\n{plan.name}, {condition.name}: {heard.seconds / 60:.1f} min, "
        f"{100 * heard.talk_seconds / heard.seconds:.0f} % talk, {heard.windows} windows, "
        f"{heard.superseded} superseded\n\n{table(head, rows)}",
        flush=True,
    )


def _figures(plan: Plan, condition: Condition, heard: Heard) -> list[Figure]:
    """Those that something is wanted of, where it is; the others are stated."""
    found = score(heard, CONFIDENCE)
    name = f"{plan.name}, {condition.name}"
    counts = plan.part == "test" and plan.engine == "whisper" and not plan.hint
    wanted = {"clean": (95.0, 98.0, 3.0, 1.0), "noise 20 dB": (82.0, 92.0, 10.0, 3.0)}
    if not counts or condition.name not in wanted:
        return [
            stated(f"{name}: hits", round(found.share, 1), "%"),
            stated(f"{name}: false", round(found.false_an_hour, 1), "an hour"),
        ]
    hits, aim, false, false_aim = wanted[condition.name]
    figures = [
        at_least(f"{name}: hits", round(found.share, 1), "%", hits, aim),
        at_most(f"{name}: false", round(found.false_an_hour, 1), "an hour", false, false_aim),
    ]
    if condition is not CLEAN:
        return figures
    rolling = plan.mode == "rolling"
    p50, p90 = round(found.delay(50), 2), round(found.delay(90), 2)
    if rolling:
        figures.append(at_most(f"{name}: delay p50", p50, "s", 0.5, 0.3))
        figures.append(at_most(f"{name}: delay p90", p90, "s", 0.9, 0.6))
    else:
        figures.append(stated(f"{name}: delay p50", p50, "s"))
    cost, cost_aim = (0.05, 0.03) if rolling else (0.025, 0.015)
    name += ": CPU-s a second, 40 % talk"
    return [*figures, at_most(name, round(heard.cost, 4), "", cost, cost_aim)]
