"""Who sends us a request: a trunk, somebody who has to prove it first, or nobody we know, and then
we hear little of it.

The digest gate's shell: which trunks must show credentials, and what is said to whom shows the
wrong ones. A source is judged once a request; what an INVITE came out as stays with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from config.model import Trunk
from softswitch.call.events import SourceBanned
from softswitch.call.services import Services
from softswitch.routing.defence import Banned, Gatekeeper
from softswitch.routing.sources import SourceTable
from softswitch.sip.digest import Gate, Verdict
from softswitch.sip.events import RequestRefused
from softswitch.sip.flow import Flow
from softswitch.sip.message import Request
from softswitch.sip.source import Unproven

__all__ = ["Sources"]

logger = logging.getLogger(__name__)

REALM = "softswitch"


class Sources:
    """Judges sources by the configuration of the moment; owns the gate."""

    def __init__(self, table: Callable[[], SourceTable], services: Services) -> None:
        self._table = table
        self._services = services
        self._gate = Gate(REALM)
        self.gatekeeper = Gatekeeper(
            lambda: table().defence, lambda host: table().knows(host), self._on_banned
        )
        self.lines: dict[str, str] = {}
        """Names of trunks by what our contact says that is registered there."""

    def identify(self, request: Request, flow: Flow) -> Trunk | Unproven | None:
        """Whose request it is."""
        table = self._table()
        trunk = table.find(request, flow, self.lines)
        if trunk is not None and trunk.inbound_auth is None:
            return trunk
        if not table.logins:
            return None
        return self._prove(table, request, flow, trunk)

    def _prove(
        self, table: SourceTable, request: Request, flow: Flow, trunk: Trunk | None
    ) -> Trunk | Unproven | None:
        """Believe who shows a trunk's credentials; a known address is not enough then, and an
        unknown one no hindrance."""

        def password_of(user: str) -> str | None:
            found = table.logins.get(user)
            if found is None or trunk not in (None, found) or found.inbound_auth is None:
                return None
            return found.inbound_auth.password

        now = self._services.wall_clock()
        verdict, user = self._gate.check(request, flow.host, password_of, now=now)
        if verdict is Verdict.GOOD:
            self.gatekeeper.believe(flow.host)
            return table.logins[user]
        if verdict is Verdict.WRONG:
            logger.warning("credentials of %s:%d are wrong: refused", flow.host, flow.port)
            return None
        stale = verdict is Verdict.STALE
        return Unproven(self._gate.challenge(flow.host, now=now, stale=stale))

    def note_refused(self, event: RequestRefused) -> None:
        """Somebody was refused by the SIP core: strangers have only so many tries."""
        self.gatekeeper.note(
            event.flow.host,
            event.why,
            self._services.now(),
            user_agent=event.request.headers.get("User-Agent") or "",
        )

    def _on_banned(self, banned: Banned) -> None:
        services = self._services
        services.events.publish(
            SourceBanned(
                call_id="",
                number=1,
                at=services.wall_clock(),
                clock=services.now(),
                source=banned.host,
                seconds=banned.seconds,
                tries=banned.tries,
                why=banned.why,
            )
        )
