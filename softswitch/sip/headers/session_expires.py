"""Session-Expires (RFC 4028 section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.grammar import WHITE_SPACE, parse_number
from softswitch.sip.headers.retry_after import MAX_DELTA_SECONDS
from softswitch.sip.parameters import NO_PARAMETERS, Parameters


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """How long the session lives without a refresh, and who refreshes it."""

    seconds: int
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, value: str) -> SessionExpires:
        """Read `1800;refresher=uac`."""
        seconds, _, parameters = value.partition(";")
        return cls(
            parse_number(
                seconds.strip(WHITE_SPACE), limit=MAX_DELTA_SECONDS, reason="bad-session-expires"
            ),
            Parameters.parse(parameters),
        )

    @property
    def refresher(self) -> str | None:
        """`uac` or `uas`, None while it is not agreed."""
        refresher = (self.parameters.get("refresher") or "").lower()
        return refresher if refresher in ("uac", "uas") else None

    def __str__(self) -> str:
        return f"{self.seconds}{self.parameters}"
