"""A real call, explained from its record and summed up in a report: nothing in it is made up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.phone import Call, Phone
from tests.support.program import ROOT, Switch, command, wait_for
from tests.support.rtp_end import RtpEnd

CONFIGURATION = """\
switch:
  listen: ${SOFTSWITCH_SIP}
  rtp_ports: ${SOFTSWITCH_RTP}
  control: ${SOFTSWITCH_CONTROL}
  data: ${SOFTSWITCH_DATA}
  database: ${SOFTSWITCH_DATABASE}
  without_synthesiser: chime
trunks: {carrier: "${SOFTSWITCH_TRUNK}"}
hours: {office: always}
regions: {west: {area_codes: [602, 480]}}
numbers:
  866 683 1950: {campaign: fans, publisher: p1, parameters: {keyword: cribs}}
campaigns:
  fans:
    treatment: sales
    hours: office
    regions: [west]
    attributes: {level: "10 + 5"}
    rating:
      - {when: key = "1" and binding.keyword = "cribs", rate: high}
      - {when: caller.private, rate: 20}
      - low
    payout:
      base:
        - {name: for-high, when: rating = "high", amount: 5.00}
        - {name: for-others, amount: 1.00}
      bonuses:
        - {name: by-talk, when: talk_seconds > 100 ms, amount: 0.10 + talk_seconds * 0.001}
      repeat: {within: 30 days, amount: 0.25}
      maximum: 20.00
    conversion: duration("answer", "either") > 100 ms
treatments:
  sales:
    - condition: {if: attribute.level < 10, then: [hang_up]}
    - name: which
      menu:
        prompt: Press 1.
        choices:
          1:
            - set: {wanted: 'lower("CRIBS")'}
            - condition:
                if: var.wanted = binding.keyword and open("office")
                then:
                  - connect:
                      choose: price
                      to:
                        - {number: 602 555 1111, price: 1.50}
                        - {number: 602 555 2222, price: 2.50}
"""


class Ran:
    """A switch with a database, and two phones."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.file = folder / "switch.yaml"
        self.file.write_text(CONFIGURATION)
        self.callee = Phone(user="agent")
        trunk = f"127.0.0.1:{self.callee.port}"
        self.switch = Switch(
            folder, self.file, trunk=trunk, environment={"SOFTSWITCH_DATABASE": dsn}
        )
        self.switch.start()
        self.caller = Phone(self.switch.address, user="+16025550100")

    def call(self) -> Call:
        """A call that reaches an agent and is hung up by its caller; the agent's side of it."""
        near, far = RtpEnd(), RtpEnd()
        calling = self.caller.invite("+18666831950", near.sdp())
        near.aim_by(calling.expect(200).body)
        calling.ack()
        near.wait_for_packets(10)
        near.press("1")
        called = self.callee.expect_call(within=10)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp())
        called.expect("ACK")
        far.wait_for_packets(20)
        calling.bye()
        called.expect("BYE")
        for end in (near, far):
            end.close()
        return called

    def softswitch(self, *arguments: str, status: int = 0) -> Any:
        """What a command says, as JSON."""
        done = subprocess.run(
            command(*arguments), cwd=ROOT, env=self.switch.environment, capture_output=True,
            text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def report(self, *options: str) -> Any:
        """A report, as JSON."""
        return self.softswitch("report", "-c", str(self.file), "--format", "json", *options)


@pytest.fixture
def ran(tmp_path: Path, dsn: str) -> Iterator[Ran]:
    made = Ran(tmp_path, dsn)
    yield made
    for phone in (made.caller, made.callee):
        phone.close()
    made.switch.stop()


def test_a_call_is_explained_and_reported(ran: Ran) -> None:
    called = ran.call()
    assert called.invite is not None
    assert "6025552222" in called.invite.uri
    record = ran.switch.record()
    found = ran.softswitch("explain", record["call_id"], "-c", str(ran.file), "--json")
    assert found["problems"] == []
    assert found["remarks"] == []
    states = {one["state"] for one in found["decisions"]}
    assert states <= {"same", "noted"}
    abouts = {one["about"] for one in found["decisions"] if one["state"] == "same"}
    assert abouts >= {"condition", "rating", "payout", "conversion"}
    assert [one["policy"] for one in found["destinations"]] == ["price"]
    assert record["rating"]["rating"] == "high"
    assert [rule["name"] for rule in record["payout"]["rules"]] == ["for-high", "by-talk"]

    wait_for("the call is in the database", lambda: ran.report()["total"]["calls"] == 1, within=10)
    (row,) = ran.report("--by", "parameter", "keyword", "--by", "publisher")["rows"]
    assert row["keys"] == ["cribs", "p1"]
    assert (row["bridged"], row["conversions"], row["high"]) == (1, 1, 1)
    assert row["payout"] == {"USD": record["payout"]["amount"]}


def test_a_repeat_caller_is_explained_and_a_changed_record_found_out(
    ran: Ran, tmp_path: Path
) -> None:
    ran.call()
    wait_for("the first call is known", lambda: ran.report()["total"]["calls"] == 1, within=10)
    ran.call()
    record = ran.switch.wait_for_records(2)[-1]
    assert record["payout"]["amount"] == "0.25"
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record))
    asked = ("explain", "--record", str(file), "-c", str(ran.file), "--json")
    assert ran.softswitch(*asked)["problems"] == []
    file.write_text(json.dumps(record).replace('"0.25"', '"5.00"'))
    assert ran.softswitch(*asked, status=1)["agrees"] is False
