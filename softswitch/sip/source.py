"""What the stack asks of its user about the sender of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from softswitch.sip.flow import Flow
from softswitch.sip.message import Request

__all__ = ["IdentifySource", "Unknown", "Unproven"]


class Unproven(NamedTuple):
    """A sender that has to show credentials first (401)."""

    challenge: str
    """Whole lines of WWW-Authenticate."""


class Unknown(NamedTuple):
    """A sender that is nobody we know (403)."""

    why: str
    user: str = ""
    """For whom it spoke, where it showed credentials, or as a proxy a mark, that are wrong."""


IdentifySource = Callable[[Request, Flow], object]
"""Who sent a request: something true for the stack's user to find at the INVITE again, Unproven,
or Unknown; anything false is unknown too (403)."""
