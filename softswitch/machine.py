"""What the machine grants: open files, media ports, cores; and what the process holds. Part of the
composition root."""

from __future__ import annotations

import asyncio
import logging
import resource

from config.model import Switch
from rtp.engine import Engine
from softswitch.call.services import Services

logger = logging.getLogger(__name__)

__all__ = [
    "PortsUnusable",
    "check_ports",
    "engine_threads_for",
    "held_by",
    "raise_open_file_limit",
]

WANTED_OPEN_FILES = 65536
"""Each leg holds two sockets; the limit is raised to this, or to the hard limit."""

PORTS_TRIED = 64
"""Pairs of media ports that the engine opens at its start; when none of them can be had, none
can."""

MAX_ENGINE_THREADS = 8
"""One thread carries a thousand calls and more; the event loop is full long before eight are."""

FILES_A_CALL = 6
"""Two legs with RTP, RTCP and the connected socket of a leg that talks."""

SPARE_FILES = 100
"""Descriptors for everything but media: SIP, files, loops."""


class PortsUnusable(ValueError):
    """No media port can be had; the text is for the operator."""


def engine_threads_for(cores: int) -> int:
    """Threads of the media engine that suit a machine: one core is left to the event loop."""
    return max(1, min(MAX_ENGINE_THREADS, cores - 1))


def raise_open_file_limit() -> None:
    """Raise the soft limit on open files as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_OPEN_FILES if hard == resource.RLIM_INFINITY else min(WANTED_OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def check_ports(engine: Engine, switch: Switch) -> None:
    """Tell a range of media ports that nobody can use now, and not to each caller."""
    counters = engine.counters
    if counters.ports_unusable >= min(counters.ports_total, PORTS_TRIED):
        span = f"{switch.rtp_host} {switch.rtp_first_port}-{switch.rtp_last_port}"
        raise PortsUnusable(
            f"no media port can be opened at {span}: rtp_host is no address of this machine, "
            "or other programs hold the ports"
        )
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    calls = min(switch.max_calls, engine.counters.ports_total // 2)
    if files < calls * FILES_A_CALL + SPARE_FILES:
        logger.warning(
            "%d open files are enough for about %d calls, not for %d: raise the limit "
            "(ulimit -n, LimitNOFILE)",
            files,
            max(0, files - SPARE_FILES) // FILES_A_CALL,
            calls,
        )


def held_by(services: Services) -> dict[str, int]:
    """What calls come and go with: a switch without calls holds as much as at its start, once the
    transactions of the last ones are over (32 s)."""
    return {
        "tasks": len(asyncio.all_tasks()),
        "call_tasks": len(services.tasks),
        "media_listeners": len(services.media_listeners),
        "trunk_legs": sum(services.trunk_legs.values()),
        **services.stack.held(),
    }
