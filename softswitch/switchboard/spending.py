"""Keeps campaigns within what they may spend an hour: the last of the guards against toll fraud,
asked for every outbound leg, whoever wants it.

A subscriber of the event stream, only while a campaign has such a limit. Adds up nothing itself:
that is `softswitch.campaign.spend`, which is told of other nodes by `softswitch.store.spend_share`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal

from config.model import Configuration
from softswitch.call.call import Call
from softswitch.call.events import (
    CallEvent,
    CallPaid,
    LegAnswered,
    LegEnded,
    LegOriginated,
    LegRedirected,
    SpendReached,
)
from softswitch.call.services import Services
from softswitch.campaign.spend import SpendBook

__all__ = ["Spending"]

logger = logging.getLogger(__name__)

TOLD_SECONDS = 60.0
"""How often it is told that a campaign may call nobody."""

MAX_LEGS = 200_000
"""Legs that are remembered from their INVITE on; more than a node carries."""

_KINDS = (LegOriginated, LegRedirected, LegAnswered, LegEnded, CallPaid)


class Spending:
    """Follows the configuration; in the way of calls only where a campaign has a limit."""

    def __init__(self, services: Services, find_call: Callable[[str], Call | None]) -> None:
        self._services = services
        self._find_call = find_call
        self._configuration: Configuration | None = None
        self.book = SpendBook()
        """The sums, for whoever shares them with other nodes."""
        self._originated: dict[str, tuple[str, Decimal]] = {}
        """Campaign and cost a minute of legs that were not answered yet."""
        self._told: dict[str, float] = {}
        self.refused = 0
        """Legs that were not placed."""

    async def prepare(self, configuration: Configuration) -> None:
        """Nothing has to be ready before a configuration is in force."""

    def use(self, configuration: Configuration) -> None:
        """Watch these campaigns from now on; one that had no limit has spent nothing so far."""
        self._configuration = configuration
        wanted = any(one.max_spend_per_hour is not None for one in configuration.campaigns.values())
        watching = self._services.spending is not None
        self.book.is_watching = wanted
        if wanted and not watching:
            self._services.events.subscribe(self._receive, kinds=_KINDS)
            self._services.spending = self
        elif watching and not wanted:
            self._services.events.unsubscribe(self._receive)
            self._services.spending = None
            self._originated, self._told = {}, {}
            self.book.clear()

    def refuses(self, call: Call) -> bool:
        """Whether no further leg may be placed for a call's campaign; that is told then."""
        limit = self._limit(call.campaign.name)
        if limit is None:
            return False
        now = self._services.now()
        spent = self.book.spent(call.campaign.name, now)
        if spent < limit:
            return False
        self.refused += 1
        logger.warning(
            "call %s: campaign %s calls nobody: %s spent within an hour, max_spend_per_hour is %s",
            call.call_id, call.campaign.name, spent, limit,
        )  # fmt: skip
        self._tell(call, spent, limit, now)
        return True

    def _limit(self, campaign: str) -> Decimal | None:
        """That of the configuration in force, whatever a call began with."""
        assert self._configuration is not None
        current = self._configuration.campaigns.get(campaign)
        return None if current is None else current.max_spend_per_hour

    def _tell(self, call: Call, spent: Decimal, limit: Decimal, now: float) -> None:
        campaign = call.campaign.name
        if now - self._told.get(campaign, -TOLD_SECONDS) < TOLD_SECONDS:
            return
        self._told[campaign] = now
        # A call that is to be placed is none yet: this is told of the campaign.
        self._services.tell(
            SpendReached,
            campaign=campaign,
            spent=str(spent),
            limit=str(limit),
            currency=call.configuration.switch.currency,
        )

    # What happens.

    def _receive(self, event: CallEvent) -> None:
        if isinstance(event, LegOriginated | LegRedirected):
            self._on_originated(event)
        elif isinstance(event, LegAnswered):
            known = self._originated.pop(_key(event.call_id, event.leg), None)
            if known is not None:
                self.book.begin(_key(event.call_id, event.leg), *known, event.clock)
        elif isinstance(event, LegEnded):
            self._originated.pop(_key(event.call_id, event.leg), None)
            self.book.end(_key(event.call_id, event.leg), event.clock)
        elif isinstance(event, CallPaid):
            self._on_paid(event)

    def _on_originated(self, event: LegOriginated | LegRedirected) -> None:
        """A leg goes to a trunk, or to another one than before: it costs what the last one does."""
        call, key = self._find_call(event.call_id), _key(event.call_id, event.leg)
        self._originated.pop(key, None)
        if call is None or self._limit(call.campaign.name) is None:
            return
        trunk = call.configuration.trunks.get(event.trunk)
        if trunk is not None and trunk.cost is not None and len(self._originated) < MAX_LEGS:
            self._originated[key] = call.campaign.name, trunk.cost

    def _on_paid(self, event: CallPaid) -> None:
        call = self._find_call(event.call_id)
        if call is not None and self._limit(call.campaign.name) is not None:
            self.book.pay(call.campaign.name, Decimal(event.amount), event.clock)


def _key(call_id: str, leg: str) -> str:
    return f"{call_id}/{leg}"
