"""A control connection over WebSocket (RFC 6455): the same messages, a frame in place of a line."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import WSMsgType, web

from softswitch.control.access import Access, Identity
from softswitch.control.catalogue import Catalogue
from softswitch.control.http_protocol import Speaker
from softswitch.control.rpc import MAX_LINE
from softswitch.control.server import AUTH_SECONDS, SLOW_SECONDS
from softswitch.control.session import Session

__all__ = ["converse"]

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 30.0
"""A peer that does not answer a ping in half of this has gone; proxies close what is silent."""


async def converse(
    request: web.Request, *, catalogue: Catalogue, desk: Any, access: Access, identity: Identity
) -> web.StreamResponse:
    """Serve one connection to its end."""
    frames = web.WebSocketResponse(
        max_msg_size=MAX_LINE, heartbeat=HEARTBEAT_SECONDS, compress=False
    )
    if not frames.can_prepare(request):
        return web.Response(
            status=426, text="this is a WebSocket\n", headers={"Upgrade": "websocket"}
        )
    await frames.prepare(request)
    socket = _Frames(request, frames)
    session = Session(
        catalogue,
        desk,
        socket.send,
        access=access,
        identity=identity,
        peer=f"{request.remote or 'unix'} (web)",
        address=request.remote or "",
        auth_seconds=AUTH_SECONDS,
        cut_off=socket.abort,
    )
    if isinstance(request.protocol, Speaker):
        request.protocol.shown = lambda: bool(session.identity.roles)
    try:
        await _serve(frames, session)
    except OSError as error:
        logger.debug("control connection from %s: %s", session.peer, error)
    finally:
        await session.close()
    return frames


async def _serve(frames: web.WebSocketResponse, session: Session) -> None:
    while True:
        message = await frames.receive()
        if message.type is WSMsgType.TEXT:
            await session.receive(message.data.encode("utf-8", "replace"))
        elif message.type is WSMsgType.BINARY:
            await session.receive(message.data)
        else:
            return


class _Frames:
    """The way to the peer."""

    def __init__(self, request: web.Request, frames: web.WebSocketResponse) -> None:
        self._request = request
        self._frames = frames

    async def send(self, *messages: bytes) -> None:
        """Send each in a frame; cuts a peer off that takes none for too long."""
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                for message in messages:
                    await self._frames.send_frame(message, WSMsgType.TEXT)
        except TimeoutError:
            self.abort()
            raise ConnectionAbortedError("the peer does not take its answers") from None

    def abort(self) -> None:
        """End the connection, whatever is on its way."""
        if self._request.transport is not None:
            self._request.transport.abort()
