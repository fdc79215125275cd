"""Runs the test suites one after the other and ends with one line: `N passed, M skipped`.

Markers divide the tests, so that each runs in exactly one suite. The numbers are those of pytest's
JUnit files; a suite that crashes, hangs, collects nothing or leaves no such file is a failure.

Suites that run several tests at a time find what is suspicious; what fails there is run once more,
with the machine to itself, and that counts. It is told which tests needed it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "tests"

# Tests of a suite that may be run once more alone: a few are disturbed by a busy machine, many are
# broken by a change.
MAX_ALONE = 12

# What a fuzz driver may take beyond its time, to build what it fuzzes and to end.
FUZZ_GRACE = 120.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests that run in one pytest process; `markers` is an expression of pytest's -m.

    `where` says where they are, if not everywhere: each worker reads whatever tests there are, and
    to read all of them takes as long as to run a tenth of them.
    """

    name: str
    markers: str
    options: tuple[str, ...] = ()
    may_be_empty: bool = False
    deadline: float = 20 * 60
    where: tuple[str, ...] = ()


def files_with(marker: str, root: Path = ROOT) -> tuple[str, ...]:
    """The files of tests in which a marker stands."""
    files = sorted((root / "tests").rglob("test_*.py"))
    found = [file for file in files if f"mark.{marker}" in file.read_text()]
    return tuple(str(file.relative_to(root)) for file in found)


# Scenarios mostly wait, for timers and for sound; some others do, too. The tests of a file share a
# running switch. The files stand in the order in which they are begun: tests/scenarios/conftest.py.
SCENARIOS = "tests/scenarios"
SUITES = (
    Suite(
        "unit", "not sipp and not slow and not full", ("-n", "4", "--dist", "worksteal"),
        where=("tests", f"--ignore={SCENARIOS}"),
    ),
    Suite(
        "slow", "slow and not sipp and not full", ("-n", "2", "--dist", "loadfile"),
        may_be_empty=True, where=files_with("slow"),
    ),
    Suite(
        "scenarios", "sipp and not full",
        ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder", "--timeout", "180"),
        deadline=40 * 60, where=(SCENARIOS, *files_with("sipp")),
    ),
)  # fmt: skip
FULL_SUITES = (*SUITES, Suite("full", "full", ("--timeout", "3600"), deadline=4 * 3600))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a suite came to; `problem` says why it failed when no single test did."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problem: str | None = None
    alone: int = 0
    """So many of those that passed did so only when they were run alone."""

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.problem or other.problem,
            self.alone + other.alone,
        )

    @property
    def ok(self) -> bool:
        return self.failed == 0 and self.problem is None

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.passed} passed{failed}, {self.skipped} skipped"


def run_suite(suite: Suite, root: Path = ROOT, reports: Path = REPORTS) -> Outcome:
    """Run one suite to its end, or to its deadline; what failed among others once more alone."""
    reports.mkdir(parents=True, exist_ok=True)
    outcome = _run_pytest(suite, suite.options, root, reports / f"{suite.name}.xml")
    if outcome.problem or not 0 < outcome.failed <= MAX_ALONE or "-n" not in suite.options:
        return outcome
    print(f"-- {outcome.failed} of {suite.name} once more, alone", flush=True)
    again = _run_pytest(suite, ("--last-failed", "-v"), root, reports / f"{suite.name}-alone.xml")
    if again.problem or again.passed + again.failed + again.skipped != outcome.failed:
        return outcome
    return replace(outcome, failed=0) + replace(again, alone=again.passed)


def _run_pytest(suite: Suite, options: Sequence[str], root: Path, report: Path) -> Outcome:
    report.unlink(missing_ok=True)
    cache = f"cache_dir={report.parent / 'cache' / suite.name}"
    command = [sys.executable, "-m", "pytest", "-q", "-o", cache, "-m", suite.markers]
    command += [f"--junitxml={report}", *options, *suite.where]
    status = _run(command, root, deadline=suite.deadline)
    if status is None:
        return Outcome(failed=1, problem=f"did not end within {suite.deadline:.0f} s")
    return judge(status, report, may_be_empty=suite.may_be_empty)


def _run(command: Sequence[str], root: Path, *, deadline: float) -> int | None:
    """The exit status of a command, or None when it had to be ended."""
    # A process group of its own, so that whatever the tests started ends with them.
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment(root),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(deadline)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def environment(root: Path = ROOT, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """This process's environment; what hundreds of programs import is compiled once in it.

    Where no compiled modules may stand beside their sources (PYTHONDONTWRITEBYTECODE), each start
    of the switch would compile all of them anew: they are kept in build/.
    """
    told = dict(outside)
    if told.pop("PYTHONDONTWRITEBYTECODE", ""):
        told.setdefault("PYTHONPYCACHEPREFIX", str(root / "build" / "pycache"))
    return told


def judge(status: int, report: Path, *, may_be_empty: bool = False) -> Outcome:
    """What pytest's exit status and its report come to together."""
    if status == 5:  # pytest: no tests collected
        return Outcome() if may_be_empty else Outcome(failed=1, problem="has no tests")
    try:
        outcome = count(ElementTree.parse(report).getroot())
    except (OSError, ElementTree.ParseError):
        return Outcome(failed=1, problem=f"crashed with status {status} and left no report")
    if status != 0 and outcome.failed == 0:
        return outcome + Outcome(failed=1, problem=f"ended with status {status}")
    return outcome


def count(report: ElementTree.Element) -> Outcome:
    """Sum up a JUnit report; a test that fails and then errs in its teardown stands there twice."""
    verdicts: dict[tuple[str | None, str | None], str] = {}
    for case in report.iter("testcase"):
        key = (case.get("classname"), case.get("name"))
        if case.find("failure") is not None or case.find("error") is not None:
            verdicts[key] = "failed"
        else:
            skipped = case.find("skipped") is not None
            verdicts.setdefault(key, "skipped" if skipped else "passed")
    tally = Counter(verdicts.values())
    return Outcome(tally["passed"], tally["failed"], tally["skipped"])


def fuzz(seconds: float, root: Path = ROOT) -> Outcome:
    """Run each driver fuzz/**/fuzz_*.py for so long; each counts as one test."""
    outcome = Outcome()
    for driver in sorted((root / "fuzz").rglob("fuzz_*.py")):
        name = ".".join(driver.relative_to(root).with_suffix("").parts)
        print(f"-- {name}", flush=True)
        command = [sys.executable, "-m", name, "--seconds", str(seconds)]
        status = _run(command, root, deadline=seconds + FUZZ_GRACE)
        outcome += Outcome(passed=1) if status == 0 else Outcome(failed=1, problem=f"see {name}")
    return outcome


def run_all(runs: Mapping[str, Callable[[], Outcome]]) -> Outcome:
    """Run one after the other and print a line for each, then the sum."""
    lines = []
    total = Outcome()
    for name, run in runs.items():
        print(f"== {name}", flush=True)
        began = time.monotonic()
        outcome = run()
        problem = f" ({outcome.problem})" if outcome.problem else ""
        alone = f" ({outcome.alone} only alone)" if outcome.alone else ""
        seconds = time.monotonic() - began
        lines.append(f"{name + ':':<12}{outcome}{problem}{alone} in {seconds:.0f} s")
        total += outcome
    print("\n".join(["", *lines, str(total)]), flush=True)
    return total


def main() -> int:
    """Choose what to run from the command line, and run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="long repeats, soaks and fuzzing too")
    parser.add_argument("--suite", action="append", help="only this one; may be repeated")
    parser.add_argument("--fuzz-seconds", type=float, default=60.0, help="for each fuzz driver")
    arguments = parser.parse_args()
    runs: dict[str, Callable[[], Outcome]] = {
        suite.name: partial(run_suite, suite) for suite in FULL_SUITES
    }
    runs["fuzz"] = partial(fuzz, arguments.fuzz_seconds)
    wanted = arguments.suite or (runs if arguments.full else [suite.name for suite in SUITES])
    if not set(wanted) <= set(runs):
        parser.error(f"suites are: {', '.join(runs)}")
    return 0 if run_all({name: runs[name] for name in wanted}).ok else 1


if __name__ == "__main__":
    sys.exit(main())
