"""An explanation of a call: its record beside everything decided, rated and paid again.

Made from the record alone; with the configuration that the call ran under it is checked against
that too. Knows no file, no database and no format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.model import Configuration
from softswitch.explain.decisions import Decided, decide_again
from softswitch.explain.destinations import order_problem
from softswitch.explain.inputs import input_problems
from softswitch.explain.money import configured_problems, payout_problems, rating_problems
from softswitch.explain.parts import entries_of, names_of

__all__ = ["Explanation", "explain"]

MAX_KEPT = 500
"""Decisions a record keeps (softswitch.switchboard.record): with so many, some may be missing, and
what rests on all of them cannot be added up."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of a call, and what does not agree with its record."""

    record: Mapping[str, Any]
    decisions: tuple[Decided, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    """What could not be looked at, and why."""

    @property
    def differs(self) -> bool:
        """Whether the record says something else than comes out of its own inputs."""
        return bool(self.problems)


def explain(record: Mapping[str, Any], configuration: Configuration | None = None) -> Explanation:
    """Decide, rate and pay again what a record holds; never raises for what stands in it."""
    entries = record.get("decisions")
    decisions = decide_again(entries if isinstance(entries, list) else ())
    problems = [*_decision_problems(decisions), *_destination_problems(record)]
    problems += input_problems(record, decisions)
    remarks = [*_remarks(record, decisions)]
    if len(decisions) < MAX_KEPT:
        problems += rating_problems(record.get("rating"), decisions)
        problems += payout_problems(record.get("payout"), decisions)
    if configuration is not None:
        remarks += _configuration_remarks(record, configuration)
        problems += _configured(record, configuration, decisions)
    return Explanation(record, decisions, tuple(problems), tuple(remarks))


def _decision_problems(decisions: Sequence[Decided]) -> Iterator[str]:
    for place, one in enumerate(decisions, 1):
        if one.state == "differs":
            yield f"decision {place}: {one.about} {one.rule} comes out differently"


def _destination_problems(record: Mapping[str, Any]) -> Iterator[str]:
    for one in entries_of(record, "destinations"):
        inputs = one.get("inputs")
        inputs = inputs if isinstance(inputs, Mapping) else {}
        problem = order_problem(str(one.get("policy")), names_of(one, "destinations"), inputs)
        if problem is not None:
            yield f"destinations of {one.get('node')}: {problem}"


def _remarks(record: Mapping[str, Any], decisions: Sequence[Decided]) -> Iterator[str]:
    if record.get("ended_by") == "crash":
        yield "the switch died during this call: what it was deciding then is not known"
    if any(one.state == "secret" for one in decisions):
        yield "some decisions rest on secret answers, which no record keeps"
    if len(decisions) >= MAX_KEPT:
        yield f"a record keeps {MAX_KEPT} decisions; rating and payout are not added up"


def _same_configuration(record: Mapping[str, Any], configuration: Configuration) -> bool:
    return record.get("config_version") == configuration.version


def _configuration_remarks(
    record: Mapping[str, Any], configuration: Configuration
) -> Iterator[str]:
    if not _same_configuration(record, configuration):
        was = record.get("config_version")
        yield (
            f"the call ran under another configuration ({was}, now {configuration.version}): "
            "only the record is looked at"
        )


def _configured(
    record: Mapping[str, Any], configuration: Configuration, decisions: Sequence[Decided]
) -> Iterator[str]:
    """Rate and pay by the rules, where they are those of the call and all inputs are there."""
    campaign = configuration.campaigns.get(str(record.get("campaign")))
    complete = len(decisions) < MAX_KEPT and record.get("ended_by") != "crash"
    if campaign is not None and complete and _same_configuration(record, configuration):
        yield from configured_problems(campaign, record, decisions)
