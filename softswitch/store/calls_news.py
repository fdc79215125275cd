"""Keeps the memory of earlier calls filled: from our own calls, the table, and other nodes' news.

Our own calls are told by the event stream at once. What other nodes put into the table they notify;
after every connect the table is read, as far back as anybody asks, or since the last time. As long
as nobody asks nothing is listened to.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from softswitch.call.events import CallEvent, CallPresented, CallRecorded
from softswitch.call.stream import EventStream
from softswitch.store.calls_history import MemoryHistory, PastCall
from softswitch.store.calls_table import CALLS_CHANNEL
from softswitch.store.postgres.database import Connection, Database

logger = logging.getLogger(__name__)

__all__ = ["HistoryKeeper"]

LOAD_SECONDS = 120.0
LOADED_AT_ONCE = 100
"""Rows handled in one turn of the loop: a millisecond or two."""

OVERLAP_SECONDS = 300.0
"""How much of what was read before is read again: batches end later than they begin."""

FORGET_SECONDS = 1.0

_LOAD = """
SELECT * FROM (
    SELECT call_id, caller, campaign, publisher, number,
        extract(epoch FROM received_at)::double precision AS received_at, talk_seconds
    FROM calls
    WHERE received_at >= to_timestamp($1) AND inserted_at >= to_timestamp($2)
    ORDER BY received_at DESC
    LIMIT $3
) AS newest
ORDER BY received_at
"""


class HistoryKeeper:
    """Tells a MemoryHistory what it should know."""

    def __init__(
        self,
        history: MemoryHistory,
        database: Database,
        events: EventStream,
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """To be made before the database is started."""
        self._history = history
        self._database = database
        self._events = events
        self._follows = False
        self._wall_clock = wall_clock
        self._read_until = 0.0
        self._forgot_at = wall_clock()
        self._handlers: Mapping[type, Callable[[Any], None]] = {
            CallPresented: self._on_presented,
            CallRecorded: self._on_recorded,
        }
        self._follow()
        database.listen(CALLS_CHANNEL, self.hear)
        database.on_up(self.load)

    def _follow(self) -> None:
        """Hear of our own calls, once somebody asks for them."""
        if self._history.period and not self._follows:
            self._follows = True
            self._events.subscribe(self.receive, kinds=self._handlers)

    async def ask_back(self, period: float) -> None:
        """A new configuration asks so far back; raises DatabaseAway when what that takes must be
        read and cannot: it is read when the database is up again.

        One that asks less far changes nothing: calls in progress have the one before.
        """
        if period > self._history.period:
            self._history.period = period
            self._read_until = 0.0
            self._follow()
            await self.load()

    def receive(self, event: CallEvent) -> None:
        """Take an event of our own calls."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _on_presented(self, event: CallPresented) -> None:
        self._forget_now_and_then()
        self._history.add(
            PastCall(
                event.call_id,
                event.caller,
                event.campaign,
                event.publisher or "",
                event.called_number,
                event.at,
                None,
            )
        )

    def _on_recorded(self, event: CallRecorded) -> None:
        record = event.record
        self._history.add(
            PastCall(
                event.call_id,
                record["caller"] or "",
                record["campaign"] or "",
                record["publisher"] or "",
                record["number"] or "",
                event.at - record["total_seconds"],
                record["talk_seconds"],
            )
        )

    def _forget_now_and_then(self) -> None:
        now = self._wall_clock()
        if now - self._forgot_at > FORGET_SECONDS:
            self._forgot_at = now
            self._history.forget(now)

    def hear(self, payload: str) -> None:
        """Take what a node says it has put into the table."""
        if not self._follows:
            return
        try:
            _node, *rows = json.loads(payload)
            calls = [_past_call(row) for row in rows]
        except (ValueError, TypeError):
            logger.warning("a notification of %s cannot be read", CALLS_CHANNEL)
            return
        # Our own too: those that a crash had left open never were on the stream.
        self._forget_now_and_then()
        for call in calls:
            self._history.add(call)

    async def load(self) -> None:
        """Read the table: all of the period, or what came in since; raises DatabaseAway."""
        if self._history.period:
            self._read_until = await self._database.run(self._load, within=LOAD_SECONDS)

    async def _load(self, connection: Connection) -> float:
        since = self._wall_clock() - self._history.kept_seconds
        read_from = self._read_until - OVERLAP_SECONDS
        now = await connection.fetchval("SELECT extract(epoch FROM now())::double precision")
        rows = connection.cursor(
            _LOAD, since, max(0.0, read_from), self._history.max_calls, prefetch=LOADED_AT_ONCE
        )
        async for row in rows:
            self._history.add(_past_call(tuple(row.values())))
        return float(now)


def _past_call(row: Sequence[Any]) -> PastCall:
    """A row of the table, or of a notification; raises TypeError and ValueError."""
    call_id, caller, campaign, publisher, number, received_at, talk = row
    return PastCall(
        call_id,
        caller or "",
        campaign or "",
        publisher or "",
        number or "",
        float(received_at),
        float(talk or 0.0),
    )
