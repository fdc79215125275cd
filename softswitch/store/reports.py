"""Sums over the table of calls: what a report shows.

Reads only. Each call counts once, by the latest version of its record. Money is summed as
PostgreSQL's numeric and comes as Decimal, a sum for each currency. Knows no format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

__all__ = ["Grouping", "Report", "ReportQuery", "ReportRow"]

Axis = Literal["number", "parameter", "publisher", "campaign", "hour", "day", "week", "month"]

MAX_ROWS = 10_000
"""Rows of a report; more are no report but an export."""
MAX_GROUPINGS = 3


@dataclass(frozen=True, slots=True)
class Grouping:
    """What calls are put together by."""

    axis: Axis
    parameter: str | None = None
    """Name of the parameter, where that is the axis."""

    @property
    def title(self) -> str:
        """Heading of its column."""
        return self.parameter if self.parameter is not None else self.axis


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Which calls, put together by what."""

    groupings: tuple[Grouping, ...] = (Grouping("campaign"),)
    since: datetime | None = None
    """Received at this time or later."""
    before: datetime | None = None
    campaign: str | None = None
    publisher: str | None = None
    time_zone: str = "UTC"
    """Whose days, weeks and months."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """The sums of one group."""

    keys: tuple[str, ...]
    """Values of the groupings; empty where a call has none, and for the total."""
    calls: int = 0
    answered: int = 0
    """Answered by the switch or through it."""
    bridged: int = 0
    conversions: int = 0
    talk_seconds: Decimal = Decimal(0)
    high: int = 0
    medium: int = 0
    low: int = 0
    payout: dict[str, Decimal] = field(default_factory=dict)
    """Sum by currency."""

    @property
    def talk_minutes(self) -> Decimal:
        """Minutes talked, to a hundredth."""
        return (self.talk_seconds / 60).quantize(Decimal("0.01"))

    @property
    def average_seconds(self) -> Decimal:
        """Seconds talked in a bridged call, to a tenth; 0 without one."""
        average = self.talk_seconds / self.bridged if self.bridged else Decimal(0)
        return average.quantize(Decimal("0.1"))


@dataclass(frozen=True, slots=True)
class Report:
    """The rows in order, and the sums over all calls (also over rows that were left out)."""

    query: ReportQuery
    rows: tuple[ReportRow, ...]
    total: ReportRow
    left_out: int = 0
    """Rows beyond MAX_ROWS."""

    @property
    def currencies(self) -> tuple[str, ...]:
        """All currencies something was paid in, in order."""
        return tuple(sorted(self.total.payout))
