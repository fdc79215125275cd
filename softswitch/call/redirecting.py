"""A leg whose far end says that the call is to go elsewhere (RFC 3261 sections 8.1.3.4 and 21.3).

Only where the trunk has `redirects: follow`, only to whom the desk lets through, best first, and
only so often: a far end must not send a call round in a circle, nor to whom nobody wants to pay.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from config.model import Trunk
from softswitch.call.dial_request import DialRequest
from softswitch.call.events import LegRedirected
from softswitch.sip.addresses import canonical_host
from softswitch.sip.errors import ParseError
from softswitch.sip.flow import DEFAULT_PORT, DEFAULT_TLS_PORT
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.message import Response
from softswitch.sip.uri import Uri

if TYPE_CHECKING:
    from softswitch.call.called_leg import CalledLeg

logger = logging.getLogger(__name__)

__all__ = ["FOLLOWED", "MAX_CONTACTS", "MAX_REDIRECTIONS", "Redirections"]

FOLLOWED = frozenset((300, 301, 302))
"""305 asks for a proxy of the far end's choice, 380 for something that is no call."""

MAX_REDIRECTIONS = 5
"""INVITEs of one leg that are sent on somebody's word; each may ring for as long as the leg may."""

MAX_CONTACTS = 5
"""Addresses of one response that are looked at."""


class Redirections:
    """Where one leg may still go."""

    def __init__(self, leg: CalledLeg) -> None:
        self._leg = leg
        self._seen = {_place(Uri.parse(leg.request.uri))}
        self._waiting: list[Uri] = []
        self._followed = 0
        self._status = 0
        self._why = ""

    def take(self, response: Response) -> None:
        """Note where a response says that the call is to go; the new before the old."""
        named = _contacts(response)
        found = []
        for uri in named:
            if _place(uri) not in self._seen:
                self._seen.add(_place(uri))
                found.append(uri)
        self._status, self._why = response.status, "loop" if named else "nowhere"
        self._waiting = found + self._waiting

    def next(self) -> DialRequest | None:
        """How the leg goes on, sent there now or before; None: it does not."""
        services = self._leg.services
        desk, spending, why = services.transfers, services.spending, self._why
        self._why = ""
        while self._waiting and desk is not None:
            if self._followed >= MAX_REDIRECTIONS:
                why = "too_many"
                break
            if spending is not None and spending.refuses(self._leg.call):
                # It may have rung elsewhere for long, while other calls have spent the rest.
                why = "spent"
                break
            uri = self._waiting.pop(0)
            request = desk.redirect(self._leg, uri)
            if request is not None:
                self._followed += 1
                self._tell(request.uri, "", request.trunk)
                return request
            why = "not_allowed"
        if why:  # else all that was named has been tried, and is told
            self._tell("", why, self._leg.trunk)
        return None

    def _tell(self, to: str, why: str, trunk: Trunk) -> None:
        leg, status = self._leg, self._status
        logger.info(
            "call %s leg %s: redirected (%d) to %.100r %s",
            leg.call.call_id, leg.leg_id, status, to, why,
        )  # fmt: skip
        leg.call.emit(
            LegRedirected, leg=leg.leg_id, status=status, to=to, trunk=trunk.name, why=why
        )


def _contacts(response: Response) -> list[Uri]:
    """What a response names, the best first (section 20.10); a Contact that cannot be read names
    nothing."""
    found: list[tuple[float, Uri]] = []
    for value in response.headers.get_list("Contact")[:MAX_CONTACTS]:
        try:
            address = NameAddress.parse(value)
        except ParseError:
            continue
        if address.uri.scheme in ("sip", "sips", "tel"):
            found.append((_preference(address), address.uri))
    return [uri for _, uri in sorted(found, key=lambda one: -one[0])]


def _place(uri: Uri) -> tuple[str, str, int | None]:
    """Who is meant, by whatever transport: somebody who has sent us there need not be asked again
    by another one."""
    is_tls = uri.scheme == "sips" or (uri.parameters.get("transport") or "").lower() == "tls"
    usual = DEFAULT_TLS_PORT if is_tls else DEFAULT_PORT
    return uri.user or "", canonical_host(uri.host), None if uri.port == usual else uri.port


def _preference(address: NameAddress) -> float:
    try:
        return min(1.0, max(0.0, float(address.parameters.get("q") or 1.0)))
    except ValueError:
        return 0.0
