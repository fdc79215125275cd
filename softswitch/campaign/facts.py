"""What is known of a live call, by the names of the language.

Built once when a call is presented, and told what becomes known: answers, variables, look-ups and
keys by `set`, another campaign by `campaign`, the end by `end`. What a fact costs is paid when it
is asked for the first time.

The clock (`time`, `date`, `weekday`, `hour`, `open`, `holiday`) is the wall clock while the call
lives. Once it has ended it stands still at the call's receipt: what a call earns does not depend on
how long it took, nor on when a result is posted.

A private caller's number is known here, for look-ups and attribution. Whatever is made for the
called party's eyes and ears takes `Shown(facts)`, where it is not.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from config.expression import FACTS
from config.expression.vocabulary import WEEKDAYS
from config.model import NOTHING, Campaign, Configuration, Value
from softswitch.campaign.ending import CallEnd, duration, seconds
from softswitch.campaign.evaluate import Facts, Noting, evaluate
from softswitch.campaign.history import CallHistory
from softswitch.campaign.hours import local_time
from softswitch.campaign.keywords_heard import KeywordsHeard
from softswitch.campaign.operators import as_value
from softswitch.campaign.regions import NumberAbout
from softswitch.campaign.tables import Tables

__all__ = [
    "CallEnd",
    "CallFacts",
    "CallHistory",
    "PresentedFacts",
    "Public",
    "Shown",
    "Tables",
]

MAX_VALUES = 1000
"""Answers, variables and fields of one call; a treatment that goes round sets the same ones."""
MAX_TEXT = 2000
"""Characters of a text that is kept; the rest is cut off."""
MAX_LIST = 1000
"""Entries of a list that is kept."""
MAX_KEYS = 100
"""Keys kept; a caller who leans on the keypad does not make it grow."""

_HIDDEN = frozenset(("caller.number", "caller.name", "caller.charge_number"))
"""What a private caller does not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedFacts:
    """What the switchboard knows when a call is presented."""

    caller: str
    """Calling number in E.164 where it is one; empty for none. Known also when it is private."""
    called_number: str
    """The number as the configuration has it: the key of its binding."""
    called: str
    """The number as it was dialled."""
    received_at: float
    """UTC in seconds."""
    trunk: str = ""
    signalling: Mapping[str, Any] = field(default_factory=dict)
    """What the INVITE says, as softswitch.switchboard.signalling reads it."""
    publisher: str | None = None
    pool: str | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """The binding."""
    overflow: bool = False
    """Whether the number is its pool's overflow number."""
    late: bool = False
    """Whether the binding is an earlier one of the number."""


class CallFacts:
    """The facts of one call."""

    def __init__(
        self,
        configuration: Configuration,
        campaign: Campaign,
        presented: PresentedFacts,
        tables: Tables,
        history: CallHistory,
        wall_clock: Callable[[], float],
    ) -> None:
        self.configuration = configuration
        self.campaign = campaign
        """Changes when the call is distributed to another."""
        self.presented = presented
        self.tables = tables
        self.secrets: set[str] = set()
        """Names of values that stand in no log, event or record."""
        self.private: set[str] = set()
        """Names of values made of what a private caller does not show."""
        self.ending: CallEnd | None = None
        self._history = history
        self._wall_clock = wall_clock
        self._about: NumberAbout | None = None
        self._converting = False
        self._values: dict[str, Value] = {"keys": (), "fax": False}
        self._keywords = KeywordsHeard()
        for name, value in presented.parameters.items():
            self._values[f"binding.{name}"] = value

    # Facts.

    def fact(self, name: str) -> Value:
        """The value of a fact, None when it is not known."""
        getter = _GETTERS.get(name)
        if getter is not None:
            return getter(self)
        if name.startswith("caller."):
            return self.about.columns.get(name.removeprefix("caller."))
        return self._values.get(name)

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        """The value of a function that asks for facts, None when it is not known."""
        function = _FUNCTIONS.get(name)
        return None if function is None else function(self, arguments)

    def noting(self) -> Noting:
        """These facts, noting what they are asked for; secrets stay secret."""
        return Noting(self, self.secrets, self.hidden)

    # What becomes known.

    @property
    def hidden(self) -> Collection[str]:
        """What a private caller does not show: name, numbers, and values made of them."""
        return _HIDDEN | self.private if self.fact("caller.private") is True else ()

    def set(self, name: str, value: object, *, secret: bool = False, private: bool = False) -> None:
        """Make a value known: `answer.zip`, `var.score`, `lookup.bid.price`, `key`, `rating`...

        Whatever is no value of the language is absent. A key is added to `keys` too.
        """
        kept = _bounded(as_value(value))
        if secret:
            self.secrets.add(name)
        if private:
            self.private.add(name)
        if name == "key" and isinstance(kept, str):
            self._values["keys"] = (*_tuple(self._values.get("keys")), kept)[:MAX_KEYS]
        if name in self._values or len(self._values) < MAX_VALUES:
            self._values[name] = kept

    def heard(
        self, side: str, rule: str, text: str, *, phrases: Collection[str] = (), weight: int = 0
    ) -> None:
        """A keyword rule has come true on the leg of the caller or agent: `text` is what was said,
        `phrases` those of the rule that were found in it."""
        self._keywords.add(side, rule, (text, *phrases), weight)

    def get(self, name: str) -> Value:
        """A value as it was set, None when it was not."""
        return self._values.get(name)

    def end(self, ending: CallEnd) -> None:
        """The call has ended: its last facts are known, and its clock stands still."""
        self.ending = ending

    @property
    def about(self) -> NumberAbout:
        """What is known of the caller's number."""
        if self._about is None:
            jip = self.presented.signalling.get("jip")
            self._about = self.tables.about(
                self.presented.caller, jip if isinstance(jip, str) else None
            )
        return self._about

    @property
    def clock(self) -> float:
        """The instant that decisions are made for, UTC in seconds."""
        return self._wall_clock() if self.ending is None else self.presented.received_at

    @property
    def local(self) -> datetime:
        """That instant on the campaign's wall clock."""
        return local_time(self.tables.time_zone(self.campaign), self.clock)

    # Facts that take more than a look.

    def _signalled(self, name: str) -> Value:
        value = self.presented.signalling.get(name)
        return value if isinstance(value, str) and value else None

    def _identity(self, name: str) -> Value:
        """What is known of the caller's signature; where there is no call, it may be told."""
        identity = self.presented.signalling.get("identity")
        value = identity.get(name) if isinstance(identity, Mapping) else None
        return value if isinstance(value, str) and value else None

    def _forwarded(self) -> Value:
        diversions = _entries(self.presented.signalling.get("diversions"))
        history = _entries(self.presented.signalling.get("history"))
        reasons = [str(entry.get("reason") or "").lower() for entry in diversions]
        causes = [str(entry.get("cause") or "") for entry in history]
        if "user-busy" in reasons or "486" in causes:
            return "busy"
        # The first entry of History-Info is the call itself (RFC 7044 section 4).
        return "forwarded" if diversions or len(history) > 1 else "direct"

    def _called_type(self) -> Value:
        called = self.tables.about(self.presented.called_number)
        if called.line_type == "toll_free":
            return "toll_free"
        if called.country is None or self.about.country is None:
            return None
        same = (called.country, called.area_code) == (self.about.country, self.about.area_code)
        return "local" if same and called.area_code else "long_distance"

    def _converted(self) -> Value:
        """Whether the campaign's conversion holds; without one, whether the call was bridged."""
        if "converted" in self._values:
            return self._values["converted"]
        if self.ending is None or self._converting:
            return None
        if self.campaign.conversion is None:
            return self.ending.bridged
        self._converting = True
        try:
            return evaluate(self.campaign.conversion, self) is True
        finally:
            self._converting = False

    # Functions.

    def _in_region(self, arguments: tuple[Value, ...]) -> Value:
        name = _text(arguments, 0)
        return self.tables.in_region(name, self.about, self.presented.caller)

    def _calls_by_caller(self, arguments: tuple[Value, ...]) -> Value:
        since, scope = self._since(arguments), _text(arguments, 1) or "campaign"
        scopes: dict[str, dict[str, str | None]] = {
            "campaign": {"campaign": self.campaign.name},
            "publisher": {"publisher": self.presented.publisher},
            "number": {"number": self.presented.called_number},
            "any": {},
        }
        only = scopes.get(scope)
        if since is None or only is None or None in only.values() or not self.presented.caller:
            return None
        before = self.presented.received_at
        return Decimal(
            self._history.calls_by_caller(self.presented.caller, since=since, before=before, **only)
        )

    def _calls_to_campaign(self, arguments: tuple[Value, ...]) -> Value:
        return self._counted(arguments, self._history.calls_to_campaign, self.campaign.name)

    def _calls_to_number(self, arguments: tuple[Value, ...]) -> Value:
        number = self.presented.called_number
        return self._counted(arguments, self._history.calls_to_number, number)

    def _callers_to_number(self, arguments: tuple[Value, ...]) -> Value:
        number = self.presented.called_number
        return self._counted(arguments, self._history.callers_to_number, number)

    def _counted(
        self, arguments: tuple[Value, ...], count: Callable[..., int], whose: str
    ) -> Value:
        """What was counted in the period that the first argument is long."""
        since = self._since(arguments)
        if since is None:
            return None
        return Decimal(count(whose, since=since, before=self.presented.received_at))

    def _short_calls(self, arguments: tuple[Value, ...]) -> Value:
        """Calls that have ended: up to now, because a long one may have begun before this one."""
        since, below = self._since(arguments), _number(arguments, 1)
        scope = _text(arguments, 2) or "caller"
        whose: dict[str, str | None] = {
            "caller": self.presented.caller or None,
            "publisher": self.presented.publisher,
            "number": self.presented.called_number,
        }
        if since is None or below is None or whose.get(scope) is None:
            return None
        only = {scope: whose[scope]}
        return Decimal(
            self._history.short_calls(
                since=since, before=self._wall_clock(), below_seconds=float(below), **only
            )
        )

    def _since(self, arguments: tuple[Value, ...]) -> float | None:
        """When the period begins that the first argument is long."""
        period = _number(arguments, 0)
        return None if period is None else self.presented.received_at - float(period)

    def _keyword(self, arguments: tuple[Value, ...]) -> Value:
        return self._times_heard(arguments) > 0

    def _keyword_count(self, arguments: tuple[Value, ...]) -> Value:
        return Decimal(self._times_heard(arguments))

    def _times_heard(self, arguments: tuple[Value, ...]) -> int:
        keywords = self.campaign.keywords
        rules = () if keywords is None else [rule.name for rule in keywords.rules]
        return self._keywords.count(_text(arguments, 0), _text(arguments, 1), rules=rules)

    def _duration(self, arguments: tuple[Value, ...]) -> Value:
        if self.ending is None:
            return None
        return duration(self.ending, _text(arguments, 0), _text(arguments, 1))


class Shown:
    """The facts of a call as its called party may see them: a private caller is nobody."""

    def __init__(self, facts: Facts, private: Collection[str] = ()) -> None:
        """`private`: names of values made of what a private caller does not show."""
        self._facts = facts
        self._private = _HIDDEN | frozenset(private)

    def fact(self, name: str) -> Value:
        if name in self._private and self._facts.fact("caller.private") is True:
            return None
        return self._facts.fact(name)

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        return self._facts.function(name, arguments)


class Public:
    """Facts without the secrets."""

    def __init__(self, facts: Facts, secrets: Collection[str]) -> None:
        self._facts = facts
        self._secrets = secrets

    def fact(self, name: str) -> Value:
        return None if name in self._secrets else self._facts.fact(name)

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        return self._facts.function(name, arguments)


# Arguments and values.


def _text(arguments: tuple[Value, ...], index: int) -> str:
    value = arguments[index] if index < len(arguments) else None
    return value if isinstance(value, str) else ""


def _number(arguments: tuple[Value, ...], index: int) -> Decimal | None:
    value = arguments[index] if index < len(arguments) else None
    if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
        return None
    return value


def _tuple(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else ()


def _entries(value: object) -> Collection[Mapping[str, Any]]:
    entries = value if isinstance(value, list | tuple) else ()
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _bounded(value: Value) -> Value:
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, tuple):
        return tuple(_bounded(item) for item in value[:MAX_LIST])
    return value


# Which fact is found where.

_Getter = Callable[[CallFacts], Value]


def _ended(get: Callable[[CallEnd], Value]) -> _Getter:
    """A fact of the end, absent before it."""
    return lambda facts: None if facts.ending is None else get(facts.ending)


def _known(get: Callable[[NumberAbout], str | None]) -> _Getter:
    return lambda facts: get(facts.about)


_GETTERS: Mapping[str, _Getter] = {
    "caller.number": lambda facts: facts.presented.caller,
    "caller.name": lambda facts: facts._signalled("name"),
    "caller.private": lambda facts: facts.presented.signalling.get("private") is True,
    "caller.country": _known(lambda about: about.country),
    "caller.state": _known(lambda about: about.state),
    "caller.city": _known(lambda about: about.city),
    "caller.zip": _known(lambda about: about.zip),
    "caller.area_code": _known(lambda about: about.area_code),
    "caller.network": _known(lambda about: about.network),
    "caller.line_type": _known(lambda about: about.line_type),
    "caller.time_zone": _known(lambda about: about.time_zone),
    "caller.jip": lambda facts: facts._signalled("jip"),
    "caller.forwarded": lambda facts: facts._forwarded(),
    "caller.charge_number": lambda facts: facts._signalled("charge_number"),
    "caller.line_info": lambda facts: facts._signalled("line_info"),
    "call.verstat": lambda facts: facts._identity("result") or facts.get("call.verstat"),
    "call.attestation": lambda facts: (
        facts._identity("attestation") or facts.get("call.attestation")
    ),
    "called.number": lambda facts: facts.presented.called_number,
    "called.type": lambda facts: facts._called_type(),
    "called.as_dialled": lambda facts: facts.presented.called,
    "campaign": lambda facts: facts.campaign.name,
    "publisher": lambda facts: facts.presented.publisher,
    "pool": lambda facts: facts.presented.pool,
    "overflow": lambda facts: facts.presented.overflow,
    "late": lambda facts: facts.presented.late,
    "trunk": lambda facts: facts.presented.trunk,
    "user_agent": lambda facts: facts._signalled("user_agent"),
    "keyword_score": lambda facts: facts._keywords.score,
    "time": lambda facts: facts.local.strftime("%H:%M"),
    "date": lambda facts: facts.local.strftime("%Y-%m-%d"),
    "weekday": lambda facts: WEEKDAYS[facts.local.weekday()],
    "hour": lambda facts: Decimal(facts.local.hour),
    "talk_seconds": _ended(lambda end: seconds(end.talk_seconds)),
    "ivr_seconds": _ended(lambda end: seconds(end.ivr_seconds)),
    "ring_seconds": _ended(lambda end: seconds(end.ring_seconds)),
    "total_seconds": _ended(lambda end: seconds(end.total_seconds)),
    "ended_by": _ended(lambda end: end.ended_by),
    "cause": _ended(lambda end: end.cause),
    "answered": _ended(lambda end: end.answered is not None),
    "bridged": _ended(lambda end: end.bridged),
    "converted": lambda facts: facts._converted(),
    "destination": _ended(lambda end: end.destination),
    "status": _ended(lambda end: None if end.status is None else Decimal(end.status)),
}
SET = frozenset(FACTS) - frozenset(_GETTERS)
"""Facts of the language that are told: keys, rating, what was heard."""

_FUNCTIONS: Mapping[str, Callable[[CallFacts, tuple[Value, ...]], Value]] = {
    "in_region": CallFacts._in_region,
    "open": lambda facts, arguments: facts.tables.is_open(_text(arguments, 0), facts.clock),
    "holiday": lambda facts, arguments: facts.tables.is_holiday(_text(arguments, 0), facts.clock),
    "listed": lambda facts, arguments: facts.tables.listed(
        _text(arguments, 0), facts.presented.caller
    ),
    "calls_by_caller": CallFacts._calls_by_caller,
    "calls_to_campaign": CallFacts._calls_to_campaign,
    "calls_to_number": CallFacts._calls_to_number,
    "callers_to_number": CallFacts._callers_to_number,
    "short_calls": CallFacts._short_calls,
    "keyword": CallFacts._keyword,
    "keyword_count": CallFacts._keyword_count,
    "duration": CallFacts._duration,
}
