"""What is looked after once a second: files that the disk refused, the clock, dropped messages.

Part of the composition root. Tells what has changed as events and lines of the log; knows no calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from softswitch.call.events import ClockStepped, DiskFailed, DiskRecovered
from softswitch.call.services import Services
from softswitch.sip.peer import FROM_ELSEWHERE
from softswitch.store.journal import CallJournal
from softswitch.store.records import RecordFile

logger = logging.getLogger(__name__)

__all__ = ["Housekeeping"]

EVERY_SECONDS = 1.0

STEP_SECONDS = 2.0
"""A time of day that moves by so much more or less than the monotonic clock was set; one that is
disciplined moves by half a thousandth."""

RECORDS_AT_ONCE = 1000
"""Records that waited for the disk and are written in one turn: some 50 ms."""

USUAL_DROPS = frozenset({"keep-alive", "stray-ack", "stray-response", FROM_ELSEWHERE})
"""Drops that are part of a good day: keep-alives, and what comes after its transaction has ended;
and those that have a line of their own."""

MAX_NAMED = 3
"""Trunks of one address that a line of the log tells."""


class Housekeeping:
    """One for the process."""

    def __init__(
        self,
        services: Services,
        journal: CallJournal,
        records: RecordFile,
        whose: Callable[[str], Sequence[str]] = lambda host: (),
    ) -> None:
        """`whose` has the names of the trunks that a host is of."""
        self._services = services
        self._whose = whose
        self._journal = journal
        self._records = records
        self._drops_told: Counter[str] = Counter()
        self._failed_at: float | None = None
        """Since when the disk refuses what is written, by the monotonic clock."""
        self._offset = self._clock_offset()

    async def run(self) -> None:
        """Keep house until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            self.keep()

    def keep(self) -> None:
        """Look after all of it once."""
        self._watch_disk()
        self._journal.flush()
        self._journal.sign_of_life()
        self._records.retry(at_most=RECORDS_AT_ONCE)
        self._watch_clock()
        self._tell_drops()

    def _watch_disk(self) -> None:
        why = self._records.failing or self._journal.failing
        now = self._services.now()
        if why and self._failed_at is None:
            self._failed_at = now
            self._services.tell(DiskFailed, why=why, records=self._records.waiting)
        elif not why and self._failed_at is not None:
            seconds, self._failed_at = round(now - self._failed_at, 1), None
            self._services.tell(DiskRecovered, seconds=seconds)

    def _watch_clock(self) -> None:
        offset = self._clock_offset()
        step, self._offset = offset - self._offset, offset
        if abs(step) >= STEP_SECONDS:
            self._services.tell(ClockStepped, seconds=round(step, 3))

    def _clock_offset(self) -> float:
        return self._services.wall_clock() - self._services.now()

    def _tell_drops(self) -> None:
        """Say which messages were too broken, or too late, to be answered."""
        drops = self._services.stack.drops
        if sum(drops.values()) == self._drops_told.total():
            return
        fresh = drops - self._drops_told
        self._drops_told = drops.copy()
        hosts = self._services.stack.take_dropped_from()
        told = ", ".join(
            f"{reason} {n}" + (f" ({self._from(hosts[reason])})" if reason in hosts else "")
            for reason, n in fresh.items()
            if reason not in USUAL_DROPS
        )
        if told:
            logger.warning("SIP messages dropped without an answer: %s", told)

    def _from(self, host: str) -> str:
        """Who has sent one of them."""
        names = self._whose(host)
        if not names:
            return f"from {host}"
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        return f"from {host}, trunk {', '.join(names[:MAX_NAMED])}{more}"
