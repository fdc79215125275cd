"""The section pools: ring pools, whose numbers stand for parameter values.

A pool's own numbers are read here as they are written (`config.stocks`); `config.numbers` makes
live numbers of them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from config import hints
from config.document import Scalar, Tree
from config.expression import TEMPLATE, Vocabulary
from config.kinds import (
    CAMPAIGN_NAME,
    DAY,
    NAME,
    PHONE_NUMBER,
    STOCK_NAME,
    TREATMENT_NAME,
    Off,
    duration,
    integer,
    list_of,
    one_of,
    or_off,
)
from config.model import (
    NOTHING,
    Expression,
    Fact,
    Pool,
    PoolKind,
    RecyclingPolicy,
    Reserve,
    Template,
)
from config.reading import (
    Fields,
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    note,
    read_fields,
    section_kind,
)
from config.stocks import ATTRIBUTES, ITEMS, Item

MAX_PARAMETERS = 10
"""Parameters of a pool."""
MAX_SIZE = 1_000_000
"""Numbers; a pool is in memory whole."""

_KINDS: tuple[PoolKind, ...] = ("custom", "search", "keyword_id", "exclusive")
_FIXED: Mapping[PoolKind, tuple[str, ...]] = {
    "search": ("keyword", "engine"),
    "keyword_id": ("group",),
    "exclusive": ("visitor",),
}
_POLICIES: tuple[RecyclingPolicy, ...] = (
    "least_active", "most_active", "round_robin", "oldest", "newest", "weighted",
)  # fmt: skip


_NEVER_REPLACED = "no binding of an exclusive pool is replaced"
_OTHER_FACTS = tuple(Fact(name, "text") for name in ("publisher", "campaign", "pool"))


class ReserveKeys:
    """Keys of what becomes of the numbers of a pool that has ended."""

    TIME = Key(
        "time",
        duration("1 h", "1000 days"),
        "How long they are kept from other pools.",
        default="30 days",
        example="60 days",
    )
    UNTIL_CALLS_BELOW = Key(
        "until_calls_below",
        integer(1, 1_000_000),
        "Free earlier, once fewer calls a day than this come in.",
        otherwise="not earlier",
        example="2",
    )
    TREATMENT = Key(
        "treatment",
        TREATMENT_NAME,
        "Treatment of calls meanwhile.",
        otherwise="they are refused with 404",
        example="sorry",
    )


RESERVE = Section(
    "a reserve",
    "What becomes of a pool's numbers when it has ended.",
    keys_of(ReserveKeys),
    short="the time alone",
    short_schema=hints.SCALAR,
    example="reserve: {time: 30 days, until_calls_below: 2, treatment: sorry}",
)


def _read_reserve(tree: Tree, reading: Reading) -> Reserve:
    keys = ReserveKeys
    if isinstance(tree, Scalar):
        return Reserve(keys.TIME.kind.read(tree, reading))
    fields = read_fields(tree, RESERVE, reading)
    return Reserve(
        fields[keys.TIME], fields.get(keys.UNTIL_CALLS_BELOW), fields.get(keys.TREATMENT)
    )


class PoolKeys:
    """Keys of a pool."""

    KIND = Key(
        "kind",
        one_of(_KINDS),
        "What its numbers are bound to: parameters of your own, a search (keyword, engine), a "
        "group of keywords (group), or one persistent visitor (visitor), exclusively.",
        default="custom",
        example="search",
    )
    PARAMETERS = Key(
        "parameters",
        list_of(NAME, most=MAX_PARAMETERS),
        "Names of its parameters, in order, 1 to 10. Only those of a custom pool are written.",
        otherwise="those of its kind",
        example="[website, location, path]",
    )
    CAMPAIGN = Key(
        "campaign", CAMPAIGN_NAME, "Campaign of its numbers that name none.", example="spring-sale"
    )
    PUBLISHER = Key(
        "publisher", NAME, "Publisher of its numbers that name none.", example="news-site"
    )
    NUMBERS = Key(
        "numbers",
        ITEMS,
        "Its own numbers, beside those of the section numbers that name it.",
        otherwise="none",
        example="[+1 800 123 1111, +1 800 123 2222]",
    )
    MINIMUM_LIFETIME = Key(
        "minimum_lifetime",
        or_off(duration("0 s", "1000 days")),
        "Age from which a binding may be replaced; off: none is too young.",
        default="10 min",
        example="${POOL_MIN_LIFETIME:-600}",
    )
    STOCK = Key(
        "stock",
        STOCK_NAME,
        "Stock it grows from, up to its maximum size.",
        otherwise="the only one, when there is a maximum size",
        example="main",
    )
    MAXIMUM_SIZE = Key(
        "maximum_size",
        integer(1, MAX_SIZE),
        "Numbers it may have, its own and those from the stock.",
        otherwise="only its own",
        example="50",
    )
    ATTRIBUTES = Key(
        "attributes",
        ATTRIBUTES,
        "What numbers from the stock must have, unless a request asks otherwise.",
        otherwise="any number",
        example="{toll_free: yes}",
    )
    POLICY = Key(
        "policy",
        one_of(_POLICIES),
        "Which binding is replaced when no number is free: that with the fewest or most calls, in "
        "turn, the oldest, the newest, or by lot (those with fewer calls more likely).",
        default="least_active",
        example="oldest",
    )
    OVERFLOW = Key(
        "overflow",
        PHONE_NUMBER,
        "Number given when nothing else is left. It is live, and stands nowhere else.",
        otherwise="a request is refused then",
        example="+1 800 123 4444",
    )
    COOLDOWN = Key(
        "cooldown",
        duration("0 s", "366 days"),
        "How long after a binding was replaced a call may still belong to it; 0 s: no call does.",
        default="0 s",
        example="2 h",
    )
    PERIOD = Key(
        "period",
        duration("1 min", "1000 days"),
        "Exclusive pools: how long a visitor keeps a number after its last use.",
        otherwise="until the pool ends",
        example="90 days",
    )
    ENDS = Key("ends", DAY, "Its last day.", otherwise="open", example="2030-12-31")
    RESERVE = Key(
        "reserve",
        section_kind(RESERVE, _read_reserve),
        "What becomes of its numbers then.",
        otherwise="they go back at once",
        example="{time: 30 days, treatment: sorry}",
    )
    IDLE = Key(
        "idle",
        duration("1 h", "1000 days"),
        "A number from the stock that was not used for so long goes back.",
        otherwise="it stays",
        example="30 days",
    )
    CLICK_URL = Key(
        "click_url",
        Kind(TEMPLATE.says, lambda tree, _reading: tree, hints.SCALAR),
        "Click-through URL of an allocation; `{number}`, `{publisher}`, `{campaign}`, `{pool}` and "
        "the parameters may stand in it.",
        otherwise="none",
        example='"https://example.org/{website}?n={number}"',
    )


POOL = Section(
    "a pool",
    "A ring pool: numbers that each stand for a set of parameter values. Numbers with parameters "
    "of their own keep them; the others are bound when a web page asks for a number.",
    keys_of(PoolKeys),
    example="pools:\n  ad-placement:\n    parameters: [website, location, path]\n"
    "    campaign: spring-sale\n    numbers: [+1 800 123 1111, +1 800 123 2222]\n"
    "    overflow: +1 800 123 4444",
)


def read_pool(
    name: str, tree: Tree, reading: Reading, items: dict[str, tuple[Item, ...]]
) -> Pool | None:
    """One pool; its own numbers are added to `items`."""
    keys = PoolKeys
    try:
        fields = read_fields(tree, POOL, reading)
        parameters = _parameters(fields, reading)
        stock = _stock(fields, reading)
        _check_company(fields, reading)
        items[name] = (*(fields.get(keys.NUMBERS) or ()), *_overflow(fields))
        return replace(
            _build(name, fields, parameters, stock),
            click_url=_click_url(fields, parameters, reading),
        )
    except MissingError:
        return None


def _build(name: str, fields: Fields, parameters: tuple[str, ...], stock: str | None) -> Pool:
    keys = PoolKeys
    lifetime: Off[float] = fields[keys.MINIMUM_LIFETIME]
    return Pool(
        name=name,
        parameters=parameters,
        campaign=fields.get(keys.CAMPAIGN),
        publisher=fields.get(keys.PUBLISHER),
        kind=fields[keys.KIND],
        minimum_lifetime_seconds=lifetime.value,
        maximum_size=fields.get(keys.MAXIMUM_SIZE),
        stock=stock,
        policy=fields[keys.POLICY],
        overflow=fields.get(keys.OVERFLOW),
        cooldown_seconds=fields[keys.COOLDOWN],
        period_seconds=fields.get(keys.PERIOD),
        ends=fields.get(keys.ENDS),
        reserve=fields.get(keys.RESERVE),
        idle_seconds=fields.get(keys.IDLE),
        attributes=fields.get(keys.ATTRIBUTES) or NOTHING,
        location=fields.table.location,
    )


def _parameters(fields: Fields, reading: Reading) -> tuple[str, ...]:
    """The names of the parameters: written for a custom pool, fixed for the others."""
    keys = PoolKeys
    fields.need_good(keys.KIND, keys.PARAMETERS)
    kind: PoolKind = fields[keys.KIND]
    written, fixed = fields.get(keys.PARAMETERS), _FIXED.get(kind)
    if fixed is None:
        if written is None:
            message = f'a custom pool needs "parameters": {keys.PARAMETERS.kind.says}'
            reading.problems.add(fields.table.location, message)
            raise MissingError(keys.PARAMETERS.name)
        return written
    if written is not None and written != fixed:
        message = f"parameters: those of a pool that is {kind} are {', '.join(fixed)}"
        reading.problems.add(fields.place(keys.PARAMETERS), message, "leave them out")
    return fixed


def _stock(fields: Fields, reading: Reading) -> str | None:
    """The stock it grows from, which goes together with a maximum size."""
    keys = PoolKeys
    fields.need_good(keys.STOCK, keys.MAXIMUM_SIZE)
    stocks = reading.names.get("stocks", ())
    stock, size = fields.get(keys.STOCK), fields.get(keys.MAXIMUM_SIZE)
    if stock is not None and size is None:
        message = "stock: the pool never grows without a maximum size"
        reading.problems.add(fields.place(keys.STOCK), message, 'add "maximum_size"')
    if size is not None and stock is None:
        if len(stocks) == 1:
            return next(iter(stocks))
        message = "maximum_size: there is no stock to grow from"
        reading.problems.add(fields.place(keys.MAXIMUM_SIZE), message, 'add "stock"')
    return stock


def _overflow(fields: Fields) -> tuple[Item, ...]:
    """The overflow number, which is one of the pool's."""
    number = fields.get(PoolKeys.OVERFLOW)
    if number is None:
        return ()
    return (Item(number, None, fields.place(PoolKeys.OVERFLOW), overflow=True),)


def _ends(fields: Fields) -> bool:
    return PoolKeys.ENDS in fields or fields.refused(PoolKeys.ENDS)


def _check_company(fields: Fields, reading: Reading) -> None:
    """Settings that mean nothing without another."""
    keys = PoolKeys
    grows = keys.MAXIMUM_SIZE in fields
    named = keys.CAMPAIGN in fields or fields.refused(keys.CAMPAIGN)
    checks: tuple[tuple[bool, Key[Any], str, str], ...] = (
        (fields[keys.KIND] == "exclusive", keys.PERIOD, "only exclusive pools have one", "kind"),
        (fields[keys.KIND] != "exclusive", keys.POLICY, _NEVER_REPLACED, "kind"),
        (fields[keys.KIND] != "exclusive", keys.MINIMUM_LIFETIME, _NEVER_REPLACED, "kind"),
        (_ends(fields), keys.RESERVE, "the pool never ends", "ends"),
        (grows, keys.IDLE, "no number comes from a stock", "maximum_size"),
        (grows, keys.ATTRIBUTES, "no number comes from a stock", "maximum_size"),
        (named, keys.OVERFLOW, "its calls need a campaign", "campaign"),
    )
    for good, key, why, hint in checks:
        if key in fields and not good:
            reading.problems.add(fields.place(key), f"{key.name}: {why}", f'set "{hint}"')
    toll_free = (fields.get(keys.ATTRIBUTES) or {}).get("toll_free", "yes")
    if toll_free not in ("yes", "no"):
        message = f'attributes: toll_free of a number is yes or no, never "{toll_free}"'
        reading.problems.add(fields.place(keys.ATTRIBUTES), message)
    if grows and not named:
        message = "maximum_size: numbers from the stock need a campaign"
        reading.problems.add(fields.place(keys.MAXIMUM_SIZE), message, 'set "campaign"')


def _click_url(fields: Fields, parameters: tuple[str, ...], reading: Reading) -> Template | None:
    """A template in which only what an allocation knows may stand."""
    tree = fields.get(PoolKeys.CLICK_URL)
    if tree is None:
        return None
    names = Vocabulary(bindings={*parameters, "number"})
    try:
        template = TEMPLATE.read(tree, replace(reading, vocabulary=names))
        for part in template.parts:
            term = part.term if isinstance(part, Expression) else None
            known = isinstance(term, Fact) and term.name.startswith("binding.")
            if term is not None and not known and term not in _OTHER_FACTS:
                hint = f"known: number, publisher, campaign, pool, {', '.join(parameters)}"
                message = f"{part} is not known when a number is asked for"
                raise RefusedError(message, suggestion=hint)
        first = template.parts[0] if template.parts else ""
        if isinstance(first, str) and not first.lower().startswith(("http://", "https://")):
            raise RefusedError("a click-through URL begins with http:// or https://")
    except RefusedError as error:
        note(reading, error, tree, PoolKeys.CLICK_URL.name)
        return None
    return template
