"""Who has opted out stays out, whatever happens to the process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from softswitch.store.opt_outs import OptOutFile

PARTY, OTHER = "+16025551111", "+16025552222"


def opened(folder: Path) -> OptOutFile:
    return OptOutFile(folder, wall_clock=lambda: 1000.0)


def test_who_has_opted_out_is_out_after_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.add(PARTY, by="list spring")
    first.add(PARTY, by="list spring")
    assert first.has(PARTY)
    # Not closed: the process was killed.
    again = opened(tmp_path)
    assert again.has(PARTY)
    assert not again.has(OTHER)
    (line,) = (tmp_path / "opt-outs.jsonl").read_text().splitlines()
    assert json.loads(line) == {"party": PARTY, "out": True, "by": "list spring", "at": 1000.0}
    first.close()
    again.close()


def test_who_may_be_called_again_is(tmp_path: Path) -> None:
    book = opened(tmp_path)
    book.add(PARTY, by="x")
    assert book.remove(PARTY, by="crm")
    assert not book.remove(PARTY, by="crm")
    book.close()
    again = opened(tmp_path)
    assert not again.has(PARTY)
    assert len(again) == 0
    again.close()


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "opt-outs.jsonl"
    whole = json.dumps({"party": PARTY, "out": True})
    path.write_text(f'{{"party": 5, "out": true}}\nnonsense\n{whole}\n{{"par')
    book = opened(tmp_path)
    assert book.has(PARTY)
    assert len(book) == 1
    book.close()


def test_a_disk_that_is_full_is_logged_and_the_party_is_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = opened(tmp_path)
    book.close()
    book.add(PARTY, by="x")
    assert book.has(PARTY)
    assert "is not written down" in caplog.text
