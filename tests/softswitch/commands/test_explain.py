"""softswitch explain: records from a file, standard input, the data folder and the database."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from softswitch.commands.explain import add
from softswitch.store.postgres.migrate import migrate, migrations
from tests.support.commands import run_command
from tests.support.decided_records import record

CONFIGURATION = """\
switch: {{database: "{database}", data: "{data}"}}
trunks: {{carrier: 192.0.2.1}}
campaigns: {{fans: treated}}
treatments: {{treated: [connect: +1 602 555 1234]}}
"""


def written(path: Path, *records: dict[str, Any], indent: int | None = None) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(one, indent=indent) + "\n" for one in records))
    return str(path)


def configured(folder: Path, database: str = "off") -> str:
    path = folder / "switch.yaml"
    path.write_text(CONFIGURATION.format(database=database, data=folder / "data"))
    return str(path)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_lone_record_is_explained(
    tmp_path: Path, indent: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "record.json", record(), indent=indent)
    assert run_command(add, "explain", "--record", file) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("call call-1, version 1\n")
    assert "payout:           6.50 USD" in shown


def test_a_record_that_does_not_agree_is_exit_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = record()
    changed["payout"]["amount"] = "650.00"
    file = written(tmp_path / "record.json", changed)
    assert run_command(add, "explain", "--record", file) == 1
    assert "DIFFERS: payout: its rules add up to 6.50 USD" in capsys.readouterr().out
    assert run_command(add, "explain", "--record", file, "--json") == 1
    assert json.loads(capsys.readouterr().out)["agrees"] is False


def test_a_call_is_found_among_many_and_its_last_version_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {**record(), "call_id": "call-2"}
    newer = {**other, "version": 2}
    file = written(tmp_path / "records.jsonl", other, record(), newer)
    assert run_command(add, "explain", "call-2", "--record", file) == 0
    assert capsys.readouterr().out.startswith("call call-2, version 2\n")
    assert run_command(add, "explain", "--record", file) == 1
    assert "more than one call" in capsys.readouterr().err
    assert run_command(add, "explain", "call-3", "--record", file) == 1
    assert "there is no call call-3" in capsys.readouterr().err


def test_a_record_comes_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(record())))
    assert run_command(add, "explain", "--record", "-") == 0
    assert "call call-1" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{", "[]", "nonsense\n{}\n", "[" * 100_000])
def test_what_is_no_record_is_told_in_a_sentence(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "record.json"
    file.write_text(text)
    assert run_command(add, "explain", "--record", str(file)) == 1
    assert "there is no record in" in capsys.readouterr().err
    assert run_command(add, "explain", "--record", str(tmp_path / "missing")) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_without_a_database_the_data_folder_is_looked_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "data" / "records.jsonl", record())
    assert run_command(add, "explain", "call-1", "-c", configured(tmp_path)) == 0
    shown = capsys.readouterr()
    assert "under another configuration (v1" in shown.out
    assert shown.err == ""
    assert run_command(add, "explain", "call-9", "-c", configured(tmp_path)) == 1
    assert "there is no call call-9 in" in capsys.readouterr().err


def test_a_database_that_is_away_is_remarked_and_the_file_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "data" / "records.jsonl", record())
    away = configured(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    assert run_command(add, "explain", "call-1", "-c", away) == 0
    shown = capsys.readouterr()
    assert "call call-1, version 1" in shown.out
    assert "the database is away: connection refused; results" in shown.err


async def keep(dsn: str, kept: dict[str, Any]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await migrate(connection, migrations())
        await connection.execute(
            "INSERT INTO calls (call_id, version, node, parameters, received_at, record) "
            "VALUES ($1, $2, 'n', '{}', now(), $3)",
            kept["call_id"], kept["version"], json.dumps(kept),
        )  # fmt: skip
    finally:
        await connection.close()


def test_the_newest_version_is_in_the_database(
    tmp_path: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "data" / "records.jsonl", record())
    asyncio.run(keep(dsn, {**record(), "version": 2}))
    assert run_command(add, "explain", "call-1", "-c", configured(tmp_path, dsn)) == 0
    assert capsys.readouterr().out.startswith("call call-1, version 2\n")


@pytest.mark.parametrize("arguments", [(), ("call-1",), ("-c", "switch.yaml")])
def test_too_little_is_wrong_usage(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "explain", *arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_a_bad_configuration_is_told_by_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("trunk: {}\n")
    assert run_command(add, "explain", "call-1", "-c", str(file)) == 1
    assert "bad.yaml:1:" in capsys.readouterr().err
