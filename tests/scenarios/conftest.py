"""Fixtures of the scenario tests: a stage (switch, caller, called party).

Most tests share one running switch of their module, which spares its start; a test that fails takes
it down, and the next one gets a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.support.stage import Stage, StandingSwitch

HERE = Path(__file__).resolve().parent
FAILED = pytest.StashKey[bool]()

# Files that take longest, which are begun first: one that is begun last would be waited for alone.
LONG = (
    "test_hearing.py",
    "test_treatments.py",
    "test_sipp.py",
    "test_webhooks.py",
    "test_caller_verification.py",
    "test_nodes.py",
    "test_faults_clock.py",
    "test_peers_baresip.py",
    "test_traces.py",
    "test_monitor.py",
    "test_features_calling.py",
    "test_websocket.py",
    "test_steering.py",
    "test_shutdown.py",
    "test_crash.py",
    "test_faults_trunk.py",
    "test_features_called.py",
    "test_codecs.py",
    "test_transfers.py",
    "test_faults_database.py",
    "test_trunks.py",
    "test_ctl.py",
    "test_recording.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here drives the real program; the longest files come first."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.sipp)
    items.sort(key=place)


def place(item: pytest.Item) -> int:
    """Where the tests of a file stand among others."""
    long = item.path.name in LONG and HERE in item.path.parents
    return LONG.index(item.path.name) if long else len(LONG)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets fixtures know whether their test has failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingSwitch]:
    """The switch that the tests of a module share."""
    shared = StandingSwitch(tmp_path_factory.mktemp("standing"))
    yield shared
    shared.stop()


@pytest.fixture
def stage(standing: StandingSwitch, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A running switch with the standard configuration, and two phones."""
    made = Stage.on(standing.running())
    yield made
    made.close(stop=False, failed=request.node.stash.get(FAILED, True))


@pytest.fixture
def make_stage(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Stage]]:
    """Makes running stages with settings of their own."""
    made: list[Stage] = []

    def make(**options: object) -> Stage:
        new: Callable[..., Stage] = Stage
        made.append(new(tmp_path / f"stage{len(made)}", **options))
        return made[-1]

    yield make
    for stage in made:
        stage.close(stop=True, failed=request.node.stash.get(FAILED, True))
