"""Parts of a record that may be anything: what fits, or nothing. Knows no meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["entries_of", "names_of"]


def entries_of(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The entries of a list in a record; nothing where there is no such list."""
    entries = record.get(name)
    return [one for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []


def names_of(record: Mapping[str, Any], name: str) -> list[str]:
    """The same for a list of names."""
    entries = record.get(name)
    return [str(one) for one in entries] if isinstance(entries, list) else []
