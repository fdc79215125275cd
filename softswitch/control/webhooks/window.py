"""What of the spool is under way to a target: which may go now, and up to where all is done.

A core. Deliveries of one call go one after the other, those of different calls beside each other.
"""

from __future__ import annotations

from collections import deque

from softswitch.control.webhooks.entry import Entry

__all__ = ["Ticket", "Window"]


class Ticket:
    """One delivery."""

    __slots__ = ("done", "entry", "may_go", "next", "rejections", "start")

    def __init__(self, entry: Entry, start: int, *, may_go: bool) -> None:
        self.entry = entry
        self.start = start
        """Offset at which what is not done yet begins, when this is the first that is not."""
        self.may_go = may_go
        """Whether nothing of its call has to be done before."""
        self.next: Ticket | None = None
        """The delivery of the same call that goes when this is done."""
        self.done = False
        self.rejections = 0


class Window:
    """One target's; begins at an offset."""

    def __init__(self, offset: int) -> None:
        self.read_to = offset
        """Everything before is done or in the window."""
        self.under_way = 0
        self._tickets: deque[Ticket] = deque()
        self._last: dict[str, Ticket] = {}

    @property
    def place(self) -> int:
        """Everything before is done."""
        return self._tickets[0].start if self._tickets else self.read_to

    @property
    def span(self) -> int:
        """Deliveries from the first that is not done on."""
        return len(self._tickets)

    @property
    def oldest(self) -> Entry | None:
        """The first that is not done."""
        return self._tickets[0].entry if self._tickets else None

    def add(self, entry: Entry, end: int) -> Ticket:
        """Begin a delivery; `end`: the offset behind it."""
        before = self._last.get(entry.call) if entry.call else None
        ticket = Ticket(entry, self.read_to, may_go=before is None)
        if before is not None:
            before.next = ticket
        self._tickets.append(ticket)
        if entry.call:
            self._last[entry.call] = ticket
        self.read_to = end
        self.under_way += 1
        return ticket

    def skip(self, end: int) -> None:
        """Pass over what the target does not want."""
        self.read_to = max(self.read_to, end)

    def finish(self, ticket: Ticket) -> Ticket | None:
        """A delivery is done, one way or the other; the one that may go now."""
        ticket.done = True
        self.under_way -= 1
        if self._last.get(ticket.entry.call) is ticket:
            del self._last[ticket.entry.call]
        while self._tickets and self._tickets[0].done:
            self._tickets.popleft()
        following, ticket.next = ticket.next, None
        if following is not None:
            following.may_go = True
        return following
