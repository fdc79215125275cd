"""Who knows what names of hosts stand for: the machine, or the name servers of the configuration.

Part of the composition root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.model import Switch
from softswitch.transport import Resolver
from softswitch.transport.resolver import asking

if TYPE_CHECKING:
    from softswitch.transport.directory import Directory

__all__ = ["address_of", "directory_of", "resolver_of"]


def resolver_of(switch: Switch) -> Resolver:
    """Who knows addresses of names."""
    if not switch.name_servers:
        return Resolver()
    return Resolver(asking(directory_of(switch).addresses))


def directory_of(switch: Switch) -> Directory:
    """Who asks for the servers of names; its library is loaded where there are names."""
    from softswitch.transport.directory import Directory

    return Directory(switch.name_servers)


async def address_of(host: str) -> str:
    """The address of a host of ours that may be a name; raises NameNotResolved."""
    resolver = Resolver()
    try:
        return (await resolver.resolve(host))[0]
    finally:
        await resolver.close()
