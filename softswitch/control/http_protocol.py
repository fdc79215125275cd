"""How HTTP is spoken on the ports of the switch, to peers that may mean ill.

Nothing is ever unpacked: a megabyte that becomes a gigabyte would hold up the calls. What is
refused is answered at once and its body not read: the connection closes. It does not know what is
asked for nor who may.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from softswitch.control.masked import Masked

__all__ = ["Handler", "Speaker", "application", "in_time", "speaker"]

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_SECONDS = 15.0
"""How long a request may take, its body and the database included."""

SERVER = "softswitch"
"""What we are called in answers; which library speaks, and which version, is nobody's business."""


class _PeersMistakes(logging.Filter):
    """aiohttp logs what a peer broke off as an error, with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError | web.RequestPayloadError | OSError)


logger.addFilter(_PeersMistakes())


class Speaker(web.RequestHandler):
    """Speaks HTTP on one connection."""

    __slots__ = ("shown",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shown: Callable[[], bool] = lambda: False
        """Whether the peer has shown a token that is known."""

    def has_shown_token(self) -> bool:
        """Whether there is a token behind this connection."""
        return self.shown()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP is answered and nobody else's business; what the parser thinks of it is
        not the peer's."""
        if isinstance(exc, HttpProcessingError):
            logger.debug("HTTP from %s: %s", request.remote or "unix", type(exc).__name__)
            response = refused(400, "this is not HTTP as it should be")
        else:
            super().handle_error(request, status, exc, message)  # it logs, too
            response = refused(status, "something went wrong here")
        response.headers["Server"] = SERVER
        response.force_close()
        return response

    def set_parser(self, parser: Any, data_received_cb: Callable[[], None] | None = None) -> None:
        """From now on WebSocket frames are read."""
        masked: Any = Masked(parser)
        super().set_parser(masked, data_received_cb)


def speaker(runner: web.AppRunner, *, keep_seconds: float) -> Speaker:
    """What speaks HTTP on one more connection, for an application that was set up."""
    assert runner.server is not None
    return Speaker(
        runner.server,
        loop=asyncio.get_running_loop(),
        keepalive_timeout=keep_seconds,
        logger=logger,
        access_log=None,
        auto_decompress=False,
        lingering_time=0.0,
    )


def application(max_body: int) -> web.Application:
    """An application without paths, for bodies so long."""
    app = web.Application(client_max_size=max_body, middlewares=[_civil])
    app.on_response_prepare.append(_name)
    return app


async def _name(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER


@web.middleware
async def _civil(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what is not even looked at, and answer what cannot be read."""
    if any(_is_packed(value) for value in request.headers.getall("Content-Encoding", [])):
        return refused(415, "the body has to come as it is, without Content-Encoding")
    limit = request.client_max_size
    if (request.content_length or 0) > limit:
        return refused(413, f"more than {limit} bytes")
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return refused(413, f"more than {limit} bytes")
    except (web.RequestPayloadError, HttpProcessingError) as error:
        logger.debug("HTTP from %s: %s", request.remote or "unix", type(error).__name__)
        response = refused(400, "the body cannot be read")
        response.force_close()
        return response


def _is_packed(encoding: str) -> bool:
    return encoding.strip().lower() not in ("", "identity")


def in_time(handler: Handler) -> Handler:
    """Have requests answered within REQUEST_SECONDS, whatever they wait for."""

    @wraps(handler)
    async def timely(request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return await handler(request)
        except TimeoutError:
            if request.content.is_eof():
                return refused(503, "it takes too long here")
            return refused(408, "the body has not come in time")

    return timely


def refused(status: int, why: str) -> web.Response:
    """An answer with a sentence."""
    body = json.dumps({"error": why}).encode()
    return web.Response(status=status, body=body, content_type="application/json")
