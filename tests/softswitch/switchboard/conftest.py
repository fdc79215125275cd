"""A laboratory for each test, inspected and closed after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.laboratory import Laboratory, laboratory


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    """A switch between two phones; what every call must leave behind is asserted at the end."""
    with laboratory(tmp_path / "data") as lab:
        yield lab
