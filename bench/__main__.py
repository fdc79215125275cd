"""`python -m bench`: measures the switch part by part, prints tables, writes results and charts.

Everything runs on loopback: the switch (or what it is compared with) on cpu 0, the load on cpu 1.
Machine and the noise are printed with every figure; a run that is not clean is refused with its
reason, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import (
    control,
    decisions,
    loading,
    machine,
    media,
    peers,
    pools,
    signalling,
    soak,
    standing,
    storm,
    turns,
)
from bench.chart import Bar, bar_chart
from bench.figures import Figure, figure, ratio, table
from bench.hearing import table as hearing
from bench.processes import Refused

RESULTS = Path(__file__).resolve().parent / "results"
RATES = (100, 600)
CALL_COUNTS = (100, 500)
AFTER_SOAK_SECONDS = 10.0
"""Before what follows a soak: the system writes its records and recordings out."""
Results = dict[str, Any]


def main() -> int:
    """Runs the chosen parts; 1 when one of them was refused."""
    options = _options()
    results: Results = {"machine": machine.describe(), "at": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    for name, value in results["machine"].items():
        print(f"{name:>12}: {value}")
    refused = []
    for part in IN_ALL if "all" in options.part else options.part:
        try:
            with tempfile.TemporaryDirectory(prefix="bench-") as directory:
                PARTS[part](Path(directory), options, results)
        except Refused as refusal:
            refused.append(part)
            print(f"\n{part} REFUSED: {refusal}", file=sys.stderr)
    _write(results, options)
    return 1 if refused else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement (3)")
    parser.add_argument("--quick", action="store_true", help="short runs; more noise")
    parser.add_argument("--only", default="", help="parts of hearing, with commas: tones,tick")
    parser.add_argument("--charts", type=Path, default=RESULTS, help="folder for the SVG charts")
    parser.add_argument("--seconds", type=float, default=1800, help="length of a soak (1800)")
    parser.add_argument(
        "--rate", type=float, default=100, help="new calls a second of a soak (100)"
    )
    options = parser.parse_args()
    try:
        hearing.chosen(options.only)
    except ValueError as error:
        parser.error(str(error))
    return options


def _signalling(directory: Path, options: argparse.Namespace, results: Results) -> None:
    seconds = 8 if options.quick else 36
    found = [turns.measure(directory, rate, rate * seconds, options.runs) for rate in RATES]
    rows = [row for of_rate in found for row in of_rate.rows()]
    _show("Signalling: median (least-most)", table(turns.HEAD, rows))
    results["signalling"] = [
        asdict(run) for of_rate in found for runs in of_rate.runs.values() for run in runs
    ]
    bars = [bar for of_rate in found for bar in of_rate.bars()]
    _chart(options, "signalling", "CPU per bridged call", "ms", bars)
    _beside_peer(found, results)


def _beside_peer(found: list[turns.Turns], results: Results) -> None:
    if lacking := peers.missing():
        print(f"\nNo peer beside it; for one install Debian's {', '.join(lacking)}", flush=True)
        return
    standings = [one for of_rate in found for one in of_rate.standings()]
    if standings:
        _show(f"Beside {peers.name()}, run by run", standing.report(standings))
    results["standing"] = [one.as_json() for one in standings]
    if refusals := [of_rate.refusal for of_rate in found if of_rate.refusal]:
        raise Refused("; ".join(refusals))


def _ladder(directory: Path, options: argparse.Namespace, results: Results) -> None:
    rate, why = signalling.highest_clean_rate(directory, 4 if options.quick else 10)
    _show("Calls a second", f"clean up to {rate} a second on one core; next rung: {why}")
    results["ladder"] = {"highest_clean_rate": rate, "next": why}


def _media(directory: Path, options: argparse.Namespace, results: Results) -> None:
    rows, bars, readings = [], [], []
    for calls in CALL_COUNTS:
        (directory / str(calls)).mkdir()
        found = media.compare(
            directory / str(calls),
            calls,
            seconds=3 if options.quick else 8,
            runs=options.runs,
        )
        readings.append(asdict(found))
        rows += [_media_row(found, "switch"), _media_row(found, "relay")]
        for who, name in (("switch", "switch, taps on"), ("relay", "C epoll relay")):
            cost = figure(found.values(who, "cpu_seconds_per_million"))
            bars.append(_bar(f"{name}, {calls} calls", cost, ours=who == "switch"))
    head = ["calls", "who", "CPU-s / million", "x relay", "p50 us", "p99 us", "loss %", "kB a call"]
    _show("Media: median (least-most)", table(head, rows))
    results["media"] = readings
    _chart(options, "media", "CPU per million packets relayed", "s", bars)


def _loading(directory: Path, options: argparse.Namespace, results: Results) -> None:
    found = [loading.measure(directory) for _turn in range(options.runs)]
    rows = [
        ["load, s CPU", str(figure([one.load_cpu for one in found])), "3"],
        ["table of numbers, s CPU", str(figure([one.table_cpu for one in found])), ""],
        ["check, s CPU", str(figure([one.check_cpu for one in found])), "5"],
        ["check, s by the clock", str(figure([one.check_wall for one in found])), "5"],
    ]
    title = f"Loading {loading.NUMBERS:,} numbers and {loading.CAMPAIGNS:,} campaigns"
    _show(f"{title}: median (least-most)", table(["what", "seconds", "at most"], rows))
    results["loading"] = [asdict(one) for one in found]


def _media_row(found: media.Comparison, who: str) -> list[str]:
    cost = found.values(who, "cpu_seconds_per_million")
    floor = found.values("relay", "cpu_seconds_per_million")
    ours = who == "switch"
    return [
        str(found.calls),
        "switch, taps on" if ours else "C epoll relay",
        str(figure(cost)),
        str(ratio(cost, floor)) if ours else "1",
        str(figure(found.values(who, "p50_us"))),
        str(figure(found.values(who, "p99_us"))),
        f"{max(found.values(who, 'loss_percent')):.4f}",
        f"{found.kilobytes_per_call:.0f}" if ours else "",
    ]


def _decisions(_directory: Path, options: argparse.Namespace, results: Results) -> None:
    found = decisions.measure(options.runs, quick=options.quick)
    rows = [[one.name, str(one.cost), f"{decisions.LIMIT_MS}"] for one in found]
    _show("Decisions: median (least-most)", table(["decision", "ms CPU", "limit"], rows))
    results["decisions"] = decisions.as_json(found)
    dear = [one.name for one in found if one.cost.median > decisions.LIMIT_MS]
    if dear:
        raise Refused(f"above {decisions.LIMIT_MS} ms: {', '.join(dear)}")


def _bar(label: str, cost: Figure, *, ours: bool = True) -> Bar:
    return Bar(label, cost.median, min(cost.runs), max(cost.runs), ours)


def _show(title: str, text: str) -> None:
    print(f"\n{title}\n\n{text}", flush=True)


def _chart(options: argparse.Namespace, name: str, title: str, unit: str, bars: list[Bar]) -> None:
    options.charts.mkdir(parents=True, exist_ok=True)
    (options.charts / f"{name}.svg").write_text(bar_chart(title, unit, bars))


def _write(results: Results, options: argparse.Namespace) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nwritten: {path}, charts in {options.charts}")


def _pools(directory: Path, options: argparse.Namespace, results: Results) -> None:
    seconds = 3 if options.quick else 10
    verdict = ""
    rows, bars, runs = [], [], []
    for share in pools.KNOWN_SHARES:
        found = [
            pools.measure(directory / f"{share}-{turn}", seconds=seconds, known_share=share)
            for turn in range(options.runs)
        ]
        rows.append(pools.row(found))
        verdict = verdict or pools.verdict(found)
        bars.append(_bar(f"{share:.0%} of visitors known", figure([run.rate for run in found])))
        runs += [run.as_dict() for run in found]
    _show(pools.TITLE, table(pools.HEAD, rows))
    _show("Wanted", verdict)
    results["pools"] = runs
    _chart(options, "pools", "Allocations a second", "", bars)


def _hearing(_directory: Path, options: argparse.Namespace, results: Results) -> None:
    found = hearing.measure(hearing.chosen(options.only), quick=options.quick)
    _show("Hearing", hearing.rows(found))
    results["hearing"] = hearing.as_json(found)


def _control(directory: Path, options: argparse.Namespace, results: Results) -> None:
    seconds = 12.0 if options.quick else 32.0
    asked = (0, control.REQUESTS)
    runs = [
        control.measure(directory / f"{turn}-{requests}", requests=requests, seconds=seconds)
        for turn in range(options.runs)
        for requests in asked
    ]
    results["control"] = [asdict(run) for run in runs]
    quiet, busy = runs[::2], runs[1::2]
    grown = [
        one.set_up_p99_ms - other.set_up_p99_ms for one, other in zip(busy, quiet, strict=True)
    ]
    print(f"\nControl socket: {control.REQUESTS} requests/s beside 100 calls, ms")
    names = ("set_up_p50_ms", "set_up_p99_ms", "answer_p50_ms", "answer_p99_ms", "cpu_percent")
    rows = [
        (what, *(str(figure([getattr(run, name) for run in of])) for name in names))
        for what, of in (("without requests", quiet), ("with requests", busy))
    ]
    print(table(("", *names), rows))
    print(f"set-up p99 grows by {figure(grown)} ms; wanted: less than 5")


def _soak(directory: Path, options: argparse.Namespace, results: Results) -> None:
    found = soak.measure(directory, seconds=options.seconds, rate=options.rate)
    title = f"Soak: {options.rate:.0f} calls a second for {options.seconds:.0f} s"
    _show(title, soak.report(found))
    results["soak"] = found.as_json()


def _storm(directory: Path, options: argparse.Namespace, results: Results) -> None:
    if "soak" in results:
        # Its files go to the disk meanwhile, which would hold up who sends the sound.
        time.sleep(AFTER_SOAK_SECONDS)
    found = storm.measure(directory, seconds=5 if options.quick else 20)
    title = f"Storm: {storm.A_SECOND} INVITEs a second beside {storm.TALKING} calls with sound"
    _show(title, storm.report(found))
    results["storm"] = found.as_json()


PARTS: dict[str, Callable[[Path, argparse.Namespace, Results], None]] = {
    "signalling": _signalling,
    "media": _media,
    "ladder": _ladder,
    "decisions": _decisions,
    "loading": _loading,
    "pools": _pools,
    "hearing": _hearing,
    "control": _control,
    "soak": _soak,
    "storm": _storm,
}
# These take their own time: `make bench-hearing`, `python -m bench soak storm`.
IN_ALL = tuple(part for part in PARTS if part not in {"hearing", "soak", "storm"})

if __name__ == "__main__":
    sys.exit(main())
