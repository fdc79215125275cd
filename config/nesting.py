"""How steps lie within steps, and which treatments lead to which. Knows no file."""

from collections.abc import Iterator, Mapping

from config.model import (
    Ask,
    Condition,
    Connect,
    Controller,
    Distribute,
    Goto,
    Lookup,
    Menu,
    Node,
    Transfer,
    Treatment,
)


def nested(node: Node) -> tuple[tuple[Node, ...], ...]:
    """The lists of steps within a step."""
    if isinstance(node, Menu):
        return (*node.choices.values(), node.on_no_input)
    if isinstance(node, Connect):
        return (node.on_failure, node.outside, node.after_agent, node.after_caller)
    if isinstance(node, Condition):
        return (*(case.steps for case in node.cases), node.otherwise)
    if isinstance(node, Distribute):
        return (node.otherwise,)
    if isinstance(node, Ask | Lookup | Transfer | Controller):
        return (node.on_failure,)
    return ()


def every_node(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """All steps, nested ones after the one they are nested in."""
    for node in nodes:
        yield node
        for steps in nested(node):
            yield from every_node(steps)


def reachable(names: tuple[str, ...], treatments: Mapping[str, Treatment]) -> set[str]:
    """These treatments and those they jump to."""
    waiting = [name for name in names if name in treatments]
    seen = set(waiting)
    while waiting:
        treatment = treatments[waiting.pop()]
        for node in every_node(treatment.nodes):
            target = node.target if isinstance(node, Goto) and node.kind == "treatment" else ""
            if target in treatments and target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen
