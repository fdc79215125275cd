"""Takes another configuration into force while calls go on.

Part of the composition root. The file is read and checked beside the calls; everything that a call
could need of it (prompts, tables, addresses of trunks, numbers of pools) is made ready before
anything changes, and then all of it changes in one turn of the loop. Calls in progress keep the
configuration they began with. What is wrong with the file leaves the running one in force.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from config.difference import Difference as Found
from config.difference import differences, needs_restart, with_running_settings
from config.errors import ConfigErrors, Problems
from config.model import Configuration
from config.references import check_database, check_tap
from ivr.prompts import PromptError, PromptLibrary, ReadyPrompts
from softswitch.aside import Aside
from softswitch.call.events import ConfigRefused, ConfigReloaded
from softswitch.call.stream import EventStream
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.reloading import (
    ConfigurationRefused,
    Difference,
    Follower,
    Mistake,
    Reloaded,
)
from softswitch.switchboard.switchboard import Snapshot, Switchboard

if TYPE_CHECKING:
    from softswitch.tracking import Tracking

__all__ = ["Reloader"]

logger = logging.getLogger(__name__)

PREPARE_SECONDS = 600.0
"""How long a configuration may take to be made ready: its prompts may have to be spoken first."""

READ_SECONDS = 120.0
"""How long reading the file, and all that it names, may take of that: two million numbers take a
minute on a busy machine, and what takes longer hangs."""

MAX_WAITING = 10
"""Wishes that wait while another is fulfilled; more are mistaken."""

MAX_TOLD = 1000
"""Changes told one by one; a file of numbers may bring a hundred thousand."""

SWITCH_INTERVAL = 0.0005
"""How long the thread that reads the file may keep the interpreter from the calls: at the usual
5 ms each packet of SIP would wait that long meanwhile."""

RELAXED = 10_000
"""Objects between collections from which on the process is a switch, whose command line has told
the collector to look at little; elsewhere it is not ours to steer."""

SIGNAL = "signal"


@dataclass(frozen=True, slots=True)
class _Ready:
    """A configuration with everything made of it, before it is in force."""

    configuration: Configuration
    snapshot: Snapshot
    prompts: ReadyPrompts
    changes: list[Difference]
    total: int
    needs_restart: tuple[str, ...]


@dataclass
class Reloader:
    """Implements `softswitch.control.reloading.Reloads`."""

    load: Callable[[], Configuration]
    """Reads the file, in a thread; raises ConfigErrors."""
    running: Callable[[], Configuration]
    switchboard: Switchboard
    prompts: PromptLibrary
    tracking: Tracking
    make_snapshot: Callable[[Configuration], Awaitable[Snapshot]]
    put: Callable[[Configuration, Snapshot], None]
    """Has calls that come in from now on begin with it."""
    events: EventStream
    followers: list[Follower] = field(default_factory=list)
    """Made ready before it is in force, and told in the turn of the loop in which it is."""
    afterwards: list[Callable[[Configuration], Awaitable[None]]] = field(default_factory=list)
    """Told behind that, one after the other; what raises OSError is logged."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set[asyncio.Task[Reloaded]] = field(default_factory=set)
    _reading: Aside[Configuration] | None = None

    async def reload(self, *, asked: str, dry_run: bool = False) -> Reloaded:
        """Take the file into force; raises ConfigurationRefused, and ControlError when too many
        ask. Goes on when whoever asked goes."""
        if len(self._tasks) > MAX_WAITING:
            raise ControlError(ErrorCode.TOO_MANY_REQUESTS, "the configuration is being read")
        task = asyncio.create_task(self._in_turn(asked, dry_run=dry_run), name="reload")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def on_signal(self) -> None:
        """SIGHUP: what becomes of it stands in the log."""
        if len(self._tasks) <= MAX_WAITING:
            task = asyncio.create_task(self._in_turn(SIGNAL, dry_run=False), name="reload")
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def close(self) -> None:
        """Leave what is not in force yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Reloaded]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, ConfigurationRefused):
            logger.error("the configuration could not be reloaded", exc_info=error)

    async def _in_turn(self, asked: str, *, dry_run: bool) -> Reloaded:
        async with self._lock:
            began = time.monotonic()
            before = self.running()
            try:
                ready = await self._ready(before)
            except ConfigurationRefused as refused:
                if not dry_run:
                    self._tell_refused(asked, before, refused)
                raise
            if not dry_run:
                await self.tracking.take_over(ready.configuration)
                self._take_over(ready)
            seconds = round(time.monotonic() - began, 3)
            told = _told(before, ready, seconds)
            if not dry_run:
                self._tell_reloaded(asked, told)
                await self._tell_afterwards(ready.configuration)
            return told

    # Making ready.

    async def _ready(self, before: Configuration) -> _Ready:
        """Everything that can go wrong; raises ConfigurationRefused."""
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                return await self._prepared(before)
        except ConfigErrors as errors:
            raise _refused(errors) from None
        except PromptError as error:
            raise ConfigurationRefused.because(str(error)) from None
        except TimeoutError:
            message = f"it could not be made ready within {PREPARE_SECONDS:.0f} s"
            raise ConfigurationRefused.because(message) from None

    async def _prepared(self, before: Configuration) -> _Ready:
        with _calls_first():
            written = await self._read()
            fresh = with_running_settings(before, written)
            _check(fresh)
            changes = await asyncio.to_thread(lambda: list(differences(before, written)))
            snapshot = await self.make_snapshot(fresh)
        for follower in self.followers:
            await follower.prepare(fresh)
        prompts = await self.prompts.ready(fresh)
        renewed = [Difference("prompts", str(path), "changed") for path in prompts.renewed]
        return _Ready(
            fresh,
            snapshot,
            prompts,
            renewed + [_difference(change) for change in islice(changes, MAX_TOLD)],
            len(renewed) + len(changes),
            needs_restart(before, written),
        )

    async def _read(self) -> Configuration:
        """The file as it is now; raises ConfigErrors, and ConfigurationRefused when that hangs."""
        if self._reading is not None and not self._reading.is_over:
            raise ConfigurationRefused.because("a file that was to be read before still hangs")
        self._reading = Aside(self.load, name="configuration")
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._reading.result()
        except TimeoutError:
            message = f"it, or a file it names, could not be read within {READ_SECONDS:g} s"
            raise ConfigurationRefused.because(message) from None

    # Taking over.

    def _take_over(self, ready: _Ready) -> None:
        """In one turn of the loop: no call sees half of it."""
        fresh = ready.configuration
        calls = self.switchboard.calls.values()
        in_use = {id(call.configuration): call.configuration for call in calls}
        self.prompts.take(ready.prompts, list(in_use.values()))
        self.tracking.use(fresh)
        self.put(fresh, ready.snapshot)
        for follower in self.followers:
            follower.use(fresh)

    async def _tell_afterwards(self, configuration: Configuration) -> None:
        for tell in self.afterwards:
            try:
                await tell(configuration)
            except OSError as error:
                logger.error("the new configuration: %s", error)

    # What is told.

    def _tell_reloaded(self, asked: str, told: Reloaded) -> None:
        self.events.tell(
            ConfigReloaded,
            at=time.time(),
            clock=time.monotonic(),
            version=told.version,
            before=told.before,
            asked=asked,
            changes=told.total,
            needs_restart=tuple(told.needs_restart),
            seconds=told.seconds,
        )

    def _tell_refused(
        self, asked: str, before: Configuration, refused: ConfigurationRefused
    ) -> None:
        first = refused.mistakes[0]
        place = f"{first.file}:{first.line}:{first.column}: " if first.line else ""
        self.events.tell(
            ConfigRefused,
            at=time.time(),
            clock=time.monotonic(),
            version=before.version,
            asked=asked,
            errors=len(refused.mistakes),
            first=f"{place}{first.message}",
        )


def _check(fresh: Configuration) -> None:
    """What the file may say with settings of the switch that are not in force before a restart."""
    problems = Problems()
    switch, campaigns = fresh.switch, fresh.campaigns
    check_database(switch, fresh.numbers, fresh.pools, campaigns, problems)
    check_tap(switch, campaigns, problems)
    problems.raise_if_any()


@contextmanager
def _calls_first() -> Iterator[None]:
    """The loop gets the interpreter soon, however busy a thread is, and the collector does not walk
    a million new objects at once: what is loaded lives until the next time, and has no cycles."""
    usual, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(min(usual, SWITCH_INTERVAL))
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
        if gc.get_threshold()[0] > RELAXED:
            gc.freeze()  # as the command line has done at the start
        if collects:
            gc.enable()


def _refused(errors: ConfigErrors) -> ConfigurationRefused:
    mistakes = [
        Mistake(error.file, error.line, error.column, error.message, error.suggestion)
        for error in errors.errors
    ]
    return ConfigurationRefused(mistakes, complete=errors.complete)


def _difference(change: Found) -> Difference:
    return Difference(change.section, change.name, change.change)


def _told(before: Configuration, ready: _Ready, seconds: float) -> Reloaded:
    return Reloaded(
        version=ready.configuration.version,
        before=before.version,
        changes=ready.changes[:MAX_TOLD],
        total=ready.total,
        needs_restart=list(ready.needs_restart),
        seconds=seconds,
    )
