"""Toll guard: which calls of our own making may be placed, and how many.

Nobody is called who is not listed. Every leg that somebody outside asks for (`call.originate`,
`call.dial`, a list) takes a `Permit` first; the rules are those of the configuration that new calls
get. A permit counts against `at_once` until it is released or its call is over, against
`per_minute` for a minute. Knows no control socket and no SIP.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from config.e164 import MAX_TEXT, normalise
from config.model import Campaign, Configuration, Destination, OriginateRules, Trunk

__all__ = ["Guards", "NotAllowed", "Permit", "party_names"]

logger = logging.getLogger(__name__)

MINUTE = 60.0

_LIMITS = ("rate", "concurrency")
"""Said to whoever asks, and asked again soon: no line of the log each."""

MAX_SCOPES = 2000
"""Campaigns and tokens with counts of their own; those that have none at the moment are forgotten
beyond it."""

DEFAULT_SIP_PORT = "5060"

_URI = re.compile(
    r"sip:(?P<user>[A-Za-z0-9+._~-]{1,64})@(?P<host>[A-Za-z0-9.-]{1,250})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<transport>;transport=(?:udp|tcp|tls))?\Z",
    re.IGNORECASE,
)
"""What may be asked for by URI: nothing in it may lead elsewhere (maddr, headers, a password)."""


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Why a call is not placed."""

    what: Literal["destination", "trunk", "caller_id", "rate", "concurrency"]
    message: str


class Permit:
    """The right to one outbound leg."""

    def __init__(self, destination: Destination, trunk: Trunk, caller_id: str | None) -> None:
        self.destination = destination
        """Number or URI, normalised, with the trunk it leaves by when that was asked for."""
        self.trunk = trunk
        self.caller_id = caller_id
        """The number to be shown; None: as the campaign says."""
        self.call_id = ""
        """Set by `hold_for`: the permit counts until this call is over."""
        self.released = False
        self._counted: list[deque[float]] = []
        self._at = 0.0

    def count(self, scopes: list[_Scope], now: float) -> None:
        """It counts from now on."""
        self._at = now
        for scope in scopes:
            scope.times.append(now)
            scope.held.append(self)
            self._counted.append(scope.times)

    def hold_for(self, call_id: str) -> None:
        """The leg belongs to a call that is in progress."""
        self.call_id = call_id

    def counts(self, calls: Container[str]) -> bool:
        """Whether its leg is there, or may still come about."""
        return not self.released and (not self.call_id or self.call_id in calls)

    def release(self) -> None:
        """The leg is over, or never came about; twice is once."""
        self.released = True

    def withdraw(self) -> None:
        """The leg was not even tried, since another of the same request may not be: it counts for
        nothing."""
        self.released = True
        for times in self._counted:
            with suppress(ValueError):  # a minute may be over
                times.remove(self._at)
        self._counted.clear()


class _Scope:
    """What counts together: all, a campaign, a token."""

    __slots__ = ("held", "times")

    def __init__(self) -> None:
        self.held: list[Permit] = []
        self.times: deque[float] = deque()

    def tidy(self, now: float, calls: Container[str]) -> None:
        while self.times and self.times[0] <= now - MINUTE:
            self.times.popleft()
        self.held = [one for one in self.held if one.counts(calls)]


class Guards:
    """One for the process."""

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        calls: Container[str],
        *,
        now: Callable[[], float],
    ) -> None:
        """`calls` has the ids of the calls in progress, `now` gives monotonic seconds."""
        self._configuration = configuration
        self._calls = calls
        self._now = now
        self._scopes: dict[str, _Scope] = {}

    def check(
        self,
        campaign: Campaign,
        to: str,
        *,
        token: str = "",
        trunk: str | None = None,
        caller_id: str | None = None,
    ) -> Permit | NotAllowed:
        """A permit for one leg to `to` (a number as people write it, or a SIP URI), or why not.

        `token` is the name of the control token that asks.
        """
        rules = self._rules(campaign, token)
        allowed = self._allowed(campaign, rules, to, trunk, caller_id)
        if isinstance(allowed, Permit):
            allowed = self._count(campaign, token, allowed)
        if isinstance(allowed, NotAllowed) and allowed.what not in _LIMITS:
            logger.warning(
                "campaign %s: %s may not have %r called: %s",
                campaign.name, token or "somebody", to[:MAX_TEXT], allowed.message,
            )  # fmt: skip
        return allowed

    def check_further(self, campaign: Campaign, to: str, call_id: str) -> Permit | NotAllowed:
        """The same for somebody whom a party of a call names: the rules of a token that has placed
        the call, or had somebody called for it, hold on."""
        permit: Permit | NotAllowed | None = None
        for token in self._tokens_of(call_id) or ("",):
            if isinstance(permit, Permit):
                permit.withdraw()
            permit = self.check(campaign, to, token=token)
            if isinstance(permit, NotAllowed):
                break
        assert permit is not None
        return permit

    def never(self, campaign: Campaign, number: str) -> bool:
        """Whether nobody may be called at this number, whoever has let it through before."""
        return any(
            _fits(pattern, number) for rule in self._rules(campaign, "") for pattern in rule.never
        )

    def _tokens_of(self, call_id: str) -> list[str]:
        """Tokens with rules of their own that have asked for legs of this call."""
        found = []
        for one in self._configuration().control.tokens:
            scope = self._scopes.get(f"token {one.name}")
            if scope is not None and any(permit.call_id == call_id for permit in scope.held):
                found.append(one.name)
        return found

    def may_show(self, campaign: Campaign, number: str, *, token: str = "") -> bool:
        """Whether a number (E.164) may be asked for as caller id."""
        rules = self._rules(campaign, token)
        return bool(rules) and _shows(rules, number)

    def may_show_original(
        self, campaign: Campaign, numbers: Iterable[str], *, token: str = ""
    ) -> bool:
        """Whether parties may be shown each other's numbers: the campaign does so itself, or each
        of them may be asked for."""
        if campaign.caller_id.kind == "original":
            return True
        country = self._configuration().switch.country
        found = [normalise(number, country) for number in numbers]
        return bool(found) and all(
            number is not None and self.may_show(campaign, number, token=token) for number in found
        )

    # What may be called.

    def _rules(self, campaign: Campaign, token: str) -> list[OriginateRules]:
        """Rules all of which must allow a call; empty: nothing is allowed."""
        configuration = self._configuration()
        current = configuration.campaigns.get(campaign.name, campaign)
        rules = current.originate or configuration.originate
        if rules is None:
            return []
        own = self._token_rules(token)
        return [rules] if own is None else [rules, own]

    def _token_rules(self, token: str) -> OriginateRules | None:
        tokens = self._configuration().control.tokens
        return next((one.originate for one in tokens if one.name == token), None)

    def _allowed(
        self,
        campaign: Campaign,
        rules: list[OriginateRules],
        to: str,
        trunk: str | None,
        caller_id: str | None,
    ) -> Permit | NotAllowed:
        configuration = self._configuration()
        names = party_names(to, configuration.switch.country)
        if not names:
            return NotAllowed("destination", "this is no number and no SIP address to be called")
        if not rules or not all(_lists(rule, names) for rule in rules):
            return NotAllowed("destination", f"{names[0]} is not among those that may be called")
        name = trunk or campaign.trunk
        if name is None or name not in configuration.trunks:
            return NotAllowed("trunk", "there is no trunk for it")
        if not _leaves_by(rules, name, campaign):
            return NotAllowed("trunk", f"calls may not leave by trunk {name}")
        shown = None
        own = configuration.trunks[name].transport
        if trunk is not None and own != "tls" and names[0].endswith(";transport=tls"):
            return NotAllowed("trunk", f"trunk {name} calls nobody by TLS")
        if caller_id is not None:
            shown = normalise(caller_id, configuration.switch.country)
            if shown is None or not _shows(rules, shown):
                return NotAllowed("caller_id", "this caller id may not be shown")
        kind: Literal["uri", "number"] = "uri" if names[0].startswith("sip:") else "number"
        destination = Destination(kind, names[0], trunk=trunk)
        return Permit(destination, configuration.trunks[name], shown)

    # How many.

    def _count(self, campaign: Campaign, token: str, permit: Permit) -> Permit | NotAllowed:
        now = self._now()
        if len(self._scopes) >= MAX_SCOPES:
            self._forget(now)
        scopes = [(self._scope(key, now), rules) for key, rules in self._limits(campaign, token)]
        for scope, rules in scopes:
            if len(scope.times) >= rules.per_minute:
                return NotAllowed("rate", f"{rules.per_minute} calls were placed in a minute")
            if len(scope.held) >= rules.at_once:
                return NotAllowed("concurrency", f"{rules.at_once} calls are in progress")
        permit.count([scope for scope, _ in scopes], now)
        return permit

    def _limits(self, campaign: Campaign, token: str) -> Iterator[tuple[str, OriginateRules]]:
        configuration = self._configuration()
        if configuration.originate is not None:
            yield "", configuration.originate
        current = configuration.campaigns.get(campaign.name, campaign)
        if current.originate is not None:
            yield f"campaign {campaign.name}", current.originate
        own = self._token_rules(token)
        if own is not None:
            yield f"token {token}", own

    def _scope(self, key: str, now: float) -> _Scope:
        scope = self._scopes.get(key)
        if scope is None:
            scope = self._scopes[key] = _Scope()
        scope.tidy(now, self._calls)
        return scope

    def _forget(self, now: float) -> None:
        for key, scope in list(self._scopes.items()):
            scope.tidy(now, self._calls)
            if not scope.held and not scope.times:
                del self._scopes[key]


def party_names(to: str, country: str) -> tuple[str, ...]:
    """What somebody is compared by, first what is called: a number, or a URI; then the URI without
    what says nothing of the party, and the number that its user is. Empty when it is neither."""
    text = to.strip()
    if len(text) > MAX_TEXT:
        return ()
    match = _URI.match(text)
    if match is not None:
        bare = f"sip:{match['user']}@{match['host'].lower()}"
        port = "" if match["port"] is None else f":{match['port']}"
        whole = f"{bare}{port}{(match['transport'] or '').lower()}"
        other = bare if port in ("", f":{DEFAULT_SIP_PORT}") else bare + port
        number = normalise(match["user"], country)
        names = (whole, other) if number is None else (whole, other, number)
        return tuple(dict.fromkeys(names))
    number = None if text.lower().startswith(("sip:", "sips:")) else normalise(text, country)
    return () if number is None else (number,)


def _lists(rules: OriginateRules, names: tuple[str, ...]) -> bool:
    """Whether whom is called is listed; a URI is by what it is, and excepted by its number too."""
    if any(_fits(pattern, name) for pattern in rules.never for name in names):
        return False
    return any(_fits(pattern, names[0]) for pattern in rules.to)


def _leaves_by(rules: list[OriginateRules], trunk: str, campaign: Campaign) -> bool:
    if trunk == campaign.trunk:
        return True
    return all(trunk in rule.trunks for rule in rules if rule.trunks or rule is rules[0])


def _shows(rules: list[OriginateRules], number: str) -> bool:
    listed = [rule.caller_ids for rule in rules if rule.caller_ids or rule is rules[0]]
    return all(any(_fits(one, number) for one in patterns) for patterns in listed)


def _fits(pattern: str, name: str) -> bool:
    if pattern.startswith("sip:") != name.lower().startswith("sip:"):
        return False
    return _compiled(pattern).match(_canonical(name)) is not None


def _canonical(name: str) -> str:
    """A URI as patterns are written: host in lower case, always with its port."""
    match = _URI.match(name)
    if match is None:
        return name
    return f"sip:{match['user']}@{match['host'].lower()}:{match['port'] or DEFAULT_SIP_PORT}"


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the configuration; as many are kept as a large one has."""
    if pattern.startswith("sip:"):
        user, _, where = pattern[4:].rpartition("@")
        host, _, port = where.partition(":")
        who = "[^@]+" if user == "*" else re.escape(user)
        return re.compile(rf"sip:{who}@{re.escape(host)}:{port or DEFAULT_SIP_PORT}\Z")
    digits = re.escape(pattern.rstrip("*.")).replace("X", "[0-9]")
    rest = {"*": "[0-9]*", ".": "[0-9]+"}.get(pattern[-1], "")
    return re.compile(rf"{digits}{rest}\Z")
