"""Methods about the connection itself: who one is, and whether the switch answers."""

from __future__ import annotations

import msgspec

from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ErrorCode
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()


class Auth(Params):
    """A token of the configuration."""

    token: str


class WhoIs(msgspec.Struct, frozen=True):
    """Whom the connection speaks for from now on."""

    name: str
    roles: list[str]
    campaigns: list[str]


@METHODS.method("auth", role="read", errors=(ErrorCode.NOT_AUTHENTICATED,))
async def auth(desk: Desk, caller: Caller, params: Auth) -> WhoIs:
    """Show a token; the only method that a peer without a role may call."""
    identity = caller.session.authenticate(params.token)
    return WhoIs(identity.name, sorted(identity.roles), sorted(identity.campaigns))


class Nothing(Params):
    """No parameters."""


class Pong(msgspec.Struct, frozen=True):
    """That the switch answers, and when it did (monotonic seconds)."""

    clock: float


@METHODS.method("ping", role="read")
async def ping(desk: Desk, caller: Caller, params: Nothing) -> Pong:
    """Ask whether the switch answers."""
    return Pong(desk.services.now())
