"""When periods begin, what calls need, and who is granted what."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Campaign, Cap
from softswitch.campaign.caps import (
    CountKey,
    Lease,
    Report,
    grant,
    needs,
    period_of,
    settled,
)
from tests.support.earning import campaign, payout

KEY = CountKey("Sale", "cap", "", 0)


def instant(text: str, zone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def local(at: int | None, zone: str) -> str:
    assert at is not None
    return datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def report(
    *,
    limit: int = 10,
    wanted: int = 10,
    lease: Lease | None = None,
    acknowledged: int = 0,
    unit: int = 1,
) -> Report:
    return Report(
        KEY, Decimal(limit), True, None, 60.0, Decimal(unit), lease or Lease(),
        Decimal(acknowledged), Decimal(wanted),
    )  # fmt: skip


# Periods.


@pytest.mark.parametrize(
    ("kind", "begins", "ends"),
    [
        ("hourly", "2026-11-20 09:00", "2026-11-20 10:00"),
        ("daily", "2026-11-20 00:00", "2026-11-21 00:00"),
        ("monthly", "2026-11-01 00:00", "2026-12-01 00:00"),
    ],
)
def test_a_period_begins_by_the_clock_of_the_caps_zone(kind: str, begins: str, ends: str) -> None:
    zone = "America/Los_Angeles"
    cap = Cap("cap", kind, Decimal(1), time_zone=zone)  # type: ignore[arg-type]
    period = period_of(cap, instant("2026-11-20 09:30", zone))
    assert (local(period.start, zone), local(period.end, zone)) == (begins, ends)


def test_the_last_moment_belongs_to_the_old_period_and_the_next_to_the_new_one() -> None:
    zone = "Asia/Kathmandu"  # a quarter of an hour off
    cap = Cap("cap", "daily", Decimal(1), time_zone=zone)
    midnight = instant("2026-11-21 00:00", zone)
    assert period_of(cap, midnight - 0.001).end == midnight
    assert period_of(cap, midnight).start == midnight


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25)])
def test_a_day_on_which_clocks_change_is_one_day(day: str, hours: int) -> None:
    zone = "America/Los_Angeles"
    cap = Cap("cap", "daily", Decimal(1), time_zone=zone)
    period = period_of(cap, instant(f"{day} 12:00", zone))
    assert period.end is not None
    assert period.end - period.start == hours * 3600


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    cap = Cap("cap", "hourly", Decimal(1), time_zone="America/Los_Angeles")
    first = instant("2026-11-01 01:30", "America/Los_Angeles")
    assert period_of(cap, first + 3600).start == period_of(cap, first).start + 3600


@pytest.mark.parametrize(
    ("cap", "length"),
    [
        (Cap("c", "concurrent", Decimal(1)), None),
        (Cap("b", "budget", Decimal(1)), None),
        (Cap("b", "budget", Decimal(1), period="hour"), 3600),
        (Cap("b", "budget", Decimal(1), period="day"), 86400),
    ],
)
def test_a_budget_says_its_period_and_concurrent_calls_have_none(
    cap: Cap, length: int | None
) -> None:
    period = period_of(cap, 1_780_000_000.0)
    assert (None if period.end is None else period.end - period.start) == length


@given(
    at=st.floats(1_500_000_000, 2_500_000_000),
    zone=st.sampled_from(["UTC", "America/St_Johns", "Asia/Beirut", "Australia/Lord_Howe"]),
    kind=st.sampled_from(["hourly", "daily", "monthly"]),
)
def test_periods_follow_each_other_without_gap(at: float, zone: str, kind: str) -> None:
    cap = Cap("cap", kind, Decimal(1), time_zone=zone)  # type: ignore[arg-type]
    period = period_of(cap, at)
    assert period.end is not None
    assert period.start <= at < period.end
    assert period_of(cap, period.end).start == period.end
    assert period_of(cap, period.start - 0.001).end == period.start


# Needs.


def needed(made: Campaign, **more: str | None) -> list[tuple[str, str, Decimal]]:
    about: dict[str, str | None] = {"publisher": "p1", "destination": "+16025551234", **more}
    found = needs(made, at=0.0, longest=60.0, **about)
    return [(need.key.cap, need.key.scope, need.units) for need in found]


def test_a_call_needs_its_place_under_every_cap() -> None:
    caps = (
        Cap("all", "concurrent", Decimal(9)),
        Cap("each publisher", "daily", Decimal(9), scope="publisher"),
        Cap("each agent", "concurrent", Decimal(1), scope="destination"),
        Cap("budget", "budget", Decimal(100)),
    )
    made = campaign(caps=caps, payout=payout((None, "5.00"), maximum=Decimal(20)))
    assert needed(made) == [
        ("all", "", Decimal(1)),
        ("each publisher", "p1", Decimal(1)),
        ("each agent", "+16025551234", Decimal(1)),
        ("budget", "", Decimal(20)),
    ]
    assert [name for name, _, _ in needed(made, destination=None)] == [
        "all", "each publisher", "budget",
    ]  # fmt: skip
    assert needed(made, publisher=None)[1] == ("each publisher", "", Decimal(1))


def test_a_budget_is_no_cap_for_calls_that_earn_nothing() -> None:
    assert needed(campaign(caps=(Cap("budget", "budget", Decimal(100)),))) == []


def test_a_payout_without_bound_never_fits_into_a_budget() -> None:
    made = campaign(
        caps=(Cap("budget", "budget", Decimal(100)),), payout=payout((None, "result.amount"))
    )
    assert needed(made) == [("budget", "", Decimal(101))]


# Grants.


@pytest.mark.parametrize(
    ("used", "others", "nodes", "given"),
    [
        (0, 0, 1, 10),
        (4, 0, 1, 6),
        (4, 3, 1, 3),
        (0, 0, 2, 5),
        (9, 0, 2, 1),
        (10, 0, 2, 0),
        (8, 5, 2, 0),
    ],
)
def test_nobody_is_granted_more_than_an_equal_part_of_what_is_left(
    used: int, others: int, nodes: int, given: int
) -> None:
    found = grant(report(), used=Decimal(used), lease=None, others=Decimal(others), nodes=nodes)
    assert found.lease.granted == given
    assert found.short is (given < 10)


def test_a_report_that_is_repeated_changes_nothing() -> None:
    told = report(lease=Lease(Decimal(5), Decimal(2), Decimal(1)), wanted=3)
    before = Lease(Decimal(5))
    first = grant(told, used=Decimal(0), lease=before, others=Decimal(0), nodes=1)
    again = grant(told, used=first.used, lease=first.lease, others=Decimal(0), nodes=1)
    assert first.used == 2
    assert (again.used, again.lease) == (first.used, first.lease)


def test_less_than_a_unit_completes_what_a_node_has_of_a_budget() -> None:
    found = grant(
        report(limit=12, unit=5, wanted=20), used=Decimal(8), lease=None, others=Decimal(0), nodes=1
    )
    assert found.lease.granted == 4


def test_a_lease_that_is_gone_is_not_counted_twice() -> None:
    told = report(lease=Lease(Decimal(8), Decimal(5), Decimal(1)), acknowledged=3, wanted=0)
    found = grant(told, used=Decimal(3), lease=None, others=Decimal(0), nodes=1)
    assert found.used == 5
    assert found.lease.held == 0


@pytest.mark.parametrize(
    ("lasting", "spent", "counted"), [(True, 4, 4), (True, None, 9), (True, 99, 9), (False, 4, 0)]
)
def test_what_a_dead_process_leaves(lasting: bool, spent: int | None, counted: int) -> None:
    lease = Lease(Decimal(10), Decimal(0), Decimal(1))
    after = settled(lease, lasting=lasting, spent=None if spent is None else Decimal(spent))
    assert after.counted == counted
    assert after.held == 0
