"""Calls are recorded, from their answer to their end, whatever the disk does."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.model import KeywordRule, Keywords, Phrase, Recording
from media.g711 import decode, encode
from media.recording import Sound, Writer
from softswitch.call.call import Call
from softswitch.hearing.clips import ASKED_AGAIN_SECONDS
from softswitch.hearing.recording import RecordingStage
from softswitch.hearing.taped import recordings_folder
from tests.support.laboratory import AGENT, DIRECT, LONG_PROMPT, Laboratory, laboratory
from tests.support.taped_calls import TapedCalls, spoken
from tests.support.taped_sound import read_stereo
from tests.support.treated import answer, request_to, treated

KEYWORDS = Keywords((KeywordRule("My Friend!", Phrase(("friend",)), "friend"),), clip_seconds=2.0)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path / "data") as lab:
        yield lab


def g711(level: int) -> int:
    """What becomes of a level in mu-law."""
    return int(decode(encode(np.array([level], np.int16)))[0])


def bridged(taped: TapedCalls) -> None:
    """A call that rings through and is answered; both legs are heard."""
    lab = taped.lab
    lab.caller.invite(DIRECT)
    lab.settle()
    answer(lab, 0)
    taped.open(lab.call.caller)
    assert lab.call.callee is not None
    taped.open(lab.call.callee)


def hang_up(taped: TapedCalls) -> None:
    taped.lab.caller.hang_up()
    taped.lab.settle()
    for ear in tuple(taped.ears):
        taped.close(ear)


def test_a_bridged_call_has_each_leg_in_its_channel_and_its_hash_in_the_record(
    lab: Laboratory,
) -> None:
    taped = TapedCalls(lab, record=Recording())
    bridged(taped)
    call_id = lab.call.call_id
    taped.speak(1.0, a=1000)
    taped.speak(2.0, b1=3000)
    taped.speak(1.0)
    hang_up(taped)
    left, right = taped.channels()
    assert spoken(left, 1000) == pytest.approx((0.0, 1.0), abs=0.021)
    assert spoken(right, 3000) == pytest.approx((1.0, 3.0), abs=0.021)
    (path,) = taped.files()
    assert path.name == f"{call_id}.wav"
    (recorded,) = lab.record["recordings"]
    assert recorded["path"] == f"recordings/{path.parent.name}/{call_id}.wav"
    assert recorded["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert recorded["seconds"] == pytest.approx(4.0, abs=0.05)
    (saved,) = lab.facts("recording.saved")
    assert saved["size"] == path.stat().st_size
    kinds = lab.kinds(call_id)
    assert kinds.index("recording.started") < kinds.index("call.bridged")
    assert kinds.index("leg.ended") < kinds.index("recording.saved") < kinds.index("call.ended")
    assert taped.stage.status() == {"recording": 0, "saved": 1, "failed": 0}


def test_a_caller_who_speaks_before_the_answer_is_recorded_from_the_answer_on(
    lab: Laboratory,
) -> None:
    taped = TapedCalls(lab, record=Recording())
    lab.caller.invite(DIRECT)
    lab.settle()
    taped.open(lab.call.caller)
    taped.speak(1.0, a=1000)
    answer(lab, 0)
    taped.speak(1.0, a=2000)
    hang_up(taped)
    left, _ = taped.channels()
    assert spoken(left, 1000)[1] <= 0.021
    assert spoken(left, 2000) == pytest.approx((0.0, 1.0), abs=0.025)


def test_a_recording_is_as_long_as_the_call(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    bridged(taped)
    taped.speak(1.0, a=1000)
    lab.caller.hang_up()
    lab.settle()
    lab.advance(0.5)
    for ear in tuple(taped.ears):
        taped.close(ear)
    assert len(taped.channels()[0]) == pytest.approx(8000, abs=160)


def test_what_a_campaign_does_not_ask_for_is_not_recorded(lab: Laboratory) -> None:
    taped = TapedCalls(lab)
    bridged(taped)
    taped.speak(0.5, a=1000)
    hang_up(taped)
    assert taped.files() == []
    assert taped.writer.jobs == []
    assert lab.record["recordings"] == []


def test_the_notice_is_heard_on_the_right(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    long = lab.prompts._loaded["long"]
    notice = replace(long, ulaw=encode(np.full(80000, 7932, np.int16)))
    lab.prompts._loaded["long"] = notice
    lab.caller.invite(LONG_PROMPT)
    lab.settle()
    taped.open(lab.call.caller)
    taped.speak(1.5, a=1000)
    hang_up(taped)
    left, right = taped.channels()
    assert spoken(right, 7932) == pytest.approx((0.0, 1.5), abs=0.021)
    assert spoken(left, 1000) == pytest.approx((0.0, 1.5), abs=0.021)


def test_a_call_in_which_nobody_sends_anything_is_recorded_all_the_same(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    lab.caller.invite(LONG_PROMPT)
    lab.settle()
    lab.advance(2.0)
    hang_up(taped)
    left, _ = taped.channels()
    assert len(left) == 16000
    assert not left.any()


def test_of_several_legs_only_the_one_that_is_bridged_is_heard(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())

    async def script(call: Call) -> None:
        await call.answer()
        await call.dial(request_to(lab, "501", ring_seconds=2.0))
        outcome = await call.dial(request_to(lab, "502"))
        call.bridge(outcome.leg)  # type: ignore[union-attr]
        await call.talk()

    with treated(script):
        lab.caller.invite(DIRECT)
        lab.settle()
        taped.open(lab.call.caller)
        (first,) = [leg for leg in lab.call._legs if leg.leg_id == "b1"]
        early = taped.open(first)
        taped.speak(1.0, b1=1000)
        lab.advance(1.5)
        taped.close(early)
        (second,) = [leg for leg in lab.call._legs if leg.leg_id == "b2"]
        taped.open(second)
        taped.speak(1.0, b2=2000)
        answer(lab, 1)
        taped.speak(1.0, b2=3000)
        hang_up(taped)
    _, right = taped.channels()
    assert spoken(right, 1000) == (0.0, 0.0)
    assert spoken(right, 2000)[1] - spoken(right, 2000)[0] <= 0.021
    assert spoken(right, 3000)[1] - spoken(right, 3000)[0] == pytest.approx(1.0, abs=0.021)


def test_a_call_that_is_diverted_has_its_legs_one_after_the_other_on_the_right(
    lab: Laboratory,
) -> None:
    taped = TapedCalls(lab, record=Recording())

    async def go_on(call: Call) -> None:
        outcome = await call.dial(request_to(lab, "601"))
        call.bridge(outcome.leg)  # type: ignore[union-attr]
        await call.talk()

    bridged(taped)
    taped.speak(1.0, b1=1000)
    call = lab.call
    agent = taped.ears[1]
    lab.do(lambda: call.divert(lambda: go_on(call)))
    lab.settle()
    taped.close(agent)
    taped.speak(0.5)
    answer(lab, 1)
    assert call.callee is not None
    taped.open(call.callee)
    taped.speak(1.0, b2=3000)
    hang_up(taped)
    _, right = taped.channels()
    assert spoken(right, 1000) == pytest.approx((0.0, 1.0), abs=0.021)
    assert spoken(right, 3000) == pytest.approx((1.5, 2.5), abs=0.021)


def test_a_recording_shorter_than_the_campaign_keeps_is_deleted(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording(minimum_seconds=3.0))
    bridged(taped)
    taped.speak(1.0, a=1000)
    hang_up(taped)
    assert taped.files() == []
    (told,) = lab.facts("recording.discarded")
    assert told["seconds"] == pytest.approx(1.0, abs=0.05)
    assert lab.record["recordings"] == []


def test_a_call_is_recorded_by_threads_of_their_own(lab: Laboratory) -> None:
    writer = Writer(lambda outcome: stage.tell(outcome))  # noqa: PLW0108 - it comes below
    stage = RecordingStage(
        lab.services,
        writer,
        folder=recordings_folder(lab.folder, None),
        data=lab.folder,
        find_call=lab.switchboard.calls.get,
        campaign_of=lambda call: replace(call.campaign, record=Recording()),
    )
    writer.start()
    lab.caller.invite(LONG_PROMPT)
    lab.settle()
    lab.advance(3.0)
    lab.caller.hang_up()
    lab.wait_for(lambda: bool(lab.facts("recording.saved")))
    assert writer.close(10)
    (recorded,) = lab.record["recordings"]
    path = lab.folder / recorded["path"]
    assert len(read_stereo(path)[0]) == 24000
    assert recorded["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_folder_is_that_of_the_configuration(tmp_path: Path) -> None:
    assert recordings_folder(tmp_path, tmp_path / "elsewhere") == tmp_path / "elsewhere"
    assert recordings_folder(tmp_path, None) == tmp_path / "recordings"


# Pause and secrets.


def test_a_pause_of_both_legs_and_of_one(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    bridged(taped)
    call_id = lab.call.call_id
    taped.speak(1.0, a=1000, b1=1000)
    assert taped.stage.pause(call_id)
    assert taped.stage.pause(call_id), "twice is once"
    taped.speak(1.0, a=2000, b1=2000)
    assert taped.stage.resume(call_id)
    assert taped.stage.pause(call_id, "a", "card number")
    taped.speak(1.0, a=3000, b1=3000)
    assert taped.stage.resume(call_id, "a")
    assert taped.stage.resume(call_id, "a"), "twice is once"
    taped.speak(1.0, a=4000, b1=4000)
    hang_up(taped)
    left, right = taped.channels()
    for channel in (left, right):
        assert spoken(channel, 1000)[1] == pytest.approx(1.0, abs=0.021)
        assert spoken(channel, 2000) == (0.0, 0.0)
        assert spoken(channel, 4000) == pytest.approx((3.0, 4.0), abs=0.021)
    assert spoken(left, 3000) == (0.0, 0.0)
    assert spoken(right, 3000) == pytest.approx((2.0, 3.0), abs=0.021)
    paused = [(fact["leg"], fact["why"]) for fact in lab.facts("recording.paused")]
    assert paused == [(None, "asked"), ("a", "card number")]
    assert [fact["leg"] for fact in lab.facts("recording.resumed")] == [None, "a"]


def test_what_is_not_recorded_cannot_be_paused(lab: Laboratory) -> None:
    taped = TapedCalls(lab)
    bridged(taped)
    assert not taped.stage.pause(lab.call.call_id)
    assert not taped.stage.resume(lab.call.call_id)
    assert not taped.stage.pause("nobody")
    hang_up(taped)


def test_while_a_secret_is_asked_for_its_keys_cannot_be_heard(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())

    async def script(call: Call) -> None:
        await call.answer()
        await asyncio.sleep(1.0)
        with call.secret():
            await asyncio.sleep(2.0)
        await asyncio.sleep(10.0)

    with treated(script):
        lab.caller.invite(DIRECT)
        lab.settle()
        taped.open(lab.call.caller)
        taped.speak(1.0, a=1000)
        taped.speak(2.0, a=2000)
        taped.speak(0.9, a=3000)
        taped.speak(1.0, a=4000)
        hang_up(taped)
    left, _ = taped.channels()
    assert spoken(left, 1000)[1] == pytest.approx(1.0, abs=0.025)
    assert spoken(left, 2000) == (0.0, 0.0)
    assert spoken(left, 3000) == (0.0, 0.0), "the rest of a secret"
    assert spoken(left, 4000)[1] == pytest.approx(4.9, abs=0.025)
    assert [fact["why"] for fact in lab.facts("recording.paused")] == ["secret"]
    assert [fact["leg"] for fact in lab.facts("recording.resumed")] == ["a"]


def test_a_secret_heard_only_when_it_was_over_is_silence_too(lab: Laboratory) -> None:
    """The loop stood still meanwhile."""
    taped = TapedCalls(lab, record=Recording())

    async def script(call: Call) -> None:
        await call.answer()
        with call.secret():
            await asyncio.sleep(0.1)
        await asyncio.sleep(10.0)

    with treated(script):
        lab.caller.invite(DIRECT)
        lab.settle()
        ear = taped.open(lab.call.caller)
        begun = taped.now_ns
        lab.advance(1.3)
        heard = taped._heard(0, {"a": 2000})
        heard.times_ns[:] = begun + 50_000_000
        taped.stage.hear(heard)
        taped._positions[ear.slot] = 10_400
        taped.speak(1.0, a=3000)
        hang_up(taped)
    left, _ = taped.channels()
    assert spoken(left, 2000) == (0.0, 0.0)
    assert spoken(left, 3000)[1] == pytest.approx(2.3, abs=0.025)


def test_what_is_said_between_two_talks_is_recorded_of_the_caller_alone(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    bridged(taped)
    call = lab.call
    leg = call.callee
    assert leg is not None
    taped.speak(1.0, b1=3000)
    lab.do(call.unbridge)
    taped.speak(1.0, a=1000, b1=2000)
    lab.do(lambda: call.bridge(leg))
    taped.speak(1.0, b1=1000)
    hang_up(taped)
    left, right = taped.channels()
    assert spoken(left, 1000) == pytest.approx((1.0, 2.0), abs=0.025)
    assert spoken(right, 3000) == pytest.approx((0.0, 1.0), abs=0.045)
    assert spoken(right, 2000)[1] - spoken(right, 2000)[0] <= 0.025
    assert spoken(right, 1000) == pytest.approx((2.0, 3.0), abs=0.045)


# Trouble.


def test_a_disk_that_fails_ends_the_recording_and_not_the_call(lab: Laboratory) -> None:
    lab.expected_errors.append("its recording")
    taped = TapedCalls(lab, record=Recording())
    taped.folder.write_text("a file where the folder should be")
    bridged(taped)
    assert lab.facts("recording.failed")[0]["why"]
    taped.speak(2.5, a=1000)
    assert lab.call.bridged
    sounds = sum(isinstance(job, Sound) for job in taped.writer.jobs)
    hang_up(taped)
    assert sounds == 0, "nobody wants the sound any more"
    (recorded,) = lab.record["recordings"]
    assert recorded["sha256"] is None
    assert recorded["why"]
    assert taped.stage.status()["failed"] == 1


def test_a_disk_that_is_too_slow_ends_the_recording_with_what_there_is(lab: Laboratory) -> None:
    lab.expected_errors.append("its recording")
    taped = TapedCalls(lab, record=Recording())
    bridged(taped)
    taped.speak(3.0, a=1000)
    submit = taped.writer.submit
    taped.writer.submit = (  # type: ignore[method-assign]
        lambda job: not isinstance(job, Sound) and submit(job)
    )
    taped.speak(1.5, a=2000)
    (told,) = lab.facts("recording.failed")
    assert "too slow" in told["why"]
    assert told["seconds"] > 1.9
    assert hashlib.sha256(taped.files()[0].read_bytes()).hexdigest() == told["sha256"]
    hang_up(taped)
    assert len(lab.facts("recording.failed")) == 1


def test_a_writer_that_takes_nothing_fails_the_recording_at_once(lab: Laboratory) -> None:
    lab.expected_errors.append("its recording")
    taped = TapedCalls(lab, record=Recording())
    taped.writer.refuses = True
    bridged(taped)
    assert lab.facts("recording.failed")[0]["why"] == "too many recordings wait for the disk"
    hang_up(taped)


def test_the_end_waits_for_the_hash_and_not_for_ever(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    taped.writer.stalls = True
    bridged(taped)
    call_id = lab.call.call_id
    taped.speak(1.0, a=1000)
    hang_up(taped)
    lab.advance(4.0)
    assert "call.ended" not in lab.kinds(call_id)
    lab.advance(2.0)
    assert "call.ended" in lab.kinds(call_id)
    assert lab.record["recordings"] == []
    taped.writer.finish()
    lab.settle()
    assert len(taped.files()) == 1
    assert taped.stage._tapes.owed == {}


def test_legs_whose_ears_never_close_do_not_keep_the_file_open(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    bridged(taped)
    taped.speak(1.0, a=1000)
    lab.caller.hang_up()
    lab.settle()
    lab.advance(2.5)
    assert len(lab.facts("recording.saved")) == 1


def test_nothing_is_left_of_calls_that_are_over(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording(), keywords=KEYWORDS)
    for _ in range(3):
        lab.caller.forget()
        lab.callee.forget()
        bridged(taped)
        taped.speak(1.2, a=1000)
        hang_up(taped)
    taped.speak(3.0)
    stage = taped.stage
    assert not stage._tapes.owed
    assert not stage._calls
    assert not stage._ears
    assert not stage._tapes.strands.strands
    assert not stage._tapes.due
    assert not taped.writer.taping._reels
    assert len(taped.files()) == 3


# Clips.


def test_a_clip_has_what_was_said_before_and_after(lab: Laboratory) -> None:
    taped = TapedCalls(lab, keywords=KEYWORDS)
    bridged(taped)
    taped.speak(3.0, a=1000)
    start_ns = taped.now_ns
    taped.speak(1.0, a=2000)
    shown = taped.stage.request(taped.ears[0], start_ns, taped.now_ns, "My Friend!")
    assert shown is not None
    assert shown.endswith("-1-my-friend.wav")
    assert taped.files() == []
    taped.speak(1.0, b1=3000)
    taped.speak(2.5, a=4000)
    (path,) = taped.files()
    assert path == lab.folder / shown
    left, right = np.frombuffer(path.read_bytes()[44:], "<i2").reshape(-1, 2).T
    assert len(left) == 5 * 8000
    assert spoken(left, g711(1000)) == pytest.approx((0.0, 2.0), abs=0.025)
    assert spoken(left, g711(2000)) == pytest.approx((2.0, 3.0), abs=0.025)
    assert spoken(right, g711(3000)) == pytest.approx((3.0, 4.0), abs=0.025)
    (told,) = lab.facts("keyword.clip")
    assert told == {"leg": "a", "rule": "My Friend!", "path": shown, "ok": True, "why": ""}
    hang_up(taped)
    assert lab.facts("recording.saved") == []


def test_a_clip_asked_for_when_the_legs_are_over_is_there_before_the_end(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording(), keywords=KEYWORDS)
    taped.writer.stalls = True
    bridged(taped)
    call_id = lab.call.call_id
    taped.speak(3.0, a=1000)
    ear, now_ns = taped.ears[0], taped.now_ns
    hang_up(taped)
    assert taped.stage.request(ear, now_ns - 10**9, now_ns, "friend")
    taped.writer.finish()
    lab.settle()
    kinds = lab.kinds(call_id)
    assert kinds.index("leg.ended") < kinds.index("keyword.clip") < kinds.index("call.ended")
    assert len(taped.files()) == 2


def test_clips_of_a_call_are_bounded_and_without_them_there_is_none(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softswitch.hearing.clips.MAX_CLIPS", 2)
    taped = TapedCalls(lab, keywords=KEYWORDS)
    bridged(taped)
    taped.speak(1.0)
    ear, now_ns = taped.ears[0], taped.now_ns
    assert taped.stage.request(ear, now_ns, now_ns, "friend")
    assert taped.stage.request(ear, now_ns, now_ns, "friend")
    assert taped.stage.request(ear, now_ns, now_ns, "friend") is None
    ear.campaign = replace(ear.campaign, keywords=replace(KEYWORDS, clip_seconds=0.0))
    assert taped.stage.request(ear, now_ns, now_ns, "friend") is None
    hang_up(taped)


def test_a_clip_that_cannot_be_written_is_told(lab: Laboratory) -> None:
    lab.expected_errors.append("clip")
    taped = TapedCalls(lab, keywords=KEYWORDS)
    taped.folder.write_text("a file where the folder should be")
    bridged(taped)
    taped.speak(1.0)
    assert taped.stage.request(taped.ears[0], taped.now_ns, taped.now_ns, "friend")
    hang_up(taped)
    (told,) = lab.facts("keyword.clip")
    assert not told["ok"]
    assert told["why"]


def test_no_clip_is_promised_while_the_disk_refuses_files(lab: Laboratory) -> None:
    lab.expected_errors += ["its recording", "clip"]
    taped = TapedCalls(lab, record=Recording(), keywords=KEYWORDS)
    taped.folder.write_text("a file where the folder should be")
    bridged(taped)
    assert lab.facts("recording.failed")
    taped.speak(1.0)

    def asked() -> str | None:
        return taped.stage.request(taped.ears[0], taped.now_ns, taped.now_ns, "friend")

    assert asked() is None
    taped.speak(ASKED_AGAIN_SECONDS)
    assert asked() is not None, "it may be mended by now"
    taped.speak(6.0)
    assert asked() is None, "it is not"
    taped.folder.unlink()
    taped.speak(ASKED_AGAIN_SECONDS)
    assert asked() is not None
    taped.speak(6.0)
    assert asked() is not None
    hang_up(taped)
    assert [told["ok"] for told in lab.facts("keyword.clip")] == [False, True, True]


def test_a_campaign_chosen_later_is_recorded_from_then_on(lab: Laboratory) -> None:
    taped = TapedCalls(lab)
    bridged(taped)
    taped.speak(1.0, a=1000)
    taped.record, taped.keywords = Recording(), KEYWORDS
    for ear in taped.ears:
        ear.campaign = taped.campaign_of(ear.call)
        taped.stage.changed(ear)
    taped.speak(1.0, a=2000, b1=3000)
    hang_up(taped)
    left, right = taped.channels()
    assert spoken(left, 1000)[1] <= 0.021
    assert spoken(left, 2000)[1] == pytest.approx(1.0, abs=0.03)
    assert spoken(right, 3000)[1] == pytest.approx(1.0, abs=0.03)


def test_a_folder_outside_the_data_folder_is_told_whole(lab: Laboratory, tmp_path: Path) -> None:
    taped = TapedCalls(lab, record=Recording())
    taped.stage._tapes._folder = tmp_path / "elsewhere"
    bridged(taped)
    hang_up(taped)
    assert lab.record["recordings"][0]["path"].startswith(f"{tmp_path}/elsewhere/")


def test_the_agent_of_a_menu_call_is_heard_after_the_menu(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording(sample_format="ulaw"))
    lab.caller.invite("200001")
    lab.settle()
    taped.open(lab.call.caller)
    lab.wait_for_prompts()
    lab.press("1")
    lab.settle()
    assert lab.facts("leg.originated")[0]["to_number"] == AGENT
    answer(lab, 0)
    assert lab.call.callee is not None
    taped.open(lab.call.callee)
    taped.speak(1.0, b1=7932)
    hang_up(taped)
    _, right = taped.channels()
    assert spoken(right, 7932)[1] > 0.9
