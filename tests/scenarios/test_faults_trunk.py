"""Trunks die, names are not known any more: calls go on or elsewhere, and records stand.

What is promised for it stands in docs/failures.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.control import ControlPeer
from tests.support.name_server import NameServer
from tests.support.phone import Phone
from tests.support.program import Switch, leg, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.stage import CALLER, DIRECT, TWO_TRUNKS, Stage, configuration

MakeStage = Callable[..., Stage]


def test_a_called_trunk_that_is_gone_leaves_the_caller_free_to_hang_up(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    bridge = stage.bridge()
    bridge.near.wait_for_packets(10)
    stage.callee.close()
    bridge.far.close()
    bridge.calling.bye()
    record = stage.switch.record(within=10)
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
    assert leg(record, "called")["answered_at"]
    # The switch can stop, though its BYE is never answered.
    stage.switch.terminate()
    assert stage.switch.wait_for_exit() == 0


def test_a_call_whose_trunk_has_died_ends_when_nothing_is_heard_of_it_any_more(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(settings={"no_media_time": "5 s"})
    bridge = stage.bridge()
    bridge.near.wait_for_packets(10)
    # Far end and caller are behind one link that is cut.
    bridge.far.sending = bridge.near.sending = False
    stage.callee.close()
    bridge.calling.expect("BYE", within=20)
    record = stage.switch.record(within=10)
    assert (record["ended_by"], record["cause"]) == ("switch", "no_media")


def test_a_party_that_knows_its_call_no_more_is_noticed_while_the_other_talks_on(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(trunk_lines="    silence_check: 5 s\n")
    stage.callee.automatic.discard("OPTIONS")
    bridge = stage.bridge()
    bridge.near.wait_for_packets(10)
    bridge.far.sending = False
    question = bridge.called.expect("OPTIONS", within=30)
    bridge.called.respond(481, request=question)
    bye = bridge.calling.expect("BYE", within=10)
    assert "cause=41" in bye.get("reason")
    record = stage.switch.record(within=10)
    assert (record["ended_by"], record["cause"]) == ("switch", "leg_lost")
    wait_for("the line", lambda: "leg_lost: leg b1: no-such-dialog" in stage.switch.output())
    # Its own BYE goes all the same, and may be answered as the question was.
    bridge.called.expect("BYE", within=10)


def test_a_held_call_whose_caller_is_gone_ends(make_stage: MakeStage) -> None:
    stage = make_stage(trunk_lines="    silence_check: 5 s\n")
    stage.caller.automatic.discard("OPTIONS")
    bridge = stage.bridge()
    bridge.calling.reinvite(bridge.near.sdp(direction="inactive", version=2))
    bridge.calling.expect(200)
    bridge.calling.ack()
    held = bridge.called.expect("INVITE")
    bridge.called.respond(200, bridge.far.sdp(direction="inactive"), request=held)
    bridge.called.expect("ACK")
    bridge.near.sending = bridge.far.sending = False
    question = bridge.calling.expect("OPTIONS", within=30)
    bridge.calling.respond(481, request=question)
    # The other one is silent too, and was asked with it.
    bridge.called.expect("OPTIONS", within=10)
    bridge.called.expect("BYE", within=10)
    record = stage.switch.record(within=10)
    assert (record["ended_by"], record["cause"]) == ("switch", "leg_lost")


@pytest.mark.full
@pytest.mark.timeout(200)
def test_a_call_whose_trunk_answers_no_refresh_any_more_ends(make_stage: MakeStage) -> None:
    """At two thirds of its session at latest, RFC 4028 section 10."""
    with closing(Phone(user="agent")) as agent:
        stage = make_stage(
            trunk_port=agent.port, trunk_lines="    session_expires: 90 s\n", rtp_count=20
        )
        near, far = stage.rtp(), stage.rtp()
        calling = stage.caller.invite(DIRECT, near.sdp())
        called = agent.expect_call()
        session = [("Session-Expires", "90;refresher=uac"), ("Require", "timer")]
        called.respond(200, far.sdp(), session)
        answer = calling.expect(200)
        calling.ack()
        near.aim_by(answer.body)
        called.expect("ACK")
        agent.close()
        calling.expect("BYE", within=100)
    record = stage.switch.record(within=10)
    assert (record["ended_by"], record["cause"]) == ("switch", "leg_lost")


def test_a_trunk_that_died_is_passed_over_and_found_again(make_stage: MakeStage) -> None:
    with closing(Phone(user="second")) as second:
        probing = "    probe: {every: 1 s, misses: 2}\n"
        stage = make_stage(second_trunk_port=second.port, trunk_lines=probing)
        bridge = stage.bridge()
        bridge.near.wait_for_packets(10)
        port = stage.callee.port
        stage.callee.close()
        wait_for("down", lambda: "trunk.down" in stage.switch.output(), within=20)
        began = time.monotonic()
        calling = stage.caller.invite(TWO_TRUNKS)
        called = second.expect_call()
        assert time.monotonic() - began < 2.0
        calling.cancel()
        called.expect("CANCEL")
        # The call that was there is heard on.
        bridge.near.wait_for_packets(len(bridge.near.arrivals) + 25, within=10)
        with closing(Phone(user="agent", port=port)) as back:
            wait_for("up", lambda: "trunk.up" in stage.switch.output(), within=20)
            again = stage.caller.invite(DIRECT)
            rung = back.expect_call()
            again.cancel()
            rung.expect("CANCEL")
            bridge.calling.bye()
        stage.switch.wait_for_records(3, within=10)


def test_a_connection_that_breaks_in_the_middle_of_a_call_is_made_again_for_its_end(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(transport="tcp")
    bridge = stage.bridge()
    bridge.near.wait_for_packets(10)
    for phone in (stage.callee, stage.caller):
        phone.drop_connections()
    bridge.near.wait_for_packets(len(bridge.near.arrivals) + 25, within=10)
    bridge.calling.bye()
    bridge.called.expect("BYE", within=10)
    assert stage.switch.record(within=10)["ended_by"] == "calling"


@pytest.mark.parametrize("fault", ["silent", "broken"])
def test_calls_go_on_to_the_servers_that_were_known_while_the_name_service_is_away(
    tmp_path: Path, fault: str
) -> None:
    with ExitStack() as made:
        names = made.enter_context(NameServer())
        carrier = made.enter_context(closing(Phone(user="agent")))
        near, far = (made.enter_context(closing(RtpEnd())) for _ in range(2))
        names.seconds = 1
        names.srv("_sip._udp.carrier.test", (1, 0, carrier.port, "localhost"))
        file = tmp_path / "switch.yaml"
        servers = f"[127.0.0.1:{names.port}]"
        file.write_text(
            configuration(switch={"name_servers": servers}, trunk="    sources: [127.0.0.1]\n")
        )
        switch = Switch(tmp_path / "run", file, trunk="carrier.test").start()
        made.callback(switch.stop)
        with closing(_control(switch)) as peer:
            wait_for(
                "its servers to be known",
                lambda: bool(peer.ask("trunk.list")["trunks"][0]["servers"]),
                within=20,
            )
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        calling = caller.invite(DIRECT, near.sdp())
        called = carrier.expect_call(within=10)
        called.respond(200, far.sdp())
        answer = calling.expect(200)
        calling.ack()
        called.expect("ACK")
        near.aim_by(answer.body)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        setattr(names, fault, True)
        asked = len(names.asked)
        with closing(_control(switch)) as peer:
            peer.ask("config.reload")
        near.wait_for_packets(25, within=10)
        began = time.monotonic()
        second = caller.invite(DIRECT, near.sdp())
        rung = carrier.expect_call(within=10)
        assert time.monotonic() - began < 2.0
        second.cancel()
        rung.expect("CANCEL")
        calling.bye()
        called.expect("BYE")
        switch.wait_for_records(2, within=10)
        assert len(names.asked) >= asked


def _control(switch: Switch) -> ControlPeer:
    return ControlPeer(("127.0.0.1", switch.control_port))
