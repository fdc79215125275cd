"""A call that the switch places is heard, recorded and paid like any other."""

from __future__ import annotations

from pathlib import Path

from tests.support.control import ControlPeer
from tests.support.example_switch import Example
from tests.support.rtp_end import known_signal

CONFIGURATION = """
switch:
  listen: ${SOFTSWITCH_SIP}
  rtp_ports: ${SOFTSWITCH_RTP}
  control: ${SOFTSWITCH_CONTROL}
  data: ${SOFTSWITCH_DATA}
  database: off
  without_synthesiser: chime
trunks:
  carrier: ${SOFTSWITCH_TRUNK}
originate: {to: ["+1602*"]}
campaigns:
  taped:
    treatment: agent
    record: {minimum: 0 s}
    notice: {tone: chime}
    payout: {base: 5.00}
    headers: {X-Order: "{attribute.order}"}
    attributes: {order: caller.state}
treatments:
  agent:
    - connect: +1 602 555 1234
"""
CUSTOMER, AGENT = "+16025557777", "+16025551234"


def test_a_placed_call_is_told_of_the_recording_recorded_and_paid(tmp_path: Path) -> None:
    path = tmp_path / "switch.yaml"
    path.write_text(CONFIGURATION)
    example = Example(tmp_path / "run", path)
    failed = True
    try:
        talk(example)
        record = example.record()
        failed = False
    finally:
        example.close(failed=failed)
    (recording,) = record["recordings"]
    assert recording["sha256"]
    assert recording["seconds"] > 1.0
    assert record["payout"]["amount"] == "5.00"
    # The notice was heard before the agent was called.
    assert record["ivr_seconds"] > 0.3
    assert record["talk_seconds"] >= 1.0
    assert all(leg["mos"] > 3 for leg in record["legs"])


def talk(example: Example) -> None:
    with ControlPeer(("127.0.0.1", example.switch.control_port)) as peer:
        peer.ask(
            "call.originate", campaign="taped", first=CUSTOMER, second=AGENT,
            attributes={"order": "4711"},
        )  # fmt: skip
    first = example.rings(CUSTOMER)
    near = example.takes(first)
    near.wait_for_packets(3, 10.0)
    second = example.rings(AGENT)
    far = example.takes(second)
    for called in (first, second):
        assert called.invite is not None
        assert called.invite.get("x-order") == "4711"
    for end, seed in ((near, 1), (far, 2)):
        end.play(known_signal(1.0, seed=seed))
    near.wait_until_played()
    far.wait_for_packets(20, 10.0)
    first.bye()
    second.expect("BYE", within=10)
