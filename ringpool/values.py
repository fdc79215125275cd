"""What the pool algorithm is told and what it answers: plain values, no behaviour.

Times are seconds since the epoch. A *key* is what makes two requests the same: owner and values.
Knows neither databases nor configurations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from config.model import NOTHING, PoolKind, RecyclingPolicy

__all__ = [
    "Answer",
    "AnswerKind",
    "Binding",
    "Changes",
    "Ended",
    "EndedWhy",
    "HeldNumber",
    "Key",
    "Left",
    "LiveChange",
    "PoolRules",
    "Request",
    "Spare",
    "Wanted",
]

Key: TypeAlias = tuple[str, tuple[str, ...]]
"""Owner, and values in the order of the pool's parameters."""

AnswerKind = Literal["same", "fixed", "free", "grown", "rebound", "overflow"]
"""Which step of the algorithm answered. `fixed`: the configuration binds the values itself."""

EndedWhy = Literal["rebound", "released", "spam", "inactive", "idle", "pool ended", "withdrawn"]


@dataclass(frozen=True, slots=True)
class PoolRules:
    """What the algorithm has to know of a pool's configuration."""

    name: str
    kind: PoolKind = "custom"
    policy: RecyclingPolicy = "least_active"
    minimum_lifetime: float | None = 600.0
    """Age from which a binding may be replaced; None: never too young."""
    maximum_size: int | None = None
    """Numbers in the pool, fixed ones included; None: it does not grow."""
    stock: str | None = None
    overflow: str | None = None
    cooldown: float = 0.0
    period: float | None = None
    """Exclusive: an unused binding ends after so long. None: it lasts as long as the pool."""
    ends_at: float | None = None
    reserve: float | None = None
    """How long numbers of the stock stay after the end. None: they go back at once."""
    reserve_below: int | None = None
    """Or until fewer calls a day than this came in."""
    idle: float | None = None
    """A number of the stock, unused so long, goes back."""
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """What numbers taken from the stock must be, unless a request says otherwise."""
    fixed: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Numbers that the configuration binds to values itself; they never change."""

    @property
    def exclusive(self) -> bool:
        """Whether a binding is its visitor's alone until it ends."""
        return self.kind == "exclusive"


@dataclass(frozen=True, slots=True)
class Binding:
    """A number joined to values."""

    binding_id: str
    owner: str
    publisher: str | None
    values: tuple[str, ...]
    bound_at: float
    """Its age counts from here; nothing refreshes it."""
    seen_at: float
    """When it was last given to somebody who asked."""
    called_at: float | None = None
    calls: int = 0
    """Calls while it was in force: its activity."""

    @property
    def key(self) -> Key:
        """What makes a request the same."""
        return (self.owner, self.values)

    @property
    def used_at(self) -> float:
        """When it was last asked for or called."""
        return self.seen_at if self.called_at is None else max(self.seen_at, self.called_at)


@dataclass(frozen=True, slots=True)
class HeldNumber:
    """A number that a pool has."""

    number: str
    position: int = 0
    """Its place in the configuration."""
    stock: str | None = None
    """Stock it came from; None: the pool's own."""
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    joined_at: float = 0.0
    free_since: float | None = None
    """When its last binding in this pool ended. None: it has not been used."""
    last_key: Key | None = None
    """Whose it was last."""
    binding: Binding | None = None
    day_start: float = 0.0
    """Of a pool that has ended: since when `day_calls` counts."""
    day_calls: int = 0


@dataclass(frozen=True, slots=True)
class Spare:
    """A number of the stock that may be taken now."""

    number: str
    position: int = 0
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Numbers that requests may need from the stock: the core is run when they were looked up."""

    attributes: Mapping[str, str]
    count: int


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks a pool for a number."""

    owner: str
    values: tuple[str, ...]
    binding_id: str
    """Id of the binding if a new one is made."""
    publisher: str | None = None
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """What the number must be: `area_code: 602`."""
    draw: float = 0.0
    """Chance, 0 to below 1, for a policy that needs it."""

    @property
    def key(self) -> Key:
        """What makes two requests the same."""
        return (self.owner, self.values)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got."""

    kind: AnswerKind
    number: str | None
    """None: the pool ran out and has no overflow number."""
    binding: Binding | None = None
    """None for the overflow number and for fixed ones."""
    expires_at: float | None = None
    """When the number may be given to others at the earliest. None: never as things are."""
    why: str = ""
    """Why it is the overflow number: `exhausted`, `ended`, `database away`."""

    @property
    def overflow(self) -> bool:
        """Whether the pool had no number."""
        return self.kind == "overflow"


@dataclass(frozen=True, slots=True)
class Ended:
    """A binding that is over."""

    number: str
    binding: Binding
    ended_at: float
    why: EndedWhy


@dataclass(frozen=True, slots=True)
class Left:
    """A number that goes back to its stock."""

    number: str
    available_at: float


@dataclass(frozen=True, slots=True)
class LiveChange:
    """What calls must know of a number of a pool after a change."""

    pool: str
    number: str
    member: bool
    """Whether the pool still has it."""
    binding: Binding | None
    ended: tuple[Ended, ...] = ()
    """Earlier bindings, the latest last."""
    version: int = 0
    """Of the pool, when it changed."""


@dataclass(frozen=True, slots=True)
class Changes:
    """All that a run of the core has changed: written once, told once."""

    numbers: Mapping[str, bool] = field(default_factory=dict)
    """Numbers of the state to write; True: who is bound, or whether it is held, changed."""
    ended: tuple[Ended, ...] = ()
    left: tuple[Left, ...] = ()
    late_calls: Mapping[str, int] = field(default_factory=dict)
    """Calls that belong to bindings that are over, by binding id."""
    bound: int = 0
    """New bindings."""
    overflowed: int = 0
    """Requests that got the overflow number."""
    exhausted: bool = False
    """The pool ran out, and had not before."""
    pool: bool = False
    """Turn or exhaustion changed."""

    @property
    def any(self) -> bool:
        """Whether there is something to write."""
        return bool(
            self.numbers or self.ended or self.left or self.late_calls or self.pool
            or self.overflowed
        )  # fmt: skip

    @property
    def tells(self) -> bool:
        """Whether calls are concerned."""
        return bool(self.left) or any(self.numbers.values())
