"""name-addr and addr-spec with parameters: From, To, Contact, Route and many more.

RFC 3261 sections 20.10, 20.20, 20.30, 20.34, 20.39. It does not know which header it came from.
"""

from __future__ import annotations

import msgspec

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import WHITE_SPACE, match_quoted, quote, unquote
from softswitch.sip.headers.container import Headers
from softswitch.sip.parameters import NO_PARAMETERS, Parameters
from softswitch.sip.uri import Uri


class NameAddress(msgspec.Struct, frozen=True):
    """A URI with an optional display name (unquoted) and header parameters."""

    uri: Uri
    display_name: str = ""
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, value: str) -> NameAddress:
        """Read one address.

        20.10: "If the URI is not enclosed in angle brackets, any semicolon-delimited parameters
        are header-parameters, not URI parameters."
        """
        value = value.strip(WHITE_SPACE)
        quoted = match_quoted(value) if value.startswith('"') else 0
        opening = value.find("<", quoted)
        if opening < 0:
            uri, semicolon, rest = value.partition(";")
            _refuse_ambiguous(uri)
            return cls(
                Uri.parse(uri.rstrip(WHITE_SPACE)),
                parameters=Parameters.parse(rest) if semicolon else NO_PARAMETERS,
            )
        closing = value.find(">", opening)
        rest = value[closing + 1 :].lstrip(WHITE_SPACE)
        if closing < 0 or (rest and rest[0] != ";"):
            raise ParseError("bad-address", detail=f"{value[:80]!r}")
        return cls(
            Uri.parse(value[opening + 1 : closing].strip(WHITE_SPACE)),
            _display_name(value[:opening].strip(WHITE_SPACE), quoted),
            Parameters.parse(rest[1:]) if rest else NO_PARAMETERS,
        )

    @classmethod
    def parse_all(cls, headers: Headers, name: str) -> tuple[NameAddress, ...]:
        """Read every value of a header that is a list of addresses."""
        return tuple([cls.parse(value) for value in headers.get_list(name)])

    @property
    def tag(self) -> str | None:
        """The dialog's tag, None when there is none (or an empty one)."""
        return self.parameters.get("tag") or None

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{self.parameters}"


def _display_name(text: str, quoted: int) -> str:
    if not quoted:
        if '"' in text:
            raise ParseError("bad-address", detail=f"quotes of {text[:60]!r} do not match")
        return text
    if quoted != len(text):
        raise ParseError("bad-address", detail=f"{text[:60]!r} is not a display name")
    return unquote(text)


def _refuse_ambiguous(uri: str) -> None:
    """20.10: "... MUST be enclosed in angle brackets" when the URI has a comma or question mark.

    A comma stays acceptable in the user part, which no list was split at.
    """
    if "?" in uri.rpartition("@")[2]:
        raise ParseError("bad-address", detail=f"{uri[:60]!r} needs angle brackets")
