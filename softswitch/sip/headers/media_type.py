"""Content-Type and the members of Accept (RFC 3261 sections 20.1 and 20.15)."""

from __future__ import annotations

import re

import msgspec

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import TOKEN
from softswitch.sip.parameters import NO_PARAMETERS, Parameters

_MEDIA_TYPE = re.compile(rf"\s*({TOKEN})\s*/\s*({TOKEN})\s*(?:;(.*))?", re.DOTALL)


class MediaType(msgspec.Struct, frozen=True):
    """`application/sdp`; type and subtype are held in lower case."""

    type: str
    subtype: str
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, value: str) -> MediaType:
        """Read one media type with its parameters."""
        matched = _MEDIA_TYPE.fullmatch(value)
        if matched is None:
            raise ParseError("bad-content-type", detail=f"{value[:60]!r}")
        main, sub, parameters = matched.groups()
        return cls(main.lower(), sub.lower(), Parameters.parse(parameters or ""))

    @property
    def name(self) -> str:
        """Type and subtype without parameters."""
        return f"{self.type}/{self.subtype}"

    def __str__(self) -> str:
        return f"{self.name}{self.parameters}"
