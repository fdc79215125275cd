"""Which prompts a configuration can play, and what its templates become for values known ahead.

A template that asks only for the binding, the campaign, its publisher, its pool or the number
called can be spoken before the call; one that asks for anything else (an answer, the caller) plays
its constant parts. Pure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping

from config.expression import FUNCTIONS
from config.model import (
    Ask,
    Campaign,
    Configuration,
    Connect,
    Distribute,
    Expression,
    Fact,
    Function,
    Goto,
    Menu,
    Node,
    Play,
    Prompt,
    PythonStep,
    Template,
    Term,
    Value,
)
from config.model.expression import Binary, ListOf, Unary
from config.nesting import every_node
from softswitch.campaign.evaluate import render

__all__ = ["constant_text", "known_texts", "prompts_of", "templates_of", "texts_of_binding"]

_KNOWN = frozenset(("campaign", "publisher", "pool", "called.number"))
_BEFORE_MARK = re.compile(r"\s+([.,;:!?])")
_DOUBLE_MARKS = re.compile(r"[,;:.]+([.!?])")
MAX_MODULE_PROMPTS = 1000
"""Prompts that one module of Python steps may list."""


def prompts_of(configuration: Configuration) -> Iterator[Prompt]:
    """Every prompt that a configuration can play."""
    for treatment in configuration.treatments.values():
        for node in every_node(treatment.nodes):
            yield from _prompts_of_node(node)
    for campaign in configuration.campaigns.values():
        yield from _prompts_of_campaign(campaign)
    yield from configuration.prompts.values()


def templates_of(configuration: Configuration) -> frozenset[str]:
    """The templates of its prompts, as they are written."""
    prompts = prompts_of(configuration)
    return frozenset(prompt.template.text for prompt in prompts if prompt.template is not None)


def _prompts_of_node(node: Node) -> Iterator[Prompt]:
    found: tuple[Prompt | None, ...] = ()
    if isinstance(node, Play):
        found = (node.prompt,)
    elif isinstance(node, Menu | Ask):
        found = (node.prompt, node.invalid_prompt)
    elif isinstance(node, Connect):
        asked = None if node.accept is None else node.accept.prompt
        found = (node.prompt, node.whisper, asked, node.message)
    elif isinstance(node, PythonStep):
        found = tuple(_prompts_of_module(node.module))
    yield from (prompt for prompt in found if prompt is not None)


def _prompts_of_campaign(campaign: Campaign) -> Iterator[Prompt]:
    if campaign.notice is not None:
        yield campaign.notice
    if campaign.blocked is not None and campaign.blocked.prompt is not None:
        yield campaign.blocked.prompt
    for rule in campaign.fraud:
        if rule.prompt is not None:
            yield rule.prompt


def _prompts_of_module(name: str) -> Iterator[Prompt]:
    """What a module of Python steps lists in PROMPTS: texts and prompts; others are passed over."""
    listed = getattr(sys.modules.get(name), "PROMPTS", ())
    if not isinstance(listed, list | tuple | set | frozenset):
        return
    for _, one in zip(range(MAX_MODULE_PROMPTS), listed, strict=False):
        if isinstance(one, str) and one.strip():
            yield Prompt(text=one)
        elif isinstance(one, Prompt):
            yield one


def constant_text(template: Template) -> str:
    """What is said when the values are not ready: the template without them."""
    text = " ".join("".join(part for part in template.parts if isinstance(part, str)).split())
    text = _BEFORE_MARK.sub(r"\1", text)
    return _DOUBLE_MARKS.sub(r"\1", text).lstrip(" ,.;:!?")


# Values known ahead.


class _Known:
    """Facts of a call that is still to come: its number's."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def fact(self, name: str) -> Value:
        return self._values.get(name)

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        return None


def known_texts(configuration: Configuration) -> Iterator[str]:
    """The texts that templates become for the numbers of the configuration."""
    templates = _TemplatesByCampaign(configuration)
    for number in configuration.numbers:
        of_campaign = templates.of(number.campaign)
        if not of_campaign:
            continue
        campaign = configuration.campaigns[number.campaign]
        yield from _texts(
            of_campaign,
            {
                "campaign": campaign.name,
                "publisher": number.publisher or campaign.publisher,
                "pool": number.pool,
                "called.number": number.pattern if number.kind == "exact" else None,
            },
            number.parameters,
        )


def texts_of_binding(
    configuration: Configuration,
    *,
    campaign: str,
    publisher: str | None,
    pool: str,
    number: str,
    parameters: Mapping[str, str],
) -> Iterator[str]:
    """The texts for a binding that was just made."""
    if campaign not in configuration.campaigns:
        return
    values = {
        "campaign": campaign,
        "publisher": publisher,
        "pool": pool,
        "called.number": number,
    }
    yield from _texts(_TemplatesByCampaign(configuration).of(campaign), values, parameters)


def _texts(
    templates: Iterable[Template], values: Mapping[str, str | None], parameters: Mapping[str, str]
) -> Iterator[str]:
    known: dict[str, Value] = {name: value for name, value in values.items() if value is not None}
    known.update((f"binding.{name}", value) for name, value in parameters.items())
    facts = _Known(known)
    for template in templates:
        if all(name in known for name in _facts_of(template)):
            yield render(template, facts)


class _TemplatesByCampaign:
    """Templates that calls of a campaign may come to hear."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._found: dict[str, tuple[Template, ...]] = {}

    def of(self, campaign: str) -> tuple[Template, ...]:
        """Those that can be spoken ahead."""
        found = self._found.get(campaign)
        if found is None:
            prompts = self._prompts(campaign)
            templates = dict.fromkeys(one.template for one in prompts if one.template is not None)
            found = tuple(one for one in templates if _is_knowable(one))
            self._found[campaign] = found
        return found

    def _prompts(self, campaign: str) -> Iterator[Prompt]:
        yield from self._configuration.prompts.values()
        campaigns, treatments = [campaign], list[str]()
        seen: set[str] = set()
        while campaigns or treatments:
            if campaigns:
                one = self._configuration.campaigns.get(campaigns.pop())
                if one is not None and f"campaign {one.name}" not in seen:
                    seen.add(f"campaign {one.name}")
                    yield from _prompts_of_campaign(one)
                    treatments += _treatments_of(one)
                    campaigns += [one.syndicates] if one.syndicates is not None else []
                continue
            treatment = self._configuration.treatments.get(treatments.pop())
            if treatment is None or treatment.name in seen:
                continue
            seen.add(treatment.name)
            for node in every_node(treatment.nodes):
                yield from _prompts_of_node(node)
                if isinstance(node, Goto) and node.kind == "treatment":
                    treatments.append(node.target)
                elif isinstance(node, Distribute):
                    campaigns += [share.campaign for share in node.campaigns]


def _treatments_of(campaign: Campaign) -> list[str]:
    names = [campaign.treatment, campaign.after_hours, campaign.outside, campaign.fax]
    names += [cap.over for cap in campaign.caps]
    return [name for name in names if name is not None]


def _is_knowable(template: Template) -> bool:
    names = list(_facts_of(template))
    return bool(names) and all(name in _KNOWN or name.startswith("binding.") for name in names)


def _facts_of(template: Template) -> Iterator[str]:
    for part in template.parts:
        if isinstance(part, Expression):
            yield from _facts_in(part.term)


def _facts_in(term: Term) -> Iterator[str]:
    if isinstance(term, Fact):
        yield term.name
    elif isinstance(term, Function):
        if not FUNCTIONS[term.name].pure:
            yield term.name  # which is no fact that could be known
        for argument in term.arguments:
            yield from _facts_in(argument)
    elif isinstance(term, ListOf):
        for item in term.items:
            yield from _facts_in(item)
    elif isinstance(term, Unary):
        yield from _facts_in(term.operand)
    elif isinstance(term, Binary):
        yield from _facts_in(term.left)
        yield from _facts_in(term.right)
