"""The names an expression may use: the facts and functions of the language, and those of one file.

The facts and functions here are the whole language; the documentation prints these tables. What an
operator names (answers, variables, fields of look-ups, parameters of bindings) is collected from
the file before anything is read (`config.expression.collect`), so that an unknown name is a mistake
where it stands. Knows no grammar and no values.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from config.errors import did_you_mean
from config.expression.errors import ExpressionError, shown
from config.model.expression import Expression, Fact, ValueType

MAX_LISTED = 10
"""Names listed in a suggestion; more help nobody."""


@dataclass(frozen=True, slots=True)
class FactAbout:
    """A fact of the language."""

    type: ValueType
    about: str
    words: tuple[str, ...] = ()
    """The only values it has, when they are few: a constant compared with it must be one."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function."""

    name: str
    type: ValueType
    words: tuple[str, ...] = ()
    """The constants that may stand here; empty: any value."""
    section: str = ""
    """Section whose names may stand here, as constants; empty: any value."""
    optional: bool = False
    repeated: bool = False
    """Whether it may stand any number of times."""


@dataclass(frozen=True, slots=True)
class FunctionAbout:
    """A function of the language."""

    type: ValueType
    parameters: tuple[Parameter, ...]
    about: str
    pure: bool = False
    """Whether its value follows from its arguments alone, so that nothing has to be noted."""

    @property
    def least(self) -> int:
        """Arguments at least."""
        return sum(not parameter.optional for parameter in self.parameters)

    @property
    def most(self) -> int | None:
        """Arguments at most; None: any number."""
        repeated = any(parameter.repeated for parameter in self.parameters)
        return None if repeated else len(self.parameters)


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LINE_TYPES = ("mobile", "landline", "voip", "toll_free")

FACTS: Mapping[str, FactAbout] = {
    "caller.number": FactAbout("text", "Calling number in E.164; known here also when private."),
    "caller.name": FactAbout("text", "Calling name."),
    "caller.private": FactAbout("boolean", "Whether the caller hides the number."),
    "caller.country": FactAbout("text", "Country of the caller (ISO 3166, two letters)."),
    "caller.state": FactAbout("text", "State or province; two letters in the US and Canada."),
    "caller.city": FactAbout("text", "City, in lower case; from tables only."),
    "caller.zip": FactAbout("text", "Zip; from tables only."),
    "caller.area_code": FactAbout("text", "Area code of the calling number."),
    "caller.network": FactAbout("text", "Network of the calling number; from tables only."),
    "caller.line_type": FactAbout("text", "What kind of line it is.", LINE_TYPES),
    "caller.time_zone": FactAbout("text", "Time zone (IANA) of the caller."),
    "caller.jip": FactAbout("text", "Six digits of the switch the call started at."),
    "caller.forwarded": FactAbout(
        "text", "How the call came to us.", ("direct", "forwarded", "busy")
    ),
    "caller.charge_number": FactAbout("text", "Number that is charged."),
    "caller.line_info": FactAbout(
        "text", "Originating line information (isup-oli), two digits: 61 to 63 are mobile lines."
    ),
    "called.number": FactAbout("text", "Number called, as the configuration has it."),
    "called.type": FactAbout(
        "text", "How far the number called is.", ("toll_free", "local", "long_distance")
    ),
    "called.as_dialled": FactAbout("text", "Number called as it was dialled."),
    "call.verstat": FactAbout(
        "text",
        "Whether the caller's number is verified, where the trunk wants to know.",
        ("passed", "failed", "none"),
    ),
    "call.attestation": FactAbout(
        "text", "How far the provider vouches for it; of a good signature.", ("A", "B", "C")
    ),
    "campaign": FactAbout("text", "Name of the campaign."),
    "publisher": FactAbout("text", "Party credited."),
    "pool": FactAbout("text", "Pool of the number."),
    "overflow": FactAbout("boolean", "Whether the number is its pool's overflow number."),
    "late": FactAbout("boolean", "Whether the call belongs to an earlier binding of the number."),
    "trunk": FactAbout("text", "Trunk the call came in by."),
    "user_agent": FactAbout("text", "User-Agent of the INVITE."),
    "key": FactAbout("text", "Last key taken by a menu."),
    "keys": FactAbout("list", "All keys taken by menus."),
    "time": FactAbout("text", "Time of day, HH:MM, in the zone of the campaign's hours."),
    "date": FactAbout("text", "Date, YYYY-MM-DD, likewise."),
    "weekday": FactAbout("text", "Day of the week, likewise.", WEEKDAYS),
    "hour": FactAbout("number", "Hour of the day, 0-23, likewise."),
    "rating": FactAbout("text", "Rating: high, medium, low or 1-100."),
    "rating_score": FactAbout("number", "Rating as a number, 1-100."),
    "keyword_score": FactAbout("number", "Sum of the weights of the keywords that were heard."),
    "machine": FactAbout(
        "text",
        "Who answered the last destination whose `machine` was asked for.",
        ("human", "machine", "unknown"),
    ),
    "fax": FactAbout("boolean", "Whether a fax tone was heard."),
    "caller_talk_seconds": FactAbout("number", "At the end: seconds that the caller spoke."),
    "agent_talk_seconds": FactAbout("number", "At the end: seconds that the called party spoke."),
    "caller_mos": FactAbout(
        "number", "Quality of the caller's sound, 1 to 5; while the call lives, the last measured."
    ),
    "agent_mos": FactAbout("number", "Likewise of the called party's."),
    "talk_seconds": FactAbout("number", "At the end: seconds bridged."),
    "ivr_seconds": FactAbout("number", "At the end: seconds with prompts and menus."),
    "ring_seconds": FactAbout("number", "At the end: seconds that destinations rang."),
    "total_seconds": FactAbout("number", "At the end: seconds from receipt to end."),
    "ended_by": FactAbout(
        "text", "At the end: who ended the call.", ("calling", "called", "switch", "crash")
    ),
    "cause": FactAbout("text", "At the end: why it ended."),
    "answered": FactAbout("boolean", "At the end: whether the far end answered."),
    "bridged": FactAbout("boolean", "At the end: whether two parties talked."),
    "converted": FactAbout("boolean", "At the end: whether it is a conversion."),
    "destination": FactAbout("text", "At the end: the destination that answered, else the last."),
    "status": FactAbout("number", "At the end: final SIP status of the last outbound leg."),
}

_SECONDS = Parameter("seconds", "number")
_TEXT = Parameter("text", "text")
_RULE = Parameter("rule", "text", section="keywords")
_LEG = Parameter("leg", "text", words=("caller", "agent"), optional=True)
_STARTS = ("receipt", "origination", "answer")
_ENDS = ("calling", "called", "both", "either")

FUNCTIONS: Mapping[str, FunctionAbout] = {
    "in_region": FunctionAbout(
        "boolean",
        (Parameter("region", "text", section="regions"),),
        "Whether the caller is in a region.",
    ),
    "open": FunctionAbout(
        "boolean", (Parameter("hours", "text", section="hours"),), "Whether hours are open."
    ),
    "holiday": FunctionAbout(
        "boolean",
        (Parameter("hours", "text", section="hours"),),
        "Whether it is a holiday of these hours.",
    ),
    "listed": FunctionAbout(
        "boolean",
        (Parameter("list", "text", section="lists"),),
        "Whether the caller stands in a list.",
    ),
    "calls_by_caller": FunctionAbout(
        "number",
        (
            _SECONDS,
            Parameter(
                "to", "text", words=("campaign", "publisher", "number", "any"), optional=True
            ),
        ),
        "Earlier calls of this caller in a period; to this campaign unless told otherwise.",
    ),
    "calls_to_campaign": FunctionAbout("number", (_SECONDS,), "Earlier calls to this campaign."),
    "calls_to_number": FunctionAbout("number", (_SECONDS,), "Earlier calls to this number."),
    "callers_to_number": FunctionAbout(
        "number", (_SECONDS,), "Different callers that called this number earlier."
    ),
    "short_calls": FunctionAbout(
        "number",
        (
            _SECONDS,
            Parameter("below", "number"),
            Parameter("of", "text", words=("caller", "publisher", "number"), optional=True),
        ),
        "Ended calls in a period that were shorter than so; of this caller unless told otherwise.",
    ),
    "duration": FunctionAbout(
        "number",
        (Parameter("start", "text", words=_STARTS), Parameter("end", "text", words=_ENDS)),
        "One of the twelve payable durations in seconds; 0 when it has not begun. The outbound "
        "leg's origination and answer; the end of the calling or called leg, of both, of either.",
    ),
    "keyword": FunctionAbout(
        "boolean",
        (_RULE, _LEG),
        "Whether a keyword was heard, on either leg or on one: a rule of the campaign's `keywords` "
        "by its name, or words that one of them listens for.",
    ),
    "keyword_count": FunctionAbout(
        "number", (_RULE, _LEG), "How often a keyword was heard, likewise; 0 when it was not."
    ),
    "length": FunctionAbout(
        "number", (Parameter("value", "any"),), "Characters of a text, entries of a list.", True
    ),
    "lower": FunctionAbout("text", (_TEXT,), "A text in lower case.", True),
    "digits": FunctionAbout("text", (_TEXT,), "The digits of a text.", True),
    "number": FunctionAbout("number", (Parameter("value", "any"),), "A text as a number.", True),
    "starts_with": FunctionAbout(
        "boolean", (_TEXT, Parameter("beginning", "text")), "Whether a text begins so.", True
    ),
    "contains": FunctionAbout(
        "boolean", (_TEXT, Parameter("part", "text")), "Whether a text has this in it.", True
    ),
    "min": FunctionAbout(
        "number", (Parameter("value", "number", repeated=True),), "The least of some numbers.", True
    ),
    "max": FunctionAbout(
        "number",
        (Parameter("value", "number", repeated=True),),
        "The greatest of some numbers.",
        True,
    ),
    "round": FunctionAbout(
        "number",
        (Parameter("value", "number"), Parameter("places", "number", optional=True)),
        "A number rounded to places after the point (none), halves away from zero.",
        True,
    ),
}

CALLER_COLUMNS = ("country", "state", "city", "zip", "area_code", "network", "type", "time_zone")
"""Columns of a table of prefixes that are facts of the language; `type` is caller.line_type."""


@dataclass(slots=True)
class Vocabulary:
    """What one file adds to the language. Filled while it is read, before expressions are."""

    sections: dict[str, Collection[str]] = field(default_factory=dict)
    """Names of regions, hours and lists, by section. One that is absent is not checked."""
    answers: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    lookups: dict[str, ValueType] = field(default_factory=dict)
    """`NODE.FIELD` to its type."""
    attributes: set[str] = field(default_factory=set)
    bindings: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    """Further columns of tables, as `caller.COLUMN`."""
    country: str = "US"
    """The switch's."""
    any_variable: bool = False
    """Whether every `var.NAME` is taken: a Python step may set them."""
    parsed: dict[str, Expression] = field(default_factory=dict, repr=False)
    """Expressions that were read: campaigns repeat each other's. Names are only ever added, so one
    that was good stays so."""

    def fact(self, name: str, position: int) -> Fact:
        """The fact of this name; raises ExpressionError when there is none."""
        about = FACTS.get(name)
        if about is not None:
            return Fact(name, about.type)
        kind = self._type(name)
        if kind is None:
            raise self._unknown(name, position)
        return Fact(name, kind)

    def _type(self, name: str) -> ValueType | None:
        """The type of a fact that one file adds."""
        first, _, rest = name.partition(".")
        if first == "lookup":
            return self.lookups.get(rest)
        if first == "result" and rest:
            return "any"
        if first == "var":
            return "any" if rest in self.variables or (self.any_variable and rest) else None
        known: dict[str, tuple[set[str], ValueType]] = {
            "binding": (self.bindings, "text"),
            "attribute": (self.attributes, "any"),
            "answer": (self.answers, "text"),
            "caller": (self.columns, "text"),
        }
        names, kind = known.get(first, (set[str](), "any"))
        return kind if rest in names else None

    def _unknown(self, name: str, position: int) -> ExpressionError:
        first, _, rest = name.partition(".")
        kinds: dict[str, tuple[str, Collection[str]]] = {
            "lookup": ("no look-up has a field", self.lookups),
            "var": ("no step sets a variable", self.variables),
            "binding": ("no pool or number has a parameter", self.bindings),
            "attribute": ("no campaign has an attribute", self.attributes),
            "answer": ("no ask is named", self.answers),
        }
        if first in kinds and rest:
            says, names = kinds[first]
            hint = did_you_mean(rest, names) or listed(names)
            return ExpressionError(f'{says} "{shown(rest)}"', position, hint)
        return ExpressionError(f'"{shown(name)}" is no fact', position, self._cure(name))

    def _cure(self, name: str) -> str:
        """What was probably meant by a name that is no fact."""
        if name in FUNCTIONS:
            return f"{name} is a function: {name}(...)"
        named = next((known for known in self.names() if known.endswith(f".{name}")), None)
        if named is not None:
            return f'did you mean "{named}"?'
        return did_you_mean(name, self.names()) or 'text stands in quotes: "..."'

    def names(self) -> Iterator[str]:
        """Every name that is a fact, for suggestions."""
        yield from FACTS
        for first, names in (
            ("binding", self.bindings),
            ("attribute", self.attributes),
            ("answer", self.answers),
            ("var", self.variables),
            ("lookup", self.lookups),
            ("caller", self.columns),
        ):
            yield from (f"{first}.{name}" for name in names)


def listed(names: Collection[str]) -> str | None:
    """A suggestion that lists what there is, when it is not too much."""
    if not names:
        return "there are none"
    return f"known: {', '.join(sorted(names))}" if len(names) <= MAX_LISTED else None


def type_of(name: str) -> ValueType:
    """The type of a fact or function of the language by its name; any for the rest."""
    about = FACTS.get(name) or FUNCTIONS.get(name)
    if about is not None:
        return about.type
    return "text" if name.startswith(("binding.", "answer.", "caller.")) else "any"
