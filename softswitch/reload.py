"""Takes another configuration into force while calls go on.

Part of the composition root. The file is read and checked beside the calls; everything that a call
could need of it (prompts, tables, addresses of trunks) is made ready before anything changes, and
then all of it changes in one turn of the loop. Calls in progress keep the configuration they began
with. What is wrong with the file leaves the running one in force.
"""

from __future__ import annotations

from softswitch.control.reloading import Follower

__all__ = ["Reloader"]


class Reloader:
    """Implements `softswitch.control.reloading.Reloads`."""

    def __init__(self) -> None:
        self.followers: list[Follower] = []
        """In the order in which they are told."""
