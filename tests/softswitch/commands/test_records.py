"""`softswitch records import`: on the embedded server, whether it runs or not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Protocol

import pytest

from softswitch.commands import records
from softswitch.store.postgres.supervisor import Supervisor
from tests.support.records import append, line

CONFIGURATION = """
switch:
  data: {data}
  database: "{database}"
trunks:
  carrier: 127.0.0.1:5080
numbers:
  +1 866 683 1950: {{campaign: one}}
campaigns:
  one: {{treatment: goodbye}}
treatments:
  goodbye: [hang_up]
"""


class Run(Protocol):
    """Runs `records import` with some words more; status and what it said."""

    def __call__(self, *words: str, database: str = "embedded") -> tuple[int, str]: ...


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str, database: str = "embedded") -> tuple[int, str]:
        path = tmp_path / "switch.yaml"
        path.write_text(CONFIGURATION.format(data=tmp_path / "data", database=database))
        parser = argparse.ArgumentParser()
        records.add(parser.add_subparsers())
        options = parser.parse_args(["records", "import", "-c", str(path), *words])
        status = int(options.action(options))
        said = capsys.readouterr()
        return status, said.out + said.err

    (tmp_path / "data").mkdir()
    return run


def test_records_are_imported_and_the_server_goes_again(run: Run, tmp_path: Path) -> None:
    append(tmp_path / "data" / "records.jsonl", line(0), line(1), b"nonsense\n")
    status, said = run()
    assert status == 0, said
    assert "3 lines, 2 calls new, 0 there already" in said
    assert "1 lines hold no record" in said
    assert Supervisor(tmp_path / "data" / "postgres").pid is None

    server = Supervisor(tmp_path / "data" / "postgres")
    server.start()  # as a switch that runs
    try:
        status, said = run("--rebuild")
        assert (status, "2 calls written" in said) == (0, True)
        assert server.pid is not None
    finally:
        server.stop()


def test_what_is_missing_is_told(run: Run, tmp_path: Path) -> None:
    status, said = run(database="off")
    assert (status, "has no database" in said) == (1, True)
    append(tmp_path / "data" / "records.jsonl", line(0))
    status, said = run(database="postgresql://u@/x?host=/nowhere")
    assert (status, said) == (1, "softswitch: the database is away: its socket is not there\n")


def test_a_missing_file_is_told(run: Run, tmp_path: Path, dsn: str) -> None:
    status, said = run(database=dsn)
    assert status == 1
    assert said == f"softswitch: {tmp_path / 'data' / 'records.jsonl'}: No such file or directory\n"
