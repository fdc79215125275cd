"""The section web: the listener that browsers of visitors reach, and the pools they may ask.

What stands in a web page is public. A pool's key says which pages ask; it is worth no more than a
number of that pool.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from config.addresses import SOURCE, HostPort, address, unusable
from config.control import ControlKeys
from config.document import Scalar, Tree
from config.kinds import BOOLEAN, NAME, POOL_NAME, integer, list_of, mapping_of
from config.model import Location, Web, WebPool
from config.origins import ORIGINS
from config.reading import (
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    scalar,
    section_kind,
)

__all__ = ["WEB", "WEB_POOL", "read_web"]

MAX_POOLS = 1000
"""Pools that pages may ask for; a page has one."""
MAX_PROXIES = 50
"""Looked through for each request."""

_KEY = re.compile(r"[A-Za-z0-9_-]{8,100}\Z")


def _key(text: str) -> str:
    if not _KEY.match(text):
        raise ValueError(text)
    return text


PUBLIC_KEY = scalar("8 to 100 letters, digits, _ and -", _key)


class WebPoolKeys:
    """Keys of a pool that web pages may ask."""

    KEY = Key(
        "key",
        PUBLIC_KEY,
        "What pages say to ask for its numbers: 8 to 100 letters, digits, _ and -. It is no "
        "secret.",
        required=True,
        example="shop-2026",
    )
    ORIGINS = Key(
        "origins",
        ORIGINS,
        "Origins of the pages that may ask; browsers keep all others from the answer.",
        otherwise="those of the section web",
        example="[https://shop.example.com]",
    )
    OWNER = Key(
        "owner", NAME, "Owner of the bindings.", otherwise="nobody in particular", example="shop"
    )
    PUBLISHER = Key(
        "publisher", NAME, "Publisher of the bindings.", otherwise="the pool's", example="p1"
    )


WEB_POOL = Section(
    "a pool for web pages",
    "A ring pool whose numbers browsers may ask for.",
    keys_of(WebPoolKeys),
    example="pools:\n  paid-search: {key: shop-2026, origins: [https://shop.example.com]}",
)


def _read_pool(tree: Tree, reading: Reading) -> WebPool:
    if isinstance(tree, Scalar):
        raise RefusedError("expected the settings of a pool for web pages: its key")
    keys = WebPoolKeys
    fields = read_fields(tree, WEB_POOL, reading)
    fields.need_good(keys.ORIGINS, keys.OWNER, keys.PUBLISHER)
    return WebPool(
        key=fields[keys.KEY],
        origins=fields.get(keys.ORIGINS) or (),
        owner=fields.get(keys.OWNER) or "",
        publisher=fields.get(keys.PUBLISHER),
    )


class WebKeys:
    """Keys of the section `web`."""

    LISTEN = Key(
        "listen",
        address(8022),
        "Where it listens (HTTP, TCP).",
        required=True,
        example="${SOFTSWITCH_WEB:-127.0.0.1:8022}",
    )
    TLS = Key(
        "tls",
        ControlKeys.TLS.kind,
        "Speak HTTPS, with this certificate.",
        otherwise="no TLS: for a proxy in front that has it",
        example="{certificate: web.pem, key: web.key}",
    )
    ORIGINS = Key(
        "origins",
        ORIGINS,
        "Origins of the pages that may ask, for all pools that name none.",
        otherwise="none",
        example="[https://shop.example.com, https://www.shop.example.com]",
    )
    POOLS = Key(
        "pools",
        mapping_of(section_kind(WEB_POOL, _read_pool), most=MAX_POOLS, noun="pool", name=POOL_NAME),
        "Pools that pages may ask for numbers, by name.",
        otherwise="none",
        example="{paid-search: {key: shop-2026}}",
    )
    PER_MINUTE = Key(
        "per_minute",
        integer(1, 100_000),
        "Requests of one address (of a /64 in IPv6) in a minute; more are answered with 429.",
        default="60",
        example="30",
    )
    PROXIES = Key(
        "proxies",
        list_of(SOURCE, most=MAX_PROXIES),
        "Proxies in front: from these, the address of the visitor is taken from X-Forwarded-For.",
        otherwise="none",
        example="[127.0.0.1, 10.0.0.0/8]",
    )
    RESULTS = Key(
        "results",
        BOOLEAN,
        "Whether call centres may post results of calls here, with a token.",
        default="no",
        example="yes",
    )


WEB = Section(
    "web",
    "A listener for browsers: numbers of pools for the visitors of web pages, and dni.js, which "
    "puts them into a page. See dni.md. It knows nothing of the control socket.",
    keys_of(WebKeys),
    example="web:\n  listen: 127.0.0.1:8022\n  origins: [https://shop.example.com]\n"
    "  pools:\n    paid-search: {key: shop-2026}",
)


def read_web(tree: Tree | None, reading: Reading) -> Web | None:
    """The section web; None when it is absent, or has mistakes."""
    if tree is None or (isinstance(tree, Scalar) and tree.absent):
        return None
    keys = WebKeys
    try:
        fields = read_fields(tree, WEB, reading)
        fields.need_good(keys.TLS, keys.ORIGINS, keys.POOLS, keys.PROXIES)
        where: HostPort = fields[keys.LISTEN]
    except MissingError:
        return None
    why = unusable(where.host, wildcard=True)
    if why is not None:
        reading.problems.add(fields.place(keys.LISTEN), f"listen: {where.host} is {why}")
    pools: Mapping[str, WebPool] = fields.get(keys.POOLS) or MappingProxyType({})
    origins = fields.get(keys.ORIGINS) or ()
    _check_pools(pools, origins, reading, fields.place(keys.POOLS))
    return Web(
        host=where.host,
        port=where.port,
        tls=fields.get(keys.TLS),
        origins=origins,
        pools=MappingProxyType(
            {name: replace(pool, origins=pool.origins or origins) for name, pool in pools.items()}
        ),
        per_minute=fields[keys.PER_MINUTE],
        proxies=fields.get(keys.PROXIES) or (),
        results=fields[keys.RESULTS],
    )


def _check_pools(
    pools: Mapping[str, WebPool], origins: tuple[str, ...], reading: Reading, place: Location
) -> None:
    keys = [pool.key for pool in pools.values()]
    if len(set(keys)) < len(keys):
        reading.problems.add(place, "pools: two have the same key")
    for name, pool in pools.items():
        if not pool.origins and not origins:
            message = f"pools: no page may ask for numbers of {name}"
            reading.problems.add(place, message, 'add "origins"')
