"""Sums over a real table of calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from softswitch.store import reports
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.reports import Grouping, Report, ReportQuery, run_report

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def call(place: int, **changes: Any) -> dict[str, Any]:
    return {
        "call_id": f"c{place}",
        "version": 1,
        "node": "n",
        "campaign": "fans",
        "publisher": "p1",
        "number": "+18666831950",
        "parameters": '{"keyword": "cribs"}',
        "received_at": NOON,
        "answered_at": NOON,
        "talk_seconds": 90.0,
        "rating": "high",
        "amount": Decimal("5.00"),
        "currency": "USD",
        "record": "{}",
        **changes,
    }


async def fill(database: Database, calls: Iterable[dict[str, Any]]) -> None:
    async def work(connection: Connection) -> None:
        for one in calls:
            places = ", ".join(f"${place}" for place in range(1, len(one) + 1))
            statement = f"INSERT INTO calls ({', '.join(one)}) VALUES ({places})"
            await connection.execute(statement, *one.values())

    await database.run(work, within=20.0)


async def report(database: Database, *groupings: Grouping, **query: Any) -> Report:
    return await run_report(database, ReportQuery(groupings or (Grouping("campaign"),), **query))


async def test_no_calls_make_an_empty_report(database: Database) -> None:
    found = await report(database)
    assert (found.rows, found.total.calls, found.currencies) == ((), 0, ())


async def test_calls_are_summed_by_campaign(database: Database) -> None:
    await fill(
        database,
        [
            call(1),
            call(2, rating="low", amount=Decimal("1.005"), talk_seconds=30.5),
            call(3, rating=None, amount=None, currency=None, talk_seconds=0.0, answered_at=None),
            call(4, campaign="press", amount=Decimal("15"), rating="69"),
        ],
    )
    found = await report(database)
    fans, press = found.rows
    assert (fans.keys, fans.calls, fans.answered, fans.bridged) == (("fans",), 3, 2, 2)
    assert (fans.high, fans.medium, fans.low) == (1, 0, 1)
    assert fans.payout == {"USD": Decimal("6.005")}
    assert fans.talk_seconds == Decimal("120.5")
    assert (press.keys, press.medium) == (("press",), 1)
    assert (found.total.calls, found.total.payout) == (4, {"USD": Decimal("21.005")})


async def test_money_is_summed_by_currency_and_exact(database: Database) -> None:
    dimes = [call(number, amount=Decimal("0.1")) for number in range(10)]
    await fill(database, [*dimes, call(99, amount=Decimal("2.5"), currency="EUR")])
    found = await report(database)
    assert found.rows[0].payout == {"USD": Decimal("1.0"), "EUR": Decimal("2.5")}
    assert found.rows[0].calls == 11
    assert found.currencies == ("EUR", "USD")


@pytest.mark.parametrize(
    ("rating", "bucket"),
    [("high", "high"), ("70", "high"), ("100", "high"), ("69", "medium"), ("30", "medium"),
     ("29", "low"), ("1", "low"), ("medium", "medium")],
)  # fmt: skip
async def test_a_rating_in_numbers_counts_with_the_nearest_word(
    database: Database, rating: str, bucket: str
) -> None:
    await fill(database, [call(1, rating=rating)])
    (row,) = (await report(database)).rows
    assert [name for name in ("high", "medium", "low") if getattr(row, name)] == [bucket]


async def test_a_conversion_is_what_the_record_says_else_a_bridged_call(database: Database) -> None:
    await fill(
        database,
        [
            call(1, record='{"converted": false}'),
            call(2, record='{"converted": true}', talk_seconds=0.0),
            call(3),
            call(4, talk_seconds=None),
            call(5, record='{"decisions": [{"about": "conversion", "result": false}]}'),
        ],
    )
    (row,) = (await report(database)).rows
    assert (row.bridged, row.conversions) == (3, 2)


async def test_calls_are_put_together_by_parameter(database: Database) -> None:
    evil = "x' OR 1=1; --"
    await fill(
        database,
        [call(1), call(2, parameters='{"key\'word": "=1+1"}'), call(3, parameters="{}")],
    )
    found = await report(database, Grouping("parameter", "keyword"))
    assert [(row.keys, row.calls) for row in found.rows] == [(("",), 2), (("cribs",), 1)]
    (row,) = (await report(database, Grouping("parameter", evil))).rows
    assert (row.keys, row.calls) == (("",), 3)
    rows = (await report(database, Grouping("parameter", "key'word"))).rows
    assert {row.keys for row in rows} == {("=1+1",), ("",)}


async def test_only_calls_that_are_asked_for_count(database: Database) -> None:
    await fill(
        database,
        [
            call(1),
            call(2, publisher="p2"),
            call(3, campaign="press"),
            call(4, received_at=NOON + timedelta(hours=1)),
            call(5, received_at=NOON - timedelta(seconds=1)),
        ],
    )
    query = {"since": NOON, "before": NOON + timedelta(hours=1)}
    assert (await report(database, **query)).total.calls == 3
    assert (await report(database, **query, publisher="p1")).total.calls == 2
    assert (await report(database, **query, campaign="press")).total.calls == 1
    assert (await report(database, campaign="none")).rows == ()


async def test_days_and_months_are_those_of_the_time_zone(database: Database) -> None:
    # 03:00 UTC on the first of March is still February in Phoenix.
    await fill(database, [call(1, received_at=datetime(2026, 3, 1, 3, tzinfo=UTC))])
    for axis, utc, phoenix in (
        ("month", "2026-03", "2026-02"),
        ("day", "2026-03-01", "2026-02-28"),
        ("week", "2026-02-23", "2026-02-23"),
        ("hour", "2026-03-01 03:00+00:00", "2026-02-28 20:00-07:00"),
    ):
        (row,) = (await report(database, Grouping(axis))).rows  # type: ignore[arg-type]
        assert row.keys == (utc,)
        zone = "America/Phoenix"
        (row,) = (await report(database, Grouping(axis), time_zone=zone)).rows  # type: ignore[arg-type]
        assert row.keys == (phoenix,)


async def test_the_hour_that_comes_twice_is_two_hours(database: Database) -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    await fill(
        database, [call(1, received_at=first), call(2, received_at=first + timedelta(hours=1))]
    )
    found = await report(database, Grouping("hour"), time_zone="Europe/Berlin")
    assert [row.keys for row in found.rows] == [
        ("2026-10-25 02:00+02:00",), ("2026-10-25 02:00+01:00",)
    ]  # fmt: skip


async def test_groupings_can_be_joined_and_periods_come_in_order(database: Database) -> None:
    day = timedelta(days=1)
    await fill(
        database,
        [call(1, received_at=NOON + day), call(2, received_at=NOON + day), call(3),
         call(4, publisher="p2")],
    )  # fmt: skip
    found = await report(database, Grouping("publisher"), Grouping("day"))
    assert [(*row.keys, row.calls) for row in found.rows] == [
        ("p1", "2026-11-22", 1), ("p2", "2026-11-22", 1), ("p1", "2026-11-23", 2)
    ]  # fmt: skip


async def test_a_report_is_bounded_and_says_what_is_left_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_ROWS", 2)
    await fill(database, [call(number, number=f"+1602555{number:04}") for number in range(5)])
    found = await report(database, Grouping("number"))
    assert (len(found.rows), found.left_out, found.total.calls) == (2, 3, 5)
