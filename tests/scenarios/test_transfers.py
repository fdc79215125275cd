"""Transfers through the real program, with sound: blind, attended, taken over, redirected."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.support.phone import Call
from tests.support.rtp_end import RtpEnd, heard, known_signal
from tests.support.stage import DIRECT, KEPT, Stage

THIRD = "+16025550177"


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """A switch whose one trunk may refer and redirect."""
    return make_stage(
        trunk_lines="    transfers: allow\n    redirects: follow",
        sections='originate: {to: ["+1602555*"]}\n',
    )


def hears(listener: RtpEnd, speaker: RtpEnd, seed: int) -> bool:
    """Whether what one end plays comes to the other."""
    sound = known_signal(0.4, seed=seed)
    before = len(listener.arrivals)
    speaker.play(sound)
    speaker.wait_until_played()
    listener.wait_for_packets(20, within=10)
    return sound[1600:3200] in heard(listener.arrivals[before:])


def bridge(stage: Stage, number: str = DIRECT) -> tuple[Call, Call, RtpEnd, RtpEnd]:
    """A caller and an agent that talk."""
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(number, near.sdp())
    called = stage.callee.expect_call()
    answer(called, far)
    near.aim_by(calling.expect(200).body)
    calling.ack()
    assert hears(far, near, 1)
    return calling, called, near, far


def answer(call: Call, end: RtpEnd) -> None:
    assert call.invite is not None
    end.aim_by(call.invite.body)
    call.respond(200, end.sdp())
    call.expect("ACK")


def refer(call: Call, to: str, status: int = 202) -> None:
    call.send("REFER", headers=[("Refer-To", f"<{to}>"), ("Contact", call.phone.contact())])
    call.expect(status, to="REFER")


def told(call: Call, status: int) -> str:
    """The next NOTIFY, which must tell this status; its Subscription-State."""
    notify = call.expect("NOTIFY", within=10)
    assert notify.body.startswith(f"SIP/2.0 {status} ".encode()), notify.body
    call.respond(200, request=notify)
    return notify.get("subscription-state").partition(";")[0]


def third_party(stage: Stage, number: str = THIRD) -> str:
    host, port = stage.switch.address
    return f"sip:{number}@{host}:{port}"


def replaces(call: Call) -> str:
    return f"{call.call_id};to-tag={call.remote_tag};from-tag={call.local_tag}"


def test_an_agent_moves_the_caller(stage: Stage) -> None:
    calling, called, near, _ = bridge(stage)
    refer(called, third_party(stage))
    assert told(called, 100) == "active"
    third = stage.callee.expect_call()
    assert THIRD in (third.invite.uri if third.invite else "")
    third.respond(180)
    assert told(called, 180) == "active"
    new = stage.rtp()
    answer(third, new)
    assert told(called, 200) == "terminated"
    called.expect("BYE")
    assert hears(new, near, 2)
    assert hears(near, new, 3)
    calling.bye()
    third.expect("BYE")
    record = stage.switch.record()
    assert [leg["side"] for leg in record["legs"]] == ["calling", "called", "called"]
    assert [(one["ok"], one["to"]) for one in record["transfers"]] == [(True, THIRD)]


def test_a_caller_moves_the_agent(stage: Stage) -> None:
    calling, called, _, far = bridge(stage)
    refer(calling, third_party(stage))
    assert told(calling, 100) == "active"
    third = stage.callee.expect_call()
    new = stage.rtp()
    answer(third, new)
    assert told(calling, 200) == "terminated"
    calling.expect("BYE")
    assert hears(new, far, 2)
    assert hears(far, new, 3)
    called.bye()
    third.expect("BYE")
    assert stage.switch.record()["cause"] == "hung_up"


def test_a_caller_that_is_not_wanted_is_given_back(stage: Stage) -> None:
    calling, called, near, far = bridge(stage)
    refer(called, third_party(stage))
    told(called, 100)
    stage.callee.expect_call().respond(486)
    assert told(called, 486) == "terminated"
    assert hears(far, near, 2)
    assert hears(near, far, 3)
    calling.bye()
    called.expect("BYE")
    assert [one["ok"] for one in stage.switch.record()["transfers"]] == [False]


def test_an_agent_that_has_asked_first_makes_one_call_of_two(stage: Stage) -> None:
    calling, called, near, _ = bridge(stage)
    consulting_end, new = stage.rtp(), stage.rtp()
    stage.callee.server = stage.switch.address
    consulting = stage.callee.invite(DIRECT, consulting_end.sdp())
    third = stage.callee.expect_call()
    answer(third, new)
    consulting_end.aim_by(consulting.expect(200).body)
    consulting.ack()
    assert hears(new, consulting_end, 2)
    refer(called, f"{third_party(stage)}?Replaces={quote(replaces(consulting), safe='')}")
    told(called, 100)
    assert told(called, 200) == "terminated"
    consulting.expect("BYE")
    called.expect("BYE")
    assert hears(new, near, 3)
    assert hears(near, new, 4)
    third.bye()
    calling.expect("BYE")
    records = stage.switch.wait_for_records(2)
    assert sorted(record["cause"] for record in records) == ["hung_up", "transferred"]


def test_another_phone_takes_the_agents_leg_over(stage: Stage) -> None:
    calling, called, near, _ = bridge(stage, KEPT)
    new = stage.rtp()
    stage.callee.server = stage.switch.address
    taking = stage.callee.invite(DIRECT, new.sdp(), [("Replaces", replaces(called))])
    new.aim_by(taking.expect(200).body)
    taking.ack()
    called.expect("BYE")
    assert hears(new, near, 2)
    assert hears(near, new, 3)
    calling.bye()
    taking.expect("BYE")
    (leg,) = [leg for leg in stage.switch.record()["legs"] if leg["side"] == "called"]
    assert leg["replaced"][0]["sip_call_id"] == taking.call_id


def test_a_call_goes_where_its_far_end_says(stage: Stage) -> None:
    near, new = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call()
    called.respond(302, headers=[("Contact", f"<{third_party(stage)}>")])
    third = stage.callee.expect_call()
    assert THIRD in (third.invite.uri if third.invite else "")
    answer(third, new)
    near.aim_by(calling.expect(200).body)
    calling.ack()
    assert hears(new, near, 1)
    calling.bye()
    third.expect("BYE")
    (leg,) = [leg for leg in stage.switch.record()["legs"] if leg["side"] == "called"]
    assert [one["status"] for one in leg["redirected"]] == [302]


def test_who_may_not_be_called_is_not_called(stage: Stage) -> None:
    calling, called, near, far = bridge(stage)
    refer(called, third_party(stage, "+18005550177"), 403)
    refer(called, "sip:somebody@192.0.2.77", 403)
    stage.callee.expect_no_call(during=0.3)
    assert hears(near, far, 2)
    calling.bye()
    called.expect("BYE")


@pytest.mark.parametrize(
    ("method", "status"),
    [("MESSAGE", 405), ("PUBLISH", 405), ("SUBSCRIBE", 489), ("BREW", 501), ("REFER", 403)],
)
def test_other_requests_are_refused_politely(stage: Stage, method: str, status: int) -> None:
    more = [("Refer-To", "<sip:x@192.0.2.1>")] if method == "REFER" else [("Event", "presence")]
    refused = stage.caller.ask(method, third_party(stage, DIRECT), more)
    assert refused.status == status
    assert "INVITE" in refused.get("allow") or status in (489, 403)
    calling, called, _, _ = bridge(stage)
    calling.send(method, headers=[("Event", "presence")])
    inside = 400 if method == "REFER" else status
    assert calling.expect(inside, to=method).status == inside
    calling.bye()
    called.expect("BYE")
