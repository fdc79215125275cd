"""softswitch report on real databases: one that is there, one that is away, the embedded one."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from softswitch.commands.report import add
from softswitch.store.postgres.migrate import migrate, migrations
from tests.support.commands import run_command
from tests.support.database import OwnServer
from tests.support.program import base_environment, command

CONFIGURATION = """\
switch: {{database: "{database}", data: "{data}", time_zone: America/Phoenix}}
trunks: {{carrier: 192.0.2.1}}
pools: {{web: {{parameters: [keyword], campaign: fans}}}}
campaigns: {{fans: treated}}
treatments: {{treated: [connect: +1 602 555 1234]}}
"""
CALLS: tuple[dict[str, Any], ...] = (
    {"campaign": "fans", "number": "+18666831950", "amount": Decimal("5.10"), "talk_seconds": 90.0},
    {"campaign": "fans", "number": "+18666831950", "amount": Decimal("0.20"), "talk_seconds": 30.0},
    {"campaign": "=press", "number": "+18665550000", "amount": None, "talk_seconds": 0.0},
)
RECEIVED = datetime(2026, 11, 22, 3, tzinfo=UTC)


async def fill(**address: Any) -> None:
    connection = await asyncpg.connect(**address)
    try:
        await migrate(connection, migrations())
        for place, call in enumerate(CALLS):
            await connection.execute(
                "INSERT INTO calls (call_id, version, node, campaign, number, amount, currency, "
                "talk_seconds, parameters, received_at, answered_at, rating, record) "
                "VALUES ($1, 1, 'n', $2, $3, $4, 'USD', $5, $6, $7, $7, 'high', '{}')",
                f"c{place}", call["campaign"], call["number"], call["amount"],
                call["talk_seconds"], '{"keyword": "cribs"}', RECEIVED,
            )  # fmt: skip
    finally:
        await connection.close()


@pytest.fixture
def file(tmp_path: Path, dsn: str) -> str:
    """A configuration whose database has three calls."""
    asyncio.run(fill(dsn=dsn))
    return written(tmp_path, dsn)


def written(folder: Path, database: str) -> str:
    path = folder / "switch.yaml"
    path.write_text(CONFIGURATION.format(database=database, data=folder / "data"))
    return str(path)


def test_a_table_is_printed(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(add, "report", "-c", file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:5] == ["fans", "2", "2", "2", "2"]
    assert lines[2].endswith("5.30")
    assert lines[-1].split()[:2] == ["total", "3"]


def test_csv_and_json_are_printed(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(add, "report", "-c", file, "--format", "csv", "--by", "campaign") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["campaign"], row["payout_USD"]) for row in rows] == [
        ("fans", "5.30"), ("'=press", "0.00")
    ]  # fmt: skip
    by = ["--by", "parameter", "keyword", "--by", "period", "day"]
    assert run_command(add, "report", "-c", file, "--format", "json", *by) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["keys"] for row in found["rows"]] == [["cribs", "2026-11-21"]]
    assert found["total"]["payout"] == {"USD": "5.30"}


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        (["--from", "2026-11-21", "--to", "2026-11-21"], 3),
        (["--from", "2026-11-22"], 0),
        (["--from", "2026-11-22", "--time-zone", "UTC"], 3),
        (["--to", "2026-11-21T20:00"], 0),
        (["--to", "2026-11-21T20:00:01"], 3),
        (["--from", "2026-11-22T03:00:00+00:00"], 3),
        (["--campaign", "fans"], 2),
        (["--publisher", "nobody"], 0),
    ],
)
def test_days_are_those_of_the_time_zone(
    file: str, options: list[str], calls: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "report", "-c", file, "--format", "json", *options) == 0
    assert json.loads(capsys.readouterr().out)["total"]["calls"] == calls


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--by", "moon"], "expected number, publisher"),
        (["--by", "parameter"], "needs its name"),
        (["--by", "period", "year"], "hour, day, week, month"),
        (["--by", "period"], "hour, day, week, month"),
        (["--by", "number", "campaign"], "expected"),
        (["--by", "number"] * 4, "at most 3"),
        (["--from", "yesterday"], '"yesterday" is no time'),
        (["--to", "9999-12-31"], "is no time"),
        (["--from", "2026-11-22", "--to", "2026-11-21"], "lies before"),
        (["--time-zone", "Phoenix"], 'no time zone "Phoenix"'),
        (["--time-zone", "../etc/passwd"], "no time zone"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(
    tmp_path: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "report", "-c", written(tmp_path, "off"), *options) == 2
    assert told in capsys.readouterr().err


def test_a_parameter_that_no_number_has_is_pointed_out(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "report", "-c", file, "--by", "parameter", "keywrd") == 0
    assert "no number has a parameter keywrd now" in capsys.readouterr().err


def test_a_database_that_is_away_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = written(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    assert run_command(add, "report", "-c", nowhere) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "softswitch report: the database is away: connection refused\n"


def test_whoever_does_not_want_to_wait_is_no_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        dsn = f"postgresql://nobody@127.0.0.1:{mute.getsockname()[1]}/none"
        report = subprocess.Popen(
            command("report", "-c", written(tmp_path, dsn)),
            env=base_environment(), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        mute.settimeout(30)
        connection, _address = mute.accept()
        with connection:
            report.send_signal(signal.SIGINT)
            _out, told = report.communicate(timeout=30)
    assert report.returncode == 1
    # A connection that is being made may say it in its own words.
    assert told in (
        "softswitch report: interrupted\n",
        "softswitch report: the database is away: no answer in time\n",
    )


def test_a_configuration_without_database_says_where_records_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "report", "-c", written(tmp_path, "off")) == 1
    assert "records.jsonl" in capsys.readouterr().err


def test_before_the_first_run_there_is_nothing_to_report_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(add, "report", "-c", written(tmp_path, "embedded")) == 0
    shown = capsys.readouterr()
    assert "the first run of the switch makes it" in shown.err
    assert shown.out.splitlines()[-1].split()[:2] == ["total", "0"]
    assert not (tmp_path / "data").exists()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[OwnServer]:
    """A data folder whose server was stopped; it has three calls."""
    server = OwnServer(tmp_path / "data")
    server.start()
    asyncio.run(fill(**server.server.address))
    server.stop()
    yield server
    server.stop()


@pytest.mark.slow
def test_the_embedded_server_is_started_and_stopped(
    embedded: OwnServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "embedded")
    assert run_command(add, "report", "-c", file) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["total", "3"]
    assert embedded.server.pid is None

    embedded.start()
    assert run_command(add, "report", "-c", file) == 0
    assert embedded.server.pid is not None
