"""Who may say what: tokens and their roles.

A role is a set of methods; `admin` has them all. A peer without a token is whoever its socket says:
on the Unix socket, whose file only the switch's own user can open, and on loopback while no token
is configured, an administrator; else nobody yet. Tokens are compared in constant time.
"""

from __future__ import annotations

import hmac
import math
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.wrong_tokens import WrongTokens

__all__ = ["ADMINISTRATOR", "NOBODY", "Access", "Identity", "Role", "Token"]

Role = Literal["read", "allocate", "results", "control", "admin"]

_INCLUDES: dict[Role, frozenset[Role]] = {
    "read": frozenset(("read",)),
    "allocate": frozenset(("allocate",)),
    "results": frozenset(("results",)),
    "control": frozenset(("read", "results", "control")),
    "admin": frozenset(("read", "allocate", "results", "control", "admin")),
}
"""What a role may do beside its own."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection speaks for."""

    name: str
    roles: frozenset[Role]
    campaigns: frozenset[str] = frozenset()
    """The only campaigns it sees and steers; empty: all."""

    def may(self, role: Role) -> bool:
        """Whether it may call methods of this role."""
        return role in self.roles

    def sees(self, campaign: str) -> bool:
        """Whether a campaign's calls are its business."""
        return not self.campaigns or campaign in self.campaigns


NOBODY = Identity("", frozenset())
ADMINISTRATOR = Identity("local", _INCLUDES["admin"])


@dataclass(frozen=True, slots=True)
class Token:
    """A secret and whom it stands for."""

    secret: str
    identity: Identity

    @classmethod
    def of(
        cls, name: str, secret: str, roles: Iterable[Role], campaigns: Iterable[str] = ()
    ) -> Token:
        """A token with roles and all that they include."""
        included = frozenset(one for role in roles for one in _INCLUDES[role])
        return cls(secret, Identity(name, included, frozenset(campaigns)))

    def __repr__(self) -> str:
        return f"Token({self.identity.name})"


class Access:
    """The tokens of the configuration."""

    def __init__(
        self, tokens: Iterable[Token] = (), *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._tokens = tuple(tokens)
        self._now = now
        self._wrong = WrongTokens()
        self.on_gone: set[Callable[[Collection[Identity]], None]] = set()
        """Told of whom there are no longer tokens; who speaks for one of them is nobody now."""

    @property
    def asks(self) -> bool:
        """Whether a peer on TCP has to show a token."""
        return bool(self._tokens)

    def use(self, tokens: Iterable[Token]) -> None:
        """Take other tokens from now on; those that stay as they are lose nothing."""
        before, self._tokens = self._tokens, tuple(tokens)
        gone = {token.identity for token in before if token not in self._tokens}
        if self._tokens and not before:
            gone.add(ADMINISTRATOR)  # whoever was let in without one
        if gone:
            for tell in tuple(self.on_gone):
                tell(gone)

    def admit(self, secret: str, address: str) -> Identity:
        """Whom a secret stands for that was shown from an address; raises ControlError."""
        wait = self._wrong.wait(address, now=self._now())
        if wait:
            # Also a right one is not looked at, or guesses would go on being answered.
            raise ControlError(
                ErrorCode.TOO_MANY_REQUESTS,
                "too many wrong tokens from this address",
                retry_after=math.ceil(wait),
            )
        identity = self.identify(secret)
        if identity is None:
            self._wrong.add(address, now=self._now())
            raise ControlError(ErrorCode.NOT_AUTHENTICATED, "the token is not known")
        return identity

    def identify(self, secret: str) -> Identity | None:
        """Whom a secret stands for; None: nobody. Looks at every token, whichever it is."""
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.secret.encode(), secret.encode("utf-8", "replace")):
                found = token.identity
        return found
