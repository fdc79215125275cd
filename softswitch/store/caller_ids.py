"""Numbers that each stand for one call: memory gives them out, PostgreSQL keeps which was whose.

Implements ivr.services.CallerIds. A range is gone through in turn, so that a number rests as long
as the range is large; one that another call showed within HOLD_SECONDS, on any node, is passed over
while there are others. Taking one never waits.
"""

from __future__ import annotations

import json
import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from softswitch.store.behind import Behind
from softswitch.store.postgres.errors import DatabaseAway

if TYPE_CHECKING:
    from softswitch.store.postgres.database import Connection, Database

logger = logging.getLogger(__name__)

__all__ = ["CallerIdStore"]

HOLD_SECONDS = 14400.0
"""How long a number stands for its call at least: the longest call there is by default."""
MAX_RECENT = 200_000
"""Numbers in use that are known in memory, about 60 MB."""
MAX_TRIES = 1000
"""Numbers looked at for one call: a microsecond each."""
WARN_SECONDS = 60.0
"""Between two lines on one range that is used up: each call would say so."""
MAX_WARNED = 10_000
"""Ranges known to be used up; beyond it all are told again."""
LOAD_SECONDS = 30.0
CHANNEL = "caller_ids"

Row = tuple[str, str, datetime]


class CallerIdStore:
    """Gives out numbers of ranges."""

    def __init__(self, database: Database | None, wall_clock: Callable[[], float]) -> None:
        self._database = database
        self._wall_clock = wall_clock
        self._shown: OrderedDict[str, tuple[str, float]] = OrderedDict()
        """Number to call and when, the latest last."""
        self._calls: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._places: dict[tuple[str, str], int] = {}
        self._warned: dict[tuple[str, str], float] = {}
        """When it was said that a campaign's range is used up, by the range's first number."""
        self.behind: Behind[Row] | None = None
        if database is not None:
            self.behind = Behind(database, _insert, "caller ids")
            database.listen(CHANNEL, self._heard)
            database.on_up(self.load)

    def take(self, call_id: str, first: str, last: str, *, campaign: str = "") -> str | None:
        """A number of the range for a call, the same each time; None when all are in use, which is
        logged."""
        known = self._calls.get((call_id, first))
        if known is not None:
            return known
        number = self._free(first, last)
        if number is None:
            self._warn(campaign, first, last)
            return None
        now = self._wall_clock()
        self._note(number, call_id, now)
        self._calls[call_id, first] = number
        if len(self._calls) > MAX_RECENT:
            self._calls.popitem(last=False)
        if self.behind is not None:
            self.behind.put((number, call_id, datetime.fromtimestamp(now, UTC)))
        return number

    def call_of(self, number: str) -> str | None:
        """The call that showed a number last, as far as memory knows."""
        shown = self._shown.get(number)
        return None if shown is None else shown[0]

    def _free(self, first: str, last: str) -> str | None:
        lowest, highest = int(first.lstrip("+")), int(last.lstrip("+"))
        size = highest - lowest + 1
        if size <= 0:
            return None
        # Begin anywhere, so that a restart does not give out the same few again.
        place = self._places.get((first, last))
        if place is None:
            place = random.randrange(size)
        since = self._wall_clock() - HOLD_SECONDS
        for _ in range(min(size, MAX_TRIES)):
            number = f"+{lowest + place % size:0{len(first.lstrip('+'))}d}"
            place += 1
            shown = self._shown.get(number)
            if shown is None or shown[1] <= since:
                self._places[first, last] = place % size
                return number
        return None

    def _warn(self, campaign: str, first: str, last: str) -> None:
        """Say that a range is used up, now and then."""
        now = self._wall_clock()
        # A clock that was set back does not silence it.
        if 0 <= now - self._warned.get((campaign, first), -WARN_SECONDS) < WARN_SECONDS:
            return
        if len(self._warned) >= MAX_WARNED:
            self._warned.clear()
        self._warned[campaign, first] = now
        logger.warning(
            "campaign %s: caller_id: all numbers of %s to %s are in use (for %d hours each): the "
            "number called is shown", campaign, first, last, HOLD_SECONDS // 3600,
        )  # fmt: skip

    def _note(self, number: str, call_id: str, at: float) -> None:
        self._shown[number] = (call_id, at)
        self._shown.move_to_end(number)
        if len(self._shown) > MAX_RECENT:
            self._shown.popitem(last=False)

    async def load(self) -> None:
        """Load the numbers that are in use."""
        assert self._database is not None
        since = datetime.fromtimestamp(self._wall_clock() - HOLD_SECONDS, UTC)

        async def work(connection: Connection) -> list[Any]:
            return await connection.fetch(
                "SELECT number, call_id, shown_at FROM caller_ids WHERE shown_at > $1 "
                "ORDER BY shown_at DESC LIMIT $2",
                since,
                MAX_RECENT,
            )

        try:
            rows = await self._database.run(work, within=LOAD_SECONDS)
        except DatabaseAway as error:
            logger.warning("caller ids in use are not loaded: %s", error)
            return
        for row in rows[::-1]:
            at = row["shown_at"].timestamp()
            known = self._shown.get(row["number"])
            if known is None or known[1] < at:
                self._note(row["number"], row["call_id"], at)

    def _heard(self, payload: str) -> None:
        try:
            number, call_id, at = json.loads(payload)
            self._note(str(number), str(call_id), float(at))
        except (ValueError, TypeError):
            return  # by somebody else's hand

    async def close(self) -> None:
        """Write what waits."""
        if self.behind is not None:
            await self.behind.close()


async def _insert(connection: Connection, rows: Sequence[Row]) -> None:
    await connection.executemany(
        "INSERT INTO caller_ids (number, call_id, shown_at) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING",
        rows,
    )
    await connection.executemany(
        "SELECT pg_notify($1, $2)",
        [(CHANNEL, json.dumps([number, call_id, at.timestamp()])) for number, call_id, at in rows],
    )
