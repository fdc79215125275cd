"""What is known of names, or goes wrong with them, for those who do not ask for them themselves."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Addresses", "NoAnswer"]


class NoAnswer(OSError):
    """The name service says nothing now: what was known holds on."""


class Addresses(NamedTuple):
    """The addresses of a name; none, where the name service says that it has none."""

    addresses: tuple[str, ...]
    seconds: float | None = None
    """How long the answer holds, as the name service says; None: it does not say."""
