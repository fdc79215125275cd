"""Names to addresses, with a deadline and a short memory: asked of the system outside the loop's
thread, or of whoever is given.

The switch has few names to look up, those of its trunks, and asks for them again and again: an
answer is kept as long as it says, within bounds, an old answer serves while the name service is
down, and a failure is remembered, so that calls to a bad name fail at once. It knows no SIP: no
SRV, no NAPTR.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from softswitch.transport.endpoint import is_address
from softswitch.transport.names import Addresses

# getaddrinfo does not tell how long an answer holds; half a minute follows a failover by DNS.
FRESH_SECONDS = 30.0
# What an answer says of itself counts between these: each call would ask, or none for a day.
SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 3600.0
# A name that is not there yet is asked for again soon, whatever its zone says.
LONGEST_NEGATIVE_SECONDS = 60.0
# Not so long that a repaired name is missed, not so short that each call waits for a dead service.
FAILURE_SECONDS = 5.0
# An old answer is better than none while the name service is down, for as long as a long call.
STALE_SECONDS = 4 * 3600.0
# A caller waits for its answer: a name that takes longer is as good as dead.
DEADLINE_SECONDS = 3.0
# Contact headers of peers can bring names too; they must not fill the memory.
MAX_NAMES = 1024


# What getaddrinfo says of a name that has no address; everything else is a service that is down.
_NO_SUCH_NAME = frozenset((socket.EAI_NONAME, socket.EAI_NODATA))


class NameNotResolved(OSError):
    """A name has no address we can use, or its look-up took too long."""


class NameUnknown(NameNotResolved):
    """The name service says that there is no such name, or no address of it."""


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[str, ...]
    asked_at: float
    seconds: float | None = None
    said: bool = True
    """Whether it is what the name service said; else it said nothing."""
    failed_at: float = -math.inf
    """When the name service said nothing last, and this served on."""

    def holds_at(self, now: float) -> bool:
        """Whether nobody need ask again."""
        return now - self.asked_at < self._holds or now - self.failed_at < FAILURE_SECONDS

    @property
    def _holds(self) -> float:
        if not self.said:
            return FAILURE_SECONDS
        if self.seconds is None:
            return FRESH_SECONDS if self.addresses else FAILURE_SECONDS
        longest = LONGEST_SECONDS if self.addresses else LONGEST_NEGATIVE_SECONDS
        return min(max(self.seconds, SHORTEST_SECONDS), longest)


Lookup = Callable[[str], Awaitable[Addresses]]


async def look_up(host: str) -> Addresses:
    """Ask the system's resolver, in a thread of the loop's pool."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        if error.errno not in _NO_SUCH_NAME:
            raise
        return Addresses(())
    return Addresses(tuple(str(address[0]) for *_, address in found))


def asking(servers: Lookup) -> Lookup:
    """Ask name servers of our own for names with dots. An address, or a single label as localhost
    is, is the machine's own business."""

    async def ask(host: str) -> Addresses:
        is_name = "." in host.rstrip(".") and not is_address(host)
        return await (servers if is_name else look_up)(host)

    return ask


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
        return answer.addresses if answer.holds_at(asyncio.get_running_loop().time()) else None

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The addresses of a name, best first; raises NameNotResolved, and NameUnknown where the
        name service itself says so."""
        addresses = self.known(host)
        if addresses is None:
            task = self._running.get(host)
            if task is None:
                task = asyncio.create_task(self._ask(host), name=f"resolve {host}")
                self._running[host] = task
                task.add_done_callback(lambda _: self._running.pop(host, None))
            addresses = await asyncio.shield(task)
        if not addresses:
            raise self.failure(host)
        return addresses

    def failure(self, host: str) -> NameNotResolved:
        """Why there is no address of a name that was asked for."""
        answer = self._answers.get(host)
        kind = NameUnknown if answer is not None and answer.said else NameNotResolved
        return kind(f"no address for {host!r}")

    async def close(self) -> None:
        """End the look-ups that still run."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, host: str) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(self._deadline):
                found = await self._lookup(host)
        except (OSError, UnicodeError, ValueError, TimeoutError):
            # UnicodeError: a label that is empty or longer than 63 bytes.
            return self._failed(host)
        addresses = tuple(dict.fromkeys(found.addresses))
        now = asyncio.get_running_loop().time()
        self._keep(host, _Answer(addresses, now, found.seconds))
        return addresses

    def _failed(self, host: str) -> tuple[str, ...]:
        """The service is down: an old answer serves for a while before it is asked again, or each
        call would wait for it."""
        old = self._answers.get(host)
        now = asyncio.get_running_loop().time()
        if old is not None and old.addresses and now - old.asked_at < STALE_SECONDS:
            self._answers[host] = replace(old, failed_at=now)
            return old.addresses
        self._keep(host, _Answer((), now, said=False))
        return ()

    def _keep(self, host: str, answer: _Answer) -> None:
        if len(self._answers) >= MAX_NAMES and host not in self._answers:
            del self._answers[next(iter(self._answers))]
        self._answers[host] = answer
