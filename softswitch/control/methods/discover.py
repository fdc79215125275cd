"""What the socket says of itself."""

from __future__ import annotations

import asyncio
from typing import Any

from softswitch.control.catalogue import Catalogue
from softswitch.control.desk import Desk
from softswitch.control.interface import open_rpc
from softswitch.control.methods.connection import Nothing
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()


@METHODS.method("rpc.discover", role="read")
async def discover(desk: Desk, caller: Caller, params: Nothing) -> dict[str, Any]:
    """The OpenRPC document of this socket: all methods, events and errors."""
    # A tenth of a second of reading classes and their sources: not in the way of calls.
    return await asyncio.to_thread(open_rpc, caller.session.catalogue)
