"""Which header fields of a caller's INVITE are kept, because some trunk may be sent them.

All others end at the switch. Which of them a trunk gets is decided when it is called.
"""

from __future__ import annotations

import re

from config.model import Configuration
from softswitch.sip.headers.container import canonical_name
from softswitch.sip.message import Request

__all__ = ["PassedFields"]

MAX_BY_BEGINNING = 32
"""Fields kept because their names begin so: a caller chooses how many there are."""
MAX_VALUE = 1000
"""Characters of such a field; a longer one is left out, as all of them have to fit a datagram."""

_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]+")
"""Nobody writes them but to harm who reads; a tab is white space (RFC 3261 section 25.1)."""


class PassedFields:
    """The names of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        names: list[str] = []
        beginnings: set[str] = set()
        for trunk in configuration.trunks.values():
            names += trunk.pass_headers
            if trunk.caller_identity is not None:
                names += trunk.caller_identity.passed
            for name in () if trunk.headers is None else trunk.headers.passed:
                if name.endswith("*"):
                    beginnings.add(name[:-1].lower())
                else:
                    names.append(name)
        # As an operator has spelled them: some far ends take upper and lower case for different.
        spelled = {canonical_name(name): name for name in sorted(names)}
        self._canonical = frozenset(spelled)
        self._names = tuple(spelled.values())
        self._beginnings = tuple(sorted(beginnings))

    def of(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The fields of a request that are kept, as they came but for control
        characters."""
        names = self._names
        if self._beginnings:
            names = (*names, *self._beginning_so(request))
        return tuple(
            (name, _CONTROLS.sub("", value))
            for name in names
            for value in request.headers.get_all(name)
            if not self._beginnings or self._fits(name, value)
        )

    def _beginning_so(self, request: Request) -> list[str]:
        found = [
            name
            for name in request.headers.fields
            if name not in self._canonical and name.lower().startswith(self._beginnings)
        ]
        return found[:MAX_BY_BEGINNING]

    def _fits(self, name: str, value: str) -> bool:
        return name in self._names or len(value) <= MAX_VALUE
