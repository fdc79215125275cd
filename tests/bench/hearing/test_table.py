"""The table of hearing's figures: which parts run, and what it says of them."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from bench.hearing.figure import Figure, at_least, at_most, stated
from bench.hearing.table import MODULES, Part, as_json, chosen, measure, rows


def test_a_figure_holds_when_it_reaches_its_floor() -> None:
    assert at_most("tick", 1.0, "ms", 1.0, 0.4) == Figure(
        "tick", 1.0, "ms", "<= 1", "<= 0.4", holds=True
    )
    assert at_most("tick", 1.1, "ms", 1.0).holds is False
    assert at_least("hits", 95, "%", 95, 98).holds is True
    assert at_least("hits", 94.9, "%", 95).holds is False
    assert stated("legs", 80).holds is None


def test_parts_are_chosen_by_name_and_an_unknown_one_is_told() -> None:
    assert chosen("") == tuple(name for name in MODULES if name in chosen(""))
    assert chosen(" tick, machine ,") == ("tick", "machine")
    with pytest.raises(ValueError, match="no part of hearing: tock"):
        chosen("tick,tock")


def test_a_part_that_fails_is_told_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[bool] = []

    def measured(*, quick: bool) -> list[Figure]:
        asked.append(quick)
        return [at_most("tick", 0.3, "ms", 1.0)]

    def failing(*, quick: bool) -> list[Figure]:
        raise FileNotFoundError("no voices")

    for name, run in (("good", measured), ("bad", failing)):
        module = ModuleType(f"bench.hearing.{name}")
        module.__dict__["run"] = run
        monkeypatch.setitem(sys.modules, module.__name__, module)
    bad, good = measure(("bad", "good"), quick=True)
    assert asked == [True]
    assert good.figures[0].value == 0.3
    assert bad.error == "FileNotFoundError: no voices"
    assert "bad failed" in caplog.text


def test_the_table_says_what_holds() -> None:
    figures = (
        at_most("tick", 0.38123, "ms", 1.0, 0.4),
        at_least("hits", 94.0, "%", 95.0),
        stated("legs", 12345.0),
        stated("delay", "0.3 / 0.6", "s"),
    )
    text = rows([Part("all", figures, 1.0), Part("voices", (), 0.1, "no voices")])
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    assert cells == [
        ["all", "tick", "0.381", "ms", "<= 1", "<= 0.4", "yes"],
        ["all", "hits", "94", "%", ">= 95", "", "NO"],
        ["all", "legs", "12,345", "", "", "", ""],
        ["all", "delay", "0.3 / 0.6", "s", "", "", ""],
        ["voices", "no voices", "failed", "", "", "", "NO"],
    ]
    assert as_json([Part("all", figures[:1], 1.0)])[0]["figures"][0]["holds"] is True
