"""The sections numbers, stocks and pools."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from config.model.expression import Template
from config.model.values import NOTHING, NOWHERE, Location

PoolKind = Literal["custom", "search", "keyword_id", "exclusive"]
RecyclingPolicy = Literal[
    "least_active", "most_active", "round_robin", "oldest", "newest", "weighted"
]


@dataclass(frozen=True, slots=True)
class Number:
    """A number (or SIP URI, or pattern of numbers) that is live, and what it stands for."""

    pattern: str
    """Canonical text: `+18666831950`, `sip:sales@example.org`, `+1866683XXXX`, or as written."""
    kind: Literal["exact", "uri", "pattern"]
    campaign: str
    """Name of its campaign."""
    publisher: str | None = None
    """Party credited for a call; None: the campaign's. (The loader has filled in the pool's.)"""
    pool: str | None = None
    """Name of the pool it belongs to."""
    parameters: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """The binding: values of the pool's parameters, or free ones without a pool."""
    as_is: bool = False
    """Compared with what was dialled as it is, without normalisation. Default false."""
    refuse: int | None = None
    """Capture only: refuse with this status after the look-up. 404, 410, 480, 486, 600 or 603."""
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """What an allocation can ask for: area_code, toll_free, vanity, or whatever else is given."""
    dynamic: bool = False
    """Whether it stands in a pool without a binding of its own, to be allocated."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StockNumber:
    """A number that no pool has yet."""

    number: str
    """E.164."""
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """area_code and toll_free (`yes`, `no`) are filled in; vanity and others as given."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Stock:
    """Numbers shared by pools, which take from it when they grow and give idle ones back."""

    name: str
    numbers: tuple[StockNumber, ...]
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reserve:
    """What becomes of a pool's numbers when it has ended."""

    seconds: float
    """How long they are kept from others. Default 30 days."""
    until_calls_below: int | None = None
    """Free earlier once fewer calls a day than this came in. Default none."""
    treatment: str | None = None
    """Treatment of calls meanwhile (an announcement, another destination). None: 404."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A ring pool: numbers joined to ordered parameter values."""

    name: str
    parameters: tuple[str, ...]
    """Names of the parameters, in order. 1 to 10. A search pool has keyword and engine, a
    keyword_id pool group, an exclusive pool visitor."""
    campaign: str | None = None
    """Campaign of its numbers that name none."""
    publisher: str | None = None
    """Publisher of its numbers that name none."""
    kind: PoolKind = "custom"
    minimum_lifetime_seconds: float | None = 600.0
    """Age from which a binding may be replaced; None: never too young. Default 10 min."""
    maximum_size: int | None = None
    """Numbers it may have, its own and those from the stock. None: only its own."""
    stock: str | None = None
    """Stock it grows from. None: it does not grow."""
    policy: RecyclingPolicy = "least_active"
    overflow: str | None = None
    """E.164 number given when nothing else is left."""
    cooldown_seconds: float = 0.0
    """How long after a rebinding calls still go to the earlier binding, and are marked late. It
    holds for every caller, those who saw the new binding too. Default 0: none are late."""
    period_seconds: float | None = None
    """Exclusive: how long a visitor keeps a number after its last use. None: until the end."""
    ends: date | None = None
    """Last day of the pool. None: open."""
    reserve: Reserve | None = None
    """What becomes of its numbers then. None: they go back at once."""
    idle_seconds: float | None = None
    """A number grown from the stock, unused so long, goes back. None: it stays."""
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Attributes that numbers from the stock must have, unless a request asks otherwise."""
    click_url: Template | None = None
    """Click-through URL of an allocation; {number} and the parameters may stand in it."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)
