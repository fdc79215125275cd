"""Privacy (RFC 3323 section 4.2, `id` from RFC 3325, `history` from RFC 7044)."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import is_token
from softswitch.sip.headers.container import Headers

# `critical` and `session` alone say nothing about the caller's identity; `none` asks to show it.
_HIDES_CALLER = frozenset(("id", "user", "header"))
# Few values exist; a longer list is an attack.
MAX_VALUES = 16


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the caller asked the network to hide; values in lower case, in order."""

    values: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: str) -> Privacy:
        """Read `id;critical`; a comma is taken for a semicolon, as it is often written so."""
        values = [part.strip().lower() for part in value.replace(",", ";").split(";")]
        if len(values) > MAX_VALUES or not all(is_token(one) for one in values):
            raise ParseError("bad-privacy", detail=f"{value[:60]!r}")
        return cls(tuple(values))

    @classmethod
    def find(cls, headers: Headers) -> Privacy:
        """Read all Privacy lines.

        A line that cannot be read counts as a wish to hide everything (`id`, `user`): one who asked
        for privacy in a way we do not understand must not be shown.
        """
        values: list[str] = []
        for line in headers.get_all("Privacy")[:MAX_VALUES]:
            try:
                values.extend(cls.parse(line).values)
            except ParseError:
                values.extend(("id", "user"))
        return cls(tuple(values))

    @property
    def hides_caller(self) -> bool:
        """Whether the caller's number and name must not be shown to the other side."""
        return not _HIDES_CALLER.isdisjoint(self.values)

    def __str__(self) -> str:
        return ";".join(self.values)
