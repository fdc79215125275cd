"""The web application on the control socket's TCP port: WebSocket, health and metrics.

Runs inside the connections of ControlServer. A peer shows its token as `Authorization: Bearer`, or
says `auth` on its WebSocket; on the Unix socket, and on loopback while no token is configured, it
needs none. A web page in somebody's browser comes with an `Origin`: to a switch without tokens it
is nobody, or any page that an operator looks at could steer calls.
"""

from __future__ import annotations

import logging
import socket
from typing import Any

from aiohttp import web

from softswitch.control.access import ADMINISTRATOR, NOBODY, Access, Identity, Role
from softswitch.control.catalogue import Catalogue
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.http_protocol import Handler, Speaker, application, in_time, speaker
from softswitch.control.websocket import converse

__all__ = ["WebApp"]

logger = logging.getLogger(__name__)

KEEP_SECONDS = 20.0
"""How long a connection may stay without a request; there are only so many."""

CLOSE_SECONDS = 1.0
"""How long requests may go on when the switch stops."""

MAX_BODY = 65_536
"""Of a request: fifty results of a call are a tenth of it."""

_BEARER = "bearer "


class WebApp:
    """Answers HTTP; `add` what it answers before `start`."""

    def __init__(self, catalogue: Catalogue, desk: Any, access: Access) -> None:
        self._catalogue = catalogue
        self._desk = desk
        self._access = access
        self._app = application(MAX_BODY)
        self._runner: web.AppRunner | None = None
        self._app.router.add_get("/control", self._control)

    def add(self, method: str, path: str, handler: Handler, *, role: Role | None = None) -> None:
        """Answer requests for a path; with a role, only of those who have it."""

        async def checked(request: web.Request) -> web.StreamResponse:
            if role is not None:
                refusal = _refusal(self.identify(request), role)
                if refusal is not None:
                    return refusal
            return await handler(request)

        self._app.router.add_route(method, path, in_time(checked))

    async def start(self) -> None:
        """Make ready for connections."""
        self._runner = web.AppRunner(
            self._app,
            handle_signals=False,
            shutdown_timeout=CLOSE_SECONDS,
        )
        await self._runner.setup()

    async def close(self) -> None:
        """End what is left."""
        if self._runner is not None:
            await self._runner.cleanup()

    def protocol(self) -> Speaker:
        """What speaks HTTP on one connection."""
        assert self._runner is not None
        return speaker(self._runner, keep_seconds=KEEP_SECONDS)

    def identify(self, request: web.Request) -> Identity | None:
        """Who asks; None: with a token that is not known. Raises HTTPTooManyRequests."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == _BEARER.strip():
            identity = self._admit(token.strip(), request.remote or "")
            if identity is not None and isinstance(request.protocol, Speaker):
                request.protocol.shown = lambda: True
            return identity
        if _is_unix(request):
            return ADMINISTRATOR
        if self._access.asks or "Origin" in request.headers:
            return NOBODY
        return ADMINISTRATOR

    def _admit(self, token: str, address: str) -> Identity | None:
        try:
            return self._access.admit(token, address)
        except ControlError as error:
            logger.warning("HTTP from %s: %s", address or "unix", error)
            if error.code is ErrorCode.TOO_MANY_REQUESTS:
                after = {"Retry-After": str(error.details["retry_after"])}
                raise web.HTTPTooManyRequests(headers=after, text=f"{error}\n") from None
            return None

    async def _control(self, request: web.Request) -> web.StreamResponse:
        identity = self.identify(request)
        if identity is None:
            return _plain(401, "the token is not known")
        if not (identity.roles or self._access.asks):
            return _plain(403, "from a web page only with a token, and none is configured")
        return await converse(
            request,
            catalogue=self._catalogue,
            desk=self._desk,
            access=self._access,
            identity=identity,
        )


def _is_unix(request: web.Request) -> bool:
    transport = request.transport
    sock = None if transport is None else transport.get_extra_info("socket")
    return sock is not None and sock.family == socket.AF_UNIX


def _refusal(identity: Identity | None, role: Role) -> web.Response | None:
    if identity is None or not identity.roles:
        response = _plain(401, "that needs a token")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if not identity.may(role):
        return _plain(403, f"that needs the role {role}")
    return None


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
