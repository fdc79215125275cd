"""The configuration: reading it again while calls go on, and showing the one in force."""

from __future__ import annotations

from typing import Any

import msgspec

from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.configuration_shown import SECTIONS, shown_section
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.reloading import ConfigurationRefused, Reloaded
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()

MAX_SHOWN = 1000
"""Entries of one section in one answer."""


class Reload(Params):
    """Whether it is meant."""

    dry_run: bool = False
    """Only read and check the file, make everything ready, and say what would change."""


@METHODS.method(
    "config.reload",
    role="admin",
    errors=(
        ErrorCode.CONFIGURATION_INVALID,
        ErrorCode.NOT_SUPPORTED,
        ErrorCode.TOO_MANY_REQUESTS,
    ),
)
async def reload(desk: Desk, caller: Caller, params: Reload) -> Reloaded:
    """Read the configuration file again and take it into force, as SIGHUP does.

    Calls in progress keep the configuration they began with. With a mistake anywhere in the file
    nothing changes: configuration_invalid, with all mistakes in `errors`. Answered when calls that
    come in have the new one; new prompts are spoken before that, which takes its time. It goes on
    when the connection is lost.
    """
    if desk.reloads is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch cannot reload from here")
    try:
        return await desk.reloads.reload(asked=caller.identity.name, dry_run=params.dry_run)
    except ConfigurationRefused as refused:
        raise ControlError(
            ErrorCode.CONFIGURATION_INVALID,
            f"the configuration is refused: {refused}",
            errors=[msgspec.to_builtins(mistake) for mistake in refused.mistakes],
            complete=refused.complete,
        ) from None


class Show(Params):
    """Which part."""

    section: str | None = None
    """campaigns, numbers, trunks...; null: how many entries each has."""
    name: str | None = None
    """One entry of the section."""
    after: str | None = None
    """Only entries behind this one, in the order of their names: the last one of the answer
    before."""


class Shown(msgspec.Struct, frozen=True):
    """A part of the configuration in force."""

    version: str
    file: str
    section: str | None
    entries: dict[str, Any]
    """By name; of a section without names, its settings; without a section, counts."""
    total: int
    """How many the section has."""


@METHODS.method("config.show", role="read", errors=(ErrorCode.NOT_CONFIGURED, ErrorCode.FORBIDDEN))
async def show(desk: Desk, caller: Caller, params: Show) -> Shown:
    """What new calls are treated by: names and values as the switch understands them, at most 1000
    entries at once, without secrets. A token of some campaigns sees counts alone.
    """
    configuration = desk.configuration()
    file = str(configuration.source)
    if params.section is None:
        counts = {
            name: len(section)
            for name in SECTIONS
            if hasattr(section := getattr(configuration, name), "__len__")
        }
        return Shown(configuration.version, file, None, counts, sum(counts.values()))
    if caller.identity.campaigns:
        raise ControlError(ErrorCode.FORBIDDEN, "this token is for some campaigns only")
    section = shown_section(configuration, params.section)
    if section is None:
        raise ControlError(
            ErrorCode.NOT_CONFIGURED, f"there is no section {params.section[:100]}",
            sections=list(SECTIONS),
        )  # fmt: skip
    names = section.names(after=params.after, most=MAX_SHOWN)
    if params.name is not None:
        if params.name not in section:
            raise ControlError(
                ErrorCode.NOT_CONFIGURED, f"{params.section} has no {params.name[:100]}"
            )
        names = [params.name]
    entries = {name: section.shown(name) for name in names}
    return Shown(configuration.version, file, params.section, entries, len(section))
