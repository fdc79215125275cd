"""What calls are worth: rates them while they go on; pays, settles and judges them at their end.

A subscriber of the event stream. A call is rated when it is presented, again when something becomes
known that its campaign's rating asks for, and at its end; `call.rating` is emitted on a change
only. At the end come, in this order and all before `call.ended`: the last rating, the conversion,
the payout, what the caps keep, and the thresholds of fraud. Every rule looked at is told as a
`DecisionMade` with its inputs. A call that was rejected earns nothing.

Both campaigns of a syndicated call count it under their caps; the payout is that of the campaign
whose number was called.

Knows neither SQL nor the record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from config.model import Binary, Campaign, Cap, Expression, Fact
from softswitch.call.call import Call
from softswitch.call.events import (
    AnswerGiven,
    AttributesSet,
    CallEnded,
    CallEvent,
    CallPaid,
    CallPresented,
    CallRated,
    CampaignChosen,
    CapReached,
    ChoiceMade,
    DecisionMade,
    FaxHeard,
    FraudDetected,
    KeywordHeard,
    LookupAnswered,
    MachineJudged,
    VariableSet,
)
from softswitch.call.stream import EventStream
from softswitch.campaign.caps import CapExceeded
from softswitch.campaign.facts import CallFacts
from softswitch.campaign.finding import Finding, look
from softswitch.campaign.fraud import Ban, FraudList, banned_by
from softswitch.campaign.inputs import (
    awaits_results,
    earning_expressions,
    everything_asked,
    facts_named,
)
from softswitch.campaign.payout import Paid, pay
from softswitch.campaign.rating import Rated, rate
from softswitch.switchboard.ending import EndWatch

logger = logging.getLogger(__name__)

__all__ = ["BanSink", "Money"]

MAX_CAMPAIGNS = 10_000
"""Campaigns whose rating was looked through; more than one configuration has."""

_BRINGS: dict[type[CallEvent], tuple[str, ...]] = {
    AnswerGiven: ("answer.", "var."),
    VariableSet: ("var.", "answer."),
    LookupAnswered: ("lookup.",),
    ChoiceMade: ("key", "keys"),
    AttributesSet: ("attribute.",),
    CampaignChosen: ("campaign",),
    KeywordHeard: ("keyword",),
    MachineJudged: ("machine",),
    FaxHeard: ("fax",),
}
"""Which facts and functions an event brings news of: the beginnings of their names. Another
campaign brings its own rating."""


class Desk(Protocol):
    """Keeps the credit of calls under their caps (`softswitch.switchboard.credit.CreditDesk`)."""

    def presented(self, campaign: Campaign, publisher: str | None) -> None:
        """A call came in that may need credit soon."""

    def take(
        self,
        campaign: Campaign,
        *,
        publisher: str | None,
        destination: str | None,
        call_id: str,
        budgets_only: bool,
    ) -> object:
        """Credit, or a CapExceeded."""

    def holds(self, call_id: str, campaign: str) -> bool:
        """Whether a call has credit of a campaign."""

    def settle(
        self,
        call_id: str,
        *,
        connected: bool,
        converted: Callable[[str, Cap], bool],
        amounts: Mapping[str, Decimal],
    ) -> None:
        """A call has ended."""


class BanSink(Protocol):
    """Tells bans to the other nodes; never waits."""

    def put(self, bans: Iterable[Ban]) -> None:
        """Keep bans for all nodes."""


BRIDGED_OR_CONVERTED = Expression(
    "bridged or converted",
    Binary("or", Fact("bridged", "boolean"), Fact("converted", "boolean"), "boolean"),
)
"""What a call must be to earn anything: nobody pays for a caller that was turned away, or left in
the menu, unless the campaign calls that a conversion."""


@dataclass(slots=True)
class _Open:
    """A call that goes on."""

    watch: EndWatch
    call: Call | None = None
    facts: CallFacts | None = None
    rated: Rated | None = None
    rejected: bool = False
    """Whether it was turned away for fraud or by a list."""


class Money:
    """Rates, pays, settles and judges all calls of this node."""

    def __init__(
        self,
        stream: EventStream,
        *,
        credit: Desk | None = None,
        fraud: FraudList | None = None,
        bans: BanSink | None = None,
    ) -> None:
        self._credit = credit
        self._fraud = fraud
        self._bans = bans
        self._open: dict[str, _Open] = {}
        self._brought: dict[str, tuple[Campaign, frozenset[type[CallEvent]]]] = {}
        stream.subscribe(self.receive)

    def open(self, call: Call, facts: CallFacts) -> None:
        """A call was presented: rate it for the first time, see that there is credit for it."""
        entry = self._open.get(call.call_id)
        if entry is None:
            return
        entry.call, entry.facts = call, facts
        self._expect(call, facts)
        self._rate(entry, call, facts)

    def receive(self, event: CallEvent) -> None:
        """Take one event of the stream."""
        if isinstance(event, CallPresented):
            self._open[event.call_id] = _Open(EndWatch.of(event))
            return
        entry = self._open.get(event.call_id)
        if entry is None:
            return
        entry.watch.add(event)
        if isinstance(event, CallEnded):
            del self._open[event.call_id]
        elif isinstance(event, DecisionMade):
            entry.rejected |= event.about == "fraud" or (
                event.about == "blocked" and event.result not in (None, False)
            )
        elif entry.call is not None and entry.facts is not None and type(event) in _BRINGS:
            if isinstance(event, CampaignChosen):
                self._expect(entry.call, entry.facts)
            if type(event) in self._moving(entry.facts.campaign):
                self._rate(entry, entry.call, entry.facts)

    def _expect(self, call: Call, facts: CallFacts) -> None:
        if self._credit is not None:
            for campaign in _campaigns(call, facts):
                self._credit.presented(campaign, facts.presented.publisher)

    # Rating.

    def _moving(self, campaign: Campaign) -> frozenset[type[CallEvent]]:
        """The events that may change a campaign's rating."""
        known = self._brought.get(campaign.name)
        if known is not None and known[0] is campaign:
            return known[1]
        names = facts_named(rule.when for rule in campaign.rating if rule.when is not None)
        kinds = frozenset(
            kind for kind, brings in _BRINGS.items() if any(map(_begins(brings), names))
        )
        if campaign.rating:
            kinds |= {CampaignChosen}
        if len(self._brought) >= MAX_CAMPAIGNS:
            self._brought.clear()
        self._brought[campaign.name] = (campaign, kinds)
        return kinds

    def _rate(self, entry: _Open, call: Call, facts: CallFacts, *, last: bool = False) -> None:
        """Rate a call; tell it when it has changed, and at the end on what it rests."""
        before, rated = entry.rated, rate(facts.campaign, facts)
        if rated is None:
            return
        entry.rated = rated
        changed = before is None or before.rating != rated.rating
        if changed:
            facts.set("rating", rated.rating)
            facts.set("rating_score", Decimal(rated.score))
        if changed or (last and before is not None and before.findings != rated.findings):
            _tell(call, "rating", rated.findings)
        if changed:
            call.emit(CallRated, rating=rated.rating, score=rated.score, rule=rated.rule)

    # The end.

    def at_end(self, call: Call, ended_by: str, cause: str, clock: float) -> bool:
        """All legs were over at `clock` (monotonic), `call.ended` is not told yet; whether it is a
        conversion."""
        entry = self._open.get(call.call_id)
        if entry is None:
            return call.bridged  # it began before any campaign earned anything
        if entry.facts is None:
            return False
        facts = entry.facts
        facts.end(entry.watch.end(clock, ended_by, cause))
        self._rate(entry, call, facts, last=True)
        converted = _converted(call, facts)
        paid = self._paid(entry, call, facts)
        if paid is not None:
            call.emit(CallPaid, amount=str(paid.amount), currency=paid.currency, rules=paid.rules)
        self._settle(call, facts, paid)
        if not entry.rejected:
            self._judge(call, facts)
        return converted

    def _paid(self, entry: _Open, call: Call, facts: CallFacts) -> Paid | None:
        campaign = facts.campaign
        paid = pay(campaign, facts, publisher=facts.presented.publisher)
        if paid is None:
            return None
        if entry.rejected:
            return Paid(paid.amount * 0, paid.currency, (), ())
        connected = look("connected", BRIDGED_OR_CONVERTED, facts)
        if connected.result is True:
            _tell(call, "payout", paid.findings)
        else:
            _tell(call, "connected", (connected,))
            paid = Paid(paid.amount * 0, paid.currency, (), ())
        if awaits_results(campaign):
            _tell(call, "results", (_all_inputs(campaign, facts),))
        return self._within_budget(call, facts, paid)

    def _within_budget(self, call: Call, facts: CallFacts, paid: Paid) -> Paid:
        """A call that earns without an outbound leg has to find room in the budget still."""
        campaign, desk = facts.campaign, self._credit
        if not paid.amount or desk is None or desk.holds(call.call_id, campaign.name):
            return paid
        taken = desk.take(
            campaign,
            publisher=facts.presented.publisher,
            destination=None,
            call_id=call.call_id,
            budgets_only=True,
        )
        if not isinstance(taken, CapExceeded):
            return paid
        _tell_cap(call, taken)
        cut = {"name": f"cap {taken.cap}", "amount": str(-paid.amount)}
        return Paid(paid.amount * 0, paid.currency, (*paid.rules, cut), paid.findings)

    def _settle(self, call: Call, facts: CallFacts, paid: Paid | None) -> None:
        if self._credit is None:
            return
        campaigns = {campaign.name: campaign for campaign in _campaigns(call, facts)}
        bridged = facts.ending is not None and facts.ending.bridged

        def converted(name: str, cap: Cap) -> bool:
            campaign = campaigns.get(name)
            condition = cap.conversion or (None if campaign is None else campaign.conversion)
            if condition is None:
                return bridged
            found = look(cap.name, condition, facts)
            _tell(call, "cap", (found,))
            return found.result is True

        amounts = {} if paid is None else {facts.campaign.name: paid.amount}
        self._credit.settle(call.call_id, connected=bridged, converted=converted, amounts=amounts)

    def _judge(self, call: Call, facts: CallFacts) -> None:
        presented = facts.presented
        for campaign in _campaigns(call, facts):
            findings, bans = banned_by(
                campaign,
                facts,
                caller=presented.caller,
                publisher=presented.publisher,
                number=presented.called_number,
                at=call.services.wall_clock(),
            )
            _tell(call, "threshold", findings)
            self._ban(call, campaign, bans)

    def _ban(self, call: Call, campaign: Campaign, bans: list[Ban]) -> None:
        lengths = {rule.name: rule.seconds for rule in campaign.fraud}
        for ban in bans:
            call.emit(
                FraudDetected,
                rule=ban.rule,
                who=ban.who,
                value=ban.value,
                seconds=lengths[ban.rule],
            )
        if bans and self._fraud is not None:
            self._fraud.put(bans)
        if bans and self._bans is not None:
            self._bans.put(bans)


def _begins(beginnings: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda name: name.startswith(beginnings)


def _campaigns(call: Call, facts: CallFacts) -> list[Campaign]:
    """The campaign a call counts for, and the original that serves it when it is another."""
    served = call.campaign
    return [facts.campaign] if served.name == facts.campaign.name else [facts.campaign, served]


def _converted(call: Call, facts: CallFacts) -> bool:
    condition = facts.campaign.conversion
    if condition is None:
        converted = facts.ending is not None and facts.ending.bridged
    else:
        found = look("conversion", condition, facts)
        _tell(call, "conversion", (found,))
        converted = found.result is True
    facts.set("converted", converted)
    return converted


def _all_inputs(campaign: Campaign, facts: CallFacts) -> Finding:
    inputs = everything_asked(earning_expressions(campaign), facts)
    return Finding("inputs", "what later results may ask for", inputs, None)


def _tell(call: Call, about: str, findings: Iterable[Finding]) -> None:
    for found in findings:
        call.emit(
            DecisionMade,
            about=about,
            rule=found.rule,
            expression=found.expression,
            inputs=found.inputs,
            result=found.told,
        )


def _tell_cap(call: Call, exceeded: CapExceeded) -> None:
    call.emit(
        CapReached,
        cap=exceeded.cap,
        campaign=exceeded.campaign,
        scope=exceeded.scope,
        limit=exceeded.limit,
        why=exceeded.why,
    )
