"""What the keys of an answer mean: digits, a telephone number, a zip, yes or no. Pure."""

from __future__ import annotations

from config.e164 import normalise
from config.model import Ask

__all__ = ["meaning"]

YES, NO = "1", "2"


def meaning(node: Ask, keys: str, country: str) -> str | None:
    """The answer that keys stand for; None when they are none."""
    if not keys.isdigit() or not node.least <= len(keys) <= node.most:
        return None
    if node.kind == "number":
        return normalise(keys, country)
    if node.kind == "yes_no":
        return {YES: "yes", NO: "no"}.get(keys)
    return keys
