from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from config.model import Goto, Node, Treatment
from softswitch.graph import UnknownTreatmentError, outline
from softswitch.graph.outline import _TELLERS, Chart, Step
from tests.support.treatments import configuration, everything


def every_step(chart: Chart) -> Iterator[Step]:
    waiting = list(chart.steps)
    while waiting:
        step = waiting.pop()
        yield step
        waiting += [inner for branch in step.branches for inner in branch.steps]


def steps() -> dict[str, Step]:
    charts = outline(everything())
    every = [step for chart in charts for step in every_step(chart)]
    return {step.title: step for step in every if step.kind != "goto"}


def test_every_kind_of_node_can_be_told() -> None:
    assert set(_TELLERS) == set(get_args(Node))


def test_every_kind_of_node_is_in_the_picture_of_everything() -> None:
    kinds = {step.kind for chart in outline(everything()) for step in every_step(chart)}
    assert kinds >= {kind for kind, _tell in _TELLERS.values()}


def test_ids_are_unique() -> None:
    ids = [step.id for chart in outline(everything()) for step in every_step(chart)]
    assert len(ids) == len(set(ids))


def test_ways_out_carry_keys_and_conditions() -> None:
    found = steps()
    assert [branch.label for branch in found["which"].branches] == [
        "key 1", "key 2", "key #", "no key"
    ]  # fmt: skip
    assert [branch.label for branch in found["where"].branches] == [
        'if caller.state = "CA"', 'if caller.line_type = "mobile"'
    ]  # fmt: skip
    assert found["where"].onward == "otherwise"
    assert found["which"].onward is None
    assert [branch.label for branch in found["agent"].branches] == ["nobody answered", "too far"]
    assert found["bye"].facts == ("status 486", "caller-left")


def test_a_goto_leads_to_a_step_or_a_treatment() -> None:
    first, second = outline(everything())
    named = {step.title: step.id for step in every_step(first) if step.kind != "goto"}
    gotos = {step.title: step.target for step in every_step(first) if step.kind == "goto"}
    assert gotos == {
        "which": named["which"], "zip": named["zip"], "share": second.steps[0].id
    }  # fmt: skip


def test_a_treatment_can_be_drawn_alone() -> None:
    (chart,) = outline(everything(), "share")
    shares = {step.title: step.target for step in every_step(chart) if step.kind == "campaign"}
    assert shares == {"a": None, "b": chart.steps[0].id}


def test_an_unknown_treatment_is_told() -> None:
    with pytest.raises(UnknownTreatmentError):
        outline(configuration(Treatment("a", (Goto("g", "a", "treatment"),))), "b")
