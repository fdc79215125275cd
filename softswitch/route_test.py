"""What would become of a call: number, campaign, treatment, destinations; or the refusal.

Goes the way of a call through the same tables (ringpool.lookup, softswitch.routing) and calls
nobody. What depends on the moment (calls in progress, drain, who answers) is not asked.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from config.e164 import MAX_TEXT, normalise
from config.model import (
    Campaign,
    Configuration,
    Connect,
    Goto,
    HangUp,
    Menu,
    Node,
    Play,
    Prompt,
    Treatment,
)
from config.references import every_node
from ringpool.lookup import NumberMatch, NumberTable
from softswitch.routing.caller_id import shown_caller
from softswitch.routing.destinations import destination_trunk, dial_address

__all__ = ["Route", "RouteDestination", "route"]

MAX_DESTINATIONS = 200
"""Destinations listed; a treatment with more is not read to its end by anybody."""

NOT_ACTIVE = 404
NO_STATUS = 480
"""Refusal of a hang_up that states none."""


@dataclass(frozen=True, slots=True)
class RouteDestination:
    """One destination the treatment may dial, and by which steps it comes there."""

    path: tuple[str, ...]
    """Names of steps and keys pressed, the connect last."""
    number: str
    uri: str
    trunk: str
    next_hop: str
    """Where the INVITE is sent: host:port;transport."""
    caller_id: str
    ring_seconds: float


@dataclass(frozen=True, slots=True)
class Route:
    """How a call would be served; `refusal` is set when it would not be."""

    caller: str
    called: str
    number: str | None = None
    pattern: str | None = None
    campaign: str | None = None
    publisher: str | None = None
    pool: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    treatment: str | None = None
    first_node: str | None = None
    destinations: tuple[RouteDestination, ...] = ()
    refusal: int | None = None
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """One object for JSON."""
        return {**asdict(self), "parameters": dict(self.parameters)}

    def lines(self) -> list[str]:
        """The same for people, a fact a line."""
        facts = [("from", self.caller), ("to", self.called)]
        if self.number is not None:
            pattern = "" if self.pattern == self.number else f" (by {self.pattern})"
            facts.append(("number", f"{self.number}{pattern}"))
            facts.append(("campaign", self.campaign or ""))
            facts.append(("publisher", self.publisher or "none"))
            facts.append(("pool", self.pool or "none"))
            facts.extend(("parameter", f"{name} = {value}") for name, value in self.parameters)
        if self.treatment is not None:
            facts.append(("treatment", self.treatment))
            facts.append(("first step", self.first_node or "none"))
        facts.extend(("destination", _destination_line(one)) for one in self.destinations)
        if self.refusal is not None:
            facts.append(("refused", f"{self.refusal}: {self.why}"))
        return [f"{name + ':':<13}{value}" for name, value in facts]


def _destination_line(one: RouteDestination) -> str:
    return (
        f"{one.number} by trunk {one.trunk} ({one.next_hop}), caller id {one.caller_id}, "
        f"rings {one.ring_seconds:g} s, at {' > '.join(one.path)}"
    )


def route(configuration: Configuration, *, caller: str, called: str) -> Route:
    """Follow a call from `caller` to `called` (numbers, or SIP or tel URIs) without calling."""
    caller, called = caller.strip()[:MAX_TEXT], called.strip()
    match = NumberTable(configuration).find(called)
    caller = normalise(caller, configuration.switch.country) or caller
    if match is None:
        return Route(caller, called, refusal=NOT_ACTIVE, why="the number is not active")
    campaign = configuration.campaigns[match.campaign]
    treatment = configuration.treatments[campaign.treatment]
    first = _first_step(configuration, treatment)
    refusal, why = _refusal(match, first)
    reached = refusal is None
    found = _Walk(configuration, campaign, match, caller).destinations(treatment) if reached else ()
    return Route(
        caller=caller,
        called=match.called,
        number=match.number,
        pattern=match.pattern,
        campaign=campaign.name,
        publisher=match.publisher,
        pool=match.pool,
        parameters=tuple(match.binding.items()),
        treatment=treatment.name,
        first_node=_describe(first),
        destinations=tuple(islice(found, MAX_DESTINATIONS)),
        refusal=refusal,
        why=why,
    )


def _first_step(configuration: Configuration, treatment: Treatment) -> Node:
    """The step that meets the caller, behind jumps; the loader allows no loop of jumps."""
    node = treatment.nodes[0]
    while isinstance(node, Goto):
        if node.kind == "treatment":
            treatment = configuration.treatments[node.target]
            node = treatment.nodes[0]
        else:
            steps = every_node(treatment.nodes)
            node = next(step for step in steps if step.name == node.target)
    return node


def _refusal(match: NumberMatch, first: Node) -> tuple[int | None, str | None]:
    if match.refuse is not None:
        return match.refuse, "the number only takes the signalling (refuse)"
    if isinstance(first, HangUp):
        return first.status or NO_STATUS, f"the treatment begins with {first.name}"
    return None, None


def _describe(node: Node) -> str:
    """The first step, and what the caller hears of it."""
    if isinstance(node, Play | Menu):
        return f"{node.name}: {_prompt(node.prompt)}"
    if isinstance(node, Connect) and node.prompt is not None:
        return f"{node.name}: {_prompt(node.prompt)}"
    if isinstance(node, Connect):
        return f"{node.name}: not answered before the destination answers"
    return node.name


def _prompt(prompt: Prompt) -> str:
    if prompt.text is not None:
        return f'"{" ".join(prompt.text.split())}"'
    return str(prompt.wav) if prompt.wav is not None else f"tone {prompt.tone}"


class _Walk:
    """Finds every connect of a treatment and of those it jumps to."""

    def __init__(
        self, configuration: Configuration, campaign: Campaign, match: NumberMatch, caller: str
    ) -> None:
        self._configuration = configuration
        self._campaign = campaign
        self._match = match
        self._caller = caller
        self._seen: set[str] = set()

    def destinations(
        self, treatment: Treatment, path: tuple[str, ...] = ()
    ) -> Iterator[RouteDestination]:
        self._seen.add(treatment.name)
        return self._in_nodes(treatment.nodes, path)

    def _in_nodes(
        self, nodes: tuple[Node, ...], path: tuple[str, ...]
    ) -> Iterator[RouteDestination]:
        for node in nodes:
            here = (*path, node.name)
            if isinstance(node, Connect):
                yield from self._dialled(node, here)
                yield from self._in_nodes(node.on_failure, (*here, "on failure"))
            elif isinstance(node, Menu):
                for key, steps in node.choices.items():
                    yield from self._in_nodes(steps, (*here, f"key {key}"))
                yield from self._in_nodes(node.on_no_input, (*here, "no input"))
            elif isinstance(node, Goto) and self._is_new(node):
                target = self._configuration.treatments[node.target]
                yield from self.destinations(target, (*here, target.name))

    def _is_new(self, node: Goto) -> bool:
        return node.kind == "treatment" and node.target not in self._seen

    def _dialled(self, node: Connect, path: tuple[str, ...]) -> Iterator[RouteDestination]:
        caller_id = node.caller_id or self._campaign.caller_id
        shown = shown_caller(
            kind=caller_id.kind,
            fixed=caller_id.number,
            called=self._match.number,
            caller=self._caller,
            name="",
            private=False,
            host=self._configuration.switch.advertise_host,
        )
        for destination in node.destinations:
            trunk = destination_trunk(self._configuration, self._campaign, destination)
            address = dial_address(destination, trunk, called=self._match.called)
            flow = address.flow
            yield RouteDestination(
                path=path,
                number=address.number,
                uri=address.uri,
                trunk=trunk.name,
                next_hop=f"{flow.host}:{flow.port};transport={flow.transport}",
                caller_id=shown.number,
                ring_seconds=destination.ring_seconds or node.ring_seconds,
            )
