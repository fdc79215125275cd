"""All webhooks and pixels of one switch: the spool, who feeds it, and a dispatcher a target.

Without any in the configuration it has no files, no tasks and no cost. Everything that blocks runs
in one thread of its own, so that files have one user at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from config.model import Configuration, Pixel, Webhook
from softswitch.campaign.regions import NOTHING_KNOWN, NumberAbout
from softswitch.campaign.tables import Tables
from softswitch.control.history import EventHistory
from softswitch.control.webhooks.client import WebhookClient
from softswitch.control.webhooks.cursor import Cursor, forget_others
from softswitch.control.webhooks.dispatcher import Dispatcher
from softswitch.control.webhooks.feeder import Feeder
from softswitch.control.webhooks.life import tell_death
from softswitch.control.webhooks.spool import Spool
from softswitch.control.webhooks.target import PixelTarget, Target, WebhookTarget

__all__ = ["Webhooks"]

logger = logging.getLogger(__name__)

FOLDER = "webhooks"
"""In the data folder."""

TRIM_SECONDS = 10.0


class Webhooks:
    """One for the process."""

    def __init__(self, history: EventHistory, data: Path) -> None:
        """`data`: the folder of records.jsonl."""
        self._history = history
        self._data = data
        self._executor: ThreadPoolExecutor | None = None
        self._spool: Spool | None = None
        self._feeder: Feeder | None = None
        self._client = WebhookClient()
        self._configured: dict[str, Webhook | Pixel] = {}
        self._dispatchers: dict[str, tuple[Dispatcher, asyncio.Task[None]]] = {}
        self._trimmer: asyncio.Task[None] | None = None

    async def start(self, configuration: Configuration) -> None:
        """Begin to tell whoever is configured; raises OSError."""
        await self.update(configuration)

    async def update(self, configuration: Configuration) -> None:
        """Tell whoever is configured now; those that stay as they are notice nothing. Raises
        OSError."""
        wanted = _targets_of(configuration)
        if not wanted and self._spool is None:
            return
        spool = self._spool or await self._open()
        for name in tuple(self._dispatchers):
            if name not in wanted or self._configured[name] != wanted[name][0]:
                await self._end(name)
        folder = self._data / FOLDER
        await self._blocking(lambda: forget_others(folder, wanted.keys()))
        self._configured = {name: configured for name, (configured, _) in wanted.items()}
        for name, (_, target) in wanted.items():
            if name not in self._dispatchers:
                self._begin(name, target, spool)
        assert self._feeder is not None
        self._feeder.want(_patterns(configuration))

    async def _open(self) -> Spool:
        executor = ThreadPoolExecutor(1, thread_name_prefix="webhooks")
        self._executor = executor
        folder = self._data / FOLDER
        spool: Spool = await self._blocking(lambda: Spool(folder))
        self._spool = spool
        if spool.cut_bytes:
            logger.warning("webhooks: %d torn bytes were cut from the spool", spool.cut_bytes)
        self._feeder = Feeder(
            spool, self._history, self._data / "records.jsonl", self._blocking, self._on_appended
        )
        self._feeder.start()
        self._trimmer = asyncio.create_task(self._trim_regularly(spool), name="webhooks trimmer")
        return spool

    def _begin(self, name: str, target: Target, spool: Spool) -> None:
        cursor = Cursor(self._data / FOLDER, name, oldest=spool.start, newest=spool.end)
        dispatcher = Dispatcher(target, spool, cursor, self._client, self._blocking)
        task = asyncio.create_task(dispatcher.run(), name=target.name)
        task.add_done_callback(tell_death)
        self._dispatchers[name] = dispatcher, task

    async def _end(self, name: str) -> None:
        dispatcher, task = self._dispatchers.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        dispatcher.close()

    async def _blocking(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _on_appended(self) -> None:
        for dispatcher, _task in self._dispatchers.values():
            dispatcher.wake()

    async def _trim_regularly(self, spool: Spool) -> None:
        while True:
            await asyncio.sleep(TRIM_SECONDS)
            places = [dispatcher.place for dispatcher, _task in self._dispatchers.values()]
            told = min(places, default=spool.end)
            with suppress(OSError):
                await self._blocking(partial(spool.trim, told))

    async def close(self) -> None:
        """Bring the last events into the spool and stop; what was not told is told by the next
        life."""
        if self._trimmer is not None:
            self._trimmer.cancel()
            await asyncio.gather(self._trimmer, return_exceptions=True)
        if self._feeder is not None:
            await self._feeder.close()
        for name in tuple(self._dispatchers):
            await self._end(name)
        await self._client.close()
        if self._spool is not None:
            self._spool.close()
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def status(self) -> dict[str, Any]:
        """For `status` and /metrics."""
        if self._spool is None or self._feeder is None:
            return {"spool_bytes": 0, "lost_bytes": 0, "missed": 0, "spooled": 0, "targets": {}}
        return {
            "spool_bytes": self._spool.end - self._spool.start,
            "lost_bytes": self._spool.lost_bytes,
            "missed": self._feeder.missed,
            "spooled": self._feeder.spooled,
            "targets": {
                name: dispatcher.status() for name, (dispatcher, _) in self._dispatchers.items()
            },
        }


def _targets_of(configuration: Configuration) -> Mapping[str, tuple[Webhook | Pixel, Target]]:
    found: dict[str, tuple[Webhook | Pixel, Target]] = {}
    for webhook in configuration.webhooks.values():
        target = WebhookTarget(webhook)
        found[target.name] = webhook, target
    # As conditions of calls look things up, without the calls.
    about = Tables(configuration).about if configuration.pixels else _nothing_known
    for pixel in configuration.pixels.values():
        fetched = PixelTarget(pixel, about)
        found[fetched.name] = pixel, fetched
    return found


def _nothing_known(_number: str, _jip: str | None) -> NumberAbout:
    return NOTHING_KNOWN


def _patterns(configuration: Configuration) -> tuple[str, ...]:
    """Which events anybody wants."""
    return tuple(
        sorted({one for webhook in configuration.webhooks.values() for one in webhook.events})
    )
