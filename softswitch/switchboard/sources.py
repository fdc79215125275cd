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
from softswitch.call.leg import Leg
from softswitch.call.seldom import how_often
from softswitch.call.services import Services
from softswitch.routing.defence import Banned, Gatekeeper
from softswitch.routing.sources import NO_MARK, WRONG_MARK, SourceTable
from softswitch.sip.digest import Gate, Verdict
from softswitch.sip.events import RequestRefused, ResponseRefused
from softswitch.sip.flow import Flow
from softswitch.sip.in_dialog import IN_THE_CLEAR, NOT_THE_PEERS
from softswitch.sip.inspect import method_of
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import FROM_ELSEWHERE
from softswitch.sip.source import Unknown, Unproven
from softswitch.switchboard.challenges import Challenges

__all__ = ["Sources"]

logger = logging.getLogger(__name__)

REALM = "softswitch"

MAX_SHOWN = 128
"""Characters of a Call-ID in a line of the log."""


MAX_SHOWN_FROM = 20_000
"""Addresses that credentials were shown from; beyond it all are forgotten, and show them again with
their next call."""


_OVERHEARD = {NOT_THE_PEERS: "not its", IN_THE_CLEAR: "by TLS alone"}
"""Why a request is refused that names a dialog, for people."""


def _call_id(message: Request | Response) -> str:
    return (message.headers.get("Call-ID") or "")[:MAX_SHOWN]


class Sources:
    """Judges sources by the configuration of the moment; owns the gate."""

    def __init__(
        self,
        table: Callable[[], SourceTable],
        services: Services,
        on_vain: Callable[[RequestRefused], None],
    ) -> None:
        """`on_vain` is told of who was challenged and shows nothing."""
        self._table = table
        self._services = services
        self._gate = Gate(REALM)
        self._on_vain = on_vain
        self._challenges = Challenges(services.loop, self._on_unanswered)
        self.gatekeeper = Gatekeeper(
            lambda: table().defence, lambda host: table().knows(host), self._on_banned
        )
        self._shown_from: dict[str, str] = {}
        """Trunks by the address that their credentials were shown from last."""
        self.lines: dict[str, str] = {}
        """Names of trunks by what our contact says that is registered there."""

    def close(self) -> None:
        """Wait for nobody's credentials any more."""
        self._challenges.close()

    def identify(self, request: Request, flow: Flow) -> Trunk | Unproven | Unknown:
        """Whose request it is."""
        table = self._table()
        trunk = table.find(request, flow, self.lines)
        if trunk is not None and trunk.inbound_auth is None:
            return trunk
        if not table.logins:
            return Unknown(*table.why_unknown(request, flow.host))
        return self._prove(table, request, flow, trunk)

    def belongs(self, owner: object, host: str) -> bool:
        """Whether a host may speak for a leg, or for a trunk by name: it is that very trunk's.

        That it is another trunk's is not enough: one carrier must not end the calls of another.
        """
        name = owner.trunk.name if isinstance(owner, Leg) else owner
        table = self._table()
        if not isinstance(name, str) or not table.defence.on:
            return not self.gatekeeper.is_stranger(host)
        return self._is_at(table, name, host)

    def _is_at(self, table: SourceTable, name: str, host: str) -> bool:
        return name in table.names_at(host) or self._shown_from.get(host) == name

    def names_at(self, host: str) -> list[str]:
        """The trunks that a host is of."""
        return sorted(self._table().names_at(host))

    def answers(self, peer: object, asked: Flow, flow: Flow) -> bool:
        """Whether a trunk, or the one of a name, may answer what went to one flow from another one:
        from its own addresses, by the same transport."""
        table = self._table()
        if not table.defence.on:
            return True
        name = peer.name if isinstance(peer, Trunk) else peer
        if not isinstance(name, str):
            return False
        trunk = table.trunk(name) or peer
        if isinstance(trunk, Trunk) and trunk.responses_from == "any":
            return True
        return flow.transport == asked.transport and self._is_at(table, name, flow.host)

    def _prove(
        self, table: SourceTable, request: Request, flow: Flow, trunk: Trunk | None
    ) -> Trunk | Unproven | Unknown:
        """Believe who shows a trunk's credentials; a known address is not enough then, and an
        unknown one no hindrance."""

        def password_of(user: str) -> str | None:
            found = table.logins.get(user)
            if found is None or trunk not in (None, found) or found.inbound_auth is None:
                return None
            return found.inbound_auth.password

        now = self._services.now()
        verdict, user = self._gate.check(request, flow.host, password_of, now=now)
        if verdict is Verdict.GOOD:
            self.gatekeeper.believe(flow.host)
            self._challenges.shown(flow.host)
            if len(self._shown_from) >= MAX_SHOWN_FROM:
                self._shown_from.clear()
            self._shown_from[flow.host] = table.logins[user].name
            return table.logins[user]
        if verdict is Verdict.WRONG:
            return Unknown("wrong-credentials", user)
        why, mark = table.why_unknown(request, flow.host) if trunk is None else ("", "")
        why = why if why in (NO_MARK, WRONG_MARK) else "credentials-needed"
        self._challenges.asked(RequestRefused(request, flow, 401, why, mark))
        stale = verdict is Verdict.STALE
        return Unproven(self._gate.challenge(flow.host, now=now, stale=stale))

    def note_refused(self, event: RequestRefused) -> None:
        """Somebody was refused by the SIP core: strangers have only so many tries."""
        if event.why in _OVERHEARD:
            logger.warning(
                "%s from %s:%d (%s) in the dialog %r, which is %s: refused",
                event.request.method, event.flow.host, event.flow.port,
                self._whose(event.flow.host), _call_id(event.request), _OVERHEARD[event.why],
            )  # fmt: skip
        self._note(event, 1)

    def note_response_refused(self, event: ResponseRefused) -> None:
        """A response came from elsewhere than its request went: told now and then, of each trunk;
        the metrics have each.

        It is no vain try: over UDP its source may be anybody's, and who sends from an address that
        its trunk does not list is to be found, not banned.
        """
        services, who = self._services, event.who
        trunk = who.name if isinstance(who, Trunk) else str(who or "")
        times = services.seldom.tells((FROM_ELSEWHERE, trunk), services.now())
        if times is None:
            return
        asked, flow, response = event.asked, event.flow, event.response
        logger.warning(
            "trunk %s: %d to %s from %s %s:%d (%s) in dialog %r, which went to %s %s: "
            "dropped%s (%s)",
            trunk or "-", response.status, method_of(response),
            flow.transport, flow.host, flow.port, self._whose(flow.host),
            _call_id(response), asked.transport, asked.host,
            how_often(times), self._remedy(trunk, asked, flow),
        )  # fmt: skip

    def _remedy(self, trunk: str, asked: Flow, flow: Flow) -> str:
        """What the operator may do about a response that was dropped."""
        if flow.transport != asked.transport and self._is_at(self._table(), trunk, flow.host):
            return (
                f"it came by {flow.transport} instead of {asked.transport}; "
                "where the trunk does so, responses_from: any takes it"
            )
        return "where that is the trunk's, say so in its sources"

    def note_certificate_refused(self, host: str, why: str) -> None:
        """Somebody has not shown the certificate that `client_certificates` asks for: told of
        trunks, now and then; strangers are in the metrics only."""
        names = self.names_at(host)
        if not names:
            return
        services = self._services
        times = services.seldom.tells(("certificate", host), services.now())
        if times is not None:
            logger.warning(
                "trunk %s: no TLS with %s, which has connected: %s (client_certificates of tls)%s",
                ", ".join(names), host, why, how_often(times),
            )  # fmt: skip

    def _whose(self, host: str) -> str:
        who = ", ".join(self.names_at(host))
        return f"trunk {who}" if who else "a stranger"

    def _on_unanswered(self, event: RequestRefused, times: int) -> None:
        # No other line says so: a 401 that is answered is none to be told of.
        self._on_vain(event)
        self._note(event, times)

    def _note(self, event: RequestRefused, times: int) -> None:
        self.gatekeeper.note(
            event.flow.host,
            event.why,
            self._services.now(),
            user_agent=event.request.headers.get("User-Agent") or "",
            times=times,
        )

    def _on_banned(self, banned: Banned) -> None:
        services = self._services
        services.tell(
            SourceBanned,
            source=banned.host,
            seconds=banned.seconds,
            tries=banned.tries,
            why=banned.why,
        )
