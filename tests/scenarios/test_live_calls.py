"""Calls altered while they go on, by the real program with sound; buyers paused, logs changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.phone import Call
from tests.support.program import wait_for
from tests.support.rtp_end import RtpEnd, discontinuities, heard, known_signal
from tests.support.stage import FAILOVER, FIRST, SECOND, Bridge, Stage

MakeStage = Callable[..., Stage]
SECONDS = 1.0


@pytest.fixture
def peer(stage: Stage) -> Iterator[ControlPeer]:
    with peer_of(stage) as connected:
        yield connected


def peer_of(stage: Stage) -> ControlPeer:
    return ControlPeer(("127.0.0.1", stage.switch.control_port))


def bridged(stage: Stage, peer: ControlPeer) -> tuple[Bridge, str]:
    """A bridged call with sound both ways, and its id."""
    bridge = stage.bridge()
    for end in (bridge.near, bridge.far):
        end.wait_for_packets(10)
    (line,) = peer.ask("call.list")["calls"]
    return bridge, line["call"]


def answer(call: Call, end: RtpEnd, version: int, direction: str = "sendrecv") -> str:
    """Answer a re-INVITE; the direction that it offers."""
    offer = call.expect("INVITE")
    call.respond(200, end.sdp(version=version, direction=direction), request=offer)
    call.expect("ACK")
    text = offer.body.decode()
    return next((one for one in ("sendonly", "inactive") if f"a={one}" in text), "sendrecv")


def crossing(bridge: Bridge, seed: int) -> tuple[bool, bool]:
    """Whether the agent hears the caller, and the caller the agent, sample for sample."""
    signals = known_signal(SECONDS, seed=seed), known_signal(SECONDS, seed=seed + 1)
    bridge.near.play(signals[0])
    bridge.far.play(signals[1])
    bridge.near.wait_until_played()
    bridge.far.wait_until_played()
    # Who hears nobody may get no packets; what was on its way is there when either gets more.
    near, far = len(bridge.near.arrivals) + 5, len(bridge.far.arrivals) + 5
    wait_for(
        "sound",
        lambda: len(bridge.near.arrivals) >= near or len(bridge.far.arrivals) >= far,
    )
    return signals[0] in heard(bridge.far.arrivals), signals[1] in heard(bridge.near.arrivals)


@pytest.mark.parametrize("leg", ["a", "b1"])
def test_who_is_on_hold_hears_music_alone_and_comes_back(
    stage: Stage, peer: ControlPeer, leg: str
) -> None:
    bridge, call = bridged(stage, peer)
    dialog, end = (bridge.calling, bridge.near) if leg == "a" else (bridge.called, bridge.far)
    assert crossing(bridge, 1) == (True, True)
    peer.ask("call.hold", call=call, leg=leg, tone="ringback")
    assert answer(dialog, end, 2, "recvonly") == "sendonly"
    count = len(end.arrivals)
    assert crossing(bridge, 11) == (False, False)
    music = heard(end.arrivals[count:])
    assert len(set(music)) > 20, "a tone, not silence"
    peer.ask("call.unhold", call=call, leg=leg)
    assert answer(dialog, end, 3) == "sendrecv"
    assert crossing(bridge, 21) == (True, True)
    # One stream, whoever speaks: no other source, no gap in its numbers, however late it comes.
    assert len({arrival.ssrc for arrival in end.arrivals}) == 1
    assert discontinuities(end.arrivals, slack=5.0) == []
    bridge.hang_up()
    assert stage.switch.record()["ended_by"] == "calling"


def test_hold_without_a_sound_is_inactive(stage: Stage, peer: ControlPeer) -> None:
    bridge, call = bridged(stage, peer)
    peer.ask("call.hold", call=call, leg="b1")
    assert answer(bridge.called, bridge.far, 2, "inactive") == "inactive"
    wait_for("silence", lambda: quiet(bridge.far))
    peer.ask("call.unhold", call=call, leg="b1")
    assert answer(bridge.called, bridge.far, 3) == "sendrecv"
    assert crossing(bridge, 1) == (True, True)
    bridge.hang_up()


def quiet(end: RtpEnd) -> bool:
    """Whether no packet comes for a moment."""
    before = len(end.arrivals)
    time.sleep(0.2)
    return len(end.arrivals) == before


def test_a_phone_that_refuses_the_hold_is_held_all_the_same(
    stage: Stage, peer: ControlPeer
) -> None:
    bridge, call = bridged(stage, peer)
    peer.ask("call.hold", call=call, leg="a", tone="ringback")
    offer = bridge.calling.expect("INVITE")
    bridge.calling.respond(488, request=offer)
    bridge.calling.expect("ACK")
    assert crossing(bridge, 1) == (False, False)
    peer.ask("call.unhold", call=call, leg="a")
    assert answer(bridge.calling, bridge.near, 3) == "sendrecv"
    assert crossing(bridge, 11) == (True, True)
    bridge.hang_up()


@pytest.mark.parametrize("who", ["held", "other", "peer", "controller"])
def test_a_call_on_hold_ends_as_any_other(stage: Stage, peer: ControlPeer, who: str) -> None:
    bridge, call = bridged(stage, peer)
    peer.ask("call.hold", call=call, leg="a", tone="ringback")
    answer(bridge.calling, bridge.near, 2, "recvonly")
    if who == "held":
        bridge.calling.bye()
        bridge.called.expect("BYE")
    elif who == "other":
        bridge.called.bye()
        bridge.calling.expect("BYE")
    else:
        with peer_of(stage) as other:
            (other if who == "peer" else peer).ask("call.hangup", call=call)
        bridge.calling.expect("BYE")
        bridge.called.expect("BYE")
    record = stage.switch.record()
    assert record["ended_by"] == {"held": "calling", "other": "called"}.get(who, "switch")


# Recording.


def test_a_recording_begun_by_hand_survives_a_crash(make_stage: MakeStage) -> None:
    stage = make_stage()
    with peer_of(stage) as peer:
        bridge, call = bridged(stage, peer)
        path = peer.ask("call.record.start", call=call)["path"]
        # The writer lays sound about once a second, beside the file's name until it is whole.
        part = stage.switch.data / f"{path}.part"
        wait_for("sound on disk", lambda: part.exists() and part.stat().st_size > 4000)
    stage.switch.kill()
    stage.switch.start()
    (record,) = stage.switch.wait_for_records(1)
    assert record["ended_by"] == "crash"
    assert [one["path"] for one in record["recordings"]] == [path]
    assert (stage.switch.data / path).exists()
    assert bridge.near.malformed == 0


# Pauses, logs, tokens.


def numbers_called(stage: Stage) -> list[str]:
    """Whom a call to FAILOVER reaches, one after the other."""
    near = stage.rtp()
    calling = stage.caller.invite(FAILOVER, near.sdp())
    called = stage.callee.expect_call(within=6)
    called.respond(486)
    called.expect("ACK")
    calling.expect(486, within=6)
    calling.ack()
    record = stage.switch.record()
    return [leg["to"] for leg in record["legs"][1:]]


def test_a_paused_buyer_stays_paused_over_a_crash(make_stage: MakeStage) -> None:
    stage = make_stage()
    with peer_of(stage) as peer:
        peer.ask("cap.pause", destination=FIRST, why="holiday")
    stage.switch.kill()
    stage.switch.start()
    with peer_of(stage) as peer:
        (paused,) = peer.ask("cap.list")["paused"]
        assert (paused["destination"], paused["why"]) == (FIRST, "holiday")
        assert numbers_called(stage) == [SECOND]
        peer.ask("cap.resume", destination=FIRST)
    stage.switch.kill()
    stage.switch.start()
    with peer_of(stage) as peer:
        assert peer.ask("cap.list")["paused"] == []


def test_what_is_logged_is_changed_live(make_stage: MakeStage) -> None:
    stage = make_stage()
    with peer_of(stage) as peer:
        assert peer.ask("log.level", level="error")["events"] == "error"
        stage.bridge().hang_up()
        stage.switch.wait_for_records(1)
        peer.ask("log.level", level="default")
        stage.bridge().hang_up()
        records = stage.switch.wait_for_records(2)
    wait_for("lines", lambda: f"call.ended call={records[1]['call_id']}" in stage.switch.output())
    assert records[0]["call_id"] not in stage.switch.output()


SECRET = "s3cret-s3cret-s3cret"


def test_who_guesses_tokens_is_not_listened_to(make_stage: MakeStage) -> None:
    tokens = f"{{crm: {{secret: {SECRET}, roles: control}}}}"
    stage = make_stage(sections=f"control: {{tokens: {tokens}}}\n")
    with peer_of(stage) as crm:
        crm.ask("auth", token=SECRET)
        reasons = []
        for number in range(11):
            with peer_of(stage) as guessing, pytest.raises(Refused) as refused:
                guessing.ask("auth", token=f"guess-guess-guess-{number}")
            reasons.append(refused.value.reason)
        assert reasons == ["not_authenticated"] * 10 + ["too_many_requests"]
        with peer_of(stage) as late, pytest.raises(Refused) as refused:
            late.ask("auth", token=SECRET)
        assert refused.value.data["retry_after"] <= 60
        assert crm.ask("ping")["clock"] > 0, "who is known stays"
    with ControlPeer(stage.switch.data / "control.sock") as unix:
        assert unix.ask("status")["calls"] == 0
