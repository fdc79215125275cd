"""`softswitch pool`: allocate numbers, release them, list pools, say how large they should be."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from config.model import Configuration
    from ringpool.answer import Allocation
    from ringpool.request import AllocationRequest
    from ringpool.service import PoolService
    from softswitch.store.bindings import PostgresBindings

__all__ = ["add"]

START_SECONDS = 60.0
"""How long to wait for an embedded server: it may have to be made first."""

CONNECT_SECONDS = 5.0
"""How long for one that runs elsewhere, and whoever else works on its tables."""

ANSWER_SECONDS = 10.0
"""How long for an answer: nobody's web page waits."""

MAX_COUNT = 100_000
"""Allocations of one command."""

Action = Callable[["PoolService", "PostgresBindings"], Awaitable[int]]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    pool = commands.add_parser("pool", help="ring pools: allocate, release, list, size")
    verbs = pool.add_subparsers(required=True, metavar="VERB")
    _add_allocate(verbs)
    _add_release(verbs)
    listing = verbs.add_parser("list", help="show pools, what they have, and what they were asked")
    _add_config(listing)
    listing.add_argument("key", nargs="?", metavar="KEY", help="name of one pool; default: all")
    listing.add_argument("--json", action="store_true", help="print one JSON object a pool")
    listing.set_defaults(action=_list)
    _add_size(verbs)


def _add_config(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("-c", "--config", required=required, type=Path, metavar="FILE")


def _add_allocate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    allocate = verbs.add_parser("allocate", help="get the number for values; 1 if there is none")
    _add_config(allocate)
    allocate.add_argument("key", metavar="KEY", help="name of the pool")
    allocate.add_argument(
        "parameters",
        nargs="*",
        metavar="NAME=VALUE",
        help="the pool's parameters",
    )
    allocate.add_argument("--owner", default="", help="whose values they are; default: nobody's")
    allocate.add_argument("--publisher", help="party credited for calls; default: the pool's")
    allocate.add_argument("--area-code", metavar="CODE", help="the number must have this area code")
    allocate.add_argument("--toll-free", action="store_true", help="the number must be toll free")
    allocate.add_argument("--vanity", metavar="WORD", help="the number must spell this")
    allocate.add_argument(
        "--count",
        type=int,
        default=1,
        metavar="N",
        help="ask N times; {n} in a value becomes 1, 2, 3...",
    )
    allocate.add_argument("--json", action="store_true", help="print one JSON object an answer")
    allocate.set_defaults(action=_allocate)


def _add_release(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    release = verbs.add_parser("release", help="end a binding, so that its number is free")
    _add_config(release)
    release.add_argument("key", metavar="KEY", help="name of the pool")
    release.add_argument("what", metavar="NUMBER|BINDING", help="its number, or its id")
    release.add_argument("--spam", action="store_true", help="calls that come late are nobody's")
    release.set_defaults(action=_release)


def _add_size(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    size = verbs.add_parser(
        "size",
        help="say how many numbers a pool needs",
        description="From visits and dwell time, or from what a pool was asked in two weeks.",
    )
    _add_config(size, required=False)
    size.add_argument("key", nargs="?", metavar="KEY", help="name of a pool, for its measured use")
    size.add_argument("--visits-per-hour", type=float, metavar="N", help="new visitors an hour")
    size.add_argument("--dwell", type=float, metavar="SECONDS", help="how long one keeps a number")
    size.add_argument(
        "--blocking",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="share of visitors who may find no number; default 0.01",
    )
    size.add_argument("--json", action="store_true", help="print one JSON object")
    size.set_defaults(action=_size)


# Commands.


def _allocate(options: argparse.Namespace) -> int:
    from ringpool.service import RequestRefused

    if not 1 <= options.count <= MAX_COUNT:
        return _fail(f"--count: 1 to {MAX_COUNT}", status=2)
    parameters: dict[str, str] = {}
    for text in options.parameters:
        name, equals, value = text.partition("=")
        if not equals:
            return _fail(f'"{text}": expected NAME=VALUE', status=2)
        if name in parameters:
            return _fail(f"{name} is given twice", status=2)
        parameters[name] = value

    async def act(service: PoolService, _store: PostgresBindings) -> int:
        try:
            answers = await _ask(service, _requests(options, parameters))
        except RequestRefused as error:
            return _fail(str(error))
        for answer in answers:
            print(_told(answer, as_json=options.json))
        return 1 if any(answer.number is None for answer in answers) else 0

    return _with_pools(options.config, act)


def _requests(options: argparse.Namespace, parameters: dict[str, str]) -> list[AllocationRequest]:
    from ringpool.service import AllocationRequest

    attributes: dict[str, str] = {}
    if options.area_code is not None:
        attributes["area_code"] = options.area_code
    if options.toll_free:
        attributes["toll_free"] = "yes"
    if options.vanity is not None:
        attributes["vanity"] = options.vanity
    return [
        AllocationRequest(
            options.key,
            {
                name: value.replace("{n}", str(n)) if options.count > 1 else value
                for name, value in parameters.items()
            },
            options.owner,
            options.publisher,
            attributes,
        )
        for n in range(1, options.count + 1)
    ]


async def _ask(service: PoolService, requests: list[AllocationRequest]) -> list[Allocation]:
    from ringpool.service import MAX_BULK

    answers: list[Allocation] = []
    for first in range(0, len(requests), MAX_BULK):
        part = requests[first : first + MAX_BULK]
        answers += await service.allocate_many(part, within=ANSWER_SECONDS)
    return answers


def _told(answer: Allocation, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(answer.as_dict(), ensure_ascii=False)
    values = " ".join(f"{name}={value}" for name, value in answer.parameters.items())
    if answer.number is None:
        return f"no number ({answer.why}) {values}"
    how = f"overflow ({answer.why})" if answer.overflow else answer.step
    expires = answer.as_dict()["expires"]
    parts = [answer.number, answer.formatted or "", how]
    parts += [f"until {expires}"] if expires else []
    parts += [answer.click_url] if answer.click_url else []
    return "  ".join([*parts, values])


def _release(options: argparse.Namespace) -> int:
    from config.e164 import normalise
    from ringpool.protocols import StoreAway
    from ringpool.service import RequestRefused

    async def act(service: PoolService, _store: PostgresBindings) -> int:
        what = normalise(options.what, service.country) or options.what
        try:
            done = await service.release(options.key, what, spam=options.spam)
        except (RequestRefused, StoreAway) as error:
            return _fail(str(error))
        if not done:
            return _fail(f'the pool "{options.key}" has no binding {what}')
        print(f"{what} is free")
        return 0

    return _with_pools(options.config, act)


def _list(options: argparse.Namespace) -> int:
    from ringpool.protocols import StoreAway

    async def act(service: PoolService, store: PostgresBindings) -> int:
        if options.key is not None and options.key not in service.pools:
            return _fail(f'there is no pool "{options.key}"')
        for name in [options.key] if options.key is not None else service.pools:
            try:
                use = await store.use(name, within=ANSWER_SECONDS)
            except StoreAway as error:
                return _fail(f"the database is away: {error}")
            pool = service.pools[name]
            row: dict[str, Any] = {
                "pool": name,
                "kind": pool.kind,
                "numbers": use.size,
                "bound": use.in_use,
                "maximum_size": pool.maximum_size,
                "asked": use.asked,
                "overflowed": use.overflowed,
            }
            print(json.dumps(row) if options.json else _line(row))
        return 0

    return _with_pools(options.config, act)


def _line(row: dict[str, Any]) -> str:
    most = "" if row["maximum_size"] is None else f" of at most {row['maximum_size']}"
    return (
        f"{row['pool']}: {row['kind']}, {row['numbers']} numbers{most}, {row['bound']} bound; "
        f"in two weeks {row['asked']} new requests, {row['overflowed']} without a number"
    )


def _size(options: argparse.Namespace) -> int:
    if options.key is None:
        if options.visits_per_hour is None or options.dwell is None:
            return _fail("give --visits-per-hour and --dwell, or -c FILE KEY", status=2)
        return _say_size(options, options.visits_per_hour, options.dwell, {})
    if options.config is None:
        return _fail("the measured use of a pool needs -c FILE", status=2)
    return _with_pools(options.config, lambda service, store: _measured(options, service, store))


async def _measured(
    options: argparse.Namespace, service: PoolService, store: PostgresBindings
) -> int:
    from ringpool.protocols import StoreAway

    pool = service.pools.get(options.key)
    if pool is None:
        return _fail(f'there is no pool "{options.key}"')
    try:
        use = await store.use(options.key, within=ANSWER_SECONDS)
    except StoreAway as error:
        return _fail(f"the database is away: {error}")
    if not use.asked and options.visits_per_hour is None:
        return _fail(f'the pool "{options.key}" has not been asked for anything in two weeks')
    visits = float(use.busiest) if options.visits_per_hour is None else options.visits_per_hour
    dwell = use.dwell if options.dwell is None else options.dwell
    facts = {
        "measured": {
            "busiest_hour": use.busiest,
            "mean_use_seconds": round(use.dwell, 1),
            "overflowed": use.overflowed,
            "numbers_now": use.size,
        }
    }
    # Nobody else gets the number earlier, whether or not the visitor is still there.
    return _say_size(options, visits, max(dwell, pool.minimum_lifetime_seconds or 0.0), facts)


def _say_size(
    options: argparse.Namespace, visits: float, seconds: float, facts: dict[str, Any]
) -> int:
    from ringpool.sizing import blocking_of, numbers_needed

    try:
        found = numbers_needed(visits, seconds, options.blocking)
    except ValueError as error:
        return _fail(str(error), status=2)
    fewer = blocking_of(found.load, found.numbers - 1)
    result: dict[str, Any] = {
        "numbers": found.numbers,
        "visits_per_hour": visits,
        "seconds": seconds,
        "load": round(found.load, 3),
        "blocking": float(f"{found.blocking:.4g}"),
        "blocking_with_one_less": float(f"{fewer:.4g}"),
        **facts,
    }
    if options.json:
        print(json.dumps(result))
        return 0
    for name, value in facts.get("measured", {}).items():
        print(f"measured {name.replace('_', ' ')}: {value}")
    print(
        f"{found.numbers} number{'' if found.numbers == 1 else 's'} "
        f"for {visits:g} visits an hour of {seconds:g} s each "
        f"(load {found.load:.3g}): {found.blocking:.3%} of visitors find none; "
        f"with one less {fewer:.3%}"
    )
    return 0


# The database.


def _with_pools(path: Path, action: Action) -> int:
    """Run something with the pools of a configuration on its database."""
    import asyncio
    import os

    from config.errors import ConfigErrors
    from softswitch.check import load_checked

    try:
        configuration = load_checked(path, os.environ)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return 1
    if configuration.switch.database == "off":
        return _fail("the configuration has no database (database: off)")
    return asyncio.run(_run(configuration, action))


async def _run(configuration: Configuration, action: Action) -> int:
    from ringpool.protocols import StoreAway
    from ringpool.rules import holdings_of
    from ringpool.service import PoolService
    from softswitch.store.bindings import PostgresBindings
    from softswitch.store.postgres.database import EMBEDDED, Database
    from softswitch.store.postgres.errors import DatabaseUnusable

    switch = configuration.switch
    try:
        database = Database(switch.database, switch.data, node=False)
        store = PostgresBindings(database, holdings_of(configuration))
        service = PoolService(configuration, store)
        await database.start()
    except (DatabaseUnusable, OSError) as error:
        return _fail(str(error))
    try:
        # With the database away the answer is the overflow number, as everywhere.
        with suppress(StoreAway):
            embedded = switch.database == EMBEDDED
            await store.ready(within=START_SECONDS if embedded else CONNECT_SECONDS)
        return await action(service, store)
    finally:
        await service.close()
        await store.close()
        await database.close()


def _fail(sentence: str, *, status: int = 1) -> int:
    print(f"softswitch: {sentence}", file=sys.stderr)
    return status
