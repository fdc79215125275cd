"""The conversation on one control connection: messages in, answers and events out.

Knows no socket: `receive` takes a message, `send` is given by the shell and waits while the peer is
slow. Requests of one connection run side by side, as many as MAX_RUNNING; further ones wait in
line, and the peer is not read meanwhile. Answers go out as they come about.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any, Protocol

from softswitch.control.access import NOBODY, Access, Identity
from softswitch.control.catalogue import Catalogue, Method, Params
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.rpc import Rejected, Request, read_message, response, responses

__all__ = ["MAX_RUNNING", "Caller", "Session"]

logger = logging.getLogger(__name__)

MAX_RUNNING = 100
"""Requests of one connection at the same time; a gather may take a minute, so few would be too
few."""


MAX_BATCH_ANSWER = 16 << 20
"""Bytes of the answer to a batch: it is sent as one message, and held in memory until then."""


class Send(Protocol):
    """The way to the peer."""

    def __call__(self, *messages: bytes) -> Awaitable[None]:
        """Send messages, each in a line or frame of its own; waits while the peer is slow."""


class Caller:
    """Who has called a method, and the way back to them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def identity(self) -> Identity:
        """Who they are."""
        return self._session.identity

    @property
    def session(self) -> Session:
        """Their connection."""
        return self._session


class Session:
    """One connection."""

    def __init__(
        self,
        catalogue: Catalogue,
        desk: Any,
        send: Send,
        *,
        access: Access,
        identity: Identity = NOBODY,
        peer: str = "",
        address: str = "",
        auth_seconds: float = 0.0,
        cut_off: Callable[[], None] = lambda: None,
    ) -> None:
        """`cut_off` ends the connection from this side; so long a peer without rights may take to
        show a token (0: as long as it likes)."""
        self.identity = identity
        self.peer = peer
        """Where it comes from, for the log."""
        self.address = address
        """The peer's IP address; empty on the Unix socket."""
        self.subscriptions: dict[int, asyncio.Task[None]] = {}
        """What goes on beside the requests, until the connection is over."""
        self.subscription_numbers = itertools.count(1)
        self.when_closed: set[Callable[[], None]] = set()
        """Told when the connection is over, before what runs is broken off."""
        self.polls = 0
        """Requests that wait for events."""
        self.catalogue = catalogue
        self._desk = desk
        self._send = send
        self._access = access
        self._cut_off = cut_off
        self._running = asyncio.Semaphore(MAX_RUNNING)
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests = 0
        self._auth_seconds = auth_seconds
        self._too_late: asyncio.TimerHandle | None = None
        if auth_seconds and not identity.roles:
            loop = asyncio.get_running_loop()
            self._too_late = loop.call_later(auth_seconds, self._on_too_late)
        access.on_gone.add(self._on_gone)

    def ask_no_token(self) -> None:
        """The peer is let stay as it is: it speaks something else, or has shown a token."""
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None

    def _on_too_late(self) -> None:
        """Whatever else it has said meanwhile, and whatever it waits for."""
        self._too_late = None
        message = "control connection from %s: no token within %g s, it is cut off"
        logger.info(message, self.peer, self._auth_seconds)
        self._cut_off()

    def authenticate(self, token: str) -> Identity:
        """Take a token; raises ControlError."""
        try:
            identity = self._access.admit(token, self.address)
        except ControlError as error:
            logger.warning("control connection from %s: %s", self.peer, error)
            raise
        self.identity = identity
        self.ask_no_token()
        return identity

    def _on_gone(self, gone: Collection[Identity]) -> None:
        """Tokens were taken away: who has come with one of them leaves."""
        if self.address and self.identity in gone:
            logger.warning("control connection from %s: its token is no longer there", self.peer)
            self.identity = NOBODY
            self._cut_off()

    async def send(self, *messages: bytes) -> None:
        """Send messages to the peer."""
        await self._send(*messages)

    async def receive(self, message: bytes | Rejected) -> None:
        """Take one message; returns when there is room for the next."""
        if isinstance(message, Rejected):
            await self._send(response(message.id, message.error))
            return
        requests, is_batch = read_message(message)
        await self._running.acquire()
        task = asyncio.create_task(self._serve(requests, is_batch=is_batch))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._running.release()
        if not task.cancelled() and task.exception() is not None:
            logger.debug("control connection from %s: %s", self.peer, task.exception())

    async def _serve(self, requests: list[Request | Rejected], *, is_batch: bool) -> None:
        if is_batch:
            whole = responses(await self._answer_batch(requests))
        else:
            whole = await self._answer(requests[0]) or b""
        if whole:
            await self._send(whole)

    async def _answer_batch(self, requests: list[Request | Rejected]) -> list[bytes]:
        """The responses to a batch; calls have their turns between them."""
        answers: list[bytes] = []
        room = MAX_BATCH_ANSWER
        for one in requests:
            if room <= 0:
                message = f"the answer to a batch may have {MAX_BATCH_ANSWER} bytes"
                error = ControlError(ErrorCode.TOO_MANY_REQUESTS, message)
                one = Rejected(error, one.id) if not _is_notification(one) else one
            answer = await self._answer(one)
            if answer:
                answers.append(answer)
                room -= len(answer)
            await asyncio.sleep(0)
        return answers

    async def _answer(self, request: Request | Rejected) -> bytes | None:
        """The response to one request; None to a notification."""
        if isinstance(request, Rejected):
            return response(request.id, request.error)
        self.requests += 1
        result = await self._call(request)
        return None if request.is_notification else response(request.id, result)

    async def _call(self, request: Request) -> object:
        try:
            self._check_known(request.method)
            method = self.catalogue.find(request.method)
            self._check_right(method)
            return await self._run(method, method.read(request.params))
        except ControlError as error:
            return error
        except Exception:
            logger.exception("control method %s failed", request.method[:100])
            return ControlError(ErrorCode.INTERNAL_ERROR, "the switch has made a mistake")

    async def _run(self, method: Method, params: Params) -> object:
        key = getattr(params, "idempotency_key", None) if method.idempotent_by_key else None
        run = partial(method.run, self._desk, Caller(self), params)
        if key is None:
            return await run()
        return await self._desk.idempotency.run(self.identity.name, method.name, key, params, run)

    def _check_known(self, method: str) -> None:
        if not self.identity.roles and method != "auth":
            raise ControlError(ErrorCode.NOT_AUTHENTICATED, 'say "auth" with a token first')

    def _check_right(self, method: Method) -> None:
        if method.name != "auth" and not self.identity.may(method.role):
            raise ControlError(ErrorCode.FORBIDDEN, f"{method.name} needs the role {method.role}")

    async def close(self) -> None:
        """The connection is over: break off what runs, let go of what was subscribed."""
        self._access.on_gone.discard(self._on_gone)
        self.ask_no_token()
        for tell in tuple(self.when_closed):
            tell()
        tasks = (*self._tasks, *self.subscriptions.values())
        self.subscriptions.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _is_notification(one: Request | Rejected) -> bool:
    return isinstance(one, Request) and one.is_notification
