"""The life of the process around the switch: signals, and what a service manager is told.

SIGTERM and SIGINT drain, a second one ends at once. Knows nothing of how the switch is built, which
is the composition root's (`softswitch.app`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable

from config.model import Configuration
from softswitch.app import LINGER_SECONDS, App
from softswitch.check import warnings_of
from softswitch.service_manager import ServiceManager

logger = logging.getLogger(__name__)

__all__ = ["leave_behind", "serve"]

REFUSE_SECONDS = 2.0
"""How long a task may go on that was told to end, when everything else has ended."""

ALIVE_SECONDS = 1.0
"""How often a service manager hears that the loop runs: watchdogs shorter than two seconds would
end a switch that only waits for a busy machine."""


async def serve(configuration: Configuration, *, on_ready: Callable[[App], None]) -> None:
    """Run until a signal says otherwise: the first drains, a second ends everything at once.

    Raises StartError.
    """
    app = App(configuration)
    at_once = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        (at_once if app.stopping.is_set() else app.stopping).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    manager = ServiceManager()
    try:
        await app.start()
        loop.add_signal_handler(signal.SIGHUP, app.front.reloader.on_signal)
        for warning in warnings_of(configuration):
            logger.warning("%s", warning)
        on_ready(app)
        manager.ready(_status(app))
        alive = loop.create_task(_tell_alive(app, manager), name="service manager")
        await app.stopping.wait()
        manager.stopping(f"draining: {_status(app)}")
        await _drain(app, at_once)
        await app.stop(linger=0.0 if at_once.is_set() else LINGER_SECONDS)
        alive.cancel()
    finally:
        manager.close()


async def _drain(app: App, at_once: asyncio.Event) -> None:
    """Let calls end, as long as nobody is in a hurry."""
    app.switchboard.begin_to_drain()
    left = app.switchboard.drain_seconds_left or 0.0
    until = time.strftime("%H:%M:%SZ", time.gmtime(time.time() + left))
    message = "draining: %d calls in progress, hung up at %s (grace_time: %.0f s left)"
    logger.info(message, len(app.switchboard.calls), until, left)
    drain = asyncio.create_task(app.drain())
    second = asyncio.create_task(at_once.wait())
    await asyncio.wait((drain, second), return_when=asyncio.FIRST_COMPLETED)
    for task in (drain, second):
        task.cancel()
    await asyncio.gather(drain, second, return_exceptions=True)


async def _tell_alive(app: App, manager: ServiceManager) -> None:
    """Also while draining and stopping: a loop that hangs then is started anew like any other."""
    while True:
        manager.alive(_status(app))
        await asyncio.sleep(ALIVE_SECONDS)


def _status(app: App) -> str:
    return f"{len(app.switchboard.calls)} calls, {app.switchboard.presented} since the start"


async def leave_behind() -> None:
    """End what is left of tasks; where one refuses (an operator's coroutine), end without it."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        _, left = await asyncio.wait(left, timeout=REFUSE_SECONDS)
    if left:
        names = ", ".join(sorted(task.get_name() for task in left)[:5])
        sys.stderr.write(f"softswitch: {len(left)} tasks do not end ({names}): ending without\n")
        sys.stderr.flush()
        os._exit(0)
