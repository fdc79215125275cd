"""Ring pools: numbers for values, one or many at once; giving them back; how the pools are used."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from config.e164 import normalise
from config.model import Pool
from ringpool.answer import Allocation
from ringpool.protocols import PoolUse, StoreAway
from ringpool.request import AllocationRequest, RequestRefused
from ringpool.service import MAX_BULK, PoolService
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()

ALLOCATE_SECONDS = 1.0
"""How long the pools may take before the overflow number is given."""

STATS_SECONDS = 5.0
"""How long the database may take to count."""

MAX_POOLS_COUNTED = 100
"""Pools whose use is counted in one answer: each is a query."""

_ERRORS = (ErrorCode.POOL_NOT_FOUND, ErrorCode.NOT_SUPPORTED)

Key = Annotated[str, Meta(min_length=1, max_length=200)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number for values."""

    pool: str
    parameters: dict[str, str]
    """A value for each parameter of the pool."""
    owner: str = ""
    """Whose values they are: the same values of another owner get another number."""
    publisher: str | None = None
    """Party credited for calls; null: the pool's, else the campaign's."""
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    """What the number must be: area_code, toll_free (yes, no), vanity, or what stocks say."""


class Allocate(Params):
    """For which values."""

    pool: str
    parameters: dict[str, str]
    """A value for each parameter of the pool."""
    owner: str = ""
    """Whose values they are: the same values of another owner get another number."""
    publisher: str | None = None
    """Party credited for calls; null: the pool's, else the campaign's."""
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    """What the number must be: area_code, toll_free (yes, no), vanity, or what stocks say."""
    idempotency_key: Key | None = None
    """Said again within a day, it gives the answer it gave."""


class Allocated(msgspec.Struct, frozen=True):
    """The number, and what it stands for."""

    pool: str
    owner: str
    publisher: str | None
    parameters: dict[str, str]
    number: str | None
    """E.164; null: the pool has nothing to give, not even an overflow number."""
    formatted: str | None
    """As people of the country write it."""
    click_url: str | None
    overflow: bool
    """Whether it is the pool's overflow number: calls to it do not know the parameters."""
    why: str | None
    """Why it is: exhausted, ended, database away..."""
    step: str
    """Which step answered: same, fixed, free, grown, rebound, overflow."""
    binding: str | None
    """Id of the binding."""
    expires: str | None
    """When the number may be given to others at the earliest; null: not as things are."""


@METHODS.method("pool.allocate", role="allocate", errors=(*_ERRORS, ErrorCode.KEY_REUSED))
async def allocate(desk: Desk, caller: Caller, params: Allocate) -> Allocated:
    """Get the number for values; the same one for the same values.

    When the pool has run out, or the database is away, it is the overflow number, and `why` says
    so: a visitor gets an answer within a second in any case.
    """
    service = _service(desk, caller, (params.pool,))
    wanted = Wanted(
        params.pool, params.parameters, params.owner, params.publisher, params.attributes
    )
    (answer,) = await _allocate(service, (wanted,))
    return answer


class AllocateMany(Params):
    """For which values."""

    requests: Annotated[list[Wanted], Meta(min_length=1, max_length=MAX_BULK)]
    idempotency_key: Key | None = None
    """Said again within a day, it gives the answers it gave."""


class AllocatedMany(msgspec.Struct, frozen=True):
    """Numbers."""

    answers: list[Allocated]
    """In the order of the requests."""


@METHODS.method("pool.allocate_many", role="allocate", errors=(*_ERRORS, ErrorCode.KEY_REUSED))
async def allocate_many(desk: Desk, caller: Caller, params: AllocateMany) -> AllocatedMany:
    """Get numbers for many values at once; when one request is refused, nothing was allocated."""
    service = _service(desk, caller, {wanted.pool for wanted in params.requests})
    return AllocatedMany(await _allocate(service, params.requests))


class Release(Params):
    """Which binding."""

    pool: str
    number: str | None = None
    """The number that is bound; or give `binding`."""
    binding: str | None = None
    """Its id."""
    spam: bool = False
    """Calls that come late are nobody's."""


class Released(msgspec.Struct, frozen=True):
    """What is free."""

    pool: str
    released: str
    """The number or the id, as it was looked for."""


@METHODS.method(
    "pool.release",
    role="allocate",
    errors=(*_ERRORS, ErrorCode.NUMBER_NOT_FOUND, ErrorCode.POOL_UNAVAILABLE),
)
async def release(desk: Desk, caller: Caller, params: Release) -> Released:
    """End a binding, so that its number is free."""
    if bool(params.number) is bool(params.binding):
        raise ControlError(ErrorCode.INVALID_PARAMS, "number or binding: one of them is needed")
    service = _service(desk, caller, (params.pool,))
    what = params.binding or normalise(params.number or "", service.country) or params.number or ""
    try:
        done = await service.release(params.pool, what, spam=params.spam)
    except RequestRefused as refused:
        raise ControlError(ErrorCode.INVALID_PARAMS, str(refused)) from None
    except StoreAway as away:
        raise ControlError(ErrorCode.POOL_UNAVAILABLE, str(away)) from None
    if not done:
        raise ControlError(ErrorCode.NUMBER_NOT_FOUND, "nothing is bound there", what=what[:250])
    return Released(params.pool, what)


class Stats(Params):
    """Which pools."""

    pool: str | None = None
    """Null: all, or their first hundred."""


class PoolLine(msgspec.Struct, frozen=True):
    """How a pool is used; counts of the last two weeks."""

    pool: str
    kind: str
    campaign: str | None
    parameters: list[str]
    overflow: str | None
    maximum_size: int | None
    numbers: int
    """Numbers it has now."""
    bound: int
    """Numbers that are somebody's now."""
    asked: int
    """Requests that needed a number, in two weeks."""
    overflowed: int
    """Requests that got the overflow number."""
    busiest_hour: int
    """Requests of the busiest hour."""
    mean_use_seconds: float
    """From a binding to its last use."""


class PoolStats(msgspec.Struct, frozen=True):
    """Pools, in the order of the configuration."""

    pools: list[PoolLine]
    total: int
    """How many there are."""
    counts_waiting: int
    """Bindings whose calls are not written yet."""


@METHODS.method("pool.stats", role="read", errors=(*_ERRORS, ErrorCode.POOL_UNAVAILABLE))
async def stats(desk: Desk, caller: Caller, params: Stats) -> PoolStats:
    """How large pools are, and what they were asked for."""
    service = _service(desk, caller, () if params.pool is None else (params.pool,))
    pools = [pool for pool in service.pools.values() if _sees(caller, pool)]
    counted = [pool for pool in pools if params.pool in (None, pool.name)][:MAX_POOLS_COUNTED]
    try:
        lines = [
            _line(pool, await service.store.use(pool.name, within=STATS_SECONDS))
            for pool in counted
        ]
    except StoreAway as away:
        raise ControlError(ErrorCode.POOL_UNAVAILABLE, str(away)) from None
    return PoolStats(lines, len(pools), service.counts_waiting)


def _line(pool: Pool, use: PoolUse) -> PoolLine:
    return PoolLine(
        pool=pool.name,
        kind=pool.kind,
        campaign=pool.campaign,
        parameters=list(pool.parameters),
        overflow=pool.overflow,
        maximum_size=pool.maximum_size,
        numbers=use.size,
        bound=use.in_use,
        asked=use.asked,
        overflowed=use.overflowed,
        busiest_hour=use.busiest,
        mean_use_seconds=round(use.dwell, 1),
    )


def _service(desk: Desk, caller: Caller, names: tuple[str, ...] | set[str]) -> PoolService:
    """The service, when it has these pools and they are the caller's business; raises
    ControlError."""
    service = desk.pools
    if service is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch has no database for its pools")
    pools = service.pools
    for name in names:
        pool = pools.get(name)
        if pool is None or not _sees(caller, pool):
            raise ControlError(ErrorCode.POOL_NOT_FOUND, f"there is no pool {name[:100]}")
    return service


def _sees(caller: Caller, pool: Pool) -> bool:
    return caller.identity.sees(pool.campaign or "")


async def _allocate(
    service: PoolService, wanted: tuple[Wanted, ...] | list[Wanted]
) -> list[Allocated]:
    requests = [
        AllocationRequest(one.pool, one.parameters, one.owner, one.publisher, one.attributes)
        for one in wanted
    ]
    try:
        answers = await service.allocate_many(requests, within=ALLOCATE_SECONDS)
    except RequestRefused as refused:
        raise ControlError(ErrorCode.INVALID_PARAMS, str(refused)) from None
    return [_allocated(answer) for answer in answers]


def _allocated(answer: Allocation) -> Allocated:
    return Allocated(**answer.as_dict())
