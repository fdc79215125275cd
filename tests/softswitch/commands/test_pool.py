"""`softswitch pool`, as an operator types it, on a real database."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from softswitch.commands import pool

TEXT = """\
switch: {{data: {data}, database: "{dsn}", without_synthesiser: chime}}
trunks: {{a: 127.0.0.1:5080}}
stocks: {{main: [+1 800 123 8888, +1 602 555 0000]}}
pools:
  Ad Placement:
    parameters: [website, location, path]
    campaign: sale
    publisher: press
    numbers: [+1 888 869 5345]
    maximum_size: 3
    overflow: +1 800 123 4444
    click_url: "https://example.org/{{website}}?n={{number}}"
  bare: {{parameters: [a], campaign: sale}}
campaigns: {{sale: t}}
treatments: {{t: [hang_up]}}
"""


class Operator:
    """Types commands and reads what they print."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys

    def type(self, verb: str, *words: str, config: bool = True) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        pool.add(parser.add_subparsers(required=True))
        options = ["-c", str(self.path)] if config else []
        chosen = parser.parse_args(["pool", verb, *options, *words])
        status = chosen.action(chosen)
        printed = self._capsys.readouterr()
        return status, printed.out, printed.err

    def allocate(self, *words: str) -> dict[str, Any]:
        status, out, err = self.type("allocate", "Ad Placement", *words, "--json")
        assert (status, err) == (0, "")
        found: dict[str, Any] = json.loads(out)
        return found


@pytest.fixture
def operator(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Operator:
    path = tmp_path / "c.yaml"
    path.write_text(TEXT.format(data=tmp_path, dsn=dsn))
    return Operator(path, capsys)


HOME = ("website=one", "location=footer", "path=home")
PAGE3 = ("website=one", "location=footer", "path=page3")


def test_the_custom_pool_step_by_step(operator: Operator) -> None:
    first = operator.allocate(*HOME)
    assert (first["number"], first["step"]) == ("+18888695345", "free")
    assert first["formatted"] == "(888) 869-5345"
    assert first["click_url"] == "https://example.org/one?n=%2B18888695345"
    assert (first["overflow"], first["publisher"]) == (False, "press")
    second = operator.allocate(*PAGE3)
    assert (second["number"], second["step"]) == ("+18001238888", "grown")
    again = operator.allocate(*HOME)
    assert (again["number"], again["binding"]) == (first["number"], first["binding"])
    third = operator.allocate(*HOME, "--owner", "acme", "--publisher", "p9", "--area-code", "602")
    assert (third["number"], third["owner"], third["publisher"]) == ("+16025550000", "acme", "p9")
    full = operator.allocate("website=two", "location=x", "path=y")
    assert (full["number"], full["overflow"], full["why"]) == ("+18001234444", True, "exhausted")


def test_lines_for_people_and_many_at_once(operator: Operator) -> None:
    status, out, _ = operator.type(
        "allocate", "Ad Placement", "website={n}", "location=x", "path=y", "--count", "4"
    )
    lines = out.splitlines()
    assert status == 0
    assert len(lines) == 4
    assert lines[0].startswith("+18888695345  (888) 869-5345  free  until 20")
    assert "website=2" in lines[1]
    assert "overflow (exhausted)" in lines[3]


def test_a_number_that_spells_or_is_toll_free(operator: Operator) -> None:
    assert operator.allocate(*HOME, "--toll-free")["number"] == "+18888695345"
    assert operator.allocate(*PAGE3, "--vanity", "FANS")["overflow"]


def test_a_released_number_is_free(operator: Operator) -> None:
    given = operator.allocate(*HOME)
    assert operator.type("release", "Ad Placement", "888 869 5345")[0] == 0
    status, _, err = operator.type("release", "Ad Placement", given["binding"])
    assert status == 1
    assert "has no binding" in err
    assert operator.allocate(*PAGE3)["number"] == "+18888695345"
    status, out, _ = operator.type("list", "Ad Placement", "--json")
    assert (status, json.loads(out)["bound"]) == (0, 1)


def test_sizes(operator: Operator) -> None:
    status, out, _ = operator.type(
        "size", "--visits-per-hour", "600", "--dwell", "300", "--json", config=False
    )
    found = json.loads(out)
    assert (status, found["numbers"], found["load"]) == (0, 64, 50.0)
    assert found["blocking"] <= 0.01 < found["blocking_with_one_less"]
    assert operator.type("size", "Ad Placement")[0] == 1
    operator.allocate(*HOME)
    status, out, _ = operator.type("size", "Ad Placement", "--blocking", "0.2", "--json")
    found = json.loads(out)
    # One visitor an hour, who keeps the number for the minimum lifetime of ten minutes.
    assert (found["seconds"], found["load"], found["numbers"]) == (600.0, 0.167, 1)
    assert found["measured"]["busiest_hour"] == 1
    status, out, _ = operator.type("size", "Ad Placement", "--blocking", "0.2")
    assert "\n1 number for 1 visits an hour of 600 s" in out
    assert "of visitors find none" in out


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("allocate", "Ad Placment", "a=b"), 1, 'did you mean "Ad Placement"'),
        (("allocate", "Ad Placement", "website=x"), 1, "needs a value for location, path"),
        (("allocate", "Ad Placement", "website"), 2, "expected NAME=VALUE"),
        (("allocate", "Ad Placement", "a=1", "a=2"), 2, "a is given twice"),
        (("allocate", "Ad Placement", "--count", "0"), 2, "--count"),
        (("release", "nowhere", "+1"), 1, 'there is no pool "nowhere"'),
        (("list", "nowhere"), 1, 'there is no pool "nowhere"'),
        (("size", "nowhere"), 1, 'there is no pool "nowhere"'),
        (("size",), 2, "--visits-per-hour and --dwell"),
        (("size", "--visits-per-hour", "1", "--dwell", "1", "--blocking", "2"), 2, "blocking"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    operator: Operator, words: tuple[str, ...], status: int, told: str
) -> None:
    found, out, err = operator.type(*words)
    assert (found, out) == (status, "")
    assert told in err
    assert len(err.splitlines()) == 1


def test_a_pool_without_any_number_is_a_failure(operator: Operator) -> None:
    status, out, _ = operator.type("allocate", "bare", "a=1")
    assert (status, out) == (1, "no number (exhausted) a=1\n")


def test_a_configuration_without_a_database_says_so(operator: Operator, dsn: str) -> None:
    operator.path.write_text(operator.path.read_text().replace(dsn, "off"))
    status, _, err = operator.type("allocate", "bare", "a=1")
    assert status == 1
    assert "database" in err


@pytest.mark.slow
def test_with_the_database_away_the_overflow_number_is_the_answer(
    operator: Operator, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CONNECT_SECONDS", 0.2)
    operator.path.write_text(operator.path.read_text().replace(dsn, "postgresql://x@127.0.0.1:1/x"))
    found = operator.allocate(*HOME)
    assert (found["number"], found["why"]) == ("+18001234444", "database away")
    assert operator.type("release", "Ad Placement", "888 869 5345")[0] == 1
    assert operator.type("list")[0] == 1
