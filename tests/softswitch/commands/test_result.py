"""`softswitch result` on a real database: from a record of the switch to its next version."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from config.model import Configuration
from softswitch.check import load_checked
from softswitch.commands import records, result
from tests.support.database import fresh_dsn
from tests.support.money_bench import record_of

CONFIGURATION = """
switch:
  data: {data}
  database: "{database}"
trunks:
  carrier: 127.0.0.1:5080
numbers:
  +1 866 683 1950: {{campaign: Sale, publisher: p1}}
campaigns:
  Sale:
    treatment: goodbye
    rating:
      - {{when: result.sale and talk_seconds > 60, rate: high}}
      - {{rate: low}}
    payout:
      base: [{{when: rating = "high", amount: 5.00}}, {{amount: 1.00}}]
      bonuses: [{{name: share, when: result.amount is known, amount: 10% * result.amount}}]
      maximum: 50
    caps:
      spend: {{kind: budget, limit: 60, period: month}}
treatments:
  goodbye: [hang_up]
"""


class Place:
    """A data folder with a configuration and a database that has one call."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.dsn = fresh_dsn()
        self.capsys = capsys
        self.file = folder / "switch.yaml"
        (folder / "data").mkdir()
        self.file.write_text(CONFIGURATION.format(data=folder / "data", database=self.dsn))
        record = record_of(self.configuration.campaigns["Sale"])
        (folder / "data" / "records.jsonl").write_text(json.dumps(record) + "\n")
        assert self.run(records, "records", "import", "-c", str(self.file))[0] == 0

    @property
    def configuration(self) -> Configuration:
        return load_checked(self.file, {})

    def run(self, command: Any, *words: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        command.add(parser.add_subparsers())
        options = parser.parse_args(list(words))
        status = int(options.action(options))
        said = self.capsys.readouterr()
        return status, said.out + said.err

    def post(self, *results: str, call: str = "call-1") -> tuple[int, str]:
        return self.run(result, "result", "-c", str(self.file), call, *results)

    def fetch(self, query: str) -> Any:
        async def fetch() -> Any:
            connection = await asyncpg.connect(self.dsn)
            try:
                return await connection.fetchval(query)
            finally:
                await connection.close()

        return asyncio.run(fetch())


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, capsys)


def test_a_result_makes_the_next_version_of_the_record(place: Place) -> None:
    assert place.post("sale=yes", "amount=120") == (0, "call-1: version 2, 17.00 USD\n")
    assert place.post("amount=200") == (0, "call-1: version 3, 25.00 USD\n")
    record = json.loads(place.fetch("SELECT record FROM calls"))
    assert record["results"] == {"sale": True, "amount": {"number": "200"}}
    assert record["rating"]["rating"] == "high"
    assert place.fetch("SELECT amount FROM calls") == 25


def test_what_a_payout_grows_by_is_used_of_the_budget(place: Place) -> None:
    place.post("sale=yes", "amount=120")
    assert place.fetch("SELECT used FROM cap_counts") == 16


def test_a_payout_does_not_grow_beyond_the_budget(place: Place) -> None:
    place.post("sale=yes")
    asyncio.run(_spend(place.dsn))
    assert place.post("amount=300") == (0, "call-1: version 3, 7.00 USD\n")
    record = json.loads(place.fetch("SELECT record FROM calls"))
    assert record["payout"]["rules"][-1] == {"name": "cap budget", "amount": "-28.00"}
    assert place.fetch("SELECT used FROM cap_counts") == 60


async def _spend(dsn: str) -> None:
    """All of the budget but 2.00."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE cap_counts SET used = 58")
    await connection.close()


def test_a_call_that_nobody_knows_is_named(place: Place) -> None:
    assert place.post("sale=yes", call="call-2") == (
        1, "softswitch result: there is no record of the call call-2\n",
    )  # fmt: skip


def test_what_is_no_result_is_refused(place: Place) -> None:
    status, said = place.post("sale")
    assert status == 1
    assert said.startswith('softswitch result: "sale" is no result')
