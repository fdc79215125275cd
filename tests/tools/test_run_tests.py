from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.run_tests import (
    FULL_SUITES,
    ROOT,
    SCENARIOS,
    Outcome,
    Suite,
    count,
    environment,
    files_with,
    fuzz,
    judge,
    run_all,
    run_suite,
)

ALL = Suite("all", "not never")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers = never\nasyncio_default_fixture_loop_scope = function\n"
    )
    return tmp_path


def run(project: Path, source: str, suite: Suite = ALL) -> Outcome:
    (project / "test_it.py").write_text(source)
    return run_suite(suite, root=project, reports=project / "reports")


def test_passed_failed_and_skipped_tests_are_counted(project: Path) -> None:
    outcome = run(
        project,
        "import pytest\n"
        "def test_a(): pass\n"
        "def test_b(): assert False\n"
        "def test_c(): pytest.skip('because')\n"
        "@pytest.fixture\n"
        "def bad():\n    yield\n    raise RuntimeError\n"
        "def test_d(bad): assert False\n",
    )
    assert outcome == Outcome(passed=1, failed=2, skipped=1)
    assert not outcome.ok


def test_a_crash_of_the_interpreter_is_a_failure(project: Path) -> None:
    outcome = run(project, "import os\ndef test_a(): pass\ndef test_b(): os.kill(os.getpid(), 9)\n")
    assert outcome == Outcome(failed=1, problem="crashed with status -9 and left no report")


def test_an_exit_without_error_in_mid_test_is_a_failure(project: Path) -> None:
    outcome = run(project, "import os\ndef test_a(): os._exit(0)\n")
    assert not outcome.ok


def test_a_suite_that_cannot_be_imported_is_a_failure(project: Path) -> None:
    assert not run(project, "import nothing_of_this_name\n").ok


def test_a_suite_that_hangs_is_ended(project: Path) -> None:
    hanging = Suite("all", "not never", deadline=1.0)
    outcome = run(project, "import time\ndef test_a(): time.sleep(60)\n", hanging)
    assert outcome == Outcome(failed=1, problem="did not end within 1 s")


FLAKY = """
import pathlib
SEEN = pathlib.Path(__file__).with_name("seen")
def test_a(): pass
def test_b():
    seen = SEEN.exists()
    SEEN.touch()
    assert seen
"""


def test_what_fails_among_others_is_run_once_more_alone(project: Path) -> None:
    two = Suite("all", "not never", ("-n", "2"))
    outcome = run(project, FLAKY, two)
    assert outcome == Outcome(passed=2, alone=1)
    assert outcome.ok


def test_what_fails_alone_too_is_a_failure(project: Path) -> None:
    two = Suite("all", "not never", ("-n", "2"))
    broken = FLAKY + "def test_c(): assert False\n"
    assert run(project, broken, two) == Outcome(passed=2, failed=1, alone=1)


def test_a_suite_that_runs_alone_anyway_is_not_run_again(project: Path) -> None:
    assert run(project, FLAKY) == Outcome(passed=1, failed=1)


def test_a_change_that_breaks_many_tests_gets_no_second_run(project: Path) -> None:
    two = Suite("all", "not never", ("-n", "2"))
    many = "import pytest\n@pytest.mark.parametrize('n', range(13))\ndef test_a(n): assert False\n"
    assert run(project, many, two) == Outcome(failed=13)
    assert not (project / "reports" / "all-alone.xml").exists()


def test_a_suite_without_tests_is_a_failure_unless_it_may_be_empty(tmp_path: Path) -> None:
    assert judge(5, tmp_path / "none.xml").problem == "has no tests"
    assert judge(5, tmp_path / "none.xml", may_be_empty=True) == Outcome()


def test_a_bad_exit_status_is_a_failure_though_every_test_passed(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<testsuites><testsuite><testcase/></testsuite></testsuites>")
    assert judge(3, report) == Outcome(passed=1, failed=1, problem="ended with status 3")
    assert judge(0, report) == Outcome(passed=1)


def test_a_test_that_fails_and_then_errs_in_its_teardown_counts_once() -> None:
    report = ElementTree.fromstring(
        '<testsuite><testcase name="a"><failure/></testcase><testcase name="a"><error/></testcase>'
        '<testcase name="b"/></testsuite>'
    )
    assert count(report) == Outcome(passed=1, failed=1)


def test_the_last_line_is_plain() -> None:
    assert str(Outcome(12, 0, 3)) == "12 passed, 3 skipped"
    assert str(Outcome(12, 1, 3)) == "12 passed, 1 failed, 3 skipped"


@pytest.mark.parametrize("sipp", [True, False])
@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize("full", [True, False])
def test_every_test_belongs_to_exactly_one_suite(sipp: bool, slow: bool, full: bool) -> None:
    marks = {"sipp": sipp, "slow": slow, "full": full}
    chosen = [suite.name for suite in FULL_SUITES if eval(suite.markers, {}, marks)]
    assert len(chosen) == 1


def test_a_suite_reads_every_file_that_has_tests_of_it() -> None:
    by_name = {suite.name: suite for suite in FULL_SUITES}
    assert set(by_name["scenarios"].where) >= {SCENARIOS, *files_with("sipp")}
    assert set(by_name["slow"].where) == {*files_with("slow")}
    # Where markers are given otherwise, a folder must be named.
    marking = [
        path for path in (ROOT / "tests").rglob("conftest.py") if "mark." in path.read_text()
    ]
    assert marking == [ROOT / SCENARIOS / "conftest.py"]


def test_compiled_modules_are_kept_where_none_may_stand_beside_their_sources() -> None:
    kept = str(ROOT / "build" / "pycache")
    assert environment(outside={"A": "b"}) == {"A": "b"}
    barred = {"PYTHONDONTWRITEBYTECODE": "1"}
    assert environment(outside=barred) == {"PYTHONPYCACHEPREFIX": kept}
    said = {"PYTHONPYCACHEPREFIX": "/there"}
    assert environment(outside={**barred, **said}) == said


def test_each_fuzz_driver_counts_as_one_test(tmp_path: Path) -> None:
    folder = tmp_path / "fuzz" / "engine"
    folder.mkdir(parents=True)
    (tmp_path / "fuzz" / "fuzz_good.py").write_text(
        "import sys\nassert sys.argv[1:] == ['--seconds', '0.5']"
    )
    (folder / "fuzz_bad.py").write_text("raise SystemExit(3)")
    (folder / "helper.py").write_text("raise SystemExit(3)")
    assert fuzz(0.5, tmp_path) == Outcome(passed=1, failed=1, problem="see fuzz.engine.fuzz_bad")


def test_the_sum_comes_last_and_alone(capfd: pytest.CaptureFixture[str]) -> None:
    total = run_all(
        {"unit": lambda: Outcome(passed=3), "scenarios": lambda: Outcome(passed=1, skipped=2)}
    )
    assert total.ok
    assert capfd.readouterr().out.splitlines()[-1] == "4 passed, 2 skipped"
