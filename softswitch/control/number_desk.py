"""Activates and withdraws numbers while the switch runs.

A number is live beside the configuration from the moment its change is on the disk. The
configuration goes before: what it has can be withdrawn here, and brought back, and not given to
another campaign.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from config.model import NOTHING, Configuration, Number
from ringpool.activated import ActivatedNumbers, key_of
from ringpool.lookup import NumberMatch, NumberTable
from softswitch.call.events import NumberActivated, NumberWithdrawn
from softswitch.call.stream import EventStream
from softswitch.control.errors import ControlError, ErrorCode

__all__ = ["KeptNumbers", "NumberDesk"]

MAX_ACTIVATED = 100_000
"""Numbers live beside the configuration, some 50 MB; more belong into a file of numbers."""


CLOSE_SECONDS = 5.0

T = TypeVar("T")


class KeptNumbers(Protocol):
    """Keeps changes of numbers on disk (`softswitch.store.number_file`)."""

    numbers: ActivatedNumbers

    def activate(self, number: Number) -> None:
        """Have a number live; raises OSError."""

    def deactivate(self, number: Number) -> None:
        """Have it live no more."""

    def withdraw(self, number: str, campaign: str) -> None:
        """Have a number of the configuration not live."""

    def restore(self, number: str) -> None:
        """Have it live again."""


class NumberDesk:
    """One for the process."""

    def __init__(
        self,
        kept: KeptNumbers,
        table: Callable[[], NumberTable],
        configuration: Callable[[], Configuration],
        events: EventStream,
    ) -> None:
        self.kept = kept
        self._table = table
        self._configuration = configuration
        self._events = events
        self._lock = asyncio.Lock()
        """One change at a time: each looks at what is there, and then waits for the disk."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stock: tuple[str, frozenset[str]] = ("", frozenset())

    async def activate(
        self, number: Number, *, asked: str, sees: Callable[[str], bool] = lambda _campaign: True
    ) -> Number:
        """Have a number live, and say what as; with no campaign, one of the configuration that was
        withdrawn. Again is nothing. `sees`: whether a campaign is the business of whoever asks.
        Raises ControlError."""
        return await self._whole(self._activate(number, asked, sees))

    async def withdraw(self, match: NumberMatch, *, asked: str) -> None:
        """Have a number live no more; raises ControlError."""
        await self._whole(self._withdraw(match, asked))

    def find(self, called: str) -> NumberMatch | None:
        """What a call to a number would be."""
        return self._table().find(called, at=time.time())

    async def close(self) -> None:
        """Let changes come to the disk."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    async def _whole(self, change: Coroutine[Any, Any, T]) -> T:
        """A change is not left half done when whoever asked goes."""
        task = asyncio.create_task(self._in_turn(change), name="change of a number")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _in_turn(self, change: Coroutine[Any, Any, T]) -> T:
        async with self._lock:
            return await change

    async def _activate(self, number: Number, asked: str, sees: Callable[[str], bool]) -> Number:
        if not await asyncio.to_thread(self._is_open_to, sees, number):
            # Not said: whose.
            raise ControlError(ErrorCode.NUMBER_IN_USE, "the number is of another campaign")
        listed = self._table().entry(number)
        if number.pattern in self.kept.numbers.withdrawn:
            restored = await self._restore(number, listed, asked)
            if restored is not None:
                return restored
        known = self.kept.numbers.numbers.get(key_of(number))
        if known == number:
            return number
        self._check_free(number, listed, known)
        await self._write(lambda: self.kept.activate(number))
        self._tell(NumberActivated, number.pattern, number.campaign, asked)
        return number

    async def _restore(self, number: Number, listed: Number | None, asked: str) -> Number | None:
        """Bring back what was withdrawn; None: the configuration has it no more, or by a pattern
        and for another campaign."""
        if listed is not None and not _is_as_listed(number, listed):
            raise ControlError(
                ErrorCode.NUMBER_IN_USE,
                f"the configuration has this number, for the campaign {listed.campaign}",
            )
        await self._write(lambda: self.kept.restore(number.pattern))
        match = self.find(number.pattern)
        if match is None or number.campaign not in {"", match.campaign}:
            return None
        self._tell(NumberActivated, number.pattern, match.campaign, asked)
        return listed or replace(number, campaign=match.campaign)

    async def _withdraw(self, match: NumberMatch, asked: str) -> None:
        activated = self._activated(match)
        if activated is not None:
            await self._write(lambda: self.kept.deactivate(activated))
        elif match.pool is not None:
            raise ControlError(
                ErrorCode.NUMBER_IN_USE,
                f"the number is of the pool {match.pool}: only the configuration can take it",
            )
        else:
            await self._write(lambda: self.kept.withdraw(match.number, match.campaign))
        self._tell(NumberWithdrawn, match.number, match.campaign, asked)

    def _is_open_to(self, sees: Callable[[str], bool], number: Number) -> bool:
        """Whether somebody sees every campaign that gets the number's calls otherwise."""
        configured = self._table().campaign_of(number.pattern)
        if configured is not None and not sees(configured):
            return False
        country = self._configuration().switch.country
        return all(sees(one.campaign) for one in self.kept.numbers.met_by(number, country))

    def _activated(self, match: NumberMatch) -> Number | None:
        """The number that was activated, if that is what a call meets."""
        for as_is in (True, False):
            number = self.kept.numbers.numbers.get((as_is, match.number))
            if number is not None and self._table().entry(number) is None:
                return number
        return None

    def _check_free(self, number: Number, listed: Number | None, known: Number | None) -> None:
        configuration = self._configuration()
        if number.campaign not in configuration.campaigns:
            raise ControlError(
                ErrorCode.NOT_CONFIGURED, f"there is no campaign {number.campaign[:100]}"
            )
        if known is not None and known.campaign in configuration.campaigns:
            raise ControlError(
                ErrorCode.NUMBER_IN_USE,
                f"the number was activated for the campaign {known.campaign}: withdraw it first",
            )
        in_pool = self._table().is_of_pool(number.pattern)
        if listed is not None or in_pool or number.pattern in self._stocked(configuration):
            raise ControlError(ErrorCode.NUMBER_IN_USE, "the configuration has this number")
        if known is None and len(self.kept.numbers.numbers) >= MAX_ACTIVATED:
            raise ControlError(
                ErrorCode.LIMIT_REACHED, f"{MAX_ACTIVATED} numbers are activated already"
            )

    def _stocked(self, configuration: Configuration) -> frozenset[str]:
        """Numbers that pools may take from their stocks; made once for a configuration."""
        if self._stock[0] != configuration.version:
            stocks = configuration.stocks.values()
            numbers = frozenset(spare.number for stock in stocks for spare in stock.numbers)
            self._stock = (configuration.version, numbers)
        return self._stock[1]

    async def _write(self, change: Callable[[], None]) -> None:
        """The disk may take its time: in a thread."""
        try:
            await asyncio.to_thread(change)
        except OSError as error:
            raise ControlError(
                ErrorCode.INTERNAL_ERROR, f"the change cannot be kept: {error.strerror or error}"
            ) from None

    def _tell(
        self, kind: type[NumberActivated | NumberWithdrawn], number: str, campaign: str, asked: str
    ) -> None:
        self._events.tell(
            kind,
            at=time.time(),
            clock=time.monotonic(),
            called_number=number,
            campaign=campaign,
            asked=asked,
        )


def _is_as_listed(number: Number, listed: Number) -> bool:
    """Whether what was asked for is what the configuration has, or leaves that to it."""
    bare = replace(number, publisher=None, parameters=NOTHING, refuse=None)
    same = replace(listed, campaign=number.campaign)
    return number.campaign in {"", listed.campaign} and number in (bare, same)
