"""Names to addresses: getaddrinfo outside the loop's thread, with a deadline and a short memory.

The switch has few names to look up, those of its trunks, and asks for them again and again: an
answer is kept for a short time, an old answer serves while the name service is down, and a
failure is remembered, so that calls to a bad name fail at once. It knows no SIP: no SRV, no
NAPTR.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

# getaddrinfo does not tell how long an answer holds; half a minute follows a failover by DNS.
FRESH_SECONDS = 30.0
# Not so long that a repaired name is missed, not so short that each call waits for a dead service.
FAILURE_SECONDS = 5.0
# An old answer is better than none while the name service is down, for as long as a long call.
STALE_SECONDS = 4 * 3600.0
# A caller waits for its answer: a name that takes longer is as good as dead.
DEADLINE_SECONDS = 3.0
# Contact headers of peers can bring names too; they must not fill the memory.
MAX_NAMES = 1024


class NameNotResolved(OSError):
    """A name has no address we can use, or its look-up took too long."""


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[str, ...]
    asked_at: float


Lookup = Callable[[str], Awaitable[Sequence[str]]]


async def look_up(host: str) -> Sequence[str]:
    """Ask the system's resolver, in a thread of the loop's pool."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return [str(address[0]) for *_, address in found]


class Resolver:
    """Resolves names, at most one look-up a name at a time."""

    def __init__(self, lookup: Lookup = look_up, *, deadline: float = DEADLINE_SECONDS) -> None:
        self._lookup = lookup
        self._deadline = deadline
        self._answers: dict[str, _Answer] = {}
        self._running: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    def known(self, host: str) -> tuple[str, ...] | None:
        """The fresh answer for a name: () for one that failed lately, None if it must be asked."""
        answer = self._answers.get(host)
        if answer is None:
            return None
        age = asyncio.get_running_loop().time() - answer.asked_at
        limit = FRESH_SECONDS if answer.addresses else FAILURE_SECONDS
        return answer.addresses if age < limit else None

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The addresses of a name, best first; raises NameNotResolved."""
        addresses = self.known(host)
        if addresses is None:
            task = self._running.get(host)
            if task is None:
                task = asyncio.create_task(self._ask(host), name=f"resolve {host}")
                self._running[host] = task
                task.add_done_callback(lambda _: self._running.pop(host, None))
            addresses = await asyncio.shield(task)
        if not addresses:
            raise NameNotResolved(f"no address for {host!r}")
        return addresses

    async def close(self) -> None:
        """End the look-ups that still run."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, host: str) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(self._deadline):
                found = tuple(dict.fromkeys(await self._lookup(host)))
        except (OSError, UnicodeError, ValueError, TimeoutError):
            # UnicodeError: a label that is empty or longer than 63 bytes.
            return self._failed(host)
        self._keep(host, found)
        return found

    def _failed(self, host: str) -> tuple[str, ...]:
        old = self._answers.get(host)
        now = asyncio.get_running_loop().time()
        if old is not None and old.addresses and now - old.asked_at < STALE_SECONDS:
            return old.addresses
        self._keep(host, ())
        return ()

    def _keep(self, host: str, addresses: tuple[str, ...]) -> None:
        if len(self._answers) >= MAX_NAMES and host not in self._answers:
            del self._answers[next(iter(self._answers))]
        self._answers[host] = _Answer(addresses, asyncio.get_running_loop().time())
