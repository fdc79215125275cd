"""What the switch answers to requests it cannot or must not serve (RFC 3261 section 8.2)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.support.phone import Call, Headers, unique
from tests.support.sip_text import Message, build, parse
from tests.support.stage import DIRECT, Stage

MakeStage = Callable[..., Stage]


def _uri(stage: Stage, user: str = DIRECT) -> str:
    return f"sip:{user}@127.0.0.1:{stage.switch.sip_port}"


def _ask(stage: Stage, method: str, headers: Headers = (), body: bytes = b"") -> Message:
    """A request outside a dialog from a known trunk, and its final answer."""
    return stage.caller.ask(method, _uri(stage), headers, body)


def test_options_says_what_the_switch_can_do(stage: Stage) -> None:
    answer = _ask(stage, "OPTIONS", [("Accept", "application/sdp")])
    assert answer.status == 200
    for method in ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"):
        assert method in answer.get("allow")
    assert "application/sdp" in answer.get("accept")


@pytest.mark.parametrize("method", ["REGISTER", "MESSAGE", "PUBLISH"])
def test_a_method_that_is_not_served_is_405_with_allow(stage: Stage, method: str) -> None:
    answer = _ask(stage, method)
    assert answer.status == 405
    assert "INVITE" in answer.get("allow")


def test_a_subscription_is_489_and_a_transfer_outside_a_call_403(stage: Stage) -> None:
    """RFC 6665 section 8.3.2: 489 says that the event package is not known."""
    asked = _ask(stage, "SUBSCRIBE")
    assert (asked.status, asked.all("Allow-Events")) == (489, ["refer"])
    assert _ask(stage, "REFER", [("Refer-To", "<sip:+16025551234@127.0.0.1>")]).status == 403


def test_a_method_nobody_knows_is_501(stage: Stage) -> None:
    assert _ask(stage, "DANCE").status == 501


def test_a_required_extension_is_420_with_unsupported(stage: Stage) -> None:
    answer = _ask(stage, "INVITE", [("Require", "100rel, teleport")], stage.rtp().sdp())
    assert answer.status == 420
    assert "teleport" in answer.get("unsupported")


def test_a_body_that_is_no_session_description_is_415_with_accept(stage: Stage) -> None:
    answer = _ask(stage, "INVITE", [("Content-Type", "text/plain")], b"hello")
    assert answer.status == 415
    assert "application/sdp" in answer.get("accept")


def test_a_content_encoding_is_415_with_accept_encoding(stage: Stage) -> None:
    headers = [("Content-Type", "application/sdp"), ("Content-Encoding", "gzip")]
    answer = _ask(stage, "INVITE", headers, b"\x1f\x8b\x08")
    assert answer.status == 415
    assert answer.all("accept-encoding")


def test_an_unknown_scheme_is_416(stage: Stage) -> None:
    answer = stage.caller.ask("INVITE", "http://127.0.0.1/", (), stage.rtp().sdp())
    assert answer.status == 416


def test_no_hops_left_is_483(stage: Stage) -> None:
    answer = _ask(stage, "INVITE", [("Max-Forwards", "0")], stage.rtp().sdp())
    assert answer.status == 483


def test_an_offer_without_a_codec_of_ours_is_488_with_warning(stage: Stage) -> None:
    body = stage.rtp().sdp((0,)).replace(b"AVP 0", b"AVP 3").replace(b":0 PCMU", b":3 GSM")
    answer = _ask(stage, "INVITE", (), body)
    assert answer.status == 488
    stage.callee.expect_no_call(during=0.1)


def test_a_session_description_that_cannot_be_read_is_refused(stage: Stage) -> None:
    headers = [("Content-Type", "application/sdp")]
    answer = _ask(stage, "INVITE", headers, b"rubbish\r\n")
    assert answer.status == 488
    assert '"Session description not understood"' in answer.get("warning")


def test_a_bye_of_no_dialog_is_481(stage: Stage) -> None:
    assert _ask(stage, "BYE").status == 481


def test_an_invite_into_no_dialog_is_481(stage: Stage) -> None:
    to = f"<{_uri(stage)}>;tag=never"
    assert _ask(stage, "INVITE", [("To", to)], stage.rtp().sdp()).status == 481


def _send_raw(stage: Stage, change: Callable[[Message], bytes]) -> Call:
    """Sends a changed INVITE, once; answers are matched by Call-ID."""
    sender = stage.caller
    uri = _uri(stage)
    call = Call(sender, unique("raw-"), "<sip:a@127.0.0.1>", f"<{uri}>", uri)
    call.peer = stage.switch.address
    sender.calls[call.call_id] = call
    body = stage.rtp().sdp()
    headers = [
        ("From", f"{call.local};tag={call.local_tag}"),
        ("To", call.remote),
        ("Call-ID", call.call_id),
        ("CSeq", "1 INVITE"),
        ("Contact", sender.contact()),
    ]
    call.invite = sender.request("INVITE", uri, headers, body)
    sender.send_raw(change(call.invite), stage.switch.address)
    return call


def _raw(stage: Stage, change: Callable[[Message], bytes]) -> Message:
    return _send_raw(stage, change).expect(lambda message: (message.status or 0) >= 200)


def test_another_version_of_sip_is_505(stage: Stage) -> None:
    answer = _raw(stage, lambda invite: bytes(invite).replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1))
    assert answer.status == 505


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"CSeq: 1 INVITE", b"CSeq: one INVITE"),
        (b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
        (b"CSeq: 1 INVITE", b"CSeq: 99999999999999999999 INVITE"),
        (b"Max-Forwards: 70", b"Max-Forwards: many"),
        (b"Content-Length: ", b"Content-Length: -"),
        (b"Content-Length: ", b"Content-Length: 9"),
    ],
)
def test_a_malformed_request_is_400(stage: Stage, before: bytes, after: bytes) -> None:
    answer = _raw(stage, lambda invite: bytes(invite).replace(before, after, 1))
    assert answer.status == 400
    stage.callee.expect_no_call(during=0.05)


def test_a_message_that_is_too_large_is_513(stage: Stage) -> None:
    padding = b"X-Padding: " + b"x" * 60000 + b"\r\n"
    answer = _raw(stage, lambda invite: bytes(invite).replace(b"From: ", padding + b"From: ", 1))
    assert answer.status in (400, 513)


def test_an_old_spelling_is_understood(stage: Stage) -> None:
    """Compact forms, odd case, folding and white space (RFC 3261 sections 7.3.1 and 7.3.3)."""

    def change(invite: Message) -> bytes:
        data = bytes(invite)
        for before, after in (
            (b"Via: ", b"v : "),
            (b"From: ", b"f:\r\n  "),
            (b"To: ", b"t: "),
            (b"Call-ID: ", b"i: "),
            (b"CSeq: 1 INVITE", b"cSEQ:    1    INVITE"),
            (b"Contact: ", b"m: "),
            (b"Content-Type: ", b"c: "),
            (b"Content-Length: ", b"l:\t"),
        ):
            assert before in data
            data = data.replace(before, after, 1)
        return data

    call = _send_raw(stage, change)
    stage.callee.expect_call().respond(486)
    call.expect(486)


@pytest.mark.parametrize(
    "junk",
    [
        b"\r\n\r\n",
        b"\x00" * 30,
        b"INVITE",
        b"INVITE sip:a SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"\xff\xfe" + bytes(range(256)) * 4,
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP \xff;branch=z\r\nFrom: ;;;\r\nTo: <<<\r\n\r\n",
    ],
)
def test_junk_does_no_harm(stage: Stage, junk: bytes) -> None:
    for _ in range(20):
        stage.caller.send_raw(junk)
    assert _ask(stage, "OPTIONS").status == 200
    assert "Traceback" not in stage.switch.output()


def test_the_same_call_that_came_by_two_ways_is_482(stage: Stage) -> None:
    """RFC 3261 section 8.2.2.2: same From tag, Call-ID and CSeq, another branch."""
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    assert calling.invite is not None
    merged = parse(bytes(calling.invite).replace(b";branch=z9hG4bK", b";branch=z9hG4bKm", 1))
    stage.caller.send_raw(bytes(merged))
    loop = calling.expect(lambda message: (message.status or 0) >= 200)
    assert loop.status == 482
    called.respond(486)
    calling.expect(486)


def test_a_second_invite_before_the_first_is_answered_is_500_with_retry_after(
    stage: Stage,
) -> None:
    """RFC 3261 section 14.2."""
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    called.respond(180)
    first = calling.invite
    assert first is not None
    calling.remote_tag = calling.expect(180).to_tag
    calling.send("INVITE", stage.rtp().sdp())
    refused = calling.expect(500)
    assert 0 <= int(refused.get("retry-after").split()[0]) <= 10
    called.respond(486)
    calling.invite = first
    calling.expect(486)


def test_a_request_in_a_dialog_that_is_not_served_leaves_the_call_up(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.calling.send("MESSAGE", b"hello", [("Content-Type", "text/plain")])
    refused = bridge.calling.expect(lambda message: (message.status or 0) >= 300, to="MESSAGE")
    assert refused.status in (405, 415, 501)
    bridge.calling.send("OPTIONS")
    bridge.calling.expect(200, to="OPTIONS")
    bridge.near.wait_for_packets(3)
    bridge.hang_up()


def test_an_answer_goes_back_to_the_port_it_came_from(stage: Stage) -> None:
    """RFC 3581: rport and received in the Via of the answer."""
    answer = _ask(stage, "OPTIONS")
    assert f"rport={stage.caller.port}" in answer.get("via")
    assert "received=127.0.0.1" in answer.get("via")


def test_a_stream_that_cannot_be_read_is_closed_and_others_live_on(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(transport="tcp")
    stage.caller.send_raw(b"x" * 200000)
    other = stage.phone(transport="tcp")
    assert other.options(_uri(stage)).status == 200


def test_messages_cut_anywhere_in_a_stream_are_put_together(make_stage: MakeStage) -> None:
    stage = make_stage(transport="tcp")
    message = bytes(
        build(
            f"OPTIONS {_uri(stage)} SIP/2.0",
            [
                ("Via", f"SIP/2.0/TCP 127.0.0.1:{stage.caller.port};branch=z9hG4bKcut"),
                ("Max-Forwards", "70"),
                ("From", "<sip:a@127.0.0.1>;tag=1"),
                ("To", "<sip:b@127.0.0.1>"),
                ("Call-ID", "cut"),
                ("CSeq", "1 OPTIONS"),
            ],
        )
    )
    for cut in range(0, len(message), 7):
        stage.caller.send_raw(message[cut : cut + 7])
    assert stage.caller.wait_for_stray().status == 200


def test_an_invite_too_broken_to_be_answered_is_told_in_the_log(make_stage: MakeStage) -> None:
    stage = make_stage()
    via = f"SIP/2.0/UDP 127.0.0.1:{stage.caller.port};branch=z9hG4bKbroken"
    parties = [("From", "<sip:a@b>;tag=1"), ("To", "<sip:c@d>"), ("Call-ID", "broken")]
    headers = [("Via", via), ("Max-Forwards", "70"), *parties]  # which INVITE, no CSeq says
    stage.caller.send_raw(bytes(build(f"INVITE {_uri(stage)} SIP/2.0", headers)))
    deadline = time.monotonic() + 5
    while "dropped without an answer" not in stage.switch.stderr_path.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
