"""A TCP connection of our own, from the address that peers know a listener by."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from softswitch.sip.flow import Flow
from softswitch.transport.connection import configure
from softswitch.transport.endpoint import Endpoint, is_address, is_wildcard

__all__ = ["reach"]


async def reach(
    hosts: Sequence[str], flow: Flow, source: Endpoint | None
) -> tuple[str, socket.socket]:
    """Connect to the first address that takes us, and say which; raises the last one's OSError."""
    failure = OSError(f"no address for {flow.host!r}")
    for host in hosts:
        try:
            return host, await _dial(host, flow.port, source)
        except OSError as error:
            failure = error
    raise failure


async def _dial(host: str, port: int, source: Endpoint | None) -> socket.socket:
    """Connect to an address; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        configure(opened)
        if source is not None and is_address(source.host) and not is_wildcard(source.host):
            # Peers know us by this address. A source of the other family fails here, and is the
            # same as a host that cannot be reached.
            opened.bind((source.host, 0))
        await asyncio.get_running_loop().sock_connect(opened, (host, port))
    except BaseException:
        opened.close()
        raise
    return opened
