"""CPU of a decision: credit under caps, a rating, a payout; in ms, hot, one process.

The campaign is a rich one: five caps over three scopes, six rating rules, a payout with three base
rules, four bonuses and a repeat caller. Each round is 200 decisions, each on facts of its own, as
for a call; the median of the rounds stands beside the least and the most.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from bench.figures import Figure, figure
from config.expression import Vocabulary, parse_expression
from config.model import (
    Campaign,
    Cap,
    Configuration,
    Expression,
    Payout,
    PriceRule,
    RatingRule,
    Region,
    Repeat,
    Switch,
)
from softswitch.campaign.caps import CountKey, Grant, Lease, Report, grant
from softswitch.campaign.facts import CallEnd, CallFacts, PresentedFacts
from softswitch.campaign.history import NoHistory
from softswitch.campaign.payout import pay
from softswitch.campaign.rating import rate
from softswitch.campaign.tables import Tables
from softswitch.store.spending import SpendingFile
from softswitch.switchboard.credit import Credit, CreditDesk
from softswitch.switchboard.credit_protocols import Synced

DECISIONS = 200
"""In a round."""

LIMIT_MS = 0.2
"""What a decision may cost."""

VOCABULARY = Vocabulary(sections={"regions": ["West"]}, answers={"zip"}, bindings={"keyword"})


@dataclass(frozen=True, slots=True)
class Decision:
    """What one kind of decision costs, run by run."""

    name: str
    runs_ms: tuple[float, ...]

    @property
    def cost(self) -> Figure:
        """In ms."""
        return figure(self.runs_ms)


def _expression(text: str) -> Expression:
    return parse_expression(text, VOCABULARY)


def _rules(word: str, *pairs: tuple[str, str]) -> tuple[PriceRule, ...]:
    return tuple(
        PriceRule(f"{word}-{place}", _expression(when), _expression(amount))
        for place, (when, amount) in enumerate(pairs, 1)
    )


def campaign() -> Campaign:
    """A campaign with a rule of every sort."""
    ratings = (
        ('caller.line_type = "voip" and calls_by_caller(1 h) > 2', "low"),
        ('in_region("West") and talk_seconds > 300', "high"),
        ('answer.zip in ["94102", "94103", "10001"] and talk_seconds > 120', "high"),
        ('binding.keyword = "baby fans" and time before "12:00"', "high"),
        ('keyword("friend") or keyword("sale", "agent")', "high"),
    )
    rating = [RatingRule(_expression(when), rate_) for when, rate_ in ratings]  # type: ignore[arg-type]
    payout = Payout(
        "USD",
        _rules(
            "base",
            ('rating = "high" and duration("answer", "either") > 120', "5.00"),
            ("talk_seconds > 60 and rating_score >= 40", "2.50"),
            ("bridged", "1.00"),
        ),
        _rules(
            "bonus",
            ('in_region("West")', "0.50"),
            ('weekday in ["sat", "sun"]', "0.25"),
            ("talk_seconds > 600", "1.00"),
            ("result.sale", "10% * result.amount"),
        ),
        Repeat(30 * 86400.0),
        {"p2": Decimal("4.00")},
        Decimal(50),
    )
    caps = (
        Cap("agents", "concurrent", Decimal(10**6)),
        Cap("each agent", "concurrent", Decimal(10**6), scope="destination"),
        Cap("a day", "daily", Decimal(10**6), time_zone="America/Los_Angeles"),
        Cap("each publisher", "hourly", Decimal(10**6), scope="publisher"),
        Cap("spend", "budget", Decimal(10**9), period="month"),
    )
    return Campaign(
        "Sale", "t", rating=(*rating, RatingRule(None, "medium")), payout=payout, caps=caps
    )


def measure(runs: int, *, quick: bool) -> list[Decision]:
    """The cost of each kind of decision."""
    made = campaign()
    configuration = Configuration(
        Switch(),
        {},
        (),
        {},
        {"Sale": made},
        {},
        regions={"West": Region("West", states=frozenset({"CA"}))},
    )
    calls = _Calls(configuration, made)
    rounds = 5 if quick else 25
    kinds: dict[str, Callable[[], None]] = {
        "rating": calls.rating,
        "payout": calls.payout,
    }
    decisions = [Decision(name, _runs(one, runs, rounds)) for name, one in kinds.items()]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        decisions.append(
            Decision(
                "five caps", asyncio.run(_caps(Path(folder), configuration, made, runs, rounds))
            )
        )
    return decisions


def as_json(decisions: list[Decision]) -> list[dict[str, object]]:
    """For the file of results."""
    return [asdict(one) for one in decisions]


def _runs(action: Callable[[], None], runs: int, rounds: int) -> tuple[float, ...]:
    action()
    return tuple(_per_decision(action, rounds) for _ in range(runs))


def _per_decision(action: Callable[[], None], rounds: int) -> float:
    """ms of CPU of one decision."""
    start = time.process_time_ns()
    for _ in range(rounds):
        action()
    return (time.process_time_ns() - start) / 1e6 / rounds / DECISIONS


class _Calls:
    """Calls that have ended, each with facts of its own."""

    def __init__(self, configuration: Configuration, made: Campaign) -> None:
        self._campaign = made
        self._tables = Tables(configuration)
        self._configuration = configuration
        self._ending = CallEnd(
            received=0.0,
            originated=5.0,
            answered=10.0,
            calling_ended=140.0,
            called_ended=140.1,
            talk_seconds=130.0,
            total_seconds=140.0,
            ended_by="calling",
            bridged=True,
        )

    def _facts(self, number: int) -> CallFacts:
        presented = PresentedFacts(
            caller=f"+1415555{number:04}",
            called_number="+18666831950",
            called="8666831950",
            received_at=1_780_000_000.0,
            publisher="p1",
            parameters={"keyword": "toddler fans"},
        )
        facts = CallFacts(
            self._configuration, self._campaign, presented, self._tables, NoHistory(), time.time
        )
        facts.end(self._ending)
        return facts

    def rating(self) -> None:
        """Rate calls, on facts that nobody asked before."""
        for number in range(DECISIONS):
            assert rate(self._campaign, self._facts(number)) is not None

    def payout(self) -> None:
        """Pay calls likewise."""
        for number in range(DECISIONS):
            facts = self._facts(number)
            facts.set("rating", "medium")
            facts.set("rating_score", Decimal(50))
            assert pay(self._campaign, facts, publisher="p1") is not None


class _MemoryStore:
    """Grants at once, so that what is measured is the call's side."""

    up = True
    process = 1

    def __init__(self) -> None:
        self._counts: dict[CountKey, tuple[Decimal, Lease]] = {}

    def on_up(self, callback: Callable[[], None]) -> None:
        """It is up."""

    def on_wanted(self, callback: Callable[[CountKey], None]) -> None:
        """Nobody else is there."""

    def on_freed(self, callback: Callable[[CountKey], None]) -> None:
        """Nobody else is there."""

    async def sync(self, reports: list[Report]) -> Synced:
        """Decide as the database does."""
        grants: dict[CountKey, Grant] = {}
        for report in reports:
            used, lease = self._counts.get(report.key, (Decimal(0), None))
            found = grant(report, used=used, lease=lease, others=Decimal(0), nodes=1)
            grants[report.key] = found
            self._counts[report.key] = (found.used, found.lease)
        return Synced(grants, 1, time.time())

    async def take_over(self, spent: object) -> bool:
        """There was nobody before."""
        return True


async def _caps(
    folder: Path, configuration: Configuration, made: Campaign, runs: int, rounds: int
) -> tuple[float, ...]:
    desk = CreditDesk(_MemoryStore(), SpendingFile(folder), configuration)  # type: ignore[arg-type]
    desk.start()
    _take(desk, made, "first")  # a scope is asked for when it is first seen
    found = []
    for run in range(runs + 1):
        total = 0
        for place in range(rounds):
            # The refill is the background's; what a call pays is measured alone.
            await asyncio.sleep(0.02)
            start = time.process_time_ns()
            credits = _take(desk, made, f"{run}-{place}")
            for credit in credits:
                credit.keep(connected=True, converted=lambda _cap: True, amount=Decimal(1))
            total += time.process_time_ns() - start
            assert credits, "nothing was granted"
        found.append(total)
    await desk.close()
    return tuple(total / 1e6 / rounds / BURST for total in found[1:])


BURST = 20
"""Calls taken in one go: fewer than a node that is alone holds for each count."""


def _take(desk: CreditDesk, made: Campaign, prefix: str) -> list[Credit]:
    taken = [
        desk.take(made, publisher="p1", destination="+16025551234", call_id=f"{prefix}-{number}")
        for number in range(BURST)
    ]
    return [one for one in taken if isinstance(one, Credit)]
