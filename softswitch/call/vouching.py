"""What calls need of whoever signs them: asked for each INVITE to a trunk with `identity`.

Knows no keys and no certificates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.dial_request import DialRequest

__all__ = ["Vouches"]


class Vouches(Protocol):
    """Signs calls out."""

    def vouched(self, call: Call, request: DialRequest) -> DialRequest:
        """What is sent to a trunk, with what is to be said there of its caller; never waits, and
        never refuses a call."""
