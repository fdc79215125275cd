"""Whose responses are taken for a trunk's."""

from __future__ import annotations

from tests.support.configurations import loaded, told


def test_by_default_a_trunk_answers_for_itself() -> None:
    made = loaded("trunks: {a: 192.0.2.1, b: {address: 192.0.2.2}}\n").trunks
    assert {trunk.responses_from for trunk in made.values()} == {"trunk"}


def test_a_trunk_may_be_answered_for() -> None:
    (trunk,) = loaded("trunks: {a: {address: 192.0.2.1, responses_from: any}}\n").trunks.values()
    assert trunk.responses_from == "any"


def test_nothing_else_may_stand_there() -> None:
    (problem,) = told("trunks:\n  a: {address: 192.0.2.1, responses_from: all}\n")
    assert "responses_from" in str(problem)
    assert "trunk" in str(problem)
