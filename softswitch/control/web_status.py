"""What the web application tells of the switch itself: /healthz, /readyz and /metrics."""

from __future__ import annotations

from aiohttp import web

from softswitch.control.desk import Desk
from softswitch.control.exposition import CONTENT_TYPE
from softswitch.control.http_app import WebApp
from softswitch.control.metrics import Metrics

__all__ = ["add_status"]


def add_status(app: WebApp, desk: Desk, metrics: Metrics) -> None:
    """Answer whoever watches over the switch."""

    async def alive(_request: web.Request) -> web.Response:
        """The event loop turns: that it answers says so."""
        return web.Response(text="ok\n")

    async def ready(_request: web.Request) -> web.Response:
        """Whether new calls are taken: a load balancer looks elsewhere during a drain."""
        if desk.switchboard.draining:
            return web.Response(status=503, text="draining\n")
        return web.Response(text="ok\n")

    async def measured(_request: web.Request) -> web.Response:
        body = metrics.text(desk).encode("utf-8", "replace")
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    for method in ("GET", "HEAD"):  # probes ask in either way
        app.add(method, "/healthz", alive)
        app.add(method, "/readyz", ready)
    app.add("GET", "/metrics", measured, role="read")
