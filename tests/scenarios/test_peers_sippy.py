"""Calls with a peer that is none of ours: sippy, as user agent, registrar and B2BUA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.phone import Phone
from tests.support.program import wait_for
from tests.support.rtp_end import RtpEnd, heard, known_signal
from tests.support.sippy_peer import Sippy, needs_sippy
from tests.support.stage import CALLER, DIRECT, FAILOVER, FIRST, FIXED_ID, SECOND, Stage

pytestmark = needs_sippy
MakeStage = Callable[..., Stage]
MakeSippy = Callable[..., Sippy]


@pytest.fixture
def sippy(tmp_path: Path) -> Iterator[MakeSippy]:
    """Makes peers that run, and ends them."""
    with ExitStack() as made:

        def make(**options: object) -> Sippy:
            new: Callable[..., Sippy] = Sippy
            peer = new(tmp_path / f"sippy{len(list(tmp_path.iterdir()))}", **options)
            made.callback(peer.close)
            return peer.start()

        yield make


def hear_each_other(near: RtpEnd, far: RtpEnd, *, seed: int) -> None:
    """Each hears, octet for octet, what the other says."""
    said = known_signal(0.3, seed=seed)
    for speaker, listener in ((near, far), (far, near)):
        speaker.play(said)
        hears(listener, said)


def hears(end: RtpEnd, said: bytes) -> None:
    wait_for("the sound", lambda: said[480:1600] in heard(end.arrivals))


def directed(end: RtpEnd, direction: str, version: int) -> str:
    return end.sdp(direction=direction, version=version).decode()


# It calls.


def test_sippy_calls_holds_resumes_and_hangs_up(stage: Stage, sippy: MakeSippy) -> None:
    peer, near, far = sippy(), stage.rtp(), stage.rtp()
    call = peer.call(DIRECT, stage.switch.address, sdp=near.sdp().decode(), **{"from": CALLER})
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    far.aim_by(called.invite.body)
    called.respond(180)
    assert peer.expect("ring", id=call, code=180)
    called.respond(200, far.sdp())
    near.aim_by(peer.expect("connect", id=call)["sdp"].encode())
    called.expect("ACK")
    hear_each_other(near, far, seed=1)

    peer.do("update", call, sdp=directed(near, "sendonly", 2))
    assert "a=recvonly" in peer.expect("connect", id=call)["sdp"]
    held = called.expect("INVITE")
    assert b"a=sendonly" in held.body
    called.respond(200, far.sdp(version=2, direction="recvonly"), request=held)
    called.expect("ACK")
    peer.do("update", call, sdp=directed(near, "sendrecv", 3))
    assert "a=sendrecv" in peer.expect("connect", id=call)["sdp"]
    resumed = called.expect("INVITE")
    called.respond(200, far.sdp(version=3), request=resumed)
    called.expect("ACK")
    hear_each_other(near, far, seed=2)

    peer.do("hang_up", call)
    called.expect("BYE")
    assert stage.switch.record()["ended_by"] == "calling"


def test_sippy_is_hung_up_on(stage: Stage, sippy: MakeSippy) -> None:
    peer, near, far = sippy(), stage.rtp(), stage.rtp()
    call = peer.call(DIRECT, stage.switch.address, sdp=near.sdp().decode(), **{"from": CALLER})
    called = stage.callee.expect_call(within=6)
    called.respond(200, far.sdp())
    peer.expect("connect", id=call)
    called.expect("ACK")
    called.bye()
    peer.expect("disconnect", id=call)
    assert stage.switch.record()["ended_by"] == "called"


def test_sippy_gives_up_while_it_rings(stage: Stage, sippy: MakeSippy) -> None:
    peer, near = sippy(), stage.rtp()
    call = peer.call(DIRECT, stage.switch.address, sdp=near.sdp().decode(), **{"from": CALLER})
    called = stage.callee.expect_call(within=6)
    called.respond(180)
    peer.expect("ring", id=call, code=180)
    peer.do("hang_up", call)
    called.expect("CANCEL")
    record = stage.switch.record()
    assert (record["ended_by"], record["answered_at"]) == ("calling", None)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_sippy_shows_the_credentials_that_a_trunk_asks_for(
    make_stage: MakeStage, sippy: MakeSippy, algorithm: str
) -> None:
    """From an address that nobody knows; a wrong password is refused."""
    stage = make_stage(trunk_lines="    inbound_auth: {user: them, password: theirs}\n")
    peer, near = sippy(host="127.0.0.8"), stage.rtp()

    def call(password: str) -> str:
        return peer.call(
            DIRECT, stage.switch.address, sdp=near.sdp().decode(), user="them",
            password=password, algorithm=algorithm, **{"from": CALLER},
        )  # fmt: skip

    assert peer.expect("fail", id=call("guessed"))["code"] == 403
    good = call("theirs")
    called = stage.callee.expect_call(within=6)
    called.respond(486)
    assert peer.expect("fail", id=good)["code"] == 486
    assert stage.switch.record()["legs"][0]["trunk"] == "carrier"


# It is called.


def test_sippy_is_called_holds_and_hangs_up(make_stage: MakeStage, sippy: MakeSippy) -> None:
    peer = sippy()
    stage = make_stage(trunk_port=peer.port)
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    asked = peer.expect("try")
    assert (asked["from"], asked["to"]) == (CALLER, DIRECT)
    far.aim_by(asked["sdp"].encode())
    peer.do("ring", asked["id"])
    calling.expect(180)
    peer.do("answer", asked["id"], sdp=far.sdp().decode())
    near.aim_by(calling.expect(200).body)
    calling.ack()
    hear_each_other(near, far, seed=3)

    peer.do("update", asked["id"], sdp=directed(far, "sendonly", 2))
    assert "a=recvonly" in peer.expect("connect", id=asked["id"])["sdp"]
    held = calling.expect("INVITE")
    calling.respond(200, near.sdp(version=2, direction="recvonly"), request=held)
    calling.expect("ACK")
    peer.do("update", asked["id"], sdp=directed(far, "sendrecv", 3))
    assert "a=sendrecv" in peer.expect("connect", id=asked["id"])["sdp"]
    resumed = calling.expect("INVITE")
    calling.respond(200, near.sdp(version=3), request=resumed)
    calling.expect("ACK")
    hear_each_other(near, far, seed=4)

    peer.do("hang_up", asked["id"])
    calling.expect("BYE")
    assert stage.switch.record()["ended_by"] == "called"


def test_sippy_is_held_and_hung_up_on(make_stage: MakeStage, sippy: MakeSippy) -> None:
    peer = sippy()
    stage = make_stage(trunk_port=peer.port)
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    call = peer.expect("try")["id"]
    peer.do("answer", call, sdp=far.sdp().decode())
    calling.expect(200)
    calling.ack()
    calling.reinvite(near.sdp(version=2, direction="sendonly"))
    calling.expect(200)
    calling.ack()
    assert "a=sendonly" in peer.expect("update", id=call)["sdp"]
    peer.do("answer", call, sdp=directed(far, "recvonly", 2))
    calling.bye()
    peer.expect("disconnect", id=call)
    assert stage.switch.record()["ended_by"] == "calling"


def test_sippy_does_not_answer_and_the_next_is_called(
    make_stage: MakeStage, sippy: MakeSippy
) -> None:
    peer = sippy()
    stage = make_stage(trunk_port=peer.port)
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(FAILOVER, near.sdp())
    first = peer.expect("try", to=FIRST)["id"]
    peer.do("ring", first)
    peer.expect("disconnect", id=first)
    second = peer.expect("try", to=SECOND)["id"]
    peer.do("answer", second, sdp=far.sdp().decode())
    calling.expect(200)
    calling.ack()
    calling.bye()
    peer.expect("disconnect", id=second)
    first_leg = stage.switch.record()["legs"][1]
    assert first_leg["status"] == 408


def test_a_caller_that_gives_up_is_gone_for_sippy(make_stage: MakeStage, sippy: MakeSippy) -> None:
    peer = sippy()
    stage = make_stage(trunk_port=peer.port)
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    call = peer.expect("try")["id"]
    peer.do("ring", call)
    calling.expect(180)
    calling.cancel()
    calling.expect(200, to="CANCEL")
    calling.expect(487)
    peer.expect("disconnect", id=call)
    assert stage.switch.record()["ended_by"] == "calling"


def test_sippy_refuses(make_stage: MakeStage, sippy: MakeSippy) -> None:
    peer = sippy()
    stage = make_stage(trunk_port=peer.port)
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    peer.do("fail", peer.expect("try")["id"], code=486)
    calling.expect(486)
    assert stage.switch.record()["legs"][1]["status"] == 486


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_sippy_has_the_switch_show_credentials(
    make_stage: MakeStage, sippy: MakeSippy, algorithm: str
) -> None:
    peer = sippy(challenged=["INVITE"], algorithm=algorithm)
    login = "    outbound_auth: {user: switch-1, password: secret-1}\n"
    stage = make_stage(trunk_port=peer.port, trunk_lines=login)
    far = stage.rtp()
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    shown = peer.expect("credentials", method="INVITE")
    assert (shown["good"], shown["algorithm"]) == (True, algorithm)
    call = peer.expect("try")["id"]
    peer.do("answer", call, sdp=far.sdp().decode())
    calling.expect(200)
    calling.ack()
    peer.do("hang_up", call)
    calling.expect("BYE")
    assert stage.switch.record()["ended_by"] == "called"


# It is where the switch is registered, and stands between it and a phone.


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_switch_registers_with_sippy_and_takes_its_calls(
    make_stage: MakeStage, sippy: MakeSippy, algorithm: str
) -> None:
    """By its contact, from an address that is no trunk's; the call comes and leaves through the
    B2BUA, so that each re-INVITE and BYE crosses it twice."""
    with ExitStack() as made:
        caller, near = Phone(user=CALLER), RtpEnd()
        callee, far = Phone(user="agent"), RtpEnd()
        for one in (caller, near, callee, far):
            made.callback(one.close)
        peer = sippy(
            challenged=["REGISTER"], algorithm=algorithm, bridge=True,
            phone=(callee.host, callee.port), caller=CALLER,
        )  # fmt: skip
        caller.server = (peer.host, peer.port)
        lines = "    outbound_auth: {user: switch-1, password: secret-1}\n    register: true\n"
        stage = make_stage(trunk_port=peer.port, trunk_lines=lines)
        assert peer.expect("credentials", method="REGISTER")["good"]
        assert peer.expect("registered")["user"] == "switch-1"
        calling = caller.invite(FIXED_ID, near.sdp())
        called = callee.expect_call(within=6)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(180)
        called.respond(200, far.sdp())
        near.aim_by(calling.expect(200).body)
        calling.ack()
        called.expect("ACK")
        hear_each_other(near, far, seed=5)

        calling.reinvite(near.sdp(version=2, direction="sendonly"))
        assert b"a=recvonly" in calling.expect(200).body
        calling.ack()
        held = called.expect("INVITE")
        assert b"a=sendonly" in held.body
        called.respond(200, far.sdp(version=2, direction="recvonly"), request=held)
        called.expect("ACK")
        calling.bye()
        called.expect("BYE")
        assert stage.switch.record()["ended_by"] == "calling"
        stage.switch.terminate()
        assert peer.expect("registered", seconds=0)["user"] == "switch-1"
        assert stage.switch.wait_for_exit() == 0
