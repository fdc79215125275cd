"""Caps: what a call counts for, when a period begins, and who is granted credit. Pure decisions.

A cap counts calls, or money, of a campaign, one of its publishers or one of its destinations. The
database keeps for each count and period what was *used* for good, and one *lease* for each node:
credit that the node may hand to its calls without asking. The one rule that everything hangs on is

    used + all that is held by leases <= limit

which `grant` keeps inside one transaction that locks the count. A call takes its units from its
node's lease (`softswitch.campaign.ledger`), so the limit holds wherever calls come in and whatever
fails.

What becomes of the lease of a node that is silent. A node takes credit without telling anybody
first, so nobody else can know how much of a silent lease was used. Therefore it stays *held*, that
is counted against the limit, until one of these:
- the node reports, after a partition or after a restart (its journal knows what it took): what its
  calls used is counted, the rest returns at once;
- for `concurrent`, the lease expires: its end lies one longest call behind the last moment at which
  the node may have begun a call on it, so none of its calls can be left, dead node or cut off;
- for a count with a period, the period ends and a new one begins from nothing;
- an operator, who knows that the machine is gone, releases it.
Returning it earlier would be exceeding the cap whenever the node was cut off and not dead. So that
little is at stake, nodes that are not alone hold little, and less when they are idle.

Each running total only grows (`granted`, `counted`, `returned`), so a report may be repeated, and
answered or not, without harm. Knows no database and no clock: `at` is UTC in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from config.model import Campaign, Cap, Configuration, Connect
from config.nesting import every_node, reachable
from softswitch.campaign.payout import highest

__all__ = [
    "CapExceeded",
    "CountKey",
    "Grant",
    "Lease",
    "Need",
    "Period",
    "Report",
    "destinations_of",
    "following",
    "grant",
    "needs",
    "period_of",
    "settled",
]

ONE = Decimal(1)
NONE = Decimal(0)
FOREVER = None

_LENGTHS = {"hourly": "hour", "daily": "day", "monthly": "month"}


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time in which a cap counts; UTC in seconds, the end exclusive."""

    start: int
    end: int | None
    """None: it does not end."""


@dataclass(frozen=True, slots=True, order=True)
class CountKey:
    """Whose count it is, and of which period."""

    campaign: str
    cap: str
    scope: str
    """Name of the publisher or destination; empty for the campaign's one count, and for calls
    without a publisher."""
    period: int
    """When the period began; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a call takes from one count."""

    key: CountKey
    cap: Cap
    units: Decimal
    """One call, or the most that it can earn."""
    ends: int | None
    longest: float
    """Seconds that a call may hold its units."""

    @property
    def lasting(self) -> bool:
        """Whether what is used stays used; a concurrent call gives its place back."""
        return self.cap.kind != "concurrent"


@dataclass(frozen=True, slots=True)
class CapExceeded:
    """A call would exceed a cap, or nobody can tell whether it would."""

    cap: str
    """Name of the cap."""
    campaign: str
    scope: str
    """Whose count: the campaign's, publisher's or destination's name."""
    limit: str
    over: str | None
    """Treatment of calls above it."""
    why: str = ""
    """`database away` when only the credit held could be used."""
    elsewhere: bool = False
    """Whether another destination may be called all the same, whatever the cap's scope."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What one node has of one count, in running totals."""

    granted: Decimal = NONE
    counted: Decimal = NONE
    """Used for good by its calls."""
    returned: Decimal = NONE

    @property
    def held(self) -> Decimal:
        """What its calls use or may use."""
        return self.granted - self.counted - self.returned


@dataclass(frozen=True, slots=True)
class Report:
    """What a node says of one count, and what it would like to have."""

    key: CountKey
    limit: Decimal
    lasting: bool
    ends: int | None
    longest: float
    unit: Decimal
    lease: Lease
    """Its totals as the node knows them."""
    acknowledged: Decimal
    """What of `lease.counted` the database is known to have."""
    wanted: Decimal
    """Credit it would like on top."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the database then holds."""

    used: Decimal
    lease: Lease
    short: bool
    """Whether less was granted than wanted: other nodes are asked for what they do not need."""
    room: Decimal
    """What is left of the limit; below zero when the limit was lowered beneath what is out."""


def grant(
    report: Report, *, used: Decimal, lease: Lease | None, others: Decimal, nodes: int
) -> Grant:
    """Decide on a report: `used` and `others` (held by other nodes) are those of the locked count.

    A node that is alone gets all that it wants; several get at most an equal part of what is left,
    so that the last units do not all lie with one.
    """
    before = lease or _lost(report)
    counted = max(before.counted, report.lease.counted)
    returned = max(before.returned, report.lease.returned)
    granted = max(before.granted, counted + returned)
    used += counted - before.counted
    held = granted - counted - returned
    room = report.limit - used - others - held
    # What the node does not know of yet was granted by an answer that it never heard.
    unheard = max(NONE, granted - report.lease.granted) if lease is not None else NONE
    wanted = max(NONE, report.wanted - unheard)
    given = min(wanted, _share(room, report.unit, nodes))
    after = Lease(granted + given, counted, returned)
    return Grant(used, after, short=given < wanted, room=room - given)


def _lost(report: Report) -> Lease:
    """The lease of a node that has none: a first one, or one that was taken away.

    Totals go on from what is settled already, so that nothing is counted twice.
    """
    settled = report.acknowledged + report.lease.returned
    return Lease(settled, report.acknowledged, report.lease.returned)


def _share(room: Decimal, unit: Decimal, nodes: int) -> Decimal:
    """What one of so many nodes may have of what is left: equal parts, in whole units as long as
    there are any. Less than a unit may just complete what the node has of a budget."""
    if room <= 0 or unit <= 0:
        return NONE
    if nodes <= 1:
        return room
    units = _ceiling(room / unit)
    return min(room, unit * _ceiling(units / nodes))


def _ceiling(number: Decimal) -> Decimal:
    return number.to_integral_value(ROUND_CEILING)


def settled(lease: Lease, *, lasting: bool, spent: Decimal | None) -> Lease:
    """Close the lease of a process that is dead for certain; `spent` is what its journal says.

    What its calls used or had taken stays counted, whether or not they would have been: nobody
    knows any more. Without a journal that is all it held. Concurrent calls ended with it.
    """
    counted = lease.counted
    if lasting:
        most = lease.granted - lease.returned
        counted = max(counted, most if spent is None else min(spent, most))
    return Lease(lease.granted, counted, lease.granted - counted)


# What a call counts for.


def needs(
    campaign: Campaign,
    *,
    publisher: str | None,
    destination: str | None,
    at: float,
    longest: float,
) -> Iterator[Need]:
    """What a call to a destination takes, cap by cap, in the order of the configuration."""
    for cap in campaign.caps:
        units = _units(campaign, cap)
        if not units or (cap.scope == "destination" and destination is None):
            continue
        period = period_of(cap, at)
        scope = ""
        if cap.scope != "campaign":
            scope = (publisher if cap.scope == "publisher" else destination) or ""
        key = CountKey(campaign.name, cap.name, scope, period.start)
        yield Need(key, cap, units, period.end, longest)


def _units(campaign: Campaign, cap: Cap) -> Decimal:
    """One call; of a budget what the call may earn, which one that is too small never has."""
    if cap.kind != "budget":
        return ONE
    return NONE if campaign.payout is None else min(highest(campaign.payout), cap.limit + 1)


def following(need: Need, at: float) -> Need:
    """The same need in the period of another moment."""
    period = period_of(need.cap, at)
    return replace(need, key=replace(need.key, period=period.start), ends=period.end)


def destinations_of(configuration: Configuration, campaign: Campaign) -> set[str]:
    """Destinations that stand in a campaign's treatment, by the names that credit is taken for."""
    if not any(cap.scope == "destination" for cap in campaign.caps):
        return set()
    names = reachable((campaign.treatment,), configuration.treatments)
    nodes = [node for name in names for node in every_node(configuration.treatments[name].nodes)]
    return {
        one.number
        for node in nodes
        if isinstance(node, Connect)
        for one in node.destinations
        if one.number is not None
    }


# Periods.


def period_of(cap: Cap, at: float) -> Period:
    """The period of a cap that a moment lies in, by the clock of the cap's zone."""
    length = _LENGTHS.get(cap.kind, cap.period if cap.kind == "budget" else "none")
    if length == "none":
        return Period(0, FOREVER)
    # The answer is the same for a quarter of an hour: zones differ by multiples of it.
    return _period(length, cap.time_zone, int(at) // 900)


@lru_cache(maxsize=1024)
def _period(length: str, time_zone: str, quarter: int) -> Period:
    zone = ZoneInfo(time_zone)
    moment = datetime.fromtimestamp(quarter * 900, UTC)
    local = moment.astimezone(zone)
    if length == "hour":
        # Hours last an hour by every clock, also the one that is put back.
        start = quarter * 900 - local.minute * 60 - local.second
        return Period(start, start + 3600)
    first = local.date() if length == "day" else local.date().replace(day=1)
    following = first + timedelta(days=1 if length == "day" else 31)
    if length == "month":
        following = following.replace(day=1)
    return Period(_midnight(first, zone), _midnight(following, zone))


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
