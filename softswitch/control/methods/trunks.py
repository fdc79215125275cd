"""Trunks: which there are, what goes over them now, and how they stand."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from config.model import Trunk
from softswitch.control.catalogue import Catalogue
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.connection import Nothing
from softswitch.control.session import Caller
from softswitch.sip.flow import Flow
from softswitch.switchboard.trunk_watch import ServerStatus

__all__ = ["METHODS"]

METHODS = Catalogue()

WEB_SOCKETS = ("ws", "wss")
"""Calls by these go over connections that the trunk has opened."""


class ServerLine(msgspec.Struct, frozen=True):
    """A server of a trunk that is a name."""

    address: str
    transport: str
    state: str
    """up or down, as its probe says; ready: it is taken to be there."""
    probe_status: int | None
    """Final status of the last answer to a probe; 0: there was none; null: it is not probed."""


class TrunkLine(msgspec.Struct, frozen=True):
    """A trunk."""

    trunk: str
    address: str
    """Where calls go to; of WebSockets the host alone, which opens them."""
    transport: str
    legs: int
    """On it now, in both directions."""
    max_calls: int | None
    """How many there may be."""
    state: str
    """up or down, as its probe says; full; ready: it is taken to be there; not_connected: it has no
    WebSocket open, and cannot be called until it opens one."""
    registered: bool | None
    """Null: the switch does not register there."""
    probe_status: int | None
    """Final status of the last answer to a probe; 0: there was none; null: it is not probed."""
    servers: list[ServerLine] = []
    """Where its name leads, in the order of priorities; none where its address has a port."""


class Trunks(msgspec.Struct, frozen=True):
    """All trunks, in the order of the configuration."""

    trunks: list[TrunkLine]


@METHODS.method("trunk.list", role="read", errors=(ErrorCode.FORBIDDEN,))
async def list_trunks(desk: Desk, caller: Caller, params: Nothing) -> Trunks:
    """The trunks of the configuration in force. Not for a token of some campaigns."""
    if caller.identity.campaigns:
        raise ControlError(ErrorCode.FORBIDDEN, "this token is for some campaigns only")
    return Trunks([_line(desk, trunk) for trunk in desk.configuration().trunks.values()])


def _line(desk: Desk, trunk: Trunk) -> TrunkLine:
    watched = None if desk.trunk_watch is None else desk.trunk_watch.status(trunk.name)
    return TrunkLine(
        trunk=trunk.name,
        address=_address(trunk.host, None if trunk.transport in WEB_SOCKETS else trunk.port),
        transport=trunk.transport,
        legs=desk.services.trunk_legs[trunk.name],
        max_calls=trunk.max_calls,
        state=_state(desk, trunk, up=None if watched is None else watched.up),
        registered=None if watched is None else watched.registered,
        probe_status=None if watched is None else watched.status,
        servers=[] if desk.trunk_watch is None else _servers(desk.trunk_watch.servers(trunk)),
    )


def _address(host: str, port: int | None) -> str:
    if port is None:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _servers(found: Iterable[ServerStatus]) -> list[ServerLine]:
    return [
        ServerLine(
            address=_address(one.host, one.port),
            transport=one.transport,
            state={True: "up", False: "down", None: "ready"}[one.up],
            probe_status=one.status,
        )
        for one in found
    ]


def _state(desk: Desk, trunk: Trunk, *, up: bool | None) -> str:
    flow = Flow(trunk.transport, trunk.host, trunk.port, trunk.listener)
    if desk.is_connected is not None and not desk.is_connected(flow):
        return "not_connected"
    if up is False:
        return "down"
    if trunk.max_calls is not None and desk.services.trunk_legs[trunk.name] >= trunk.max_calls:
        return "full"
    return "up" if up else "ready"
