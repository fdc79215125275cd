"""Conferences: legs of any calls that hear each other, by name.

A leg that is in one goes on hearing the leg its own call has joined it to as well. A leg that ends
leaves; a conference that a treatment opened is over when nobody is left, one that was made from
outside when it is destroyed. It is of the campaigns whose calls are in it: whoever sees only some
campaigns takes nobody into one that is also of others, and what somebody like that has taken in
leaves when a call of another campaign comes by its treatment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from softswitch.call.company import apply, enter, leave
from softswitch.call.events import ConferenceJoined, ConferenceLeft, ConferenceMuted

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = [
    "MAX_CONFERENCES",
    "MAX_MEMBERS",
    "Conference",
    "Conferences",
    "Full",
    "Member",
    "OfOthers",
]

MAX_MEMBERS = 100
"""Of one conference: each frame of each member is a sum over all others."""

MAX_CONFERENCES = 1000
"""At once; more have no use on one node, and each is memory that a client can ask for."""


class Full(Exception):
    """No further conference, or no further member, or the leg is in another one."""


class OfOthers(Full):
    """The conference is not only of campaigns that whoever brings the leg sees."""


@dataclass(slots=True, eq=False)
class Member:
    """A leg in a conference."""

    leg: Leg
    muted: bool = False
    since: float = 0.0
    """Monotonic seconds."""
    within: frozenset[str] = frozenset()
    """The only campaigns that whoever brought it sees; empty: all, or the treatment did."""
    on_out: list[Callable[[str], None]] = field(default_factory=list)
    """Told why, when the leg is in it no more."""


class Conference:
    """One conference; a circle of its members."""

    def __init__(
        self, conferences: Conferences, name: str, *, stays: bool, campaigns: frozenset[str]
    ) -> None:
        self.name = name
        self.campaigns = self._made_for = campaigns
        """Whose it is; empty: nobody's in particular."""
        self.stays = stays
        """Whether it goes on without members."""
        self._conferences = conferences
        self._members: dict[Leg, Member] = {}

    @property
    def members(self) -> tuple[Member, ...]:
        """In the order in which they came."""
        return tuple(self._members.values())

    def __contains__(self, leg: object) -> bool:
        return leg in self._members

    def is_open_to(self, campaigns: frozenset[str]) -> bool:
        """Whether it is the business of somebody who sees only these campaigns; empty: all."""
        return not campaigns or (bool(self.campaigns) and self.campaigns <= campaigns)

    def claim(self, campaign: str) -> None:
        """A treatment brings a call of this campaign: those leave who were brought by somebody who
        does not see it."""
        for leg, member in tuple(self._members.items()):
            if member.within and campaign not in member.within:
                self.remove(leg, "claimed")

    def add(self, leg: Leg, *, muted: bool = False, within: frozenset[str] = frozenset()) -> Member:
        """Take an answered leg in; one that is in it already stays as it is. Raises Full."""
        member = self._members.get(leg)
        if member is not None:
            return member
        if not self.is_open_to(within):
            raise OfOthers("the conference is another's")
        if len(self._members) >= MAX_MEMBERS:
            raise Full("the conference is full")
        if self._conferences.of(leg) is not None:
            raise Full("the leg is in another conference")
        member = self._members[leg] = Member(leg, muted, leg.services.now(), within)
        if self.campaigns:
            self.campaigns |= {leg.call.counts_for.name}
        enter(leg, self)
        self.refresh()
        count = len(self._members)
        leg.call.emit(
            ConferenceJoined,
            leg=leg.leg_id,
            conference=self.name,
            muted=muted,
            members=count,
        )
        return member

    def remove(self, leg: Leg, why: str = "removed") -> bool:
        """Let a leg go; False when it is not in it."""
        member = self._members.pop(leg, None)
        if member is None:
            return False
        leave(leg, self)
        self._out(member, why)
        return True

    def mute(self, leg: Leg, muted: bool) -> bool:
        """Have nobody hear a leg, or everybody again; False when it is not in it."""
        member = self._members.get(leg)
        if member is None:
            return False
        if member.muted != muted:
            member.muted = muted
            self.refresh()
            joined = leg.call.other_leg(leg)
            if joined is not None:
                apply(joined)
            leg.call.emit(ConferenceMuted, leg=leg.leg_id, conference=self.name, muted=muted)
        return True

    def destroy(self) -> None:
        """Let everybody go; the name is free again."""
        self.stays = False
        for leg in tuple(self._members):
            self.remove(leg, "destroyed")
        self._conferences.forget(self)

    # As a circle.

    def heard_by(self, leg: Leg) -> Iterable[Leg]:
        """All others."""
        return self._members if leg in self._members else ()

    def mutes(self, leg: Leg) -> bool:
        """Whether the leg is muted."""
        member = self._members.get(leg)
        return member is not None and member.muted

    def refresh(self) -> None:
        """Have each hear the others."""
        for leg in tuple(self._members):
            apply(leg)

    def on_left(self, leg: Leg) -> None:
        """A member is over."""
        member = self._members.pop(leg, None)
        if member is not None:
            self._out(member, "hung_up")

    def _out(self, member: Member, why: str) -> None:
        self.refresh()
        leg = member.leg
        leg.call.emit(
            ConferenceLeft,
            leg=leg.leg_id,
            conference=self.name,
            why=why,
            members=len(self._members),
        )
        for told in member.on_out:
            told(why)
        self.tidy()

    def tidy(self) -> None:
        """Be over when nobody is left, unless it stays."""
        if self._members:
            return
        self.campaigns = self._made_for
        if not self.stays:
            self._conferences.forget(self)


class Conferences:
    """Those of this node, by name."""

    def __init__(self) -> None:
        self._conferences: dict[str, Conference] = {}

    def __iter__(self) -> Iterator[Conference]:
        return iter(tuple(self._conferences.values()))

    def __len__(self) -> int:
        return len(self._conferences)

    def find(self, name: str) -> Conference | None:
        """The one of this name."""
        return self._conferences.get(name)

    def open(
        self, name: str, *, stays: bool = False, campaigns: frozenset[str] = frozenset()
    ) -> Conference:
        """The one of this name, made where there is none; raises Full."""
        conference = self._conferences.get(name)
        if conference is None:
            if len(self._conferences) >= MAX_CONFERENCES:
                raise Full("there are too many conferences")
            conference = Conference(self, name, stays=stays, campaigns=campaigns)
            self._conferences[name] = conference
        return conference

    def of(self, leg: Leg) -> Conference | None:
        """The one that a leg is in."""
        if leg.company is None:
            return None
        found = (one for one in leg.company.circles if isinstance(one, Conference))
        return next(found, None)

    def forget(self, conference: Conference) -> None:
        """One is over."""
        if self._conferences.get(conference.name) is conference:
            del self._conferences[conference.name]
