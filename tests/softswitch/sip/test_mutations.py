"""Valid messages, changed by Hypothesis: whatever is made of them, nothing is raised and nothing is
left; what goes out is SIP. Where it finds something, it says the shortest message that shows it."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from softswitch.sdp import (
    PCMU,
    LocalMedia,
    NotAcceptable,
    SessionDescription,
    accept_answer,
    answer,
    offer,
)
from softswitch.sdp import ParseError as SdpParseError
from softswitch.sip.errors import ParseError
from softswitch.sip.events import InviteReceived
from softswitch.sip.message import parse_message
from softswitch.sip.uri import Uri
from softswitch.sip.validation import validate
from tests.support.torture_table import rows
from tests.support.wire import PEER, PEER_TCP, SDP, Wire, request, response

SPICE = (
    *(b"\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\r\n", b"\t", b" ", b"\0", b"\xff", b"\xc3\xa9", b'"'),
    *(
        b"\\",
        b"<",
        b">",
        b";",
        b",",
        b":",
        b"=",
        b"@",
        b"?",
        b"&",
        b"%",
        b"%00",
        b"%zz",
        b"[",
        b"]",
    ),
    *(
        b"(",
        b")",
        b"*",
        b"::",
        b"-1",
        b"0",
        b"9" * 23,
        b"4294967296",
        b"65536",
        b"SIP/2.0",
        b";tag=",
    ),
    *(b"Content-Length: 1\r\n", b"l: 4000\r\n", b"Via: x\r\n", b"Require: 100rel\r\n", b"a=x\r\n"),
)
REQUESTS = [
    request(branch="z9hG4bKa", body=SDP),
    request("BYE", branch="z9hG4bKb", to="<sip:100000@192.0.2.9>;tag=us"),
    request("CANCEL", branch="z9hG4bKa"),
    request("ACK", branch="z9hG4bKa"),
    request("OPTIONS", branch="z9hG4bKc"),
    request("INVITE", branch="z9hG4bKd", headers=["Session-Expires: 90", "Require: timer"]),
]
MESSAGES = [*REQUESTS, *(row.data for row in rows())]
DESCRIPTION = (
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP"
    b" 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n"
)


@st.composite
def changed(draw: st.DrawFn, sources: st.SearchStrategy[bytes]) -> bytes:
    """One to five changes: bytes cut out, put in, exchanged, doubled; lines exchanged."""
    data = draw(sources)
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from((0, 1, 2, 8, 40))))
        piece = draw(st.one_of(st.sampled_from(SPICE), st.binary(max_size=8), st.just(b"")))
        again = data[start:end] * draw(st.sampled_from((0, 0, 1, 3)))
        data = data[:start] + piece + again + data[end:]
        if draw(st.integers(0, 9)) == 0:
            lines = draw(st.permutations(data.split(b"\r\n")[:40]))
            data = b"\r\n".join([*lines, *data.split(b"\r\n")[40:]])
    return data


def lenient() -> Wire:
    wire = Wire()
    wire.strict = False
    return wire


def finish(wire: Wire) -> None:
    """Refuse what has become a call, let all timers run out; nothing may be left."""
    for event in wire.events():
        if isinstance(event, InviteReceived):
            event.invite.reject(486, now=wire.now)
    wire.wait(200.0)
    assert {name: count for name, count in wire.stack.counts().items() if count} == {}


@given(changed(st.sampled_from(MESSAGES)))
@settings(max_examples=150, deadline=None)
def test_a_changed_datagram_is_answered_or_dropped(data: bytes) -> None:
    wire = lenient()
    for message in wire.give(data, PEER):
        assert message.status
    finish(wire)


@given(changed(st.sampled_from(MESSAGES)), st.lists(st.integers(1, 400), max_size=12))
@settings(max_examples=120, deadline=None)
def test_changed_bytes_of_a_connection_are_answered_dropped_or_its_end(
    data: bytes, cuts: list[int]
) -> None:
    wire = lenient()
    for size in [*cuts, len(data)]:
        wire.stack.receive_stream(data[:size], PEER_TCP, now=wire.now)
        data = data[size:]
    wire.take()
    wire.stack.flow_closed(PEER_TCP, now=wire.now)
    finish(wire)


@given(st.lists(changed(st.sampled_from(REQUESTS)), min_size=2, max_size=6))
@settings(max_examples=150, deadline=None)
def test_changed_messages_of_a_call_leave_nothing_behind(messages: list[bytes]) -> None:
    wire = lenient()
    wire.give(REQUESTS[0], PEER)
    for data in messages:
        wire.give(data, PEER)
    finish(wire)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_changed_response_to_an_invite_of_ours_harms_nobody(data: st.DataObject) -> None:
    wire = lenient()
    invite = wire.stack.invite(
        uri="sip:b@192.0.2.1",
        to_flow=PEER,
        from_="<sip:us@192.0.2.9>",
        to="<sip:b@192.0.2.1>",
        contact_user="us",
        body=SDP,
        now=wire.now,
    )
    (sent,) = wire.take()
    answers = [response(sent, status, body=SDP) for status in (180, 183, 200, 302, 486, 503)]
    for _ in range(3):
        wire.give(data.draw(changed(st.sampled_from(answers))), PEER)
    invite.cancel(now=wire.now)
    for event in wire.events():
        dialog = getattr(event, "dialog", None)
        if dialog is not None:
            dialog.bye(now=wire.now)
    finish(wire)


@given(changed(st.sampled_from(MESSAGES)))
@settings(max_examples=120, deadline=None)
def test_a_changed_message_is_read_or_a_parse_error(data: bytes) -> None:
    try:
        message = parse_message(data)
        validate(message)
    except ParseError:
        return
    # What nobody may send (RFC 3261 20.15), the last gate before the wire lets nobody send.
    assume(not message.body or "Content-Type" in message.headers.fields)
    again = parse_message(bytes(message))
    assert again.start_line == message.start_line


@given(changed(st.sampled_from([b"sip:+1602;npdi@h:5060;user=phone?a=b", b"tel:+1-602;x=y"])))
@settings(max_examples=120, deadline=None)
def test_a_changed_uri_is_read_or_a_parse_error(data: bytes) -> None:
    try:
        uri = Uri.parse(data.decode("latin-1"))
    except ParseError:
        return
    assert Uri.parse(str(uri)) == uri


@given(changed(st.just(DESCRIPTION)))
@settings(max_examples=120, deadline=None)
def test_a_changed_session_description_is_read_refused_or_not_acceptable(data: bytes) -> None:
    local = LocalMedia("192.0.2.9", 20000, 7)
    try:
        description = SessionDescription.parse(data)
        assert SessionDescription.parse(bytes(description)) == description
        answer(description, local, (PCMU,))
        accept_answer(offer(local, (PCMU,)), description)
    except (SdpParseError, NotAcceptable):
        return
