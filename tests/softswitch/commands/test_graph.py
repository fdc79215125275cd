"""softswitch graph: a file's treatments, or one of them, to a file or to standard output."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from softswitch.commands.graph import add
from tests.support.commands import run_command

CONFIGURATION = """\
trunks: {carrier: 192.0.2.1}
campaigns: {fans: first}
treatments:
  first:
    - name: which
      menu:
        prompt: "<1> & 2"
        choices: {1: [goto: second], 2: [goto: which]}
  second: [connect: +1 602 555 1234]
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "switch.yaml"
    path.write_text(CONFIGURATION)
    return str(path)


def test_all_treatments_are_drawn_into_a_file(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.svg"
    assert run_command(add, "graph", file, "-o", str(out)) == 0
    # A start each, a menu, two gotos, a connect and the end.
    assert capsys.readouterr().out == f"{out}: 2 treatments, 7 boxes\n"
    ElementTree.parse(out)


def test_one_treatment_is_printed(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(add, "graph", file, "second") == 0
    root = ElementTree.fromstring(capsys.readouterr().out)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "second"


def test_an_unknown_treatment_is_told_with_those_there_are(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "graph", file, "third") == 1
    assert "third" in (shown := capsys.readouterr()).err
    assert "first, second" in shown.err
    assert shown.out == ""


def test_a_bad_file_is_told_by_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "graph", str(tmp_path / "missing.yaml")) == 1
    assert "missing.yaml:1:1: there is no such file" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "graph", file, "-o", str(tmp_path / "none" / "out.svg")) == 1
    assert "out.svg cannot be written: No such file" in capsys.readouterr().err
