"""Sums over the table of calls: what a report shows.

Reads only, in one snapshot. The table holds a row a call, its newest version, so each counts once.
Money is summed as PostgreSQL's numeric and comes as Decimal, a sum for each currency. Whatever an
operator names is an argument of the statement, never part of it. Knows no format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import asyncpg

    from softswitch.store.postgres.database import Connection, Database

__all__ = ["Axis", "Grouping", "Report", "ReportQuery", "ReportRow", "find_record", "run_report"]

Axis = Literal["number", "parameter", "publisher", "campaign", "hour", "day", "week", "month"]

MAX_ROWS = 10_000
"""Rows of a report; more are no report but an export."""
MAX_GROUPINGS = 3
"""What calls are put together by, at once; a table with more columns of names is not read."""

REPORT_SECONDS = 50.0
"""How long a report may take; the server gives up a statement after a minute."""

PERIODS = ("hour", "day", "week", "month")


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


_KEYS: dict[Axis, str] = {
    "number": "number",
    "publisher": "publisher",
    "campaign": "campaign",
}

# A rating in numbers counts with the word whose score (90, 50, 10) is nearest.
_CALLS = """
SELECT
    {keys}
    currency,
    amount,
    answered_at IS NOT NULL AS answered,
    coalesce(talk_seconds, 0) > 0 AS bridged,
    CASE coalesce(record -> 'converted', jsonb_path_query_first(
            record, '$.decisions[*] ? (@.about == "conversion").result'))
        WHEN 'true' THEN true WHEN 'false' THEN false
        ELSE coalesce(talk_seconds, 0) > 0 END AS converted,
    coalesce(talk_seconds, 0)::numeric AS talked,
    CASE rating WHEN 'high' THEN 90 WHEN 'medium' THEN 50 WHEN 'low' THEN 10
        ELSE substring(rating FROM '^[0-9]{{1,3}}$')::int END AS score
FROM calls
WHERE ($1::timestamptz IS NULL OR received_at >= $1)
    AND ($2::timestamptz IS NULL OR received_at < $2)
    AND ($3::text IS NULL OR campaign = $3)
    AND ($4::text IS NULL OR publisher = $4)
"""

_SUMS = """
    count(*) AS calls,
    count(*) FILTER (WHERE answered) AS answered,
    count(*) FILTER (WHERE bridged) AS bridged,
    count(*) FILTER (WHERE converted) AS conversions,
    sum(talked) AS talked,
    count(*) FILTER (WHERE score >= 70) AS high,
    count(*) FILTER (WHERE score >= 30 AND score < 70) AS medium,
    count(*) FILTER (WHERE score < 30) AS low,
"""

_REPORT = """
WITH one AS ({calls}),
by_currency AS (
    SELECT {names} {sums} currency, sum(amount) AS amount FROM one GROUP BY {names} currency
)
SELECT
    {names}
    sum(calls)::bigint AS calls, sum(answered)::bigint AS answered,
    sum(bridged)::bigint AS bridged, sum(conversions)::bigint AS conversions,
    sum(talked) AS talked, sum(high)::bigint AS high, sum(medium)::bigint AS medium,
    sum(low)::bigint AS low,
    array_agg(currency) FILTER (WHERE amount IS NOT NULL) AS currencies,
    array_agg(amount) FILTER (WHERE amount IS NOT NULL) AS amounts,
    count(*) OVER () AS groups
FROM by_currency
{grouped}
"""


async def run_report(database: Database, query: ReportQuery) -> Report:
    """Sum up the calls of a query; raises DatabaseAway."""

    async def work(connection: Connection) -> Report:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        arguments: list[Any] = [query.since, query.before, query.campaign, query.publisher]
        (total,) = await connection.fetch(_statement((), arguments), *arguments)
        statement = _statement(query.groupings, arguments, query.time_zone)
        found = await connection.fetch(statement, *arguments)
        rows = tuple(_row(one, query) for one in found)
        left_out = found[0]["groups"] - len(found) if found else 0
        return Report(query, rows, _total(total), left_out)

    return await database.run(work, within=REPORT_SECONDS)


def _statement(
    groupings: tuple[Grouping, ...], arguments: list[Any], time_zone: str = "UTC"
) -> str:
    """The statement; what the groupings name is added to its arguments."""
    names = [f"key_{place}" for place in range(len(groupings))]
    keys = [_key(grouping, arguments, time_zone) for grouping in groupings]
    listed = "".join(f"{name}, " for name in names)
    calls = _CALLS.format(
        keys="".join(f"{key} AS {name}, " for key, name in zip(keys, names, strict=True))
    )
    grouped = ""
    if groupings:
        in_time = [name for name, one in zip(names, groupings, strict=True) if one.axis in PERIODS]
        order = [*in_time, "calls DESC", *names]
        grouped = f"GROUP BY {', '.join(names)} ORDER BY {', '.join(order)} LIMIT {MAX_ROWS}"
    return _REPORT.format(calls=calls, names=listed, sums=_SUMS, grouped=grouped)


def _key(grouping: Grouping, arguments: list[Any], time_zone: str) -> str:
    if grouping.axis == "parameter":
        arguments.append(grouping.parameter)
        return f"parameters ->> ${len(arguments)}::text"
    if grouping.axis in PERIODS:
        arguments.append(time_zone)
        return f"date_trunc('{grouping.axis}', received_at, ${len(arguments)}::text)"
    return _KEYS[grouping.axis]


def _row(found: asyncpg.Record, query: ReportQuery) -> ReportRow:
    zone = ZoneInfo(query.time_zone)
    keys = [
        _text(found[f"key_{place}"], grouping, zone)
        for place, grouping in enumerate(query.groupings)
    ]
    return _sums(found, tuple(keys))


def _total(found: asyncpg.Record) -> ReportRow:
    return ReportRow(("",)) if found["calls"] is None else _sums(found, ("",))


def _sums(found: asyncpg.Record, keys: tuple[str, ...]) -> ReportRow:
    names = ("calls", "answered", "bridged", "conversions", "high", "medium", "low")
    money = zip(found["currencies"] or (), found["amounts"] or (), strict=True)
    return ReportRow(
        keys=keys,
        talk_seconds=found["talked"],
        payout={currency or "": amount for currency, amount in money},
        **{name: found[name] for name in names},
    )


def _text(value: Any, grouping: Grouping, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        local = value.astimezone(zone)
        return _period(local, grouping.axis)
    return str(value)


def _period(local: datetime, axis: Axis) -> str:
    """When a period begins, as long as it says something; an hour with its offset, because one of
    them comes twice a year."""
    if axis == "hour":
        return local.isoformat(" ", "minutes")
    day: date = local.date()
    return f"{day:%Y-%m}" if axis == "month" else day.isoformat()


async def find_record(database: Database, call_id: str) -> str | None:
    """The newest version of a call's record, as JSON; None when there is none. Raises
    DatabaseAway."""

    async def work(connection: Connection) -> str | None:
        statement = "SELECT record::text FROM calls WHERE call_id = $1"
        found = await connection.fetchval(statement, call_id)
        return None if found is None else str(found)

    return await database.run(work, within=REPORT_SECONDS)
