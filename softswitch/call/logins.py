"""What the switch answers the challenges of carriers with."""

from __future__ import annotations

from config.model import Trunk, TrunkLogin
from softswitch.sip.digest import Credentials

__all__ = ["Logins"]


class Logins:
    """Credentials of trunks: one object each, because it counts on how often a nonce was used."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[TrunkLogin, Credentials]] = {}

    def of(self, trunk: Trunk) -> Credentials | None:
        """Those of a trunk; made anew when they were changed."""
        login = trunk.outbound_auth
        if login is None:
            return None
        known = self._known.get(trunk.name)
        if known is None or known[0] != login:
            made = Credentials(login.user, login.password, realm=login.realm)
            known = self._known[trunk.name] = (login, made)
        return known[1]
