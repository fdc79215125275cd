"""A configuration as data that can be looked at: plain values, conditions as they were written, and
nothing secret.

Goes by the classes of the model, so that a new section is shown without being named here. A field
is secret when its class keeps it out of its own representation, when its name says so, or when it
may hold credentials (header fields of requests, the password in the database's address).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from config.model import Configuration, Expression, Location, Lookup, Node, Template

__all__ = ["HIDDEN", "SECTIONS", "Section", "shown_section"]

HIDDEN = "***"
"""Stands where a secret is."""

SECTIONS = tuple(
    field.name for field in fields(Configuration) if field.name not in {"source", "version"}
)

_CREDENTIALS = re.compile(
    r"(://[^:/@\s]*:)[^@\s]+(?=@)"
    r"|(\bpassword=)[^\s&]+"
    r"|([?&](?:api_?key|key|token|secret|auth|sig|signature)=)[^&\s]+",
    re.IGNORECASE,
)
"""In `postgresql://user:password@host`, in `user=... password=...`, in a query."""

_STEPS = frozenset(get_args(Node))


class Section:
    """One section: entries by name."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self, *, after: str | None, most: int) -> list[str]:
        """Some names in their order."""
        names = sorted(self._entries)
        if after is not None:
            names = [name for name in names if name > after]
        return names[:most]

    def shown(self, name: str) -> Any:
        """An entry as plain data."""
        return _plain(self._entries[name])


def shown_section(configuration: Configuration, name: str) -> Section | None:
    """A section of a configuration; None: there is none of that name."""
    if name not in SECTIONS:
        return None
    section = getattr(configuration, name)
    if name == "numbers":
        return Section({number.pattern: number for number in section})
    if isinstance(section, Mapping):
        return Section(section)
    if section is None:
        return Section({})
    return Section(_fields(section))


def _fields(value: Any) -> dict[str, Any]:
    return {
        field.name: HIDDEN if _secret(field, value) else getattr(value, field.name)
        for field in fields(value)
        if not isinstance(getattr(value, field.name), Location)
    }


def _secret(field: Field[Any], value: Any) -> bool:
    content = getattr(value, field.name)
    named = field.name in {"secret", "password"} and isinstance(content, str)
    sent = field.name == "headers" and isinstance(value, Lookup)
    return bool(content) and (named or sent or not field.repr)


def _plain(value: Any) -> Any:
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Template):
        parts = (part if isinstance(part, str) else f"{{{part.text}}}" for part in value.parts)
        return _hidden("".join(parts))
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        ordered = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_plain(one) for one in ordered]
    if is_dataclass(value) and not isinstance(value, type):
        shown = {name: _plain(one) for name, one in _fields(value).items()}
        return {"step": type(value).__name__, **shown} if type(value) in _STEPS else shown
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _hidden(value)
    if isinstance(value, Path | Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _hidden(text: str) -> str:
    """A text without the credentials in it."""
    return _CREDENTIALS.sub(lambda found: f"{''.join(filter(None, found.groups()))}{HIDDEN}", text)
