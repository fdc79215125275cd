"""Who calls, as the switch reads it, shows it and records it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.phone import Call, Headers
from tests.support.sip_text import Message
from tests.support.stage import (
    CALLED_ID,
    CALLER,
    DIRECT,
    FIXED_ID,
    FIXED_NUMBER,
    Stage,
)

MakeStage = Callable[..., Stage]
HIDDEN = "+16025550123"


def _called_invite(
    stage: Stage, number: str = DIRECT, headers: Headers = (), from_: str | None = None
) -> Message:
    """The INVITE that the far end gets; it declines."""
    calling: Call = stage.caller.invite(number, stage.rtp().sdp(), headers, from_=from_)
    called = stage.callee.expect_call()
    called.respond(486)
    calling.expect(486)
    assert called.invite is not None
    return called.invite


@pytest.mark.parametrize(
    ("number", "shown"), [(DIRECT, CALLER), (CALLED_ID, CALLED_ID), (FIXED_ID, FIXED_NUMBER)]
)
def test_the_caller_id_is_the_campaigns_choice(stage: Stage, number: str, shown: str) -> None:
    assert f"sip:{shown}@" in _called_invite(stage, number).get("from")


def test_a_private_caller_goes_out_anonymous_and_is_known_to_the_record(stage: Stage) -> None:
    headers = [("P-Asserted-Identity", f"<sip:{HIDDEN}@127.0.0.1>"), ("Privacy", "id")]
    from_ = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    invite = _called_invite(stage, headers=headers, from_=from_)
    assert "sip:anonymous@anonymous.invalid" in invite.get("from")
    assert "id" in invite.get("privacy")
    assert HIDDEN.removeprefix("+") not in str(invite)
    assert HIDDEN in str(stage.switch.record()["caller"])


def test_privacy_hides_a_from_that_shows_the_number(stage: Stage) -> None:
    invite = _called_invite(stage, headers=[("Privacy", "id")], from_=f"<sip:{HIDDEN}@127.0.0.1>")
    assert "sip:anonymous@anonymous.invalid" in invite.get("from")
    assert HIDDEN.removeprefix("+") not in str(invite)


def test_the_asserted_identity_of_a_trusted_trunk_is_the_caller(stage: Stage) -> None:
    _called_invite(stage, headers=[("P-Asserted-Identity", f"<tel:{HIDDEN}>")])
    assert HIDDEN in str(stage.switch.record()["caller"])


def test_the_asserted_identity_of_another_trunk_is_not_believed(make_stage: MakeStage) -> None:
    stage = make_stage(trunk_lines="    max_calls: 100", trusted=False)
    _called_invite(stage, headers=[("P-Asserted-Identity", f"<tel:{HIDDEN}>")])
    caller = str(stage.switch.record()["caller"])
    assert HIDDEN not in caller
    assert CALLER in caller


def test_what_the_network_says_is_in_the_record(stage: Stage) -> None:
    headers = [
        ("Diversion", '<sip:+16025550777@127.0.0.1>;reason=user-busy;counter="1"'),
        ("P-Charge-Info", "<sip:+16025550888@127.0.0.1>"),
        ("User-Agent", "gateway/1"),
    ]
    from_ = f"<sip:{CALLER};jip=602555;isup-oli=62@127.0.0.1;user=phone>"
    _called_invite(stage, headers=headers, from_=from_)
    record = stage.switch.record()
    assert record["signalling"]["line_info"] == "62"
    text = str(record)
    for fact in ("6025550777", "6025550888", "gateway/1", "602555"):
        assert fact in text


def test_listed_headers_cross_and_no_others(make_stage: MakeStage) -> None:
    stage = make_stage(trunk_lines="    pass_headers: [X-Click-Id]")
    invite = _called_invite(stage, headers=[("X-Click-Id", "c1"), ("X-Other", "o1")])
    assert invite.get("x-click-id") == "c1"
    assert "o1" not in str(invite)


@pytest.mark.parametrize(
    "headers",
    [
        [("P-Asserted-Identity", "<<<>>>")],
        [("Diversion", ";;;=")],
        [("Privacy", "\x01\x02")],
        [("P-Charge-Info", "<sip:>;npi=")],
        [("History-Info", "<sip:a?Reason=%ZZ>;index=")],
        [("Remote-Party-ID", '"x" <sip:')],
    ],
)
def test_an_identity_that_cannot_be_read_does_not_stop_the_call(
    stage: Stage, headers: Headers
) -> None:
    _called_invite(stage, headers=headers)
    assert stage.switch.record()["ended_by"] == "called"
