"""Fetches certificates that calls name and nobody knows here (RFC 8588 section 5.3.1).

A call chooses the URL, so only hosts that the operator names are asked, by HTTPS, without following
anybody elsewhere; what comes is bounded in length and time. Calls wait for it for a moment, those
behind them need not. What an authority of ours stands behind is kept in the folder of certificates.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from config.model import Fetching, Stir
from softswitch.stir.places import host_of, place_of

if TYPE_CHECKING:
    from softswitch.stir.trust import TrustStore

__all__ = ["CertificateFetcher"]

logger = logging.getLogger(__name__)

FETCH_SECONDS = 5.0
"""For one certificate, from the name of its host to the last byte."""
RETRY_SECONDS = 60.0
"""How long one that was asked for in vain is not asked for again."""
MAX_BYTES = 65_536
"""Of one file: a chain has some kB."""
MAX_FETCHING = 20
"""At once; calls with further ones do not wait."""
MAX_A_MINUTE = 300
"""Begun: who makes up names on a host that may be asked gets it asked no oftener."""
MAX_HELD = 500
"""Calls that wait; others go on with what is known."""
MAX_TRIED = 10_000
"""URLs remembered of those that were asked for; the oldest is forgotten."""
MAX_KEPT_PATH = 200
"""Characters of a place that becomes a file."""

_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*\Z")
_HOST = re.compile(r"[a-z0-9.-]+(?::[0-9]{1,5})?\Z")


class CertificateFetcher:
    """One for the process; owns its tasks until `close`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wall_clock: Callable[[], float]) -> None:
        self._loop = loop
        self._wall_clock = wall_clock
        self._fetching: Fetching | None = None
        self._trust: TrustStore | None = None
        self._folder: Path | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By place."""
        self._held: set[asyncio.Task[None]] = set()
        self._tried: OrderedDict[str, float] = OrderedDict()
        self._context: ssl.SSLContext | None = None
        self._begun = 0
        self._minute = 0
        self.fetched: Counter[str] = Counter()
        """By what came of it."""

    def use(self, stir: Stir, trust: TrustStore | None) -> None:
        """Fetch as a configuration says, from now on."""
        self._fetching, self._trust, self._folder = stir.fetching, trust, stir.certificates
        self._tried.clear()
        self._context = None

    async def close(self) -> None:
        """Wait for nobody any more."""
        tasks = [*self._tasks.values(), *self._held]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def is_on(self) -> bool:
        """Whether anything is fetched at all."""
        return self._fetching is not None and self._trust is not None

    def holds(self, urls: Iterable[str], go_on: Callable[[], None]) -> bool:
        """Whether a call waits for certificates: `go_on` is called when they are there, or the time
        for it is over."""
        fetching = self._fetching
        if fetching is None or self._trust is None:
            return False
        tasks = [task for task in map(self._task_for, urls) if task is not None]
        if not tasks or not fetching.wait_seconds or len(self._held) >= MAX_HELD:
            return False
        held = self._loop.create_task(self._wait(tasks, fetching.wait_seconds, go_on))
        self._held.add(held)
        held.add_done_callback(self._held.discard)
        return True

    async def _wait(
        self, tasks: list[asyncio.Task[None]], seconds: float, go_on: Callable[[], None]
    ) -> None:
        await asyncio.wait(tasks, timeout=seconds)
        go_on()

    def _task_for(self, url: str) -> asyncio.Task[None] | None:
        """Who fetches a certificate, where that is to be done."""
        place = place_of(url)
        if place is None or self._trust is None or not self._may_ask(host_of(place)):
            return None
        running = self._tasks.get(place)
        if running is not None:
            return running
        now = self._wall_clock()
        known = self._trust.find(url, now)
        if (known is not None and not known.problem_at(now)) or not self._tries(place):
            return None
        task = self._loop.create_task(self._fetch(place, self._trust), name="certificate")
        self._tasks[place] = task
        task.add_done_callback(lambda _: self._tasks.pop(place, None))
        return task

    def _may_ask(self, host: str) -> bool:
        assert self._fetching is not None
        return any(
            host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
            for allowed in self._fetching.hosts
        )

    def _tries(self, place: str) -> bool:
        """Whether a place is to be asked now."""
        now = self._loop.time()
        if len(self._tasks) >= MAX_FETCHING or now - self._tried.get(place, -1e9) < RETRY_SECONDS:
            return False
        minute = int(now // 60)
        self._begun = 1 if minute != self._minute else self._begun + 1
        self._minute = minute
        if self._begun > MAX_A_MINUTE:
            return False
        self._tried[place] = now
        self._tried.move_to_end(place)
        if len(self._tried) > MAX_TRIED:
            self._tried.popitem(last=False)
        return True

    async def _fetch(self, place: str, trust: TrustStore) -> None:
        import aiohttp

        url = f"https://{place}"
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                if self._context is None:
                    # Reads the authorities of the system: tens of milliseconds.
                    self._context = await asyncio.to_thread(ssl.create_default_context)
                data = await _read(url, self._context)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            self.fetched["failed"] += 1
            logger.warning("certificate %.200s: %s", url, str(error) or type(error).__name__)
            return
        found = trust.add(url, data, self._wall_clock())
        good = found is not None and not found.problem_at(self._wall_clock())
        self.fetched["good" if good else "useless"] += 1
        if good:
            logger.info("certificate %.200s is known now", url)
            await asyncio.to_thread(_keep, self._folder, place, data)


async def _read(url: str, context: ssl.SSLContext) -> bytes:
    """What stands at a URL; raises ValueError when that is too long, or not there."""
    import aiohttp
    from yarl import URL

    async with (
        aiohttp.ClientSession() as session,
        # Escaped as it is: the place is the name under which others sign.
        session.get(URL(url, encoded=True), ssl=context, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise ValueError(f"answered with {response.status}")
        data = bytearray()
        async for chunk in response.content.iter_chunked(MAX_BYTES):
            data += chunk
            if len(data) > MAX_BYTES:
                raise ValueError(f"longer than {MAX_BYTES} bytes")
        return bytes(data)


def _keep(folder: Path | None, place: str, data: bytes) -> None:
    """Keep a certificate in the folder, where its name can be that of a file."""
    host, *path = place.split("/")
    if folder is None or len(place) > MAX_KEPT_PATH or not _HOST.match(host):
        return
    if not path or not all(_SEGMENT.match(segment) for segment in path):
        return
    file = folder.joinpath(host, *path)
    beside = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        os.replace(beside, file)
    except OSError as error:
        logger.warning("certificate %.200s is not kept: %s", file, error.strerror)
