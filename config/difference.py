"""What is different between two configurations, and what of it a running switch cannot take over.

Sections are compared as the model has them, so that a new section needs nothing here but, where it
is only looked at when the switch starts, its fields in RESTART. Knows neither files nor the switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal

from config.listeners import give_listeners
from config.model import Configuration, Number, Web

__all__ = ["Difference", "differences", "needs_restart", "with_running_settings"]

Change = Literal["added", "removed", "changed"]

RESTART: Mapping[str, Mapping[str, str]] = {
    "switch": {
        "listen_host": "listen",
        "listen_port": "listen",
        "transports": "transports",
        "listeners": "listen",
        "tls": "tls",
        "name_servers": "name_servers",
        "advertise_host": "advertise",
        "rtp_host": "rtp_host",
        "rtp_first_port": "rtp_ports",
        "rtp_last_port": "rtp_ports",
        "control_host": "control",
        "control_port": "control",
        "data": "data",
        "database": "database",
        "engine_threads": "engine_threads",
        "tap": "tap",
        "log_format": "log_format",
    },
    "control": {"unix": "unix"},
    "hearing": {
        "voice_activity": "voice_activity",
        "engine": "engine",
        "model": "model",
        "workers": "workers",
        "in_band_digits": "in_band_digits",
        "fax_tones": "fax_tones",
        "recordings": "recordings",
        "quality_seconds": "quality",
    },
}
"""By section: fields of the model that are looked at once, and their keys in the file. Sockets,
folders, threads and processes are made of them that calls in progress stand on."""

_WEB_RESTART: Mapping[str, str] = {"host": "listen", "port": "listen", "tls": "tls"}
"""The same of the section web, which need not be there."""

KEYS: Mapping[str, Mapping[str, str]] = {
    "switch": {
        **RESTART["switch"],
        "grace_seconds": "grace_time",
        "max_call_seconds": "max_call_time",
        "no_media_seconds": "no_media_time",
        "held_no_media_seconds": "held_no_media_time",
    },
    "defence": {"ban_seconds": "ban_time"},
    "admission": {"loop_lag_seconds": "loop_lag"},
    "stir": {"freshness_seconds": "freshness", "fetching": "fetch", "signing": "sign"},
    "hearing": RESTART["hearing"],
    "web": _WEB_RESTART,
}
"""By section: fields of the model that are not called as their keys in the file are."""

_NOT_COMPARED = frozenset(("source", "version"))


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is different."""

    section: str
    name: str
    """Of a campaign, a number, a trunk...; in a section without names, its key."""
    change: Change


def differences(before: Configuration, after: Configuration) -> Iterator[Difference]:
    """Everything that is different, in the order of the sections."""
    for field in fields(Configuration):
        name = field.name
        if name not in _NOT_COMPARED:
            yield from _of_section(name, getattr(before, name), getattr(after, name))


def _of_section(section: str, before: Any, after: Any) -> Iterator[Difference]:
    if section == "numbers":
        yield from _of_names(section, _numbers(before), _numbers(after))
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_names(section, before, after)
    elif is_dataclass(before) and type(before) is type(after):
        keys = KEYS.get(section, {})
        # One key may be several fields of the model.
        for name in dict.fromkeys(keys.get(one, one) for one in _changed_fields(before, after)):
            yield Difference(section, name, "changed")
    elif before != after:
        yield Difference(section, "", "changed")


def _numbers(numbers: tuple[Number, ...]) -> Mapping[str, Number]:
    """By what is shown of them: one as it is dialled may look like one in E.164."""
    return {
        f"{number.pattern} (as it is)" if number.as_is else number.pattern: number
        for number in numbers
    }


def _of_names(
    section: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    for name, value in after.items():
        if name not in before:
            yield Difference(section, name, "added")
        elif before[name] != value:
            yield Difference(section, name, "changed")
    for name in before:
        if name not in after:
            yield Difference(section, name, "removed")


def _changed_fields(before: Any, after: Any) -> Iterator[str]:
    for field in fields(before):
        if field.compare and getattr(before, field.name) != getattr(after, field.name):
            yield field.name


def needs_restart(before: Configuration, after: Configuration) -> tuple[str, ...]:
    """Keys, as `switch.listen`, whose new value is not taken over."""
    found: dict[str, None] = {}
    for section, names in RESTART.items():
        for name in _changed_fields(getattr(before, section), getattr(after, section)):
            if name in names:
                found[f"{section}.{names[name]}"] = None
    if (before.control.tls is None) is not (after.control.tls is None):
        found["control.tls"] = None
    for name, key in _WEB_RESTART.items():
        if getattr(before.web, name, None) != getattr(after.web, name, None):
            found[f"web.{key}"] = None
    return tuple(found)


def with_running_settings(before: Configuration, after: Configuration) -> Configuration:
    """The new configuration, with what cannot be taken over as it is."""
    sections = {
        section: replace(
            getattr(after, section),
            **{name: getattr(getattr(before, section), name) for name in names},
        )
        for section, names in RESTART.items()
    }
    control = sections["control"]
    if (before.control.tls is None) is not (control.tls is None):
        sections["control"] = replace(control, tls=before.control.tls)
    # Their listeners are counted among the sockets that there are.
    trunks = give_listeners(sections["switch"], after.trunks)
    return replace(after, **sections, trunks=trunks, web=_running_web(before.web, after.web))


def _running_web(before: Web | None, after: Web | None) -> Web | None:
    """A listener that is not there cannot be had; one that is there may be told to refuse all."""
    if before is None or after is None:
        return None
    return replace(after, **{name: getattr(before, name) for name in _WEB_RESTART})
