"""Fixtures of the scenario tests: a stage (switch, caller, called party), and SIPp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stage import Stage

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here drives the real program and has the machine to itself."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.sipp)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A running switch with the standard configuration, and two phones."""
    with Stage(tmp_path) as made:
        yield made


@pytest.fixture
def make_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Makes running stages with settings of their own."""
    with ExitStack() as opened:
        count = 0

        def make(**options: object) -> Stage:
            nonlocal count
            count += 1
            made: Callable[..., Stage] = Stage
            return opened.enter_context(made(tmp_path / f"stage{count}", **options))

        yield make
