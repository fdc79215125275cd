"""Which cases of the large matrices of faults `make test` runs with the real program.

A matrix has a row for each feature, and in it a case for each message that is lost, and for each
that comes twice. Every one of them is run by `make test-full`. `make test` runs, of each feature,
all cases without such a fault (by UDP, TCP and TLS), one loss and one doubling; that each packet of
each exchange may be lost, doubled and late is shown there by the tests of the cores.

Which loss and which doubling goes by the place of the feature, so that together they are of
messages of all kinds, and the same ones in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import pytest

FAULTS = ("lose", "double")


class Faulty(Protocol):
    """A case of a matrix."""

    @property
    def action(self) -> str:
        """What happens to its message; one of `FAULTS`, or something else."""


def slim(matrix: Iterable[Sequence[Faulty]]) -> list[Any]:
    """All cases as parameters of a test, those that only `make test-full` runs marked so."""
    found: list[Any] = []
    for place, row in enumerate(matrix):
        taken = []
        for fault in FAULTS:
            of_it = [case for case in row if case.action == fault]
            taken += [of_it[place % len(of_it)]] if of_it else []
        for case in row:
            many = case.action in FAULTS and case not in taken
            found.append(pytest.param(case, marks=pytest.mark.full) if many else case)
    return found
