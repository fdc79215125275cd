"""From treatments to boxes and where each leads: what is drawn, before it has a place.

A `Chart` is a treatment: its start and its steps in order. A step has branches (lists of steps
with what leads there), and says whether and how it goes on with the step after it. Knows the model
and no geometry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.model import (
    Ask,
    CallerId,
    Condition,
    Confer,
    Configuration,
    Connect,
    Controller,
    Destination,
    Distribute,
    Goto,
    HangUp,
    Lookup,
    Menu,
    Node,
    Play,
    Prompt,
    PythonStep,
    SendDtmf,
    SetVariables,
    Sms,
    Transfer,
    Treatment,
    Wait,
)

__all__ = ["Branch", "Chart", "Step", "UnknownTreatmentError", "outline"]


class UnknownTreatmentError(LookupError):
    """There is no treatment of that name."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A way out of a step, and the steps it leads to."""

    label: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One box."""

    id: str
    kind: str
    """The word of the language, or `start`, `end` and `campaign`."""
    title: str
    facts: tuple[str, ...] = ()
    branches: tuple[Branch, ...] = ()
    onward: str | None = ""
    """Label of the way to the step that follows; None: nothing follows by itself."""
    target: str | None = None
    """Id of the box a goto leads to; None: it is no goto, or its target is not drawn."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A treatment: its start, then its steps."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What there is to say of a node beyond its kind and name."""

    facts: tuple[str, ...] = ()
    branches: tuple[tuple[str, tuple[Node, ...]], ...] = ()
    onward: str | None = ""


def outline(configuration: Configuration, treatment: str | None = None) -> tuple[Chart, ...]:
    """The charts of one treatment, or of all; raises UnknownTreatmentError."""
    if treatment is not None and treatment not in configuration.treatments:
        raise UnknownTreatmentError(treatment)
    names = [*configuration.treatments] if treatment is None else [treatment]
    starts = {name: f"t{place}" for place, name in enumerate(names)}
    return tuple(
        _Outliner(configuration, configuration.treatments[name], starts).chart() for name in names
    )


class _Outliner:
    """Makes the boxes of one treatment, numbered in the order they are written."""

    def __init__(
        self, configuration: Configuration, treatment: Treatment, starts: Mapping[str, str]
    ) -> None:
        self._configuration = configuration
        self._treatment = treatment
        self._starts = starts
        self._start = starts[treatment.name]
        self._ids = {
            node.name: f"{self._start}.{place}"
            for place, node in enumerate(_in_order(treatment.nodes), 1)
        }

    def chart(self) -> Chart:
        start = Step(self._start, "start", self._treatment.name)
        steps = self._steps(self._treatment.nodes)
        return Chart(self._treatment.name, (start, *steps))

    def _steps(self, nodes: tuple[Node, ...]) -> tuple[Step, ...]:
        return tuple(self._step(node) for node in nodes)

    def _step(self, node: Node) -> Step:
        kind, tell = _TELLERS[type(node)]
        told = tell(node)
        branches = [Branch(label, self._steps(nodes)) for label, nodes in told.branches]
        if isinstance(node, Distribute):
            branches = [*self._campaigns(node), *branches]
        target = self._target(node) if isinstance(node, Goto) else None
        return Step(
            id=self._ids[node.name],
            kind=kind,
            title=node.target if isinstance(node, Goto) else node.name,
            facts=told.facts,
            branches=tuple(branches),
            onward=told.onward,
            target=target,
        )

    def _target(self, node: Goto) -> str | None:
        if node.kind == "treatment":
            return self._starts.get(node.target)
        return self._ids.get(node.target)

    def _campaigns(self, node: Distribute) -> Iterator[Branch]:
        """The campaigns of a distribution, each a way to its treatment."""
        for place, share in enumerate(node.campaigns, 1):
            campaign = self._configuration.campaigns[share.campaign]
            weight = [f"weight {share.weight}"] if node.policy == "weighted" else []
            label = ", ".join([*weight, *([str(share.when)] if share.when else [])])
            box = Step(
                id=f"{self._ids[node.name]}.c{place}",
                kind="campaign",
                title=share.campaign,
                facts=(f"treatment {campaign.treatment}",),
                onward=None,
                target=self._starts.get(campaign.treatment),
            )
            yield Branch(label, (box,))


def _in_order(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        for _label, steps in _TELLERS[type(node)][1](node).branches:
            yield from _in_order(steps)


# What is told of each kind of step.


def _prompt(prompt: Prompt | None) -> str:
    if prompt is None:
        return ""
    if prompt.template is not None:
        return f"“{_one_line(str(prompt.template))}”"
    if prompt.text is not None:
        return f"“{_one_line(prompt.text)}”"
    return f"sound {prompt.wav.name}" if prompt.wav is not None else f"tone {prompt.tone}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _facts(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _some(label: str, nodes: tuple[Node, ...]) -> tuple[tuple[str, tuple[Node, ...]], ...]:
    """A branch, when it has steps."""
    return ((label, nodes),) if nodes else ()


def _play(node: Play) -> _Told:
    return _Told(_facts(_prompt(node.prompt)))


def _menu(node: Menu) -> _Told:
    default = "" if node.default is None else f"default: key {node.default}"
    keys = tuple((f"key {key}", steps) for key, steps in node.choices.items())
    branches = (*keys, *_some("no key", node.on_no_input))
    said = "choices may be said" if node.spoken else ""
    return _Told(_facts(_prompt(node.prompt), said, default), branches, None)


def _connect(node: Connect) -> _Told:
    policy = "" if node.choice.policy == "order" else f"by {node.choice.policy}"
    facts = _facts(
        _prompt(node.prompt),
        ", ".join(_facts("" if node.strategy == "sequential" else "all at once", policy)),
        *(_destination(one) for one in node.destinations),
        "" if node.caller_id is None else f"caller id {_caller_id(node.caller_id)}",
        "" if node.machine is None else f"with a machine: {node.machine.then}",
        "" if node.message is None else f"message {_prompt(node.message)}",
        "" if node.whisper is None else f"whisper {_prompt(node.whisper)}",
        "" if node.accept is None else f"accepted with key {node.accept.key}",
        "" if node.send_dtmf is None else f"keys {node.send_dtmf}",
    )
    branches = (
        *_some("nobody answered", node.on_failure),
        *_some("too far", node.outside),
        *_some("the agent has left", node.after_agent),
        *_some("the caller has left", node.after_caller),
    )
    return _Told(facts, branches, None if node.on_failure else "nobody answered")


def _caller_id(caller_id: CallerId) -> str:
    return f"{caller_id}-{caller_id.last}" if caller_id.last else str(caller_id)


def _destination(one: Destination) -> str:
    where = one.number or (str(one.template) if one.template else one.kind)
    trunk = "" if one.trunk is None else f" by {one.trunk}"
    condition = "" if one.when is None else f" if {one.when}"
    return f"→ {where}{trunk}{condition}"


def _condition(node: Condition) -> _Told:
    cases = tuple((f"if {_one_line(str(case.when))}", case.steps) for case in node.cases)
    branches = (*cases, *_some("otherwise", node.otherwise))
    return _Told((), branches, None if node.otherwise else "otherwise")


def _ask(node: Ask) -> _Told:
    count = f"{node.least}" if node.least == node.most else f"{node.least}-{node.most}"
    what = f"{count} digits" if node.kind == "digits" else node.kind.replace("_", " or ")
    facts = _facts(
        _prompt(node.prompt),
        ", ".join(
            _facts(
                what,
                "secret" if node.secret else "",
                "asked once" if node.remember else "",
                "may be said" if node.spoken else "",
            )
        ),
        "" if node.valid is None else f"valid: {node.valid}",
    )
    return _Told(facts, _some("no answer", node.on_failure), "answered" if node.on_failure else "")


def _set(node: SetVariables) -> _Told:
    return _Told(tuple(f"{name} = {value}" for name, value in node.values.items()))


def _lookup(node: Lookup) -> _Told:
    fields = ", ".join(node.fields)
    facts = _facts(f"{node.method} {node.url}", f"fields: {fields}" if fields else "")
    return _Told(facts, _some("failed", node.on_failure), "answered" if node.on_failure else "")


def _distribute(node: Distribute) -> _Told:
    policy = f"by {node.policy.replace('_', ' ')}"
    onward = None if node.otherwise else "nobody takes it"
    return _Told((policy,), _some("nobody takes it", node.otherwise), onward)


def _send_dtmf(node: SendDtmf) -> _Told:
    return _Told((f"keys {node.digits}",))


def _sms(node: Sms) -> _Told:
    return _Told((f"to {node.to}", f"“{_one_line(str(node.text))}”"))


def _transfer(node: Transfer) -> _Told:
    onward = None if node.on_failure else "not transferred"
    return _Told((f"to {node.to}",), _some("not transferred", node.on_failure), onward)


def _wait(node: Wait) -> _Told:
    return _Told(_facts(f"{node.seconds:g} s", "or a key" if node.barge_in else ""))


def _conference(node: Confer) -> _Told:
    return _Told(_facts(node.conference, "muted" if node.muted else ""))


def _controller(node: Controller) -> _Told:
    facts = _facts(node.system, f"within {node.within_seconds:g} s")
    branches = _some("not taken, or lost", node.on_failure)
    return _Told(facts, branches, "released" if node.on_failure else "")


def _python(node: PythonStep) -> _Told:
    return _Told((f"{node.module}:{node.function}",))


def _hang_up(node: HangUp) -> _Told:
    status = "" if node.status is None else f"status {node.status}"
    return _Told(_facts(status, node.cause or ""), onward=None)


def _goto(node: Goto) -> _Told:
    return _Told(("treatment",) if node.kind == "treatment" else (), onward=None)


_TELLERS: Mapping[type, tuple[str, Callable[[Any], _Told]]] = {
    Play: ("play", _play),
    Menu: ("menu", _menu),
    Connect: ("connect", _connect),
    Condition: ("condition", _condition),
    Ask: ("ask", _ask),
    SetVariables: ("set", _set),
    Lookup: ("lookup", _lookup),
    Distribute: ("distribute", _distribute),
    SendDtmf: ("send_dtmf", _send_dtmf),
    Sms: ("sms", _sms),
    Transfer: ("transfer", _transfer),
    Wait: ("wait", _wait),
    Confer: ("conference", _conference),
    Controller: ("controller", _controller),
    PythonStep: ("python", _python),
    HangUp: ("hang_up", _hang_up),
    Goto: ("goto", _goto),
}
