"""Why what was sent does not arrive, in words for the operator: of each destination the last
reason, for as long as it takes to tell it.

It knows errors of sockets, TLS and names; no SIP.
"""

from __future__ import annotations

import os
import ssl

from softswitch.sip.flow import Flow
from softswitch.transport.resolver import NameNotResolved, NameUnknown

__all__ = ["Failures", "reason_of"]

MAX_KEPT = 1000
"""Destinations whose reasons are kept; trunks and their servers are fewer."""

FRESH_SECONDS = 2.0
"""The stack is told of a failure in the same turn of the loop: what is older belongs to another
call."""

Destination = tuple[str, str, int, str]


class Failures:
    """One for a transport."""

    def __init__(self) -> None:
        self._kept: dict[Destination, tuple[str, float]] = {}

    def note(self, flow: Flow, why: str, now: float) -> None:
        """What went to a flow does not arrive."""
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[flow.destination] = why, now

    def why(self, flow: Flow, now: float) -> str:
        """Why what went to a flow just now did not arrive; empty: nobody has said."""
        why, at = self._kept.get(flow.destination, ("", now))
        return why if now - at <= FRESH_SECONDS else ""


def reason_of(error: OSError) -> str:
    """What an error says, in short."""
    if isinstance(error, NameUnknown):
        return "name not found"
    if isinstance(error, NameNotResolved):
        return "the name service does not answer"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {getattr(error, 'reason', None) or error}"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, TimeoutError):
        return "timed out"
    return os.strerror(error.errno).lower() if error.errno else str(error) or "unknown"
