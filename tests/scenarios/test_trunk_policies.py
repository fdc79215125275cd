"""The example of docs/trunk-policies.md: two carriers that want the same call said differently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.configurations import loaded
from tests.support.example_switch import Example
from tests.support.phone import Call, Phone
from tests.support.program import wait_for

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "trunk-policies.md"
CALLED = "9011%238666831970"
DIVERTED = [
    ("Diversion", "<sip:+16025550177@127.0.0.1>;reason=no-answer"),
    ("X-Acme-One", "1"),
    ("X-Acme-Internal", "2"),
    ("X-Other", "3"),
]


@pytest.fixture
def abroad() -> Iterator[Phone]:
    phone = Phone(user="abroad")
    yield phone
    phone.close()


@pytest.fixture
def example(tmp_path: Path, abroad: Phone, request: pytest.FixtureRequest) -> Iterator[Example]:
    made = Example(
        tmp_path / "run",
        ROOT / "config" / "examples" / "carriers.yaml",
        SOFTSWITCH_BACKUP_TRUNK=f"127.0.0.1:{abroad.port}",
    )
    failures = request.session.testsfailed
    yield made
    made.close(failed=request.session.testsfailed > failures)


def at_the_carrier(example: Example) -> tuple[Call, Call]:
    near = example.rtp()
    calling = example.caller.invite(CALLED, near.sdp(), DIVERTED)
    called = example.callee.expect_call(within=10)
    return calling, called


def test_each_configuration_of_the_page_loads() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 4
    for text in blocks:
        rest = "numbers: {100: {campaign: x, as_is: true}}\n" + (
            "campaigns: {x: {treatment: t, trunk: carrier}}\ntreatments: {t: [connect: called]}\n"
        )
        assert loaded(text + rest).trunks


def test_a_call_goes_on_from_one_carrier_to_the_other_as_each_wants_it(
    example: Example, abroad: Phone
) -> None:
    calling, called = at_the_carrier(example)
    invite = called.invite
    assert invite is not None
    assert invite.uri.startswith("sip:9011%236025551234@")
    assert "<sip:16025550100@" in invite.get("from")
    assert "<sip:16025550100@" in invite.get("p-asserted-identity")
    assert invite.get("x-account") == "42-service-line"
    assert invite.get("x-acme-one") == "1"
    for name in ("x-acme-internal", "x-other", "diversion", "history-info"):
        assert invite.all(name) == []
    called.respond(486)  # which is no reason to stop here

    second = abroad.expect_call(within=10)
    invite = second.invite
    assert invite is not None
    assert invite.uri == "tel:+4930123456"
    assert "<sip:0016025550100@" in invite.get("from")
    diversions = invite.all("diversion")
    assert diversions[0].startswith("<sip:0018666831970@")
    assert diversions[1].startswith("<sip:0016025550177@")
    assert len(invite.all("history-info")) == 2
    assert invite.all("x-acme-one") == []
    far = example.rtp()
    far.aim_by(invite.body)
    second.respond(200, far.sdp())
    second.expect("ACK")
    calling.expect(200, within=10)
    calling.ack()
    calling.bye()
    second.expect("BYE")

    record = example.record()
    assert record["number"] == "+18666831970"
    assert record["called"] == "8666831970"
    assert record["signalling"]["dialled"] == "9011#8666831970"
    assert [leg["to"] for leg in record["legs"]] == ["8666831970", "+16025551234", "+4930123456"]
    assert {leg["from"] for leg in record["legs"]} == {"+16025550100"}


@pytest.mark.parametrize(("status", "headers"), [(404, []), (480, [("Reason", "Q.850;cause=28")])])
def test_a_call_stops_where_the_carrier_knows_better(
    example: Example, abroad: Phone, status: int, headers: list[tuple[str, str]]
) -> None:
    calling, called = at_the_carrier(example)
    called.respond(status, headers=headers)
    calling.expect(status, within=10)
    wait_for("its record", lambda: len(example.switch.records()) == 1, within=10)
    assert len(example.record()["legs"]) == 2
    with pytest.raises(AssertionError, match="no INVITE"):
        abroad.expect_call(within=0.2)


def test_a_number_without_the_contracts_prefix_is_looked_up_as_it_is(example: Example) -> None:
    near = example.rtp()
    calling = example.caller.invite("8666831970", near.sdp())
    example.callee.expect_call(within=10).respond(404)
    calling.expect(404, within=10)
    calling = example.caller.invite("90118666831970", near.sdp())
    calling.expect(404, within=10)
    wait_for("one record", lambda: len(example.switch.records()) == 1, within=10)
