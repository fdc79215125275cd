"""What is logged, changed while the switch runs."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()

logger = logging.getLogger(__name__)


class Level(Params):
    """Whose level, and which; without a level nothing is changed."""

    logger: Annotated[str, Meta(max_length=200)] | None = None
    """Name of a logger (`softswitch.sip.stack`), or `events`: the lines of events; null: all that
    have no level of their own, and events."""
    level: Literal["debug", "info", "warning", "error", "default"] | None = None
    """`default`: for a logger that of all others, for the others that of the configuration."""


class Levels(msgspec.Struct, frozen=True):
    """From which levels on there are lines now."""

    level: str
    """Of all that have none of their own."""
    events: str
    loggers: dict[str, str]
    """Those with a level of their own."""


@METHODS.method(
    "log.level", role="admin", errors=(ErrorCode.NOT_CONFIGURED, ErrorCode.NOT_SUPPORTED)
)
async def level(desk: Desk, caller: Caller, params: Level) -> Levels:
    """Log more or less from now on, until the switch stops or the configuration says otherwise."""
    if desk.logs is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch has no log")
    if params.level is not None:
        name = params.logger or ""
        wanted: str | None = params.level
        if wanted == "default":
            ours = name in ("", "events")
            wanted = desk.configuration().switch.log_level if ours else None
        if not desk.logs.set(name, wanted):
            raise ControlError(ErrorCode.NOT_CONFIGURED, f"there is no logger {name}")
        logger.warning(
            "%s asks for log level %s of %s", caller.identity.name, params.level, name or "all"
        )
    levels = desk.logs.levels()
    return Levels(levels.pop(""), levels.pop("events"), levels)
