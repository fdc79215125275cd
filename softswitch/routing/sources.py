"""Whose a request is: by the address it came from, by a proxy's mark, or by where it was sent to.

What a request may claim is looked at only where its sender may claim it: the mark of a proxy counts
from proxies that the configuration lists, the name of a registered contact is one that nobody can
guess. Credentials are the switchboard's business. Knows no sockets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from config.model import Configuration, Trunk, TrunkProxies
from softswitch.routing.trunks import TrunkTable
from softswitch.sip.errors import ParseError
from softswitch.sip.flow import Flow
from softswitch.sip.headers.via import Via
from softswitch.sip.message import Request

__all__ = ["LINE", "NO_MARK", "WRONG_MARK", "SourceTable"]

LINE = "line"
"""The parameter of a registered contact that says whose it is."""

NO_MARK = "no-trunk-mark"
"""Why a proxy's request is nobody's: it says nothing, or not clearly."""
WRONG_MARK = "wrong-trunk-mark"
"""The same where it says something that no trunk of its has."""

MAX_MARK = 100
"""Characters of a wrong mark that are told: whoever has set up the proxy knows it by then."""


class SourceTable:
    """The sources of one configuration."""

    def __init__(self, configuration: Configuration, trunks: TrunkTable) -> None:
        self._configured = configuration.trunks
        self.defence = configuration.defence
        self._trunks = trunks
        self._has_proxies = any(trunk.behind for trunk in configuration.trunks.values())
        self.logins = {
            trunk.inbound_auth.user: trunk
            for trunk in configuration.trunks.values()
            if trunk.inbound_auth is not None
        }
        """Trunks by the user that their calls must show."""

    def knows(self, host: str) -> bool:
        """Whether an address is a trunk's or a proxy's."""
        trunks = self._trunks
        return bool(trunks.identify(host) or trunks.proxies.find(host) or trunks.behind.find(host))

    def trunk(self, name: str) -> Trunk | None:
        """The trunk of a name."""
        return self._configured.get(name)

    def names_at(self, host: str) -> set[str]:
        """The names of the trunks that an address is of, their proxies' too."""
        return self._trunks.names_at(host)

    def why_unknown(self, request: Request, host: str) -> tuple[str, str]:
        """Why a request that `find` knows no trunk of is nobody's, and the mark that it shows."""
        behind = [trunk.behind for trunk in self._trunks.proxies.find(host)]
        if not behind:
            return "unknown-source", ""
        marks = (_mark(request, one) for one in behind if one is not None and not one.via)
        shown = next((mark for mark in marks if mark), "")
        return (WRONG_MARK if shown else NO_MARK), shown[:MAX_MARK]

    def find(self, request: Request, flow: Flow, lines: Mapping[str, str]) -> Trunk | None:
        """The trunk a request is of, or None; one that must show credentials has not yet.

        `lines` has the names of trunks by the LINE of our contacts registered there.
        """
        if self._has_proxies:
            behind = self._trunks.proxies.find(flow.host)
            if behind:
                return self._marked(request, behind)
        if lines:
            name = lines.get(request.request_uri.parameters.get(LINE) or "")
            if name is not None:
                return self._configured.get(name)
        return self._trunks.identify(flow.host, flow.transport, flow.port)

    def _marked(self, request: Request, candidates: list[Trunk]) -> Trunk | None:
        """The trunk that a proxy means."""
        for trunk in candidates:
            behind = trunk.behind
            assert behind is not None
            if behind.via:
                if trunk in self._trunks.behind.find(_host_before(request)):
                    return trunk
            elif _mark(request, behind) == (behind.value or trunk.name):
                return trunk
        return None


def _mark(request: Request, behind: TrunkProxies) -> str | None:
    """What the proxy says. Twice said is not said: one of the two came from the caller."""
    if behind.header is None:
        name = (behind.parameter or "").lower()
        # Of a parameter that is there twice, the reader keeps the first, which the caller wrote.
        if (
            len(re.findall(rf";\s*{re.escape(name)}\s*(?:=|;|$)", unquote(request.uri).lower()))
            != 1
        ):
            return None
        return request.request_uri.parameters.get(name)
    said = request.headers.get_all(behind.header)
    return said[0].strip() if len(said) == 1 else None


def _host_before(request: Request) -> str:
    """The host that the proxy had the request from: that of the second Via."""
    values = request.headers.get_list("Via")
    if len(values) < 2:
        return ""
    try:
        via = Via.parse(values[1])
    except ParseError:
        return ""
    # 18.2.1: the proxy "MUST add a received parameter" where the sent-by is not the source.
    return via.received or via.host
