"""Tells one target what stands in the spool for it, until it has it.

Reads on from its cursor, keeps MAX_UNDER_WAY deliveries under way and MAX_AT_ONCE requests open,
those of one call one after the other. The cursor follows the first delivery that is not done, so
that a crash repeats some and loses none. What is too old, or was refused again and again while the
server took others, is given up, counted and logged.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from softswitch.control.webhooks.client import Attempt, Outcome, WebhookClient
from softswitch.control.webhooks.cursor import Cursor
from softswitch.control.webhooks.gate import MAX_REFUSED_PAUSE, Gate, pause_after
from softswitch.control.webhooks.life import tell_death
from softswitch.control.webhooks.spool import Portion, Spool
from softswitch.control.webhooks.target import Target
from softswitch.control.webhooks.window import Ticket, Window

__all__ = ["Dispatcher"]

logger = logging.getLogger(__name__)

MAX_AT_ONCE = 8
"""Requests to one target at once."""

MAX_UNDER_WAY = 256
"""Deliveries begun and not done: those that wait for others of their call, or to be tried again."""

MAX_SPAN = 2000
"""Deliveries done behind one that is not: their number is what a crash may repeat at worst."""

MAX_REJECTIONS = 20
"""Attempts of a delivery that the server refuses while it takes others: about an hour."""

PORTION_BYTES = 64 << 10
"""Read of the spool at a time: what the thread takes of the interpreter in one go."""

LOOK_SECONDS = 5.0
"""Before the spool is read again after the disk has refused it."""


class Dispatcher:
    """One target's; `run` until cancelled."""

    def __init__(
        self,
        target: Target,
        spool: Spool,
        cursor: Cursor,
        client: WebhookClient,
        blocking: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:
        self.target = target
        self.delivered = 0
        self.failed_attempts = 0
        self.given_up = 0
        self.why = ""
        """What the last failure was."""
        self._spool = spool
        self._cursor = cursor
        self._client = client
        self._blocking = blocking
        self._window = Window(cursor.place)
        self._gate = Gate(random.random)
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        """Set when a delivery is done, or the server is back."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def place(self) -> int:
        """Everything before this offset has been told."""
        return self._cursor.place

    def wake(self) -> None:
        """There is more in the spool."""
        self._news.set()

    def status(self) -> dict[str, Any]:
        """For whoever looks after the switch."""
        oldest = self._window.oldest
        return {
            "delivered": self.delivered,
            "failed_attempts": self.failed_attempts,
            "given_up": self.given_up,
            "under_way": self._window.under_way,
            "waiting_bytes": max(0, self._spool.end - self.place),
            "oldest_seconds": 0.0 if oldest is None else round(time.time() - oldest.at, 1),
            "down": self._gate.down,
            "why": self.why if self._gate.failures else "",
        }

    async def run(self) -> None:
        """Deliver until cancelled; ends what is under way then."""
        try:
            while True:
                await self._read_on()
        finally:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Let go of the place, which says what was done."""
        self._cursor.close()

    # Reading.

    async def _read_on(self) -> None:
        self._news.clear()
        try:
            portion: Portion = await self._blocking(
                lambda: self._spool.read(self._window.read_to, max_bytes=PORTION_BYTES)
            )
        except OSError as error:
            logger.error("%s: the spool cannot be read: %s", self.target.name, error)
            await asyncio.sleep(LOOK_SECONDS)
            return
        if portion.start > self._window.read_to:
            lost = portion.start - self._window.read_to
            logger.error("%s: %d bytes of events are lost: the spool had grown to its bound",
                         self.target.name, lost)  # fmt: skip
            self._window.skip(portion.start)
        for one in portion.entries:
            if not self.target.wants(one.entry):
                self._window.skip(one.end)
                continue
            await self._room()
            ticket = self._window.add(one.entry, one.end)
            if ticket.may_go:
                self._begin(ticket)
        self._window.skip(portion.end)
        self._note_place()
        if not portion.entries and portion.end == portion.start:
            await self._news.wait()

    async def _room(self) -> None:
        window = self._window
        while window.under_way >= MAX_UNDER_WAY or window.span >= MAX_SPAN:
            await self._until_moved(None)

    async def _until_moved(self, seconds: float | None) -> None:
        """Wait for a delivery to be done or a server to be back, so long at most."""
        moved = self._moved
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await moved.wait()

    def _move(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    # Delivering.

    def _begin(self, ticket: Ticket) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(ticket))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(tell_death)

    async def _deliver(self, ticket: Ticket) -> None:
        attempts, seen = 0, self._gate.successes
        while not self._is_too_old(ticket):
            attempt = await self._attempt(ticket)
            if attempt is None:
                continue
            if self._is_settled(ticket, attempt, seen):
                break
            attempts, seen = attempts + 1, self._gate.successes
            await self._pause(attempts, attempt)
        following = self._window.finish(ticket)
        if following is not None:
            self._begin(following)
        self._note_place()
        self._move()

    async def _attempt(self, ticket: Ticket) -> Attempt | None:
        """One attempt; None when the server is away, after a wait."""
        async with self._slots:
            wait = self._gate.wait(time.monotonic())
            if wait != 0.0:
                await self._until_moved(wait)
                return None
            began = time.monotonic()
            try:
                attempt = await self._client.send(
                    self.target.request(ticket.entry, now=time.time()),
                    within=self.target.timeout_seconds,
                    takes_redirects=self.target.takes_redirects,
                )
            except BaseException:
                self._gate.gave_up()
                raise
        self._judge(attempt, began)
        return attempt

    def _judge(self, attempt: Attempt, began: float) -> None:
        """What the attempt says of the server."""
        if attempt.outcome is not Outcome.TAKEN:
            self.failed_attempts += 1
            self.why = attempt.why
        if attempt.outcome is not Outcome.AWAY:
            if self._gate.worked():
                logger.info("%s: %s answers again", self.target.name, self.target.host)
            self._move()
            return
        was_down = self._gate.down
        pause = self._gate.failed(time.monotonic(), attempt.retry_after, began=began)
        if self._gate.down and not was_down:
            logger.warning(
                "%s: %s: %s; what it is to be told is kept, the next attempt is in %.0f s",
                self.target.name, self.target.host, attempt.why, pause,
            )  # fmt: skip
        # Whoever waits for this one's word goes on.
        self._move()

    def _is_settled(self, ticket: Ticket, attempt: Attempt, seen: int) -> bool:
        if attempt.outcome is Outcome.TAKEN:
            self.delivered += 1
            return True
        if attempt.outcome is Outcome.UNWANTED:
            self._give_up(ticket, attempt.why)
            return True
        others_went = self._gate.successes > seen
        if attempt.outcome is Outcome.REFUSED or others_went:
            ticket.rejections += 1
        if ticket.rejections >= MAX_REJECTIONS:
            self._give_up(ticket, f"refused {ticket.rejections} times, last with {attempt.why}")
            return True
        return False

    async def _pause(self, attempts: int, attempt: Attempt) -> None:
        if attempt.outcome is Outcome.REFUSED:
            await asyncio.sleep(pause_after(attempts, random.random, MAX_REFUSED_PAUSE))
        elif not self._gate.down:
            await asyncio.sleep(pause_after(attempts, random.random))

    def _is_too_old(self, ticket: Ticket) -> bool:
        if time.time() - ticket.entry.at <= self.target.max_age_seconds:
            return False
        self._give_up(ticket, "too old" + (f", last failure: {self.why}" if self.why else ""))
        return True

    def _give_up(self, ticket: Ticket, why: str) -> None:
        self.given_up += 1
        logger.error(
            "%s: %s of call %s is given up: %s",
            self.target.name, ticket.entry.id, ticket.entry.call or "-", why,
        )  # fmt: skip

    def _note_place(self) -> None:
        try:
            self._cursor.move(self._window.place)
        except OSError as error:
            # A crash would repeat what was told since; the next move tries again.
            logger.error("%s: its place cannot be written: %s", self.target.name, error)
