"""Serves dni.js, which puts a visitor's number into a page."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from aiohttp import web

__all__ = ["Script"]

KEPT_SECONDS = 3600
"""How long browsers use the script without asking: a new version is everywhere an hour later."""


class Script:
    """The file, read once."""

    def __init__(self) -> None:
        self.content = files(__package__).joinpath("dni.js").read_bytes()
        self._tag = f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'

    async def answer(self, request: web.Request) -> web.Response:
        """The script, or that it has not changed."""
        headers = {
            "ETag": self._tag,
            "Cache-Control": f"public, max-age={KEPT_SECONDS}",
            "X-Content-Type-Options": "nosniff",
        }
        if self._tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=self.content, content_type="text/javascript", charset="utf-8", headers=headers
        )
