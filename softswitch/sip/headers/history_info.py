"""History-Info: every address the request was sent to before (RFC 7044)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import parse_number
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.informative import parse_readable
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.reason import MAX_CAUSE, Reason

# index-val = number *("." number)
_INDEX = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5})*")
# 10.3: how this entry came out of an earlier one.
_TARGET_PARAMETERS = ("rc", "mp", "np")


@dataclass(frozen=True, slots=True)
class HistoryInfo:
    """One entry of the history: an address that the request was for."""

    address: NameAddress

    @classmethod
    def parse(cls, value: str) -> HistoryInfo:
        """Read `<sip:+1...@host;cause=486?Reason=SIP%3Bcause%3D486>;index=1.1`."""
        entry = cls(NameAddress.parse(value))
        index = entry.address.parameters.get("index")
        if index is not None and not _INDEX.fullmatch(index):
            raise ParseError("bad-history-info", detail=f"{value[:80]!r}")
        return entry

    @classmethod
    def parse_all(cls, headers: Headers) -> tuple[HistoryInfo, ...]:
        """Read every value that can be read, the oldest first as they stand."""
        return parse_readable(headers, "History-Info", cls.parse)

    @property
    def index(self) -> str:
        """`1.2.1`; empty when a sender left it out against the RFC."""
        return self.address.parameters.get("index") or ""

    @property
    def cause(self) -> int | None:
        """Why the call went on to this address: the `cause` of the URI (RFC 4458, RFC 8119)."""
        try:
            return parse_number(
                self.address.uri.parameters.get("cause") or "",
                limit=MAX_CAUSE,
                reason="bad-history-info",
            )
        except ParseError:
            return None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why this address did not take the call: Reason headers inside the URI (10.2)."""
        escaped = [value for name, value in self.address.uri.headers if name.lower() == "reason"]
        inner = Headers()
        inner.fields["Reason"] = escaped
        return Reason.parse_all(inner)

    @property
    def is_private(self) -> bool:
        """Whether the entry must not be shown: a Privacy header inside the URI asks so (10.1)."""
        value = self.address.uri.header("Privacy")
        return value is not None and value.strip().lower() != "none"

    @property
    def target(self) -> tuple[str, str] | None:
        """`("rc", "1")`: changed by contact (rc), mapped (mp) or not changed (np), from index."""
        for name in _TARGET_PARAMETERS:
            value = self.address.parameters.get(name)
            if value is not None:
                return name, value
        return None

    def __str__(self) -> str:
        return str(self.address)
