"""What Prometheus is told of trunks: which of them are there, and which the switch is known to.

Looks when it is asked; counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from softswitch.control.desk import Desk
from softswitch.control.exposition import Family, gauge

__all__ = ["families_of_trunks"]


def families_of_trunks(desk: Desk) -> Iterator[Family]:
    """Of each trunk of the configuration in force."""
    names, down = list(desk.configuration().trunks), desk.services.trunks_down
    up = {name: float(name not in down) for name in names}
    about = "0 while a trunk's probe says that it is down; 1 too where it is not probed."
    yield gauge("softswitch_trunk_up", about, up, "trunk")
    watch = desk.trunk_watch
    if watch is None:
        return
    known = ((name, watch.status(name).registered) for name in names)
    registered = {name: float(holds) for name, holds in known if holds is not None}
    about = "Whether the switch is registered with a trunk, of those that it registers with."
    yield gauge("softswitch_trunk_registered", about, registered, "trunk")
