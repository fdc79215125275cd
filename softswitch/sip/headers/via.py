"""Via (RFC 3261 section 20.42), with rport (RFC 3581)."""

from __future__ import annotations

import re

import msgspec

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import (
    HOSTNAME,
    MAX_HOST,
    TOKEN,
    USUAL_PORT,
    format_host,
    parse_host_port,
)
from softswitch.sip.parameters import NO_PARAMETERS, Parameters

# The cookie that marks a branch as unique by RFC 3261 (section 8.1.1.7).
MAGIC_COOKIE = "z9hG4bK"

# What nearly every Via looks like.
_USUAL = re.compile(rf"SIP/2\.0/(UDP|TCP|TLS) ({HOSTNAME})(?::({USUAL_PORT}))?(?:;([^\s\"]*))?")
# sent-protocol LWS sent-by *( SEMI via-params ); white space may stand around each "/".
_VIA = re.compile(rf"({TOKEN})\s*/\s*({TOKEN})\s*/\s*({TOKEN})[ \t]+([^;]+)(?:;(.*))?", re.DOTALL)


class Via(msgspec.Struct, frozen=True):
    """One hop of the way the request took; `host` and `port` are the sent-by."""

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = NO_PARAMETERS
    protocol: str = "SIP"
    version: str = "2.0"

    @classmethod
    def parse(cls, value: str) -> Via:
        """Read one Via value (not a comma-joined line)."""
        usual = _USUAL.fullmatch(value)
        if usual is not None and len(usual[2]) <= MAX_HOST:
            transport, host, number, rest = usual.groups()
            return cls(
                transport,
                host,
                int(number) if number else None,
                Parameters.parse(rest) if rest else NO_PARAMETERS,
            )
        matched = _VIA.fullmatch(value)
        if matched is None:
            raise ParseError("bad-via", detail=f"{value[:80]!r}")
        protocol, version, transport, sent_by, parameters = matched.groups()
        host, port = parse_host_port(sent_by.strip(), reason="bad-via")
        return cls(
            transport.upper(),
            host,
            port,
            NO_PARAMETERS if parameters is None else Parameters.parse(parameters),
            protocol.upper(),
            version,
        )

    @property
    def branch(self) -> str | None:
        """The transaction's identifier, or None from an element older than RFC 3261."""
        return self.parameters.get("branch")

    @property
    def received(self) -> str | None:
        """The source address the next hop saw; an IPv6 address without brackets."""
        received = self.parameters.get("received")
        return None if received is None else received.strip("[]")

    @property
    def has_rport(self) -> bool:
        """Whether the sender asked for symmetric responses (RFC 3581), with or without a value."""
        return "rport" in self.parameters

    @property
    def rport(self) -> int | None:
        """The source port the next hop saw, None while it is only asked for."""
        value = self.parameters.get("rport")
        if value is None or not value.isascii() or not value.isdigit() or len(value) > 5:
            return None
        return int(value)

    @property
    def sent_protocol(self) -> str:
        """`SIP/2.0/UDP`."""
        return f"{self.protocol}/{self.version}/{self.transport}"

    @property
    def sent_by(self) -> str:
        """`host[:port]`, as responses are matched by."""
        host = format_host(self.host)
        return host if self.port is None else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.sent_protocol} {self.sent_by}{self.parameters}"
