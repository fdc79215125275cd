"""Walks a treatment without a call: conditions are decided, menus followed along their choices.

Every way is followed that cannot be ruled out: all choices of a menu without a key, what follows a
failure, the steps behind. A step is walked once for each way that leads to it, a jump to a step
that was seen is not followed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from config.model import (
    Ask,
    Campaign,
    Condition,
    Confer,
    Configuration,
    Connect,
    Controller,
    Distribute,
    Expression,
    Goto,
    HangUp,
    Lookup,
    Menu,
    Node,
    Play,
    PythonStep,
    SendDtmf,
    SetVariables,
    Sms,
    Transfer,
    Treatment,
    Value,
    Wait,
)
from config.nesting import nested
from ivr.destinations import choose_destinations
from ivr.entry import enter
from ivr.journey import original_of
from ringpool.lookup import NumberMatch
from softswitch.campaign.evaluate import Noting, evaluate, plain, render
from softswitch.route_test.sent import sent_to
from softswitch.route_test.situation import Situation
from softswitch.route_test.steps import (
    RouteDecision,
    RouteNote,
    Step,
    describe,
    shown,
)
from softswitch.routing.distribution import Candidate, DistributionMemory, arrange

__all__ = ["MAX_DESTINATIONS", "Walk"]

MAX_DESTINATIONS = 200
"""Destinations listed; a treatment with more is not read to its end by anybody."""
MAX_WALKED = 5000
"""Steps walked: ways multiply with every menu that has no key."""

NO_STATUS = 480
"""Refusal of a hang_up that states none."""

Path = tuple[str, ...]


class Walk:
    """One walk; `steps` is what it came by."""

    def __init__(
        self, configuration: Configuration, situation: Situation, match: NumberMatch
    ) -> None:
        self._configuration = configuration
        self._start = situation
        self._match = match
        self._seen: set[tuple[str, str]] = set()
        self._walked = 0
        self._dialled = 0
        self._first: Node | None = None
        self.steps: list[Step] = []

    # What it found.

    @property
    def first_node(self) -> str | None:
        """The step that meets the caller, behind conditions and jumps."""
        return None if self._first is None else describe(self._first)

    @property
    def refusal(self) -> tuple[int | None, str | None]:
        """The refusal, when what meets the caller is a hang_up."""
        first = self._first
        if not isinstance(first, HangUp):
            return None, None
        return first.status or NO_STATUS, f"the treatment begins with {first.name}"

    def note_entry(
        self, about: str, rule: str, expression: str, inputs: Mapping[str, Any], result: Any
    ) -> None:
        """A decision before the treatment."""
        self.steps.append(RouteDecision((), about, rule, expression, dict(inputs), result))

    # The walk.

    def follow(self, treatment: Treatment, campaign: Campaign) -> None:
        """Walk a treatment for the campaign that serves the call."""
        self._treatment(treatment, campaign, self._start, ())

    def _treatment(
        self, treatment: Treatment, campaign: Campaign, situation: Situation, path: Path
    ) -> None:
        _Way(self, treatment, campaign).nodes(treatment.nodes, situation, path)

    def enter(self, treatment: Treatment, node: Node) -> bool:
        """Count a step; False when enough was walked."""
        self._walked += 1
        self._seen.add((treatment.name, node.name))
        meets = (
            Play | Menu | Ask | Connect | Confer | HangUp | SendDtmf | Transfer | PythonStep | Wait
        )
        if self._first is None and isinstance(node, meets):
            self._first = node
        return self._walked <= MAX_WALKED and self._dialled < MAX_DESTINATIONS

    def jump(
        self,
        treatment: Treatment,
        node: Goto,
        campaign: Campaign,
        situation: Situation,
        path: Path,
    ) -> None:
        """Follow a jump to what was not seen yet."""
        if node.kind == "treatment":
            target = self._configuration.treatments[node.target]
            if target.nodes and (target.name, target.nodes[0].name) not in self._seen:
                self._treatment(target, campaign, situation, (*path, target.name))
        elif (treatment.name, node.target) not in self._seen:
            behind = _behind(treatment.nodes, node.target)
            way = _Way(self, treatment, campaign)
            for nodes in behind:
                if not way.nodes(nodes, situation, path):
                    break

    def go_on_with(self, campaign: Campaign, situation: Situation, path: Path) -> None:
        """Follow the treatment of a campaign that the call is given to."""
        situation.facts.campaign = campaign
        original = original_of(self._configuration, campaign)
        treatment = self._configuration.treatments[original.treatment]
        if (treatment.name, treatment.nodes[0].name) not in self._seen:
            self._treatment(treatment, original, situation, (*path, campaign.name))

    def decide(
        self, situation: Situation, path: Path, about: str, rule: str, expression: Expression
    ) -> Value:
        """Evaluate, and keep what it rested on."""
        noting = Noting(situation.facts)
        value = evaluate(expression, noting)
        self.steps.append(
            RouteDecision(path, about, rule, expression.text, noting.inputs, plain("", value))
        )
        return value

    def note(self, path: Path, text: str) -> None:
        """Keep a remark."""
        self.steps.append(RouteNote(path, text))

    def dial(self, node: Connect, campaign: Campaign, situation: Situation, path: Path) -> None:
        """The destinations of a connect, in their order."""
        chosen = choose_destinations(
            node,
            situation.facts,
            DistributionMemory(),
            decide=lambda about, rule, expression: self.decide(
                situation, path, about, rule, expression
            ),
            turn=0,
            draw=Random(0).random,
        )
        if not chosen.plain:
            told = ", ".join(f"{name} {shown(value)}" for name, value in chosen.inputs.items())
            order = ", ".join(chosen.names) or "nobody"
            self.note(path, f"{node.choice.policy}: {order}{f' ({told})' if told else ''}")
        for destination in chosen.destinations:
            if self._dialled >= MAX_DESTINATIONS:
                return
            self._dialled += 1
            self.steps.append(
                sent_to(
                    destination,
                    configuration=self._configuration,
                    campaign=campaign,
                    match=self._match,
                    caller=situation.facts.presented.caller,
                    caller_id=node.caller_id or campaign.caller_id,
                    path=path,
                    ring_seconds=destination.ring_seconds or node.ring_seconds,
                    facts=situation.facts,
                )
            )

    def takes(self, name: str, situation: Situation, path: Path) -> bool:
        """Whether a campaign is open and the caller no stranger to it."""

        def note(
            about: str, rule: str, expression: str, inputs: Mapping[str, Any], result: Any
        ) -> None:
            self.steps.append(RouteDecision(path, about, rule, expression, dict(inputs), result))

        facts, campaign = situation.facts, self.campaigns[name]
        entry = enter(self._configuration, campaign, facts, fraud=lambda _one: None, note=note)
        return not entry.why

    @property
    def campaigns(self) -> Mapping[str, Campaign]:
        """The campaigns of the configuration."""
        return self._configuration.campaigns


class _Way:
    """The steps of one treatment, for one campaign."""

    def __init__(self, walk: Walk, treatment: Treatment, campaign: Campaign) -> None:
        self._walk = walk
        self._treatment = treatment
        self._campaign = campaign

    def nodes(self, nodes: tuple[Node, ...], situation: Situation, path: Path) -> bool:
        """Walk a list; whether a call may come to its end and go on behind it."""
        for node in nodes:
            if not self._walk.enter(self._treatment, node) or isinstance(node, HangUp):
                return False
            handler = _HANDLERS.get(type(node))
            if handler is not None and not handler(self, node, situation, (*path, node.name)):
                return False
        return True

    def menu(self, node: Menu, situation: Situation, path: Path) -> bool:
        """One choice when there is a key for it, else all of them."""
        choices = node.choices
        if situation.keys:
            key, situation.keys = situation.keys[0], situation.keys[1:]
            if key in choices:
                situation.set("key", key)
                return self.nodes(choices[key], situation, (*path, f"key {key}"))
            self._walk.note(path, f"there is no choice {key}")
            return False
        goes_on = False
        for key, steps in choices.items():
            parted = situation.parted()
            parted.set("key", key)
            goes_on = self.nodes(steps, parted, (*path, f"key {key}")) or goes_on
        if node.on_no_input:
            silent = self.nodes(node.on_no_input, situation.parted(), (*path, "no input"))
            goes_on = silent or goes_on
        return goes_on

    def ask(self, node: Ask, situation: Situation, path: Path) -> bool:
        """The answer that was given, or the default; without one both ways are followed."""
        answer = situation.given.answers.get(node.name, node.default)
        if answer is None:
            self._walk.note(path, f"no answer is given (--answer {node.name}=...)")
            self.nodes(node.on_failure, situation.parted(), (*path, "on failure"))
            return True
        situation.set(f"answer.{node.name}", answer)
        self._walk.note(path, "the answer is given" if node.secret else f"answer: {answer}")
        if node.valid is None:
            return True
        holds = self._walk.decide(situation, path, "valid", node.name, node.valid) is True
        return holds or self.nodes(node.on_failure, situation, (*path, "on failure"))

    def condition(self, node: Condition, situation: Situation, path: Path) -> bool:
        """The case that holds."""
        for case in node.cases:
            if self._walk.decide(situation, path, "condition", node.name, case.when) is True:
                return self.nodes(case.steps, situation, path)
        return self.nodes(node.otherwise, situation, path)

    def set(self, node: SetVariables, situation: Situation, path: Path) -> bool:
        """Computed from what is known."""
        for name, expression in node.values.items():
            value = evaluate(expression, situation.facts)
            situation.set(f"var.{name}", value)
            self._walk.note(path, f"var.{name} = {shown(plain('', value))}")
        return True

    def lookup(self, node: Lookup, situation: Situation, path: Path) -> bool:
        """Not made: defaults, unless a field was given."""
        for name in node.fields:
            fact = f"lookup.{node.name}.{name}"
            given = situation.given.answers.get(fact)
            value: Value = node.defaults.get(name)
            if given is not None:
                value = _typed(given, node.fields[name])
            situation.set(fact, value)
        self._walk.note(path, "the look-up is not made, its defaults are taken")
        return True

    def connect(self, node: Connect, situation: Situation, path: Path) -> bool:
        """Its destinations; then what follows when nobody answers."""
        self._walk.dial(node, self._campaign, situation, path)
        if node.outside:
            self.nodes(node.outside, situation.parted(), (*path, "outside"))
        if node.after_agent:
            self.nodes(node.after_agent, situation.parted(), (*path, "after the agent"))
        return self.nodes(node.on_failure, situation, (*path, "on failure"))

    def distribute(self, node: Distribute, situation: Situation, path: Path) -> bool:
        """The campaigns that take the call, in their order; the first is followed."""
        walk = self._walk
        shares = [
            share
            for share in node.campaigns
            if (
                share.when is None
                or walk.decide(situation, path, "campaign", share.campaign, share.when) is True
            )
            and walk.takes(share.campaign, situation, path)
        ]
        candidates = []
        for share in shares:
            price: Value = walk.campaigns[share.campaign].price
            if node.policy == "price" and share.price is not None:
                price = walk.decide(situation, path, "campaign", share.campaign, share.price)
            known = price if isinstance(price, Decimal) else None
            candidates.append(Candidate(share.campaign, share.weight, known))
        arranged = arrange(node.policy, candidates, draw=Random(0).random)
        names = [shares[place].campaign for place in arranged.order]
        walk.note(path, f"{node.policy}: {', '.join(names) or 'no campaign takes the call'}")
        if not names:
            return self.nodes(node.otherwise, situation, (*path, "else"))
        walk.go_on_with(walk.campaigns[names[0]], situation, path)
        return False

    def transfer(self, node: Transfer, situation: Situation, path: Path) -> bool:
        """Whereto; then what follows when it does not work."""
        self._walk.note(path, f"transfer to {render(node.to, situation.facts)}")
        return self.nodes(node.on_failure, situation, (*path, "on failure"))

    def controller(self, node: Controller, situation: Situation, path: Path) -> bool:
        """Nobody is there to take it: what follows then; and what follows when it is released."""
        self._walk.note(path, f"offered to {node.system or 'whoever steers calls'}")
        self.nodes(node.on_failure, situation.parted(), (*path, "not taken"))
        return True

    def sms(self, node: Sms, situation: Situation, path: Path) -> bool:
        """A text message is asked for."""
        self._walk.note(path, f"sms to {render(node.to, situation.facts)}")
        return True

    def python(self, node: PythonStep, _situation: Situation, path: Path) -> bool:
        """Not run."""
        self._walk.note(path, f"{node.module}:{node.function} is not run")
        return True

    def goto(self, node: Goto, situation: Situation, path: Path) -> bool:
        """Elsewhere."""
        self._walk.jump(self._treatment, node, self._campaign, situation, path)
        return False


_Handler = Callable[[_Way, Any, Situation, Path], bool]
_HANDLERS: Mapping[type, _Handler] = {
    Menu: _Way.menu,
    Ask: _Way.ask,
    Condition: _Way.condition,
    SetVariables: _Way.set,
    Lookup: _Way.lookup,
    Connect: _Way.connect,
    Distribute: _Way.distribute,
    Transfer: _Way.transfer,
    Controller: _Way.controller,
    Sms: _Way.sms,
    PythonStep: _Way.python,
    Goto: _Way.goto,
}


def _behind(nodes: tuple[Node, ...], name: str) -> list[tuple[Node, ...]]:
    """The step of this name and what follows it, list by list outwards."""
    for index, node in enumerate(nodes):
        if node.name == name:
            return [nodes[index:]]
        for steps in nested(node):
            found = _behind(steps, name)
            if found:
                return [*found, nodes[index + 1 :]]
    return []


def _typed(text: str, kind: str) -> Value:
    if kind == "number":
        try:
            return Decimal(text)
        except ArithmeticError:
            return None
    if kind == "boolean":
        return text.lower() in ("true", "yes")
    return text
