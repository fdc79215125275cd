"""Headless Chromium (Debian's chromium), and a small site for it to look at.

Pages are driven over the browser's remote debugging: open, wait for something, ask the page. One
browser has one profile, so that what it keeps outlives a page and ends with it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import pytest

EXECUTABLE = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(EXECUTABLE is None, reason="chromium is not installed")

START_SECONDS = 40.0
PAGE_SECONDS = 20.0


class Site:
    """Pages by path, on a port of their own: another origin than the switch's."""

    def __init__(self, pages: Mapping[str, str] | None = None) -> None:
        self.pages = dict(pages or {})
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = site.pages.get(self.path.partition("?")[0])
                body = (page or "nothing here").encode()
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """Be gone."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


class Browser:
    """One browser with one page; `close` ends its processes."""

    def __init__(self) -> None:
        assert EXECUTABLE is not None
        self._folder = Path(tempfile.mkdtemp(prefix="softswitch-browser-"))
        self._process = subprocess.Popen(
            [
                EXECUTABLE, "--headless=new", "--no-sandbox", "--disable-gpu",
                "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--no-proxy-server", "--remote-debugging-port=0",
                f"--user-data-dir={self._folder}", "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self._number = 0

    def _port(self) -> int:
        """The port of remote debugging, which the browser writes into its profile."""
        path = self._folder / "DevToolsActivePort"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if path.exists() and path.read_text().strip():
                return int(path.read_text().split()[0])
            assert self._process.poll() is None, "the browser has ended"
            time.sleep(0.05)
        raise AssertionError("the browser does not start")

    def run(self, script: Any) -> Any:
        """Run a coroutine function that takes a page."""

        async def main() -> Any:
            async with aiohttp.ClientSession() as session, asyncio.timeout(PAGE_SECONDS * 3):
                where = f"http://127.0.0.1:{self._port()}"
                async with session.get(f"{where}/json/list") as response:
                    targets = await response.json()
                page = next(one for one in targets if one["type"] == "page")
                async with session.ws_connect(
                    page["webSocketDebuggerUrl"], max_msg_size=0
                ) as socket:
                    return await script(Page(socket))

        return asyncio.run(main())

    def close(self) -> None:
        """End all its processes, which are a group of their own."""
        import os

        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        except ProcessLookupError:
            pass
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


class Page:
    """The page that the browser shows."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0

    async def open(self, url: str) -> None:
        """Go to a page, and wait until it is there."""
        await self._ask("Page.navigate", url=url)
        await self.until(f"location.href === {json.dumps(url)} && document.readyState==='complete'")

    async def value(self, expression: str) -> Any:
        """What an expression of JavaScript is in the page."""
        answer = await self._ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until it is true."""
        deadline = time.monotonic() + PAGE_SECONDS
        while True:
            try:
                if await self.value(f"Boolean({expression})"):
                    return
            except (AssertionError, KeyError):
                pass  # between two pages
            if time.monotonic() > deadline:
                text = await self.value("document.documentElement.outerHTML")
                raise AssertionError(f"not in time: {expression}\n{text}")
            await asyncio.sleep(0.05)

    async def _ask(self, method: str, **params: Any) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json(timeout=PAGE_SECONDS)
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
