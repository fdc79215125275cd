"""What the stack asks of its user about the sender of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from softswitch.sip.flow import Flow
from softswitch.sip.message import Request

__all__ = ["IdentifySource", "Unproven"]


class Unproven(NamedTuple):
    """A sender that has to show credentials first (401)."""

    challenge: str
    """Whole lines of WWW-Authenticate."""


IdentifySource = Callable[[Request, Flow], object]
"""Who sent a request: something true for the stack's user to find at the INVITE again, Unproven,
or something false for those that nobody knows (403)."""
