"""What treatments need from the process beside calls: credit, memory, look-ups.

Each is a small Protocol, implemented in a higher room or next door and passed in by the composition
root. None of them ever makes a call wait for a database.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from config.model import Campaign, Treatment
from softswitch.campaign.caps import CapExceeded
from softswitch.campaign.fraud import FraudList
from softswitch.campaign.pauses import Pauses
from softswitch.routing.distribution import DistributionMemory

if TYPE_CHECKING:
    from ivr.journey import Journey
    from ivr.lookups import LookupClient

__all__ = [
    "CallerIds",
    "Controllers",
    "Credit",
    "CreditDesk",
    "ForgetfulAnswers",
    "NodeServices",
    "RememberedAnswers",
    "Steered",
]


class Credit(Protocol):
    """A call's place under all caps that it counts against."""

    def give_back(self) -> None:
        """The leg did not come about; twice is once."""


class CreditDesk(Protocol):
    """Gives credit from what the node holds; never waits."""

    def take(
        self,
        campaign: Campaign,
        *,
        publisher: str | None,
        destination: str | None,
        call_id: str = "",
        beside: Any = None,
    ) -> Credit | CapExceeded:
        """Credit for one outbound leg, or the cap that it would exceed."""


class RememberedAnswers(Protocol):
    """Answers that callers gave earlier; in memory, so that asking never waits."""

    def find(self, caller: str, question: str) -> str | None:
        """What this caller answered to a question before."""

    def keep(self, caller: str, question: str, answer: str) -> None:
        """Remember an answer; it is written behind."""


class CallerIds(Protocol):
    """Numbers that each stand for one call for a while."""

    def take(self, call_id: str, first: str, last: str, *, campaign: str = "") -> str | None:
        """A number of the range that stands for no other call; None when all are taken. Who shows
        them is for the log."""


class Steered(Protocol):
    """A call that is offered to controllers, or steered by one."""

    async def outcome(self) -> Treatment | str:
        """Wait until nobody steers it any more: where it goes on, or why, in the word of the event
        `call.released`."""

    async def close(self) -> None:
        """The call goes on: what was being done to it is over, legs that nobody talks to are left;
        twice is once."""


class Controllers(Protocol):
    """Systems outside the switch that steer calls."""

    def offer(self, journey: Journey, node: str, name: str, within: float) -> Steered:
        """Offer a call to whoever takes it within so many seconds."""


class ForgetfulAnswers:
    """Remembers nothing: a switch without a database."""

    def find(self, caller: str, question: str) -> str | None:
        return None

    def keep(self, caller: str, question: str, answer: str) -> None:
        return


@dataclass(slots=True)
class NodeServices:
    """One for the process."""

    credit: CreditDesk | None = None
    """None: caps are not looked at (no campaign has any)."""
    pauses: Pauses | None = None
    """What gets no calls for the time being; None: nothing can be paused."""
    fraud: FraudList | None = None
    """Whose calls are rejected for a while; None: nobody's."""
    answers: RememberedAnswers = field(default_factory=ForgetfulAnswers)
    caller_ids: CallerIds | None = None
    lookups: LookupClient | None = None
    controllers: Controllers | None = None
    """None: nobody steers calls from outside."""
    distribution: DistributionMemory = field(default_factory=DistributionMemory)
    draw: Callable[[], float] = random.random
    """Random numbers in [0, 1) for weighted distribution."""
