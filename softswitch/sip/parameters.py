"""Parameters after a semicolon: `;tag=1;lr;text="a;b"` (RFC 3261 section 25.1, generic-param).

Values are kept decoded: without their quotes here, without their %-escapes in a URI. It does not
know which parameter means what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote as unescape

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import (
    WHITE_SPACE,
    is_token,
    quote_unless_bare,
    split_semicolons,
    unquote,
)

# More parameters than this belong to an attack: the longest of RFC 4475 has ten.
MAX_PARAMETERS = 64

# What a value that is not quoted must not hold.
_NOT_IN_VALUE = re.compile(r"[\"<>,\s]")
# Known to be tokens in lower case.
_USUAL_NAMES = frozenset(
    ("branch", "cause", "index", "lr", "privacy", "q", "reason", "received", "rport", "tag", "text")
)


class Parameters:
    """An immutable, ordered set of named values; names are case-insensitive, kept in lower case.

    A parameter without a value (`;lr`) has the value None: ask `"lr" in parameters`.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[tuple[str, str | None]] = ()) -> None:
        self._values: dict[str, str | None] = (
            {name.lower(): value for name, value in values} if values else {}
        )

    @classmethod
    def parse(cls, text: str) -> Parameters:
        """Read header parameters: what stands behind the first semicolon.

        Of a repeated name the first value counts. One trailing semicolon is tolerated.
        """
        if not text:
            return NO_PARAMETERS
        if '"' in text or " " in text or "," in text or "<" in text or ">" in text or "\t" in text:
            return _parse_carefully(text)
        values: dict[str, str | None] = {}
        for part in text.split(";"):
            name, equals, value = part.partition("=")
            if name not in _USUAL_NAMES:
                name = name.lower()
                if not is_token(name):
                    return _parse_carefully(text)
            if name not in values:
                values[name] = value if equals else None
        return _adopt(values)

    @classmethod
    def parse_uri(cls, text: str, *, is_escaped: bool = True) -> Parameters:
        """Read the parameters of a URI, where values are %-escaped and never quoted."""
        if not text:
            return NO_PARAMETERS
        values: dict[str, str | None] = {}
        is_escaped = is_escaped and "%" in text
        for part in _parts(text.split(";")):
            name, equals, value = part.partition("=")
            if is_escaped:
                name, value = unescape(name), unescape(value)
            name = name.lower()
            if name not in values:
                values[name] = value if equals else None
        return _adopt(values)

    def get(self, name: str, default: str | None = None) -> str | None:
        """Give the value of a parameter (lower-case name), or the default when it is not there."""
        return self._values.get(name, default)

    def items(self) -> Iterable[tuple[str, str | None]]:
        """Give names and values in order."""
        return self._values.items()

    def with_(self, name: str, value: str | None) -> Parameters:
        """Give a copy in which the parameter has this value."""
        return _adopt({**self._values, name.lower(): value})

    def without(self, *names: str) -> Parameters:
        """Give a copy that lacks these parameters."""
        return _adopt({name: value for name, value in self._values.items() if name not in names})

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters):
            return NotImplemented
        return self._values == other._values

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Parameters({list(self._values.items())!r})"

    def __str__(self) -> str:
        return "".join(
            f";{name}" if value is None else f";{name}={quote_unless_bare(value)}"
            for name, value in self._values.items()
        )


def _adopt(values: dict[str, str | None]) -> Parameters:
    if len(values) > MAX_PARAMETERS:
        raise ParseError("too-many-parameters", detail=f"{len(values)} parameters")
    parameters = Parameters()
    parameters._values = values
    return parameters


def _parse_carefully(text: str) -> Parameters:
    values: dict[str, str | None] = {}
    for part in _parts(split_semicolons(text)):
        name, equals, value = part.partition("=")
        name = name.rstrip(WHITE_SPACE).lower()
        if not is_token(name):
            raise ParseError("bad-parameters", detail=f"{name[:60]!r} is not a name")
        if name not in values:
            values[name] = _read_value(value.lstrip(WHITE_SPACE)) if equals else None
    return _adopt(values)


def _parts(parts: list[str]) -> list[str]:
    """Forgive an empty part at the end; one between two semicolons is an error."""
    if len(parts) > 1 and not parts[-1]:
        del parts[-1]
    if "" in parts:
        raise ParseError("bad-parameters", detail="nothing between two semicolons")
    return parts


def _read_value(text: str) -> str:
    if text.startswith('"'):
        bare = unquote(text)
        if bare is text:
            raise ParseError("bad-parameters", detail=f"quotes of {text[:60]!r} do not match")
        return bare
    if _NOT_IN_VALUE.search(text):
        raise ParseError("bad-parameters", detail=f"{text[:60]!r} is not a value")
    return text


NO_PARAMETERS = Parameters()
