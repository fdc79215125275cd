"""Checks what somebody asks a pool for. Refusals are sentences for whoever asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.errors import did_you_mean
from config.model import NOTHING, Pool
from ringpool.attributes import lowered

__all__ = ["AllocationRequest", "RequestRefused", "checked_values"]

MAX_OWNER = 200
"""A visitor's id from a cookie is a fraction of it."""
MAX_PUBLISHER = 100
"""As long as a publisher in the configuration may be."""
MAX_VALUE = 2000
"""As long as a parameter of a number in the configuration may be."""
MAX_ATTRIBUTES = 10
"""Half of those that a stock may have: each is compared for each free number."""
MAX_ATTRIBUTE = 100
"""As long as a name or value in a stock may be."""
MAX_SHOWN = 60
"""Characters of a peer's text that an error repeats."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Values end up in header fields, prompts and records; half a character cannot be stored."""


class RequestRefused(Exception):
    """The request makes no sense; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class AllocationRequest:
    """What a web page or a campaign system asks for."""

    pool: str
    """Name of the pool."""
    parameters: Mapping[str, str]
    """A value for each parameter of the pool."""
    owner: str = ""
    """Whose it is: the same values of another owner get another number."""
    publisher: str | None = None
    """Party credited for calls. None: the pool's, else the campaign's."""
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """What the number must be: area_code, toll_free (yes, no), vanity, or what stocks say."""


def checked_values(request: AllocationRequest, pool: Pool) -> tuple[str, ...]:
    """The values in the order of the pool's parameters; raises RequestRefused."""
    _check_text("owner", request.owner, MAX_OWNER)
    if request.publisher is not None:
        _check_text("publisher", request.publisher, MAX_PUBLISHER)
    given = request.parameters
    for name in given:
        if name not in pool.parameters:
            hint = did_you_mean(name, pool.parameters)
            known = ", ".join(pool.parameters)
            raise RequestRefused(
                f'"{_shown(name)}" is no parameter of the pool {pool.name}, which has {known}'
                + (f" ({hint})" if hint else "")
            )
    missing = [name for name in pool.parameters if name not in given]
    if missing:
        raise RequestRefused(f"the pool {pool.name} needs a value for {', '.join(missing)}")
    # Who asks over a socket may send anything.
    unchecked: Mapping[str, object] = given
    for name, value in unchecked.items():
        _check_text(name, value, MAX_VALUE)
    return tuple(given[name] for name in pool.parameters)


def checked_attributes(attributes: Mapping[str, str]) -> Mapping[str, str]:
    """The attributes as they are compared; raises RequestRefused."""
    if not attributes:
        return NOTHING
    if len(attributes) > MAX_ATTRIBUTES:
        raise RequestRefused(f"at most {MAX_ATTRIBUTES} attributes can be asked for")
    unchecked: Mapping[str, object] = attributes
    for name, value in unchecked.items():
        _check_text("the name of an attribute", name, MAX_ATTRIBUTE)
        _check_text(name, value, MAX_ATTRIBUTE)
    return lowered(attributes)


def _check_text(what: str, value: object, longest: int) -> None:
    if not isinstance(value, str):
        raise RequestRefused(f"{_shown(what)} must be text")
    if len(value) > longest:
        raise RequestRefused(f"{_shown(what)} is longer than {longest} characters")
    if _CONTROL.search(value):
        raise RequestRefused(f"{_shown(what)} has control characters or halves of characters")


def _shown(text: str) -> str:
    clean = _CONTROL.sub("?", text)
    return clean if len(clean) <= MAX_SHOWN else f"{clean[:MAX_SHOWN]}..."
