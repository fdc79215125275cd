"""What a number is like (area code, toll free, vanity), and what a request may ask for.

Everything is text, kept in lower case. Numbers of the North American plan know their area
code and whether they are toll free from their digits; anything else is given with the number.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["attributes_of", "lowered", "meets", "merged"]

TOLL_FREE_CODES = frozenset({"800", "822", "833", "844", "855", "866", "877", "888"})
"""Toll-free area codes of the North American plan; 822 is set aside to be the next."""


def attributes_of(number: str, given: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a number in E.164: as given, the rest from its digits."""
    known: dict[str, str] = {}
    if number.startswith("+1") and len(number) == 12:
        code = number[2:5]
        known = {"area_code": code, "toll_free": "yes" if code in TOLL_FREE_CODES else "no"}
    return {**known, **lowered(given)}


def lowered(attributes: Mapping[str, str]) -> dict[str, str]:
    """Attributes as they are kept and compared."""
    return {name: value.strip().lower() for name, value in attributes.items()}


def meets(attributes: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether a number has all that is wanted of it."""
    return all(attributes.get(name) == value for name, value in wanted.items())


def merged(defaults: Mapping[str, str], asked: Mapping[str, str]) -> Mapping[str, str]:
    """What a number of the stock must be: the pool's attributes unless the request says other."""
    return {**defaults, **asked} if asked else defaults
