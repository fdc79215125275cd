"""The listener for browsers, and what it answers: /allocate, /dni.js, /results, /healthz."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aiohttp import web

from config.model import Configuration, Web
from softswitch.control.access import Access, Identity
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.http_app import WebApp
from softswitch.control.http_protocol import application, in_time, speaker
from softswitch.control.opening import ControlUnusable, context_of
from softswitch.control.results import ResultDesk, answer_results
from softswitch.control.web.allocation import Allocations
from softswitch.control.web.guarded import Connections, Guarded
from softswitch.control.web.rate import Proxies
from softswitch.control.web.script import Script

__all__ = ["WebListener", "add_allocations", "open_listener"]

MAX_BODY = 65_536
"""A thousand numbers asked for at once are less."""
KEEP_SECONDS = 15.0
"""How long a connection may stay without a request."""
CLOSE_SECONDS = 1.0
BACKLOG = 512


class WebListener:
    """One for the process; owns its sockets until `close`."""

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        allocations: Allocations,
        results: ResultDesk,
        access: Access,
    ) -> None:
        self._configuration = configuration
        self._allocations = allocations
        self._results = results
        self._access = access
        self.connections = Connections()
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._proxies = Proxies(())
        app = application(MAX_BODY)
        for method in ("GET", "POST", "OPTIONS"):
            app.router.add_route(method, "/allocate", in_time(allocations.answer_page))
        app.router.add_route("GET", "/dni.js", Script().answer)
        app.router.add_route("POST", "/results", in_time(self._post_results))
        app.router.add_get("/healthz", _alive)  # HEAD, too
        self._app = app

    async def open(self, settings: Web, *, tls: ssl.SSLContext | None) -> int:
        """Listen; the port. Raises OSError."""
        self._proxies = Proxies(settings.proxies)
        self._runner = web.AppRunner(
            self._app,
            handle_signals=False,
            shutdown_timeout=CLOSE_SECONDS,
        )
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._protocol, settings.host, settings.port, ssl=tls, backlog=BACKLOG
        )
        return int(self._server.sockets[0].getsockname()[1])

    def _protocol(self) -> asyncio.Protocol:
        assert self._runner is not None
        inner = speaker(self._runner, keep_seconds=KEEP_SECONDS)
        return Guarded(inner, self.connections, proxies=self._proxies.has)

    async def close(self) -> None:
        """Listen no more; requests that are being answered have a second."""
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._server is not None:
            await self._server.wait_closed()

    def status(self) -> dict[str, Any]:
        """For whoever looks after the switch."""
        return {
            "connections": self.connections.count,
            "refused_connections": self.connections.refused,
            "answers": dict(self._allocations.answers),
        }

    async def _post_results(self, request: web.Request) -> web.Response:
        settings = self._configuration().web
        if settings is None or not settings.results:
            return web.Response(status=404, text="404: Not Found")
        identity = self._identify(request)
        if identity is None or not identity.may("results"):
            return web.Response(
                status=401, text="that needs a token\n", headers={"WWW-Authenticate": "Bearer"}
            )
        return await answer_results(request, self._results, identity)

    def _identify(self, request: web.Request) -> Identity | None:
        """Whom a token stands for; nobody is anybody here without one."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return self._access.admit(token.strip(), request.remote or "")
        except ControlError as error:
            if error.code is ErrorCode.TOO_MANY_REQUESTS:
                after = {"Retry-After": str(error.details.get("retry_after", 1))}
                raise web.HTTPTooManyRequests(headers=after) from None
            return None


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def open_listener(listener: WebListener, settings: Web) -> None:
    """Open it as the configuration says; raises ControlUnusable."""
    tls = None if settings.tls is None else context_of(settings.tls, "web")
    try:
        await listener.open(settings, tls=tls)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise ControlUnusable(f"web: {where}: {error.strerror or error}") from None


def add_allocations(app: WebApp, allocations: Allocations) -> None:
    """Answer `/allocate` on the port of the control socket, for who has the role."""

    async def allocated(request: web.Request) -> web.Response:
        identity: Any = app.identify(request)
        return await allocations.answer_system(request, identity)

    for method in ("GET", "POST"):
        app.add(method, "/allocate", allocated, role="allocate")
