"""Calling out beside whatever the caller hears: it is told nothing of it.

For whoever steers the call leg by leg: the caller may hear music, or talk to somebody else, while
another is called. The leg is up when it answers; who hears it is decided later.
"""

from __future__ import annotations

from softswitch.call.called_leg import CalledLeg
from softswitch.call.dialling import Dialling

__all__ = ["QuietDialling"]


class QuietDialling(Dialling):
    """A dial of which the caller hears nothing, and that parts nobody when it fails."""

    def on_progress(self, leg: CalledLeg, status: int, *, described: bool) -> None:
        """Nothing is passed on."""

    def _set_apart(self, leg: CalledLeg) -> None:
        """It was never joined."""

    def _let_go(self) -> None:
        """The caller hears whom it heard before."""
