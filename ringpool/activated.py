"""Numbers that were activated or withdrawn while the switch runs, for calls: in memory, beside the
configuration, which goes before them.

What was activated is a number in E.164, one taken as it is dialled, or a SIP URI; never a pattern.
What was withdrawn is a number that the configuration has, by itself or by a pattern. Outlives every
configuration; who keeps it on disk is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.e164 import SipAddress, dialled, normalise, split_sip_uri
from config.model import Number

__all__ = ["ActivatedNumbers", "NumberKey", "key_of"]

NumberKey = tuple[bool, str]
"""Whether it is taken as it is, and its canonical text."""


def key_of(number: Number) -> NumberKey:
    """What makes two numbers the same."""
    return (number.as_is, number.pattern)


class ActivatedNumbers:
    """All there are on this node."""

    def __init__(self) -> None:
        self.numbers: dict[NumberKey, Number] = {}
        """Live beside the configuration."""
        self.withdrawn: dict[str, str] = {}
        """Not live, though the configuration has them: canonical text, and the campaign they
        were of."""

    def find(self, called: str, user: str, canonical: str | None) -> Number | None:
        """The number for what was called: a URI, its user part, and that in E.164."""
        found = self.numbers.get((True, user))
        if found is None and canonical is not None:
            found = self.numbers.get((False, canonical))
        return found or self._by_uri(called)

    def _by_uri(self, called: str) -> Number | None:
        address = split_sip_uri(called)
        if address is None:
            return None
        for one in (address, SipAddress(address.user, address.host, None)):
            found = self.numbers.get((False, str(one)))
            if found is not None:
                return found
        return None

    def met_by(self, number: Number, country: str) -> Iterator[Number]:
        """Those whose calls another number would get in their place, were it activated."""
        user = dialled(number.pattern)
        found = self.find(number.pattern, user, normalise(user, country))
        if found is not None:
            yield found
        if number.kind == "uri":
            return
        # A number goes before a URI with it for a user.
        for one in tuple(self.numbers.values()):
            if one.kind == "uri":
                user = dialled(one.pattern)
                if number.pattern == (user if number.as_is else normalise(user, country)):
                    yield one

    def put(self, number: Number) -> None:
        """Have a number live."""
        self.numbers[key_of(number)] = number

    def remove(self, number: Number) -> None:
        """Have it live no more."""
        self.numbers.pop(key_of(number), None)
