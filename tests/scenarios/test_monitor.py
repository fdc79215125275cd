"""Supervisors and conferences on the real program: a tone of its own in each mouth, and which of
them come out at each ear."""

from __future__ import annotations

import math
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from media import g711
from tests.support.control import ControlPeer, Refused
from tests.support.phone import Call
from tests.support.rtp_end import DIGITS, PCMA, PCMU, RtpEnd, digits_heard, discontinuities, heard
from tests.support.stage import ANSWERED_FIRST, CONFERENCE, DIRECT, STEERED, Bridge, Stage

MakeStage = Callable[..., Stage]

CALLER_TONE, AGENT_TONE, SUPERVISOR_TONE = 500, 800, 1200
TONES = (CALLER_TONE, AGENT_TONE, SUPERVISOR_TONE)
LEVEL = 4000
KINDS = ["call.*", "leg.*", "monitor.*", "conference.*", "recording.*"]
SOUND_SECONDS = 30.0
WINDOW = 3200
"""Samples over which an ear is measured: 400 ms, in which each tone has whole periods."""

NEEDED = 0.1
"""Of the power a tone was sent with: far above what mu-law and a lost packet leave of another."""


def tone(hertz: int, codec: g711.Law) -> bytes:
    at = np.arange(int(SOUND_SECONDS * 8000)) / 8000
    return g711.encode((LEVEL * np.sin(2 * math.pi * hertz * at)).astype(np.int16), codec)


def speak(end: RtpEnd, hertz: int) -> None:
    """Have an end say its tone from now on."""
    end.play(tone(hertz, "PCMU" if end.payload_type == PCMU else "PCMA"))


def tones_at(end: RtpEnd) -> set[int]:
    """Which tones come out at an end now."""
    start = len(end.arrivals)
    end.wait_for_packets(WINDOW // 160 + 5, within=8)
    law: g711.Law = "PCMA" if end.payload_type == PCMA else "PCMU"
    return tones_in(g711.decode(heard(end.arrivals[start:])[-WINDOW:], law))


def tones_in(sound: NDArray[np.int16]) -> set[int]:
    """Which tones are in a stretch of sound."""
    samples = sound.astype(float)
    at = np.arange(len(samples)) / 8000
    found = set()
    for hertz in TONES:
        turning = np.exp(-2j * math.pi * hertz * at)
        if abs(np.dot(samples, turning)) * 2 / len(samples) > NEEDED**0.5 * LEVEL:
            found.add(hertz)
    return found


def hears(end: RtpEnd, *tones: int, within: float = 6.0) -> None:
    """Wait until an end hears these tones and no others."""
    deadline = time.monotonic() + within
    while (there := tones_at(end)) != set(tones):
        assert time.monotonic() < deadline, f"{sorted(there)} Hz, not {sorted(tones)}"


@dataclass
class Scene:
    """A bridged call and a supervisor, each saying its tone."""

    stage: Stage
    peer: ControlPeer
    talk: Bridge
    call: str
    supervisor: Call
    own: str
    ear: RtpEnd

    def ask(self, mode: str, **params: object) -> str:
        asked = {"call": self.call, "supervisor": self.own, **params}
        answer = self.peer.ask(f"monitor.{mode}", **asked)
        assert answer["mode"] == mode
        monitor: str = answer["monitor"]
        return monitor


@contextmanager
def control(stage: Stage) -> Iterator[ControlPeer]:
    with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
        peer.ask("events.subscribe", kinds=KINDS)
        yield peer


def answered(stage: Stage, peer: ControlPeer) -> tuple[Call, str, RtpEnd]:
    """A further caller, answered, for whom an agent is being called."""
    end = stage.rtp()
    calling = stage.phone().invite(ANSWERED_FIRST, end.sdp((PCMU, DIGITS)))
    own = peer.event("call.presented")["call"]
    answer = calling.expect(200, within=8)
    calling.ack()
    end.aim_by(answer.body)
    return calling, own, end


@contextmanager
def scene(stage: Stage, *, caller_codec: int = PCMU, callee_codec: int = PCMU) -> Iterator[Scene]:
    with control(stage) as peer:
        talk = stage.bridge(DIRECT, caller_codec=caller_codec, callee_codec=callee_codec)
        call = peer.event("call.presented")["call"]
        calling, own, ear = answered(stage, peer)
        stage.callee.expect_call(within=8)
        speak(talk.near, CALLER_TONE)
        speak(talk.far, AGENT_TONE)
        speak(ear, SUPERVISOR_TONE)
        yield Scene(stage, peer, talk, call, calling, own, ear)


def nobody_notices(there: Scene) -> None:
    hears(there.talk.near, AGENT_TONE)
    hears(there.talk.far, CALLER_TONE)


def test_a_supervisor_listens_whispers_and_barges_in(stage: Stage) -> None:
    with scene(stage) as there:
        near, far, ear = there.talk.near, there.talk.far, there.ear
        monitor = there.ask("listen")
        hears(ear, CALLER_TONE, AGENT_TONE)
        nobody_notices(there)
        assert there.ask("whisper") == monitor
        hears(far, CALLER_TONE, SUPERVISOR_TONE)
        hears(near, AGENT_TONE)
        hears(ear, CALLER_TONE, AGENT_TONE)
        assert there.ask("barge") == monitor
        hears(near, AGENT_TONE, SUPERVISOR_TONE)
        hears(far, CALLER_TONE, SUPERVISOR_TONE)
        hears(ear, CALLER_TONE, AGENT_TONE)
        there.ask("listen")
        nobody_notices(there)
        there.peer.ask("monitor.stop", monitor=monitor)
        there.supervisor.expect("BYE")
        nobody_notices(there)
        for end in (near, far, ear):
            assert discontinuities(end.arrivals, slack=0.5) == []
        there.talk.hang_up()
        for record in stage.switch.wait_for_records(2):
            if record["call_id"] == there.own:
                assert (record["ended_by"], record["cause"]) == ("switch", "monitor_stopped")


def test_other_codecs_and_threads_are_heard_as_well(make_stage: MakeStage) -> None:
    stage = make_stage(settings={"engine_threads": "2"})
    with scene(stage, caller_codec=PCMA, callee_codec=PCMU) as there:
        there.ask("barge")
        hears(there.talk.near, AGENT_TONE, SUPERVISOR_TONE)
        hears(there.talk.far, CALLER_TONE, SUPERVISOR_TONE)
        hears(there.ear, CALLER_TONE, AGENT_TONE)
        there.talk.hang_up()
        there.supervisor.expect("BYE")


def test_a_supervisors_call_ends_with_the_call_it_hears(stage: Stage) -> None:
    with scene(stage) as there:
        there.ask("whisper")
        hears(there.ear, CALLER_TONE, AGENT_TONE)
        there.talk.hang_up()
        there.supervisor.expect("BYE")
        told = there.peer.event("monitor.ended")
        assert told["facts"]["why"] == "call_ended"
        assert there.peer.ask("monitor.list")["total"] == 0


def test_a_supervisor_who_leaves_leaves_the_others_as_they_were(stage: Stage) -> None:
    with scene(stage) as there:
        there.ask("barge")
        hears(there.talk.near, AGENT_TONE, SUPERVISOR_TONE)
        there.supervisor.bye()
        assert there.peer.event("monitor.ended")["facts"]["why"] == "supervisor_left"
        nobody_notices(there)
        there.talk.hang_up()


def test_keys_reach_an_agent_who_hears_a_whisper(stage: Stage) -> None:
    with scene(stage) as there:
        there.ask("whisper")
        hears(there.talk.far, CALLER_TONE, SUPERVISOR_TONE)
        there.talk.near.press("42")
        deadline = time.monotonic() + 6
        while digits_heard(there.talk.far.arrivals) != "42":
            assert time.monotonic() < deadline, digits_heard(there.talk.far.arrivals)
            time.sleep(0.05)
        there.talk.hang_up()
        there.supervisor.expect("BYE")


def test_a_steered_supervisor_goes_on_being_steered(stage: Stage) -> None:
    with control(stage) as peer:
        talk = stage.bridge(DIRECT)
        call = peer.event("call.presented")["call"]
        speak(talk.near, CALLER_TONE)
        speak(talk.far, AGENT_TONE)
        ear = stage.rtp()
        calling = stage.phone().invite(STEERED, ear.sdp((PCMU, DIGITS)))
        own = peer.event("call.offered")["call"]
        peer.ask("call.take", call=own)
        with pytest.raises(Refused, match="not answered"):
            peer.ask("monitor.listen", call=call, supervisor=own)
        peer.ask("call.answer", call=own)
        ear.aim_by(calling.expect(200).body)
        calling.ack()
        monitor = peer.ask("monitor.listen", call=call, supervisor=own)["monitor"]
        hears(ear, CALLER_TONE, AGENT_TONE)
        peer.ask("monitor.stop", monitor=monitor)
        hears(ear)
        assert peer.ask("call.get", call=own)["state"] == "answered"
        peer.ask("call.hangup", call=own)
        calling.expect("BYE")
        talk.hang_up()


def test_what_cannot_be_heard_is_refused_with_its_reason(stage: Stage) -> None:
    with scene(stage) as there:
        for params, reason in (
            ({"supervisor": there.call}, "wrong_state"),
            ({"supervisor": "nobody"}, "call_not_found"),
            ({"leg": "b9"}, "leg_not_found"),
            ({"to": "+16025550199"}, "invalid_params"),
            ({"to": "+16025550199", "supervisor": None}, "destination_not_allowed"),
        ):
            with pytest.raises(Refused) as refused:
                there.ask("listen", **params)
            assert refused.value.reason == reason
        with pytest.raises(Refused, match="nobody"):
            there.peer.ask("monitor.stop", monitor="x")
        there.supervisor.bye()
        there.talk.hang_up()


def test_a_supervisor_is_called_and_hears_when_it_has_answered(make_stage: MakeStage) -> None:
    stage = make_stage(sections='originate: {to: ["+1602555*"]}\n')
    with control(stage) as peer:
        talk = stage.bridge(DIRECT)
        call = peer.event("call.presented")["call"]
        speak(talk.near, CALLER_TONE)
        speak(talk.far, AGENT_TONE)
        placed = peer.ask("monitor.listen", call=call, to="+16025550199")
        assert placed["monitor"] is None
        called = stage.callee.expect_call()
        ear = stage.rtp()
        assert called.invite is not None
        ear.aim_by(called.invite.body)
        called.respond(200, ear.sdp((PCMU, DIGITS)))
        called.expect("ACK")
        speak(ear, SUPERVISOR_TONE)
        started = peer.event("monitor.started")["facts"]
        assert (started["heard"], started["mode"]) == (call, "listen")
        assert started["supervisor"] == placed["supervisor"]
        hears(ear, CALLER_TONE, AGENT_TONE)
        peer.ask("monitor.barge", call=call, supervisor=placed["supervisor"])
        hears(talk.near, AGENT_TONE, SUPERVISOR_TONE)
        talk.hang_up()
        called.expect("BYE")


def test_a_supervisor_is_in_no_recording_of_the_call(stage: Stage) -> None:
    with scene(stage) as there:
        there.ask("barge")
        hears(there.talk.near, AGENT_TONE, SUPERVISOR_TONE)
        there.peer.ask("call.record.start", call=there.call)
        hears(there.talk.far, CALLER_TONE, SUPERVISOR_TONE)
        time.sleep(1.0)
        there.peer.ask("call.record.stop", call=there.call)
        saved = there.peer.event("recording.saved", within=10)["facts"]
        with wave.open(str(stage.switch.data / saved["path"])) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
            sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        assert len(sound) > 8000
        assert [tones_in(sound[:, side]) for side in (0, 1)] == [{CALLER_TONE}, {AGENT_TONE}]
        there.talk.hang_up()
        there.supervisor.expect("BYE")


# Conferences.


def test_three_confer_and_hear_all_but_themselves(stage: Stage) -> None:
    with scene(stage) as there:
        peer, near, far, ear = there.peer, there.talk.near, there.talk.far, there.ear
        peer.ask("conference.create", conference="board")
        assert peer.ask("conference.add", conference="board", call=there.call)["legs"] == [
            "a",
            "b1",
        ]
        nobody_notices(there)
        peer.ask("conference.add", conference="board", call=there.own)
        hears(near, AGENT_TONE, SUPERVISOR_TONE)
        hears(far, CALLER_TONE, SUPERVISOR_TONE)
        hears(ear, CALLER_TONE, AGENT_TONE)
        peer.ask("conference.mute", conference="board", call=there.call, leg="b1")
        hears(ear, CALLER_TONE)
        hears(near, SUPERVISOR_TONE)
        hears(far, CALLER_TONE, SUPERVISOR_TONE)
        peer.ask("conference.mute", conference="board", call=there.call, leg="b1", muted=False)
        hears(near, AGENT_TONE, SUPERVISOR_TONE)
        (board,) = peer.ask("conference.list")["conferences"]
        assert [(one["call"], one["leg"]) for one in board["members"]] == [
            (there.call, "a"), (there.call, "b1"), (there.own, "a"),
        ]  # fmt: skip
        peer.ask("conference.remove", conference="board", call=there.own)
        there.supervisor.expect("BYE")
        nobody_notices(there)
        peer.ask("conference.destroy", conference="board")
        nobody_notices(there)
        assert peer.ask("conference.list")["total"] == 0
        there.talk.hang_up()


def test_a_conference_goes_on_without_a_call_that_ends(stage: Stage) -> None:
    with scene(stage) as there:
        for call in (there.call, there.own):
            there.peer.ask("conference.add", conference="adhoc", call=call)
        there.talk.hang_up()
        hears(there.ear)
        (adhoc,) = there.peer.ask("conference.list")["conferences"]
        assert [one["call"] for one in adhoc["members"]] == [there.own]
        there.supervisor.bye()
        there.peer.event("call.record")
        assert there.peer.ask("conference.list")["total"] == 0


def test_callers_meet_in_the_conference_of_a_treatment(stage: Stage) -> None:
    with control(stage) as peer:
        calls = []
        for hertz in TONES:
            end = stage.rtp()
            calling = stage.phone().invite(CONFERENCE, end.sdp((PCMU, DIGITS)))
            call = peer.event("conference.joined")["call"]
            end.aim_by(calling.expect(200).body)
            calling.ack()
            speak(end, hertz)
            calls.append((calling, call, end))
        for (_, _, end), hertz in zip(calls, TONES, strict=True):
            hears(end, *(set(TONES) - {hertz}))
        (leaving, _, _), (put_out, call, _), (_, _, last) = calls
        leaving.bye()
        hears(last, AGENT_TONE)
        peer.ask("conference.remove", conference="room", call=call)
        put_out.expect("BYE", within=6)
        hears(last)
        calls[-1][0].bye()
        causes = {record["call_id"]: record["cause"] for record in stage.switch.wait_for_records(3)}
        assert causes[call] == "out"


def test_somebody_is_called_into_a_conference(make_stage: MakeStage) -> None:
    stage = make_stage(sections='originate: {to: ["+1602555*"]}\n')
    with control(stage) as peer:
        talk = stage.bridge(DIRECT)
        call = peer.event("call.presented")["call"]
        speak(talk.near, CALLER_TONE)
        speak(talk.far, AGENT_TONE)
        peer.ask("conference.add", conference="three", call=call)
        asked = {"conference": "three", "campaign": "direct"}
        with pytest.raises(Refused) as refused:
            peer.ask("conference.add", to="+1 900 555 0199", **asked)
        assert refused.value.reason == "destination_not_allowed"
        placed = peer.ask("conference.add", to="+1 602 555 0199", **asked)
        assert placed["legs"] == []
        called = stage.callee.expect_call()
        end = stage.rtp()
        assert called.invite is not None
        end.aim_by(called.invite.body)
        called.respond(200, end.sdp((PCMU, DIGITS)))
        called.expect("ACK")
        speak(end, SUPERVISOR_TONE)
        hears(talk.near, AGENT_TONE, SUPERVISOR_TONE)
        hears(end, CALLER_TONE, AGENT_TONE)
        peer.ask("conference.destroy", conference="three")
        called.expect("BYE")
        hears(talk.near, AGENT_TONE)
        talk.hang_up()
