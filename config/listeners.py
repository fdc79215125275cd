"""Where SIP is listened for: one address, or a list of listeners, and which of them a trunk uses.

What a list adds to one address: listeners of their own transports, under the names that peers of
theirs know. `endpoints` is the order in which sockets are opened and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from config import hints
from config.addresses import HOST, WILDCARDS, HostPort, address, is_address, unusable
from config.document import Sequence as Items
from config.document import Tree
from config.errors import Problems
from config.kinds import NAME, list_of, one_of
from config.model import Switch, SwitchListener, Transport, Trunk
from config.origins import ORIGINS
from config.reading import (
    Fields,
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_each,
    read_fields,
)

__all__ = ["LISTENER", "LISTEN_KIND", "Endpoint", "endpoints", "give_listeners", "reached"]

MAX_LISTENERS = 16
"""A switch has a side to the Internet, some to carriers, and both in two kinds of addresses."""

_TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls", "ws", "wss")
_CALLED_BY: tuple[Transport, ...] = ("udp", "tcp", "tls")
"""What a name may say that its servers are called by (NAPTR), and what a call may change to."""
_USUAL: tuple[Transport, ...] = ("udp", "tcp")
_ADDRESS = address(5060)


class ListenerKeys:
    """Keys of a listener."""

    NAME = Key(
        "name",
        NAME,
        "What trunks call it by (`listen` of a trunk).",
        required=True,
        example="inside",
    )
    ADDRESS = Key(
        "address",
        _ADDRESS,
        "Where it listens.",
        required=True,
        example='"[2001:db8::10]:5060"',
    )
    TRANSPORTS = Key(
        "transports",
        list_of(one_of(_TRANSPORTS), most=2),
        "Its transports. Each of tls, ws and wss (SIP over WebSocket) has a port of its own; tls "
        "and wss have the certificate of `tls`.",
        otherwise="udp and tcp",
        example="[udp]",
    )
    ADVERTISE = Key(
        "advertise",
        HOST,
        "Host written into Via, Contact and SDP of what goes by it: how peers on its side reach "
        "the switch.",
        otherwise="`advertise` of the switch, or the host it listens at",
        example="203.0.113.7",
    )
    ORIGINS = Key(
        "origins",
        ORIGINS,
        "Of ws and wss: origins of web pages whose scripts may connect. Programs, which name none, "
        "always may.",
        otherwise="no page may",
        example="[https://phone.example.com]",
    )


LISTENER = Section(
    "a listener",
    "One of several addresses at which SIP is listened for. A call stays with the listener that it "
    "came by; a call to a trunk goes by the one that the trunk names, else by the first that has "
    "the transport and the kind of address (IPv4, IPv6) of the trunk.",
    keys_of(ListenerKeys),
    example="listen:\n  - {name: carriers, address: 192.0.2.10}\n"
    '  - {name: six, address: "[2001:db8::10]", transports: [udp, tcp]}',
)


def _read_listener(tree: Tree, reading: Reading) -> SwitchListener:
    keys = ListenerKeys
    fields = read_fields(tree, LISTENER, reading)
    where = fields[keys.ADDRESS]
    fields.need_good(keys.TRANSPORTS, keys.ADVERTISE, keys.ORIGINS)
    transports = fields.get(keys.TRANSPORTS) or _USUAL
    _check_one(fields, where, transports)
    return SwitchListener(
        name=fields[keys.NAME],
        host=where.host,
        port=where.port,
        transports=transports,
        advertise_host=fields.get(keys.ADVERTISE) or "",
        origins=fields.get(keys.ORIGINS) or (),
        location=tree.location,
    )


def _check_one(fields: Fields, where: HostPort, transports: Sequence[Transport]) -> None:
    keys = ListenerKeys
    hosts = ((keys.ADDRESS, where.host), (keys.ADVERTISE, fields.get(keys.ADVERTISE)))
    for key, host in hosts:
        why = host and unusable(host, wildcard=key is keys.ADDRESS)
        if why:
            message = f"{key.name}: {host} is {why}"
            raise RefusedError(message, location=fields.place(key))
    streams = [one for one in transports if one != "udp"]
    if len(streams) > 1:
        message = f"transports: {' and '.join(streams)} cannot have one port: two listeners"
        raise RefusedError(message, location=fields.place(keys.TRANSPORTS))
    if keys.ORIGINS in fields and not set(streams) & {"ws", "wss"}:
        message = "origins: only ws and wss are reached by web pages"
        raise RefusedError(message, location=fields.place(keys.ORIGINS))


def _read_listen(tree: Tree, reading: Reading) -> tuple[SwitchListener, ...]:
    if not isinstance(tree, Items):
        where = _ADDRESS.read(tree, reading)
        return (SwitchListener("", where.host, where.port, (), location=tree.location),)
    if not 1 <= len(tree.items) <= MAX_LISTENERS:
        raise RefusedError(f"expected 1 to {MAX_LISTENERS} listeners, not {len(tree.items)}")
    found: list[SwitchListener] = []

    def read_one(item: Tree) -> None:
        listener = _read_listener(item, reading)
        _check_pair(listener, found)
        found.append(listener)

    read_each(tree.items, read_one, "listen")
    return tuple(found)


def _check_pair(listener: SwitchListener, others: Sequence[SwitchListener]) -> None:
    """No two have one name, or one port of one kind."""
    for other in others:
        if other.name == listener.name:
            raise RefusedError(f'"{listener.name}" stands twice', location=listener.location)
        same_port = listener.port == other.port and _meet(listener.host, other.host)
        if same_port and set(_kinds(listener)) & set(_kinds(other)):
            message = f'"{listener.name}" has the port {listener.port} of "{other.name}"'
            raise RefusedError(message, location=listener.location)


def _kinds(listener: SwitchListener) -> list[str]:
    return ["udp" if transport == "udp" else "stream" for transport in listener.transports]


def _meet(one: str, other: str) -> bool:
    """Whether sockets of both hosts would be in each other's way."""
    if (":" in one) != (":" in other):
        return False
    return one == other or one in WILDCARDS or other in WILDCARDS


LISTEN_KIND = Kind(
    f"{_ADDRESS.says}, or a list of 1 to {MAX_LISTENERS} listeners",
    _read_listen,
    {
        "anyOf": [
            hints.SCALAR,
            {
                "type": "array",
                "items": hints.section("a listener"),
                "minItems": 1,
                "maxItems": MAX_LISTENERS,
            },
        ]
    },
)


# What becomes of them.


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One socket that SIP comes in at."""

    name: str
    """Of its listener; empty: there is one address alone, or it is that of `tls`."""
    transport: Transport
    host: str
    port: int
    advertise_host: str
    origins: tuple[str, ...] = ()


def endpoints(switch: Switch) -> tuple[Endpoint, ...]:
    """The sockets of a switch, in the order in which they are counted."""
    found = [
        Endpoint(one.name, transport, one.host, one.port, one.advertise_host, one.origins)
        for one in switch.listeners
        for transport in one.transports
    ]
    if not found:
        advertise = switch.advertise_host
        found = [
            Endpoint("", transport, switch.listen_host, switch.listen_port, advertise)
            for transport in switch.transports
        ]
    if switch.tls is not None and not any(one.transport == "tls" for one in found):
        host = switch.tls.listen_host or switch.listen_host
        found.append(Endpoint("", "tls", host, switch.tls.listen_port, switch.advertise_host))
    return tuple(found)


def reached(
    listeners: Sequence[SwitchListener], advertise: str | None, problems: Problems
) -> tuple[SwitchListener, ...]:
    """Listeners that know what their peers reach them by."""
    for one in listeners:
        if one.host in WILDCARDS and not (one.advertise_host or advertise):
            problems.add(
                one.location,
                f"listen: {one.host} listens everywhere, so peers must be told where",
                'set its "advertise" to the host they reach',
            )
    return tuple(
        replace(one, advertise_host=one.advertise_host or advertise or one.host)
        for one in listeners
    )


def give_listeners(
    switch: Switch | None, trunks: Mapping[str, Trunk], problems: Problems | None = None
) -> Mapping[str, Trunk]:
    """Trunks, each with the endpoint that calls to it leave by; what cannot be goes to the
    problems, or else by the first endpoint."""
    if switch is None:
        return trunks
    known = endpoints(switch)
    found: dict[str, Trunk] = {}
    for name, trunk in trunks.items():
        # Sockets of one address are as good as each other.
        is_told = bool(switch.listeners) or trunk.listen is not None
        fitting = _fitting(trunk, trunk.transport, known) if is_told else []
        if is_told and not fitting and problems is not None:
            problems.add(trunk.location, *_why_none(trunk, known))
        number = known.index(fitting[0]) if fitting else 0
        each = _each_transport(trunk, known) if is_told and _may_change(trunk) else ()
        same = (trunk.listener, trunk.listeners) == (number, each)
        found[name] = trunk if same else replace(trunk, listener=number, listeners=each)
    return MappingProxyType(found)


def _may_change(trunk: Trunk) -> bool:
    """Whether a call to it may go by another transport than is written: that which its name likes
    best, or TCP for what no datagram holds."""
    return trunk.any_transport or (trunk.transport == "udp" and trunk.oversize == "tcp")


def _each_transport(trunk: Trunk, known: Sequence[Endpoint]) -> tuple[tuple[Transport, int], ...]:
    """Where a call leaves by whatever the trunk's name likes best."""
    first = ((transport, _fitting(trunk, transport, known)) for transport in _CALLED_BY)
    return tuple((transport, known.index(fitting[0])) for transport, fitting in first if fitting)


def _fitting(trunk: Trunk, transport: Transport, known: Sequence[Endpoint]) -> list[Endpoint]:
    fitting = [one for one in known if one.transport == transport]
    if trunk.listen is not None:
        fitting = [one for one in fitting if one.name == trunk.listen]
    if is_address(trunk.host):
        is_six = ":" in trunk.host
        # A name may stand for either kind.
        fitting = [
            one for one in fitting if not is_address(one.host) or (":" in one.host) == is_six
        ]
    return fitting


def _why_none(trunk: Trunk, known: Sequence[Endpoint]) -> tuple[str, str | None]:
    names = list(dict.fromkeys(one.name for one in known if one.name))
    message = f'trunk "{trunk.name}": '
    if trunk.listen is not None and trunk.listen not in names:
        cure = f"listeners: {', '.join(names)}" if names else "write listeners in a list"
        return message + f'there is no listener "{trunk.listen}"', cure
    whose = f'listener "{trunk.listen}"' if trunk.listen is not None else "no listener"
    has = "does not reach" if trunk.listen is not None else "reaches"
    return message + f"{whose} {has} {trunk.host} by {trunk.transport}", None
