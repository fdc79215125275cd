"""What is said again with the same key is done once: results by idempotency key.

A program that was cut off does not know whether its call was placed; it asks again with the same
key and gets the result of the first time, for a day within one life of the switch. A request under
way goes on without its connection, and whoever repeats it joins it. Failures are not kept: after
one the key is free. Keys belong to whoever the token names, and to one method.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.rpc import json_bytes

__all__ = ["Idempotency", "IdempotencyKey"]

MAX_KEY = 200
"""Letters of a key: a UUID and much more."""

KEEP_SECONDS = 86_400.0
"""Nobody repeats a request after a day."""

MAX_KEPT_BYTES = 32 << 20
"""Of the results of one identity, about 50,000 of them: beyond it the oldest are forgotten before
their day is over, those of others are not."""

ENTRY_BYTES = 500
"""What a result costs beside its own bytes."""

MAX_UNDER_WAY = 1000
"""Requests of one identity that are not answered yet: they outlive their connections."""

RUN_SECONDS = 300.0
"""No request takes longer."""

IdempotencyKey = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY)]
"""The type of a parameter `idempotency_key: IdempotencyKey | None = None`."""

Run = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A result, and the parameters it belongs to."""

    params: bytes
    result: bytes
    until: float

    @property
    def size(self) -> int:
        return len(self.result) + ENTRY_BYTES


class _Owner:
    """The keys of one identity."""

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        """By method and key, the oldest first."""
        self.under_way: dict[tuple[str, str], tuple[bytes, asyncio.Task[bytes]]] = {}
        self.size = 0

    def keep(self, where: tuple[str, str], kept: _Kept) -> None:
        self.kept[where] = kept
        self.size += kept.size
        while self.size > MAX_KEPT_BYTES:
            self._forget_oldest()

    def forget(self, now: float) -> None:
        """Let go of what is older than a day."""
        while self.kept and next(iter(self.kept.values())).until <= now:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, oldest = self.kept.popitem(last=False)
        self.size -= oldest.size


class Idempotency:
    """All keys there are."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._owners: dict[str, _Owner] = {}

    @property
    def kept(self) -> int:
        """Results that are kept."""
        return sum(len(owner.kept) for owner in self._owners.values())

    async def run(self, owner: str, method: str, key: str, params: msgspec.Struct, run: Run) -> Any:
        """The result of a request, of now or of then; raises ControlError as it does."""
        if not 0 < len(key) <= MAX_KEY:
            message = f"idempotency_key: 1 to {MAX_KEY} letters"
            raise ControlError(ErrorCode.INVALID_PARAMS, message)
        keys = self._owners.setdefault(owner, _Owner())
        keys.forget(self._now())
        where, digest = (method, key), _digest(params)
        kept = keys.kept.get(where)
        if kept is not None:
            _check_same(kept.params, digest)
            return msgspec.Raw(kept.result)
        before, task = keys.under_way.get(where, (digest, None))
        _check_same(before, digest)
        if task is None:
            task = self._begin(keys, where, digest, run)
        # One who asked and has gone takes neither the request nor the others with it.
        return msgspec.Raw(await asyncio.shield(task))

    def _begin(
        self, keys: _Owner, where: tuple[str, str], digest: bytes, run: Run
    ) -> asyncio.Task[bytes]:
        if len(keys.under_way) >= MAX_UNDER_WAY:
            raise ControlError(ErrorCode.TOO_MANY_REQUESTS, "too many requests are under way")
        task = asyncio.create_task(_result(run), name=f"idempotent {where[0]}")
        keys.under_way[where] = digest, task

        def done(task: asyncio.Task[bytes]) -> None:
            del keys.under_way[where]
            # Asking for the exception marks it as seen: nobody may be left who waits for it.
            if not task.cancelled() and task.exception() is None:
                until = self._now() + KEEP_SECONDS
                keys.keep(where, _Kept(digest, task.result(), until))

        task.add_done_callback(done)
        return task

    async def close(self) -> None:
        """Break off what is under way."""
        tasks = [task for owner in self._owners.values() for _, task in owner.under_way.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _result(run: Run) -> bytes:
    try:
        async with asyncio.timeout(RUN_SECONDS):
            return json_bytes(await run())
    except TimeoutError:
        raise ControlError(ErrorCode.TIMED_OUT, "the request took too long") from None


def _digest(params: msgspec.Struct) -> bytes:
    return hashlib.sha256(msgspec.json.encode(params, order="sorted")).digest()


def _check_same(before: bytes, now: bytes) -> None:
    if before != now:
        raise ControlError(
            ErrorCode.KEY_REUSED, "the idempotency key was used with other parameters"
        )
