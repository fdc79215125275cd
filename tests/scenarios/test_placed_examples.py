"""The example of calls that the switch places: an agent who dials in, a customer who asks for a
call, each as its reader would try it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.control import ControlPeer
from tests.support.example_switch import Example, chimed, header
from tests.support.rtp_end import RtpEnd

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "examples" / "click-to-call.yaml"
DESK = "+18666831980"
SHOWN = "+18666831981"
CUSTOMER = "+16025557777"
AGENT = "+16025551234"


@pytest.fixture
def switch(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Example]:
    failed_before = request.session.testsfailed
    path = tmp_path / "example.yaml"
    path.write_text(chimed(EXAMPLE.read_text()))
    made = Example(tmp_path / "run", path)
    yield made
    made.close(failed=request.session.testsfailed > failed_before)


def key(end: RtpEnd, keys: str) -> None:
    """Press keys when something is heard."""
    end.wait_for_packets(3, 10.0)
    end.press(keys)


def test_an_agent_dials_in_and_keys_a_customers_number(switch: Example) -> None:
    calling, near = switch.answered(DESK)
    key(near, "4802225555#")
    key(near, "6025557777#")
    called = switch.rings(CUSTOMER)
    assert SHOWN in (header(called, "From") or "")
    switch.takes(called)
    near.wait_for_packets(3, 10.0)
    called.bye()
    key(near, "1")
    calling.expect("BYE", within=10)
    record = switch.record()
    assert record["answers"] == {"customer": CUSTOMER, "disposition": "1"}
    assert record["publisher"] == "desk"
    assert (record["direction"], record["number"]) == ("inbound", DESK)
    assert [one["to"] for one in record["legs"]][1:] == [CUSTOMER]


def test_only_agents_may_dial_in(switch: Example) -> None:
    calling, _ = switch.call(DESK, user="+16025559999")
    calling.expect(603)


def test_a_customer_is_called_and_the_agent_says_what_came_of_it(switch: Example) -> None:
    with ControlPeer(("127.0.0.1", switch.switch.control_port)) as peer:
        peer.ask("call.originate", campaign="web-callback", first=CUSTOMER, treatment="callback")
    customer = switch.rings(CUSTOMER)
    assert SHOWN in (header(customer, "From") or "")
    switch.takes(customer)
    agent = switch.rings(AGENT)
    far = switch.takes(agent)
    key(far, "1")
    far.wait_for_packets(3, 10.0)
    customer.bye()
    key(far, "2")
    agent.expect("BYE", within=10)
    record = switch.record()
    assert record["answers"] == {"outcome": "2"}
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
    assert record["direction"] == "outbound"
