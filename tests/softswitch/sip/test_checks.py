"""What a request must be before anybody looks at it (RFC 3261 section 8.2), and the order of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from softswitch.sip.checks import MAX_BODY
from softswitch.sip.events import InviteReceived
from softswitch.sip.flow import Flow
from softswitch.sip.stack import Limits
from tests.support.sip_text import Message
from tests.support.wire import PEER, PEER_TCP, SDP, US, Wire, request, response

ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, INFO, UPDATE, PRACK, REFER, SUBSCRIBE"


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def closed() -> Wire:
    """A stack that knows nobody."""
    return Wire(is_known=lambda _request, _flow: False)


def only(messages: list[Message]) -> Message:
    (message,) = messages
    return message


def test_a_good_invite_passes(wire: Wire) -> None:
    wire.give(request(body=SDP))
    wire.event(InviteReceived)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"From: <sip:caller@192.0.2.1>", b"From: <sip:caller@@"),
        lambda data: data.replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
        lambda data: data.replace(b"CSeq: 1 INVITE", b"CSeq: 99999999999 INVITE"),
        lambda data: data.replace(b"Max-Forwards: 70", b"Max-Forwards: many"),
        lambda data: data.replace(b"Contact: <sip:caller@192.0.2.1>\r\n", b""),
        lambda data: data.replace(b"Contact: <", b"Contact: <sip:b@b>, <"),
        lambda data: data.replace(b"sip:100000@192.0.2.9 SIP", b"sip:@@ SIP"),
        lambda data: data.replace(b"Max-F", b"From: <sip:a@b>;tag=x\r\nMax-F"),
        lambda data: data.replace(b"INVITE sip:100000@192.0.2.9 SIP", b"INVITE sip:a b SIP"),
        lambda data: data.replace(b"Content-Length: 0", b"Content-Length: -1"),
    ],
    ids=[
        "From",
        "CSeq method",
        "CSeq number",
        "Max-Forwards",
        "no Contact",
        "two Contacts",
        "Request-URI",
        "two Froms",
        "blank in Request-URI",
        "Content-Length",
    ],
)
def test_bad_syntax_is_400(wire: Wire, spoil: Callable[[bytes], bytes]) -> None:
    """21.4.1: the request could not be understood due to malformed syntax."""
    wire.strict = False
    answer = only(wire.give(spoil(request())))
    assert answer.status == 400
    assert answer.to_tag
    assert answer.get("warning").startswith("399 ")
    wire.no_event()


EMPTY_TAGS = [";tag=", ";tag", ';tag=""', ";TAG = ", ";x=1;tag=;y=2"]


@pytest.mark.parametrize("tag", EMPTY_TAGS)
@pytest.mark.parametrize("brackets", [True, False])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "BYE"])
def test_an_empty_tag_in_to_is_400_with_one_tag_of_ours(
    wire: Wire, tag: str, brackets: bool, method: str
) -> None:
    """25.1: a tag is a token."""
    uri = f"sip:100000@{US}"
    address = f"<{uri}>" if brackets else uri
    answer = only(wire.give(request(method, to=address + tag)))
    assert (answer.status, answer.get("warning")) == (400, '399 softswitch "empty-tag"')
    assert answer.get("to").lower().count("tag") == 1
    assert answer.to_tag
    assert ("x=1" in answer.get("to")) == ("x=1" in tag)
    wire.no_event()


@pytest.mark.parametrize("tag", EMPTY_TAGS)
def test_an_empty_tag_in_from_is_400(wire: Wire, tag: str) -> None:
    wire.strict = False
    answer = only(wire.give(request(from_=f"<sip:caller@192.0.2.1>{tag}")))
    assert (answer.status, answer.get("warning")) == (400, '399 softswitch "empty-tag"')
    wire.no_event()


def test_a_name_that_looks_like_an_empty_tag_comes_back_as_it_was(wire: Wire) -> None:
    to = f'"a;tag=;b" <sip:100000@{US};tag=>;x=1'
    answer = only(wire.give(request("BREW", to=to)))
    assert answer.get("to").startswith(f"{to};tag=")


def test_no_tag_in_from_is_a_call_of_rfc_2543(wire: Wire) -> None:
    wire.strict = False
    wire.give(request(body=SDP, from_="<sip:caller@192.0.2.1>"))
    wire.event(InviteReceived)


def test_another_version_is_505(wire: Wire) -> None:
    """21.5.6."""
    answer = only(wire.give(request(version="SIP/7.0")))
    assert answer.status == 505


@pytest.mark.parametrize("uri", ["http://example.com/", "urn:service:sos", "sips:100000@192.0.2.9"])
def test_another_scheme_is_416(wire: Wire, uri: str) -> None:
    """8.2.2.1."""
    assert only(wire.give(request(uri=uri))).status == 416


def test_a_tel_uri_is_served(wire: Wire) -> None:
    wire.give(request(uri="tel:+18666831950"))
    wire.event(InviteReceived)


@pytest.mark.parametrize("method", ["REGISTER", "MESSAGE", "PUBLISH"])
def test_a_known_method_we_do_not_serve_is_405_with_allow(wire: Wire, method: str) -> None:
    """8.2.1: the UAS MUST add an Allow header field to the 405 response."""
    answer = only(wire.give(request(method)))
    assert (answer.status, answer.get("allow")) == (405, ALLOWED)


def test_a_subscription_outside_of_calls_is_489_with_the_events_there_are(wire: Wire) -> None:
    """RFC 6665 section 8.3.2: the 489 MUST list the events that are understood."""
    answer = only(wire.give(request("SUBSCRIBE", headers=["Event: presence"])))
    assert (answer.status, answer.get("allow-events")) == (489, "refer")


def test_nobody_refers_us_outside_of_a_call(wire: Wire) -> None:
    answer = only(wire.give(request("REFER", headers=["Refer-To: <sip:carol@192.0.2.3>"])))
    assert answer.status == 403
    wire.no_event()
    assert wire.refused == [(403, "refer-outside")]


def test_an_unknown_method_is_501(wire: Wire) -> None:
    """21.5.2."""
    answer = only(wire.give(request("BREW")))
    assert (answer.status, answer.get("allow")) == (501, ALLOWED)


def test_a_required_extension_is_420_with_unsupported(wire: Wire) -> None:
    """8.2.2.3: the UAS MUST add Unsupported, listing the options it does not understand."""
    answer = only(wire.give(request(headers=["Require: sec-agree, foo", "Require: bar"])))
    assert (answer.status, answer.get("unsupported")) == (420, "sec-agree, foo, bar")


@pytest.mark.parametrize("value", ["foo bar", '"foo"', "a/b, c d", ""])
def test_a_required_extension_that_nobody_could_name_is_400(wire: Wire, value: str) -> None:
    """25.1: an option tag is a token; Unsupported would be empty."""
    answer = only(wire.give(request(headers=[f"Require: {value}"])))
    assert (answer.status, answer.all("unsupported")) == (400, [])
    assert answer.get("warning").startswith("399 ")
    wire.no_event()


def test_of_required_extensions_those_that_can_be_named_are(wire: Wire) -> None:
    answer = only(wire.give(request(headers=["Require: foo bar, baz", "Require: 100rel"])))
    assert (answer.status, answer.get("unsupported")) == (420, "baz")


def test_require_in_cancel_is_not_looked_at(wire: Wire) -> None:
    """8.2.2.3: Require MUST be ignored in a CANCEL request, and in an ACK."""
    wire.give(request(branch="z9hG4bKa"))
    answers = wire.give(request("CANCEL", branch="z9hG4bKa", headers=["Require: foo"]))
    assert answers[0].status == 200


@pytest.mark.parametrize(
    "more",
    [
        {"content_type": "text/plain"},
        {"headers": ["Content-Encoding: gzip"]},
    ],
)
def test_a_body_we_do_not_understand_is_415(wire: Wire, more: dict[str, str]) -> None:
    """8.2.3: 415 with Accept for the types and Accept-Encoding for the encodings understood."""
    answer = only(wire.give(request(body=SDP, **more)))  # type: ignore[arg-type]
    assert answer.status == 415
    assert "application/sdp" in answer.get("accept")
    assert answer.get("accept-encoding") == "identity"


def test_an_optional_body_is_left_unread(wire: Wire) -> None:
    """8.2.3: ... whose Content-Disposition does not say that handling is optional."""
    optional = ["Content-Disposition: render; handling = optional"]
    wire.give(request(body=b"hello", content_type="text/plain", headers=optional))
    wire.event(InviteReceived)


MIXED = "multipart/mixed;boundary=x"


def mixed(disposition: str) -> bytes:
    head = f"--x\r\nContent-Type: application/sdp\r\n\r\n{SDP.decode()}\r\n--x\r\n"
    part = f"Content-Type: application/isup\r\nContent-Disposition: {disposition}\r\n\r\n01"
    return f"{head}{part}\r\n--x--\r\n".encode()


@pytest.mark.parametrize("disposition", ["signal", "signal;handling=optional"])
def test_multipart_is_let_in(wire: Wire, disposition: str) -> None:
    wire.give(request(body=mixed(disposition), content_type=MIXED))
    wire.event(InviteReceived)


def test_a_part_that_must_be_understood_and_is_not_is_415(wire: Wire) -> None:
    """RFC 5621 section 8.2: handling=required."""
    answer = only(wire.give(request(body=mixed("signal;handling=required"), content_type=MIXED)))
    assert answer.status == 415
    assert "multipart/mixed" in answer.get("accept")


def test_multipart_that_cannot_be_taken_apart_is_400(wire: Wire) -> None:
    assert only(wire.give(request(body=b"--x--", content_type=MIXED))).status == 400


def test_a_caller_that_cannot_read_session_descriptions_gets_406(wire: Wire) -> None:
    """21.4.7 and 20.1."""
    assert only(wire.give(request(headers=["Accept: text/html"]))).status == 406
    wire.give(request(headers=["Accept: text/html, application/*;q=0.1"]))
    wire.event(InviteReceived)


def test_a_body_too_large_is_413(wire: Wire) -> None:
    """21.4.11."""
    assert only(wire.give(request(body=b"x" * (MAX_BODY + 1)))).status == 413


def test_a_message_too_large_is_513(wire: Wire) -> None:
    """21.5.7."""
    data = request(headers=["X-Long: " + "x" * 5000] * 13, body=b"x" * 30000)
    assert only(wire.give(data)).status == 513


def test_an_unknown_source_is_403(closed: Wire) -> None:
    assert only(closed.give(request())).status == 403
    assert only(closed.give(request("BYE"))).status == 403


def test_anybody_may_ask_for_options(closed: Wire) -> None:
    """11.2: Allow, Accept, Accept-Encoding, Accept-Language and Supported SHOULD be present."""
    answer = only(closed.give(request("OPTIONS")))
    assert answer.status == 200
    assert answer.get("allow") == ALLOWED
    assert "application/sdp" in answer.get("accept")
    assert answer.get("accept-encoding") == "identity"
    assert answer.get("accept-language") == "en"
    assert answer.all("supported") == ["timer, 100rel, replaces, norefersub"]


ORDER: list[tuple[int, Callable[[bytes], bytes]]] = [
    (400, lambda data: data.replace(b"From: <sip:caller@192.0.2.1>", b"From: <sip:caller@@")),
    (505, lambda data: data.replace(b" SIP/2.0\r\nVia", b" SIP/3.0\r\nVia")),
    (416, lambda data: data.replace(b"sip:100000@192.0.2.9 SIP", b"http://x SIP")),
    (405, lambda data: data.replace(b"INVITE", b"REGISTER")),
    (420, lambda data: data.replace(b"Max-F", b"Require: foo\r\nMax-F")),
    (415, lambda data: data.replace(b"application/sdp", b"text/plain")),
    (403, lambda data: data),
]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=[str(status) for status, _ in ORDER])
def test_the_checks_come_in_their_order(closed: Wire, first: int) -> None:
    """8.2: syntax, version, scheme, method, Require, body, then the source.

    A request that fails check `first` and all that come after it is refused for `first`. The body
    is an INVITE's business, so the two checks about methods and bodies never meet.
    """
    closed.strict = False
    data = request(body=SDP)
    for status, spoil in ORDER[first:]:
        if status != 405 or ORDER[first][0] == 405:
            data = spoil(data)
    assert only(closed.give(data)).status == ORDER[first][0]


def test_an_ack_is_never_answered(closed: Wire) -> None:
    """17.1.1.3 and 8.2.7."""
    for data in (
        request("ACK"),
        request("ACK", headers=["Require: foo"]),
        request("ACK", uri="http://x"),
        request("ACK", version="SIP/9.0"),
        request("ACK", cseq_method="INVITE"),
        request("ACK").replace(b"From: <sip", b"From: <<<"),
    ):
        assert not closed.give(data)
    closed.no_event()


@pytest.mark.parametrize("name", ["From", "To", "Call-ID"])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "BYE"])
def test_what_lacks_a_field_is_bad_and_is_told_so(wire: Wire, name: str, method: str) -> None:
    """8.1.1, 17.1.3: its sender knows the answer by branch and CSeq."""
    wire.strict = False
    data = request(method).replace(f"\r\n{name}: ".encode(), b"\r\nX-Other: ")
    (answer,) = wire.give(data)
    assert (answer.status, answer.cseq_method) == (400, method)
    assert answer.all(name) == []
    for other in {"From", "To", "Call-ID"} - {name}:
        assert answer.all(other) != []
    assert name in answer.get("warning")
    assert answer.get("via").startswith("SIP/2.0/UDP 192.0.2.1:5060;branch=")
    wire.no_event()
    assert wire.refused == [(400, "incomplete")]
    (again,) = wire.give(data)
    assert str(again) == str(answer)
    assert set(wire.stack.counts().values()) == {0}


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Via"])
def test_an_ack_that_lacks_a_field_is_not_answered(wire: Wire, name: str) -> None:
    assert wire.give(request("ACK").replace(f"\r\n{name}: ".encode(), b"\r\nX-Other: ")) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"hello",
        b"INVITE\r\n\r\n",
        b"\xff" * 100,
        b"INVITE sip:a SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        request().replace(b"Via", b"Vix"),
        request().replace(b"CSeq", b"X-Number"),
        request().replace(b"SIP/2.0/UDP 192.0.2.1:5060", b"SIP/2.0/UDP"),
    ],
)
def test_what_cannot_be_answered_is_dropped_with_a_name(wire: Wire, data: bytes) -> None:
    assert not wire.give(data)
    assert sum(wire.stack.drops.values()) == 1
    wire.no_event()


def test_a_second_way_of_the_same_request_is_482(wire: Wire) -> None:
    """8.2.2.2: merged requests."""
    wire.give(request(branch="z9hG4bKa"))
    wire.event(InviteReceived)
    assert only(wire.give(request(branch="z9hG4bKb"))).status == 482


def test_no_hop_left_is_483(wire: Wire) -> None:
    """16.3: an element must not forward a request with Max-Forwards 0."""
    data = request().replace(b"Max-Forwards: 70", b"Max-Forwards: 0")
    assert only(wire.give(data)).status == 483


def test_options_with_no_hop_left_are_answered(wire: Wire) -> None:
    """11: OPTIONS with Max-Forwards 0 is for whoever receives it."""
    data = request("OPTIONS").replace(b"Max-Forwards: 70", b"Max-Forwards: 0")
    assert only(wire.give(data)).status == 200


def test_a_tag_that_names_no_dialog_is_481(wire: Wire) -> None:
    """12.2.2."""
    to = f"<sip:100000@{US}>;tag=nobody"
    for method in ("INVITE", "BYE", "OPTIONS"):
        assert only(wire.give(request(method, to=to))).status == 481


def test_a_bye_without_a_tag_is_481(wire: Wire) -> None:
    """15.1.2."""
    assert only(wire.give(request("BYE"))).status == 481


def test_a_refused_request_that_is_repeated_gets_the_same_answer(closed: Wire) -> None:
    """8.2.7: To header tags MUST be generated in a stateless manner."""
    data = request()
    first, second = only(closed.give(data)), only(closed.give(data))
    assert first.to_tag
    assert str(first) == str(second)
    assert only(closed.give(request())).to_tag != first.to_tag
    assert not any(closed.stack.counts().values()), "a refusal keeps no state"
    assert closed.stack.refusals["unknown-source"] == 3


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_draining_is_503_with_retry_after(wire: Wire, method: str) -> None:
    """21.5.4: Retry-After of 1 to 5 s, spread over calls, the same for a retransmission."""
    wire.stack.draining = True
    waits = set()
    for number in range(40):
        data = request(method, call_id=f"call-{number}")
        answer = only(wire.give(data))
        assert answer.status == 503
        assert str(only(wire.give(data))) == str(answer)
        waits.add(int(answer.get("retry-after")))
    assert waits <= {1, 2, 3, 4, 5}
    assert len(waits) > 2
    assert wire.stack.refusals == {"draining": 80}
    wire.stack.draining = False
    wire.give(request())
    wire.event(InviteReceived)


def test_draining_lets_dialogs_end(wire: Wire) -> None:
    wire.give(request())
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    (answer,) = wire.take()
    wire.stack.draining = True
    wire.give(request("ACK", to=answer.get("to")))
    assert only(wire.give(request("BYE", number=2, to=answer.get("to")))).status == 200


@pytest.mark.parametrize("limits", [Limits(transactions=2), Limits(dialogs=0)])
def test_a_full_stack_answers_503(limits: Limits) -> None:
    wire = Wire(limits=limits)
    statuses = [only(wire.give(request(call_id=f"call-{number}"))).status for number in range(4)]
    assert statuses == ([100, 100, 503, 503] if limits.transactions == 2 else [503] * 4)
    assert wire.log[-1].message.get("retry-after")


def test_a_flood_of_streams_is_bounded() -> None:
    wire = Wire(limits=Limits(streams=3))
    for connection in range(1, 6):
        flow = Flow("tcp", "192.0.2.1", 40000 + connection, 1, connection)
        wire.stack.receive_stream(b"INVITE", flow, now=wire.now)
    assert len(wire.stack._context.streams) == 3
    assert [flow.connection for flow in wire.stack.flows_to_close()] == [4, 5]
    assert wire.stack.flows_to_close() == []
    assert wire.stack.drops["too-many-streams"] == 2


def test_answers_over_streams_need_no_other_checks(wire: Wire) -> None:
    answer = only(wire.give(request("OPTIONS", transport="TCP"), PEER_TCP))
    assert answer.status == 200


@pytest.mark.parametrize("name", ["To", "From", "Call-ID", "CSeq"])
def test_an_incomplete_response_is_dropped(wire: Wire, name: str) -> None:
    sent = wire.stack.invite(
        uri="sip:x", to_flow=PEER, from_="<sip:u>", to="<sip:x>", contact_user="", now=wire.now
    )
    (invite,) = wire.take()
    data = response(invite, 200).replace(f"\r\n{name}:".encode(), b"\r\nX-Other:")
    assert not wire.give(data)
    wire.no_event()
    assert wire.stack.drops["incomplete-response"] == 1
    assert wire.stack.take_dropped_from() == {"incomplete-response": PEER.host}
    assert wire.stack.take_dropped_from() == {}
    assert sent.call_id == invite.call_id


@pytest.mark.parametrize("name", ["To", "From", "Call-ID", "CSeq"])
def test_an_incomplete_request_on_a_broken_stream_is_dropped(wire: Wire, name: str) -> None:
    data = request().replace(f"\r\n{name}:".encode(), b"\r\nX-Other:")
    assert not wire.give(data.replace(b"Content-Length", b"X-Length"), PEER_TCP)
    assert wire.stack.flows_to_close() == [PEER_TCP]


def test_a_refusal_is_reported_with_its_reason() -> None:
    peer = Wire()
    peer.give(request("DANCE"))
    assert peer.refused == []
    peer.no_event()
    assert peer.refused == [(501, "method")]


def test_an_answer_that_is_no_refusal_is_not_reported() -> None:
    peer = Wire()
    peer.give(request("OPTIONS"))
    peer.no_event()
    assert peer.refused == []
