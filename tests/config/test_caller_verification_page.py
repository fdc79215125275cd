"""What docs/caller-verification.md shows works: its commands, its configuration, its tables."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from config.expression.vocabulary import FACTS
from softswitch.check import load_startable
from softswitch.stir.asked import Asked
from softswitch.stir.passport import number_party
from softswitch.stir.ready import made_ready
from softswitch.stir.replays import Replays
from softswitch.stir.signing import sign_call
from softswitch.stir.verdict import STATUSES, Verdict
from tests.support.configurations import MINIMAL, loaded
from tests.support.expressions import expression

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "caller-verification.md").read_text()
REST = """
numbers: {100: {campaign: x, as_is: true}}
campaigns: {x: {treatment: t, trunk: carrier}}
treatments: {t: [connect: called]}
"""


def test_a_call_signed_with_the_files_of_the_page_is_verified_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (commands,) = re.findall(r"^```sh\n(.*?)^```", PAGE, re.S | re.M)
    text, fetching = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.S | re.M)
    assert loaded(MINIMAL + fetching).stir.fetching is not None
    subprocess.run(
        ["bash", "-e", "-c", commands], cwd=tmp_path, check=True, capture_output=True, timeout=60
    )
    (tmp_path / "switch.yaml").write_text(text + REST)
    monkeypatch.chdir(tmp_path)

    ready = made_ready(load_startable("switch.yaml", {}), Replays())

    assert ready.key is not None
    assert ready.verifier is not None
    caller, called, now = number_party("16025550100"), number_party("16025551234"), time.time()
    value = sign_call(
        ready.key, orig=caller, dest=called, attestation="B", origid="x", iat=int(now)
    )
    found = ready.verifier.verify(Asked((value,), (caller,), (called,), None, "c"), now).verdict
    assert (found.result, found.attestation, found.signer) == ("passed", "B", "709J")


def test_the_table_of_reasons_has_all_there_are_with_their_answers() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([0-9]{3}) \|", PAGE, re.M)

    assert {why: int(status) for why, status in rows} == STATUSES


def test_the_table_of_facts_has_all_there_are() -> None:
    (table,) = re.findall(r"signalling\.identity`:\n\n(.*?)\n\n", PAGE, re.S)
    names = re.findall(r"^\| `([a-z0-9_]+)` \|", table, re.M)

    assert set(names) == {*Verdict.__struct_fields__, "marked"}


def test_the_facts_that_conditions_know_are_those_of_the_language() -> None:
    assert FACTS["call.verstat"].words == ("passed", "failed", "none")
    assert FACTS["call.attestation"].words == ("A", "B", "C")
    assert "`call.verstat` (`passed`, `failed`, `none`)" in PAGE


def test_the_conditions_of_the_page_are_of_the_language() -> None:
    conditions = re.findall(r"`(call\.[a-z]+ (?:=|in) [^`]+)`", PAGE)

    assert len(conditions) == 2
    for text in conditions:
        expression(text)
