"""Loops without a pause: ways through treatments on which a call would go round for ever.

A step that takes time (a prompt, a question) ends every way through it. Every other step has those
successors that may come at once: where a jump leads, the ways of a condition, what follows when
nobody can be reached. A circle of these is a mistake, however unlikely its conditions are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from config.errors import Problems
from config.model import (
    Ask,
    Campaign,
    Condition,
    Connect,
    Distribute,
    Goto,
    HangUp,
    Menu,
    Node,
    Play,
    Transfer,
    Treatment,
    Wait,
)
from config.nesting import every_node, nested, reachable

_Place = tuple[str, str]
"""A step: its treatment and its name."""


@dataclass(slots=True)
class _Graph:
    """Which steps may follow at once."""

    treatments: Mapping[str, Treatment]
    campaigns: Mapping[str, Campaign]
    nodes: dict[_Place, Node] = field(default_factory=dict)
    successors: dict[_Place, list[_Place]] = field(default_factory=dict)

    def first(self, treatment: str) -> _Place | None:
        """The first step of a treatment."""
        found = self.treatments.get(treatment)
        return (found.name, found.nodes[0].name) if found and found.nodes else None


def check_loops(
    treatments: Mapping[str, Treatment], campaigns: Mapping[str, Campaign], problems: Problems
) -> None:
    """Note each loop without a pause, at a jump in it."""
    graph = _Graph(treatments, campaigns)
    for treatment in treatments.values():
        _add(treatment.nodes, None, treatment.name, graph)
    _add_ways_over_caps(graph)
    done: set[_Place] = set()
    for start in graph.successors:
        for loop in _loops_from(start, graph.successors, done):
            _note_loop([graph.nodes[place] for place in loop if place in graph.nodes], problems)


def _add(nodes: tuple[Node, ...], behind: _Place | None, treatment: str, graph: _Graph) -> None:
    """Note the successors of some steps; `behind` follows the last of them."""
    for index, node in enumerate(nodes):
        following = nodes[index + 1] if index + 1 < len(nodes) else None
        after = (treatment, following.name) if following else behind
        place = (treatment, node.name)
        graph.nodes[place] = node
        ways = list(_ways(node, treatment, graph))
        targets = [way if way is not _AFTER else after for way in ways]
        graph.successors[place] = [target for target in targets if target is not None]
        for steps in nested(node):
            _add(steps, after, treatment, graph)


_AFTER: _Place = ("", "")
"""Stands for whatever follows a step."""


def _ways(node: Node, treatment: str, graph: _Graph) -> Iterator[_Place | None]:
    """Where a call may be at once when it comes to a step."""
    if isinstance(node, Goto):
        yield graph.first(node.target) if node.kind == "treatment" else (treatment, node.target)
    elif isinstance(node, Distribute):
        for share in node.campaigns:
            campaign = graph.campaigns.get(share.campaign)
            yield graph.first(campaign.treatment) if campaign else None
        yield _entry(node.otherwise, treatment)
    elif isinstance(node, Ask):
        # A caller whose answer is remembered is not asked.
        if node.remember:
            yield _AFTER
    elif isinstance(node, Connect):
        yield _entry(node.on_failure, treatment)
        if node.outside:
            yield _entry(node.outside, treatment)
    elif not isinstance(node, HangUp | Play | Menu | Wait):
        for steps in nested(node):
            yield _entry(steps, treatment)
        if not isinstance(node, Condition | Transfer):
            yield _AFTER


def _entry(steps: tuple[Node, ...], treatment: str) -> _Place:
    """The first of some nested steps; without any the call goes on behind."""
    return (treatment, steps[0].name) if steps else _AFTER


# A call above a cap goes to the treatment its campaign has for it; when that calls somebody again
# it is above the cap again.


def _add_ways_over_caps(graph: _Graph) -> None:
    # Many campaigns may share a treatment: one place between keeps the ways few.
    for treatment, overs in _ways_over(graph).items():
        between = ("", treatment)
        firsts = (graph.first(over) for over in sorted(overs))
        graph.successors[between] = [first for first in firsts if first is not None]
        for place in _counted(treatment, graph):
            graph.successors[place].append(between)


def _ways_over(graph: _Graph) -> dict[str, set[str]]:
    """Treatments that serve calls of campaigns, each with those of calls above a cap."""
    found: dict[str, set[str]] = {}
    for campaign in graph.campaigns.values():
        for cap in campaign.caps:
            for treatment in (campaign.treatment, cap.over):
                if cap.over is not None and treatment is not None:
                    found.setdefault(treatment, set()).add(cap.over)
    return found


def _counted(treatment: str, graph: _Graph) -> list[_Place]:
    """Steps that call somebody against the caps, in a treatment and those it jumps to."""
    return [
        (name, node.name)
        for name in reachable((treatment,), graph.treatments)
        for node in every_node(graph.treatments[name].nodes)
        if isinstance(node, Connect) and node.credit
    ]


# Finding loops.


def _loops_from(
    start: _Place, successors: Mapping[_Place, list[_Place]], done: set[_Place]
) -> Iterator[list[_Place]]:
    """Loops on the ways from a step, depth first; `done` are steps whose ways are all known."""
    way: dict[_Place, Iterator[_Place]] = {}
    if start not in done:
        way[start] = iter(successors.get(start, ()))
    while way:
        place, following = next(reversed(way.items()))
        for target in following:
            if target in way:
                steps = list(way)
                yield steps[steps.index(target) :]
            elif target not in done:
                way[target] = iter(successors.get(target, ()))
                break
        else:
            done.add(place)
            del way[place]


def _note_loop(loop: list[Node], problems: Problems) -> None:
    jumps = [node for node in loop if isinstance(node, Goto)]
    node = min(jumps or loop, key=lambda node: node.location)
    word = "goto: " if jumps else ""
    message = f"{word}this goes round for ever without a pause"
    problems.add(node.location, message, "put a play or a menu into the loop, or end it")
