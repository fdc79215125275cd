"""What takes the whole configuration to see: jumps, loops, steps never reached, missing trunks.

References by name (a number's campaign, a campaign's treatment) are checked where they are read,
because there the exact place is known. This looks at what was built and notes what is wrong.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from config.errors import Problems, did_you_mean
from config.kinds import known_names
from config.model import (
    Ask,
    Campaign,
    Condition,
    Connect,
    Destination,
    Distribute,
    Goto,
    HangUp,
    Lookup,
    Menu,
    Node,
    Switch,
    Transfer,
    Treatment,
    Trunk,
)
from config.reading import shorten

_Place = tuple[str, str]
"""A step: its treatment and its name."""


def nested(node: Node) -> tuple[tuple[Node, ...], ...]:
    """The lists of steps within a step."""
    if isinstance(node, Menu):
        return (*node.choices.values(), node.on_no_input)
    if isinstance(node, Connect):
        return (node.on_failure, node.outside)
    if isinstance(node, Condition):
        return (*(case.steps for case in node.cases), node.otherwise)
    if isinstance(node, Distribute):
        return (node.otherwise,)
    return (node.on_failure,) if isinstance(node, Ask | Lookup | Transfer) else ()


def every_node(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """All steps, nested ones after the one they are nested in."""
    for node in nodes:
        yield node
        for steps in nested(node):
            yield from every_node(steps)


def check_treatments(treatments: Mapping[str, Treatment], problems: Problems) -> None:
    """Jumps that lead nowhere, steps that are never reached, and loops without a pause."""
    for treatment in treatments.values():
        _check_jumps(treatment, treatments, problems)
        _check_reached(treatment.nodes, _targets(treatment), problems)
    _check_loops(treatments, problems)


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


# Loops. A step that takes time (play, menu) ends every way through it; of the others each has at
# most one successor that is reached at once, so a loop is found by following them.


def _check_loops(treatments: Mapping[str, Treatment], problems: Problems) -> None:
    successors: dict[_Place, _Place] = {}
    gotos: dict[_Place, Goto] = {}
    for treatment in treatments.values():
        _add_successors(treatment.nodes, None, treatment, treatments, successors)
        for node in every_node(treatment.nodes):
            if isinstance(node, Goto):
                gotos[(treatment.name, node.name)] = node
    done: set[_Place] = set()
    for start in successors:
        way: dict[_Place, None] = {}
        place: _Place | None = start
        while place is not None and place not in done and place not in way:
            way[place] = None
            place = successors.get(place)
        if place is not None and place in way:
            loop = list(way)[list(way).index(place) :]
            jumps = [gotos[step] for step in loop if step in gotos]
            _note_loop(min(jumps, key=lambda node: node.location), problems)
        done.update(way)


def _note_loop(node: Goto, problems: Problems) -> None:
    message = "goto: this goes round for ever without a pause"
    problems.add(node.location, message, "put a play or a menu into the loop, or end it")


def _add_successors(
    nodes: tuple[Node, ...],
    behind: _Place | None,
    treatment: Treatment,
    treatments: Mapping[str, Treatment],
    successors: dict[_Place, _Place],
) -> None:
    """Note which step follows at once after each connect that fails, and after each goto."""
    for index, node in enumerate(nodes):
        following = nodes[index + 1] if index + 1 < len(nodes) else None
        after = (treatment.name, following.name) if following else behind
        target = None
        if isinstance(node, Goto):
            target = _goto_target(node, treatment, treatments)
        elif isinstance(node, Connect):
            steps = node.on_failure
            target = (treatment.name, steps[0].name) if steps else after
        if target is not None:
            successors[(treatment.name, node.name)] = target
        for steps in nested(node):
            _add_successors(steps, after, treatment, treatments, successors)


def _goto_target(
    node: Goto, treatment: Treatment, treatments: Mapping[str, Treatment]
) -> _Place | None:
    if node.kind == "node":
        return (treatment.name, node.target)
    target = treatments.get(node.target)
    return (target.name, target.nodes[0].name) if target and target.nodes else None


# Trunks.


def check_trunks(switch: Switch, trunks: Mapping[str, Trunk], problems: Problems) -> None:
    """A trunk that is the switch itself would call it for ever."""
    own = {switch.listen_host, switch.advertise_host}
    for trunk in trunks.values():
        if trunk.host in own and trunk.port == switch.listen_port:
            where = f"{trunk.host}:{trunk.port}"
            problems.add(trunk.location, f'trunk "{trunk.name}": {where} is the switch itself')


def check_destinations(
    campaigns: Mapping[str, Campaign], treatments: Mapping[str, Treatment], problems: Problems
) -> None:
    """Every destination that a campaign leads to needs a trunk: its own, or the campaign's."""
    for campaign in campaigns.values():
        if campaign.trunk is not None:
            continue
        for destination in _destinations(campaign.treatment, treatments):
            if destination.trunk is None:
                message = "no trunk leads to this destination"
                hint = f'name one here, or in the campaign "{campaign.name}"'
                problems.add(destination.location, message, hint)


def _destinations(name: str, treatments: Mapping[str, Treatment]) -> Iterator[Destination]:
    """Destinations of a treatment and of those it jumps to."""
    waiting, seen = [name], {name}
    while waiting:
        treatment = treatments.get(waiting.pop())
        for node in every_node(treatment.nodes) if treatment else ():
            if isinstance(node, Connect):
                yield from node.destinations
            elif isinstance(node, Goto) and node.kind == "treatment" and node.target not in seen:
                seen.add(node.target)
                waiting.append(node.target)
