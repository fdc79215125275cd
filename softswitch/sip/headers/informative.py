"""Reading headers that only inform: a value that cannot be read is left out, and costs no call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers

T = TypeVar("T")

# What is read here goes into events and records. A call is not diverted more often than this
# (RFC 5806 loops are broken by the `limit` of each hop, long before); what exceeds it is left out.
MAX_VALUES = 32


def parse_readable(headers: Headers, name: str, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Read the values of a list header that can be read, the first MAX_VALUES of them."""
    if name not in headers.fields:
        return ()
    values: list[T] = []
    for text in headers.get_list(name)[:MAX_VALUES]:
        try:
            values.append(parse(text))
        except ParseError:
            continue
    return tuple(values)
