"""What takes the whole configuration to see: jumps, steps never reached, missing trunks.

References by name (a number's campaign, a campaign's treatment) are checked where they are read,
because there the exact place is known. This looks at what was built and notes what is wrong.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise

from config.errors import Problems, did_you_mean
from config.kinds import known_names
from config.listeners import endpoints
from config.model import (
    Campaign,
    Connect,
    Destination,
    Goto,
    HangUp,
    Location,
    Node,
    Number,
    Pool,
    Switch,
    Treatment,
    Trunk,
)
from config.nesting import every_node, nested, reachable
from config.reading import shorten

__all__ = [
    "check_database", "check_destinations", "check_publishers", "check_treatments", "check_trunks",
    "every_node", "nested",
]  # fmt: skip


def check_treatments(treatments: Mapping[str, Treatment], problems: Problems) -> None:
    """Jumps that lead nowhere, and steps that are never reached."""
    for treatment in treatments.values():
        _check_jumps(treatment, treatments, problems)
        _check_reached(treatment.nodes, _targets(treatment), problems)


def _check_jumps(
    treatment: Treatment, treatments: Mapping[str, Treatment], problems: Problems
) -> None:
    nodes = list(every_node(treatment.nodes))
    names = {node.name for node in nodes}
    for node in nodes:
        if not isinstance(node, Goto):
            continue
        if node.kind == "node" and node.target not in names:
            candidates = [*treatments, *names]
            suggestion = did_you_mean(node.target, candidates)
            message = f'goto: there is no treatment "{shorten(node.target)}", and no such step here'
            hint = suggestion or known_names(treatments, "treatments")
            problems.add(node.location, message, hint)
        elif node.kind == "treatment" and node.target in names:
            message = f'goto: "{shorten(node.target)}" is a treatment and also a step of this one'
            problems.add(node.location, message, "rename the step")


def _targets(treatment: Treatment) -> frozenset[str]:
    """Names of the steps that are jumped to from within."""
    jumps = (node for node in every_node(treatment.nodes) if isinstance(node, Goto))
    return frozenset(node.target for node in jumps if node.kind == "node")


def _check_reached(nodes: tuple[Node, ...], targets: frozenset[str], problems: Problems) -> None:
    """Behind a hang_up or goto only what is jumped to (itself, or a step in it) is reached."""
    for before, node in pairwise(nodes):
        jumped_to = any(step.name in targets for step in every_node((node,)))
        if isinstance(before, HangUp | Goto) and not jumped_to:
            word = "hang_up" if isinstance(before, HangUp) else "goto"
            line = before.location.line
            message = f"this step is never reached: the {word} in line {line} comes before it"
            problems.add(node.location, message)
            break
    for node in nodes:
        for steps in nested(node):
            _check_reached(steps, targets, problems)


# Trunks.


def check_trunks(switch: Switch, trunks: Mapping[str, Trunk], problems: Problems) -> None:
    """A trunk that is the switch itself would call it for ever; one user is one trunk."""
    own = {
        (host, one.port)
        for one in endpoints(switch)
        if one.transport in ("udp", "tcp")
        for host in (one.host, one.advertise_host)
    }
    for trunk in trunks.values():
        # A WebSocket is opened by the peer: its address is no place that calls go to.
        if trunk.transport not in ("ws", "wss") and (trunk.host, trunk.port) in own:
            where = f"{trunk.host}:{trunk.port}"
            problems.add(trunk.location, f'trunk "{trunk.name}": {where} is the switch itself')
        if trunk.transport == "tls" and switch.tls is None:
            problems.add(
                trunk.location,
                f'trunk "{trunk.name}": TLS needs a certificate',
                "set tls in the section switch",
            )
        _check_websocket(switch, trunk, problems)
        _check_reuse(switch, trunk, problems)
    users: dict[str, str] = {}
    for trunk in trunks.values():
        if trunk.inbound_auth is None:
            continue
        other = users.setdefault(trunk.inbound_auth.user, trunk.name)
        if other != trunk.name:
            problems.add(
                trunk.location,
                f'trunk "{trunk.name}": inbound_auth has the user of trunk "{shorten(other)}"',
                "calls are known by it: each trunk needs its own",
            )


def _check_websocket(switch: Switch, trunk: Trunk, problems: Problems) -> None:
    """Who connects by WebSocket needs a listener for it, and is never connected to."""
    if trunk.transport not in ("ws", "wss"):
        return
    if not switch.listeners:
        problems.add(
            trunk.location,
            f'trunk "{trunk.name}": nobody listens for {trunk.transport}',
            "write listeners in a list, one of them with it",
        )
    if trunk.register is not None:
        message = f'trunk "{trunk.name}": register: a registrar is not called by a WebSocket'
        problems.add(trunk.location, message)


def _check_reuse(switch: Switch, trunk: Trunk, problems: Problems) -> None:
    """RFC 5923 lets a connection lead both ways only where both ends have shown by TLS who they
    are."""
    if not trunk.connection_reuse:
        return
    place = trunk.places.get("connection_reuse", trunk.location)
    start = f'trunk "{trunk.name}": connection_reuse: '
    if trunk.transport != "tls":
        message = f"{start}only by TLS both ends prove who they are"
        problems.add(place, message, "write ;transport=tls at the end of its address")
    elif switch.tls is None:
        return  # which is told
    elif not switch.tls.client_certificates:
        message = f"{start}whoever connects has to show a certificate"
        problems.add(place, message, "write client_certificates: true in tls of the switch")
    elif not switch.tls.verify:
        message = f"{start}whom the switch calls has to show a certificate of its name"
        problems.add(place, message, "leave verify: false out of tls of the switch")


def check_publishers(
    priced: Iterable[tuple[str, Location]],
    numbers: Iterable[Number],
    pools: Mapping[str, Pool],
    campaigns: Mapping[str, Campaign],
    problems: Problems,
) -> None:
    """A price for a publisher that no call can be credited to is a slip of the hand."""
    wanted = list(priced)
    if not wanted:
        return
    holders: tuple[Iterable[Number | Pool | Campaign], ...] = (
        numbers, pools.values(), campaigns.values(),
    )  # fmt: skip
    known = {one.publisher for holder in holders for one in holder if one.publisher is not None}
    for name, place in wanted:
        if name not in known:
            message = f'publishers: no number, pool or campaign has the publisher "{shorten(name)}"'
            hint = did_you_mean(name, known) or known_names(known, "publishers")
            problems.add(place, message, hint)


def check_destinations(
    campaigns: Mapping[str, Campaign],
    pools: Mapping[str, Pool],
    treatments: Mapping[str, Treatment],
    problems: Problems,
) -> None:
    """Every destination that a campaign leads to needs a trunk: its own, or the campaign's."""
    for campaign in campaigns.values():
        if campaign.trunk is not None:
            continue
        served = reachable(_treatments_of(campaign, pools), treatments)
        for destination in _destinations(served, treatments):
            if destination.trunk is None:
                message = "no trunk leads to this destination"
                hint = f'name one here, or in the campaign "{campaign.name}"'
                problems.add(destination.location, message, hint)


def _treatments_of(campaign: Campaign, pools: Mapping[str, Pool]) -> tuple[str, ...]:
    """Where calls of a campaign may begin, those to the numbers of its ended pools too."""
    others = [
        campaign.after_hours,
        campaign.outside,
        campaign.fax,
        *(cap.over for cap in campaign.caps),
    ]
    ended = (pool for pool in pools.values() if pool.campaign == campaign.name)
    others += [pool.reserve.treatment for pool in ended if pool.reserve is not None]
    return (campaign.treatment, *(name for name in others if name is not None))


def _destinations(
    names: Collection[str], treatments: Mapping[str, Treatment]
) -> Iterator[Destination]:
    for name in names:
        treatment = treatments.get(name)
        for node in every_node(treatment.nodes) if treatment else ():
            if isinstance(node, Connect):
                yield from node.destinations


# The tap.


def check_tap(switch: Switch, campaigns: Mapping[str, Campaign], problems: Problems) -> None:
    """What is to be heard comes from the tap."""
    if switch.tap:
        return
    for campaign in campaigns.values():
        wanted = {
            "record": campaign.record,
            "keywords": campaign.keywords,
            "transcribe": campaign.transcribe,
            "fax": campaign.fax,
        }
        names = [name for name, value in wanted.items() if value]
        if names:
            message = f"the campaign {campaign.name} has {names[0]}, which needs the tap; it is off"
            problems.add(campaign.location, message, "tap: true")


# The database.


def check_database(
    switch: Switch,
    numbers: Iterable[Number],
    pools: Mapping[str, Pool],
    campaigns: Mapping[str, Campaign],
    problems: Problems,
) -> None:
    """Numbers that are handed out, and counts that hold on all nodes, stand in the database."""
    if switch.database != "off":
        return
    lent = {number.pool for number in numbers if number.dynamic}
    hint = "database: embedded, or a connection string"
    for pool in pools.values():
        if pool.name in lent or pool.stock is not None:
            message = f'the pool "{pool.name}" hands out numbers, which needs a database'
            problems.add(pool.location, f"{message}; it is off", hint)
    for campaign in campaigns.values():
        for cap in campaign.caps[:1]:
            message = f'the cap "{cap.name}" is counted in a database; it is off'
            problems.add(cap.location, message, hint)
