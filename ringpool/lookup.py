"""The table of live numbers: from what was dialled to what it stands for when the call is received.

The most specific entry wins:

1. a number taken as it is (`as_is`), then one in E.164, then one that a pool has taken from its
   stock or gives when it runs out, then a SIP URI with port, then without;
2. in the same order, a number that was activated while the switch runs (`ringpool.activated`);
3. of the patterns, the one with the most digits written out; of equals, one of fixed length before
   one with a wildcard, then the one whose written digits stand further left.

E.164 is config.e164's; user parts of SIP URIs are compared with case, hosts without (RFC 3261
section 19.1.4). Patterns with the same form (length and places of X) are one dictionary, so a
thousand of them cost no more than one.

Which binding a number of a pool has is asked of `ringpool.live` at the time of receipt. Numbers of
a stock that are in no pool are not live. When a pool has ended, its numbers get the treatment of
its reserve for as long as that lasts, and are not live afterwards; its overflow number stays live.
What was withdrawn while the switch runs is not live, whatever entry it matches.
Knows nothing of calls, or of who asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from config.e164 import SipAddress, dialled, normalise, split_sip_uri
from config.model import NOTHING, Configuration, Number, Pool
from ringpool.activated import ActivatedNumbers
from ringpool.live import LiveBindings
from ringpool.rules import end_of_pool
from ringpool.values import Binding

__all__ = ["NumberMatch", "NumberTable"]


class NumberMatch(msgspec.Struct, frozen=True):
    """What a called number turned out to be, as it is kept with the call."""

    number: str
    """The number called, canonical: E.164, a SIP URI, or as it was dialled."""
    called: str
    """The number called as it was dialled, without URI parameters."""
    campaign: str
    publisher: str | None
    """The number's (or its pool's), else the campaign's."""
    pool: str | None
    binding: Mapping[str, str]
    """Values of the parameters."""
    pattern: str
    """The entry of the configuration that matched."""
    refuse: int | None
    """Status to refuse with when only the signalling is wanted."""
    binding_id: str | None = None
    """Id of an allocated binding."""
    owner: str | None = None
    """Whose the allocated binding is."""
    late: bool = False
    """Whether the binding was over and the call came within the cooldown."""
    overflow: bool = False
    """Whether it is the number a pool gives when it has run out."""
    treatment: str | None = None
    """Treatment instead of the campaign's: the pool has ended and its numbers are reserved."""


@dataclass(frozen=True, slots=True)
class _Form:
    """Where a family of patterns has its written digits, and how long it is."""

    length: int
    """Digits with and without X, wildcard not counted."""
    wildcard: str
    """`*` for any rest, `.` for a rest that is not empty, or nothing."""
    places: tuple[int, ...]
    """Where the written characters stand."""
    digits: tuple[int, ...]
    """Where any digit may stand."""

    @property
    def rank(self) -> tuple[int, bool, tuple[int, ...]]:
        """Sort key: the most specific first."""
        return (-len(self.places), bool(self.wildcard), self.places)

    def key(self, text: str) -> str | None:
        """The digits of `text` at the written places, or None when it has not this form."""
        rest = len(text) - self.length
        if rest < 0 or (rest == 0 and self.wildcard == ".") or (rest > 0 and not self.wildcard):
            return None
        for i in self.digits:
            if text[i] not in "0123456789":
                return None
        return "".join([text[i] for i in self.places])


class _Patterns:
    """Patterns, grouped by form, the most specific form first."""

    def __init__(self) -> None:
        self._families: dict[_Form, dict[str, Number]] = {}

    def add(self, number: Number) -> None:
        form, key = _form(number.pattern)
        self._families.setdefault(form, {})[key] = number

    def finish(self) -> None:
        ordered = sorted(self._families.items(), key=lambda item: item[0].rank)
        self._families = dict(ordered)

    def find(self, text: str) -> tuple[_Form, Number] | None:
        for form, numbers in self._families.items():
            key = form.key(text)
            number = numbers.get(key) if key is not None else None
            if number is not None:
                return form, number
        return None


def _form(pattern: str) -> tuple[_Form, str]:
    wildcard = pattern[-1:] if pattern.endswith(("*", ".")) else ""
    head = pattern[: len(pattern) - len(wildcard)]
    places = tuple(i for i, character in enumerate(head) if character != "X")
    digits = tuple(i for i, character in enumerate(head) if character == "X")
    return _Form(len(head), wildcard, places, digits), "".join([head[i] for i in places])


class NumberTable:
    """The live numbers of one configuration."""

    def __init__(
        self,
        configuration: Configuration,
        live: LiveBindings | None = None,
        activated: ActivatedNumbers | None = None,
    ) -> None:
        """`live`: the bindings of pools; None: as if nothing had been allocated. `activated`: what
        is live, or not, beside the configuration."""
        self._live = live if live is not None else LiveBindings({})
        self._activated = activated if activated is not None else ActivatedNumbers()
        self._pools = configuration.pools
        time_zone = configuration.switch.time_zone
        self._ends = {
            pool.name: end_of_pool(pool, time_zone)
            for pool in configuration.pools.values()
            if pool.ends is not None
        }
        self._overflows: dict[str, Pool] = {}
        for pool in configuration.pools.values():
            if pool.overflow is not None:
                self._overflows.setdefault(pool.overflow, pool)
        self._country = configuration.switch.country
        self._campaigns = configuration.campaigns
        self._as_is: dict[str, Number] = {}
        self._exact: dict[str, Number] = {}
        self._uris: dict[SipAddress, Number] = {}
        self._as_is_patterns = _Patterns()
        self._patterns = _Patterns()
        for number in configuration.numbers:
            self._add(number)
        self._as_is_patterns.finish()
        self._patterns.finish()

    def _add(self, number: Number) -> None:
        if number.kind == "uri":
            address = split_sip_uri(number.pattern)
            # The loader accepts no other text as a URI.
            assert address is not None
            self._uris[address] = number
        elif number.kind == "pattern":
            (self._as_is_patterns if number.as_is else self._patterns).add(number)
        else:
            (self._as_is if number.as_is else self._exact)[number.pattern] = number

    def entry(self, number: Number) -> Number | None:
        """What the configuration itself has for a number, but for patterns."""
        if number.kind == "uri":
            address = split_sip_uri(number.pattern)
            return None if address is None else self._uris.get(address)
        return (self._as_is if number.as_is else self._exact).get(number.pattern)

    def is_of_pool(self, number: str) -> bool:
        """Whether a pool has a number, or gives it when it runs out."""
        return number in self._overflows or self._live.find(number) is not None

    def campaign_of(self, called: str) -> str | None:
        """Whose a number is by the configuration alone, also while it is withdrawn."""
        user = dialled(called)
        canonical = normalise(user, self._country)
        number = self._as_is.get(user)
        if number is None and canonical is not None:
            number = self._exact.get(canonical)
            pool = self._pool_of(canonical) if number is None else None
            if pool is not None and pool.campaign is not None:
                return pool.campaign
        number = number or self._by_uri(called) or self._pattern_of(user, canonical)[0]
        return None if number is None else number.campaign

    def find(self, called: str, *, at: float | None = None) -> NumberMatch | None:
        """The entry for a number, or for the SIP or tel URI that was called; None when not live.

        `at`: when the call was received, in seconds since the epoch; None: now, whenever that is.
        """
        user = dialled(called)
        number = self._as_is.get(user)
        if number is not None:
            return self._match(number, user, user, at)
        canonical = normalise(user, self._country)
        if canonical is not None:
            if (number := self._exact.get(canonical)) is not None:
                return self._match(number, canonical, user, at)
            if (found := self._of_pool(canonical, user, at)) is not None:
                return found
        if self._uris and (number := self._by_uri(called)) is not None:
            return self._match(number, number.pattern, user, at)
        if self._activated.numbers:
            number = self._activated.find(called, user, canonical)
            if number is not None and number.campaign in self._campaigns:
                return self._match(number, number.pattern, user, at)
        return self._by_pattern(user, canonical, at)

    def _by_uri(self, called: str) -> Number | None:
        address = split_sip_uri(called)
        if address is None:
            return None
        without_port = SipAddress(address.user, address.host, None)
        return self._uris.get(address) or self._uris.get(without_port)

    def _by_pattern(self, user: str, canonical: str | None, at: float | None) -> NumberMatch | None:
        number, matched = self._pattern_of(user, canonical)
        return None if number is None else self._match(number, matched, user, at)

    def _pattern_of(self, user: str, canonical: str | None) -> tuple[Number | None, str]:
        """The pattern, and which form of the number it is of."""
        as_is = self._as_is_patterns.find(user)
        ours = self._patterns.find(canonical) if canonical is not None else None
        if as_is is not None and (ours is None or as_is[0].rank <= ours[0].rank):
            return as_is[1], user
        if ours is None or canonical is None:
            return None, ""
        return ours[1], canonical

    def _match(
        self, number: Number, canonical: str, called: str, at: float | None
    ) -> NumberMatch | None:
        if self._activated.withdrawn and canonical in self._activated.withdrawn:
            return None
        overflow = self._overflows.get(canonical)
        match = NumberMatch(
            number=canonical,
            called=called,
            campaign=number.campaign,
            publisher=number.publisher or self._campaigns[number.campaign].publisher,
            pool=overflow.name if overflow is not None and not number.pool else number.pool,
            binding=number.parameters,
            pattern=number.pattern,
            refuse=number.refuse,
            overflow=overflow is not None,
        )
        if overflow is not None or number.pool is None:
            return match
        bound = self._bound(match, number.pool, at) if number.dynamic else match
        return self._unless_ended(bound, number.pool, at)

    def _of_pool(self, number: str, called: str, at: float | None) -> NumberMatch | None:
        """A number that stands in no list: a pool's overflow number, or taken from its stock."""
        overflow = self._overflows.get(number)
        pool = self._pool_of(number)
        if pool is None or pool.campaign is None:
            return None
        match = NumberMatch(
            number=number,
            called=called,
            campaign=pool.campaign,
            publisher=pool.publisher or self._campaigns[pool.campaign].publisher,
            pool=pool.name,
            binding=NOTHING,
            pattern=number,
            refuse=None,
            overflow=overflow is not None,
        )
        if overflow is not None:
            return match
        return self._unless_ended(self._bound(match, pool.name, at), pool.name, at)

    def _pool_of(self, number: str) -> Pool | None:
        overflow = self._overflows.get(number)
        if overflow is not None:
            return overflow
        found = self._live.find(number)
        return self._pools.get(found.pool) if found is not None else None

    def _bound(self, match: NumberMatch, pool: str, at: float | None) -> NumberMatch:
        found = self._live.find(match.number, at=at)
        if found is None or found.pool != pool or found.binding is None:
            return match
        binding = found.binding
        return msgspec.structs.replace(
            match,
            publisher=binding.publisher or match.publisher,
            binding=self._values(pool, binding),
            binding_id=binding.binding_id,
            owner=binding.owner,
            late=found.late,
        )

    def _values(self, pool: str, binding: Binding) -> Mapping[str, str]:
        # A pool may have got another parameter since.
        return dict(zip(self._pools[pool].parameters, binding.values, strict=False))

    def _unless_ended(self, match: NumberMatch, pool: str, at: float | None) -> NumberMatch | None:
        ends_at = self._ends.get(pool)
        if ends_at is None or at is None or at < ends_at:
            return match
        reserve = self._pools[pool].reserve
        if reserve is None or reserve.treatment is None or at >= ends_at + reserve.seconds:
            return None
        return msgspec.structs.replace(match, treatment=reserve.treatment)
