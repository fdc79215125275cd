"""Bytes to messages and back (RFC 3261 sections 7, 18.3 and 20)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip import message as message_module
from softswitch.sip.errors import LocalProtocolError, ParseError
from softswitch.sip.headers.container import COMPACT_FORMS, Headers
from softswitch.sip.headers.cseq import CSeq
from softswitch.sip.message import (
    MAX_BODY_BYTES,
    MAX_HEADERS,
    MAX_LINE,
    MAX_MESSAGE_BYTES,
    Message,
    Request,
    Response,
    parse_message,
    serialise,
)

INVITE = (
    b"INVITE sip:bob@biloxi.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds;rport\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKabc\r\n"
    b"Max-Forwards: 70\r\n"
    b"To: Bob <sip:bob@biloxi.com>\r\n"
    b"From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
    b"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"Contact: <sip:alice@pc33.atlanta.com>\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n\r\nv=0\r\n"
)
NEEDED = (
    b"Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
    b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
)


def request(data: bytes) -> Request:
    message = parse_message(data)
    assert isinstance(message, Request)
    return message


def options(extra: bytes = b"", body: bytes = b"", *, line_end: bytes = b"\r\n") -> bytes:
    head = b"OPTIONS sip:c@d SIP/2.0\r\n" + NEEDED + extra + b"\r\n"
    return head.replace(b"\r\n", line_end) + body


def fault(data: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse_message(data)
    return caught.value


# Requests ----------------------------------------------------------------------------------------


def test_a_request_is_read() -> None:
    invite = request(INVITE)

    assert (invite.method, invite.uri, invite.version) == (
        "INVITE",
        "sip:bob@biloxi.com",
        "SIP/2.0",
    )
    assert invite.body == b"v=0\r\n"
    assert invite.request_uri.host == "biloxi.com"
    assert invite.via.branch == "z9hG4bK776asdhds"
    assert invite.from_.display_name == "Alice"
    assert (invite.from_tag, invite.to_tag) == ("1928301774", None)
    assert invite.to.uri.user == "bob"
    assert invite.call_id == "a84b4c76e66710@pc33.atlanta.com"
    assert invite.cseq == CSeq(314159, "INVITE")
    assert invite.max_forwards == 70
    assert invite.contact == invite.contacts[0]
    assert invite.content_type is not None
    assert invite.content_type.name == "application/sdp"
    assert repr(invite) == "<Request INVITE sip:bob@biloxi.com>"
    assert invite.start_line == "INVITE sip:bob@biloxi.com SIP/2.0"


def test_what_is_read_is_written_again() -> None:
    assert bytes(request(INVITE)) == INVITE


def test_headers_that_are_missing_are_none_or_a_parse_error() -> None:
    bare = request(b"OPTIONS sip:a SIP/2.0\r\n\r\n")

    assert bare.max_forwards is None
    assert bare.content_type is None
    assert bare.contact is None
    assert bare.routes == bare.record_routes == bare.contacts == ()
    assert bare.require == bare.proxy_require == bare.supported == ()
    assert bare.unsupported == bare.allow == ()
    readers: dict[str, Callable[[], object]] = {
        "missing-via": lambda: bare.via,
        "missing-from": lambda: bare.from_tag,
        "missing-to": lambda: bare.to_tag,
        "missing-call-id": lambda: bare.call_id,
        "missing-cseq": lambda: bare.cseq,
    }
    for reason, read in readers.items():
        with pytest.raises(ParseError, match=reason):
            read()


def test_lists_are_read_over_lines_and_commas() -> None:
    message = request(
        options(
            b"Route: <sip:p1;lr>, <sip:p2;lr>\r\nRoute: <sip:p3;lr>\r\nRecord-Route: <sip:r;lr>\r\n"
            b"Require: a, b\r\nRequire: c\r\nProxy-Require: d\r\nk: \r\nUnsupported: e,\r\n"
            b"Allow: INVITE,ACK\r\n"
        )
    )

    assert [route.uri.host for route in message.routes] == ["p1", "p2", "p3"]
    assert [route.uri.host for route in message.record_routes] == ["r"]
    assert message.require == ("a", "b", "c")
    assert message.proxy_require == ("d",)
    assert message.supported == ()
    assert message.unsupported == ("e",)
    assert message.allow == ("INVITE", "ACK")


def test_a_typed_header_follows_a_line_that_is_set_later() -> None:
    message = request(INVITE)
    assert message.cseq.number == 314159
    assert message.cseq is message.cseq
    assert message.request_uri is message.request_uri

    message.headers.set("CSeq", "2 INVITE")
    message.uri = "sip:other"

    assert message.cseq.number == 2
    assert message.request_uri.host == "other"


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        ("<sip:a@b>;tag=x1", "x1"),
        ("<sip:a@b> ; tag = x1", "x1"),
        ("<sip:a@b>;x=y;tag=x1", "x1"),
        ("<sip:a@b>;tag=x1;x=y", "x1"),
        ("<sip:a@b>;tag=x1;tag=x2", "x1"),
        ("sip:a@b;tag=x1", "x1"),
        ('"a>;tag=no" <sip:a@b>;tag=x1', "x1"),
        ('"a>;tag=no" <sip:a@b>', None),
        ("<sip:a@b;tag=no>", None),
        ("<sip:a@b>;tag=", None),
        ("<sip:a@b>", None),
    ],
)
def test_tags_are_read_the_same_by_the_short_way(line: str, tag: str | None) -> None:
    message = Request("BYE", "sip:a", Headers([("From", line), ("To", line)]))

    assert message.from_tag == message.to_tag == tag
    assert message.from_.tag == message.to.tag == tag


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Via", "bad-via"),
        ("From", "bad-from"),
        ("To", "bad-to"),
        ("Call-ID", "bad-call-id"),
        ("CSeq", "bad-cseq"),
        ("Max-Forwards", "bad-max-forwards"),
        ("Contact", "bad-contact"),
        ("Route", "bad-route"),
        ("Record-Route", "bad-record-route"),
        ("Content-Type", "bad-content-type"),
        ("Require", "bad-require"),
        ("Allow", "bad-allow"),
    ],
)
def test_a_malformed_header_is_a_parse_error_with_its_name(name: str, reason: str) -> None:
    message = Request("INVITE", "sip:a", Headers([(name, "< <")]))
    readers: dict[str, Callable[[], object]] = {
        "Via": lambda: message.via,
        "From": lambda: message.from_,
        "To": lambda: message.to,
        "Call-ID": lambda: message.call_id,
        "CSeq": lambda: message.cseq,
        "Max-Forwards": lambda: message.max_forwards,
        "Contact": lambda: message.contact,
        "Route": lambda: message.routes,
        "Record-Route": lambda: message.record_routes,
        "Content-Type": lambda: message.content_type,
        "Require": lambda: message.require,
        "Allow": lambda: message.allow,
    }

    with pytest.raises(ParseError) as caught:
        readers[name]()

    assert (caught.value.reason, caught.value.status_hint) == (reason, 400)


def test_a_malformed_or_endless_request_uri_is_a_parse_error() -> None:
    with pytest.raises(ParseError) as caught:
        _ = Request("INVITE", "<sip:a>").request_uri
    assert (caught.value.reason, caught.value.status_hint) == ("bad-request-uri", 400)

    with pytest.raises(ParseError) as caught:
        _ = Request("INVITE", "sip:" + "a" * 5000).request_uri
    assert (caught.value.reason, caught.value.status_hint) == ("bad-request-uri", 414)


# Responses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"SIP/2.0 200 OK", 200, "OK"),
        (b"SIP/2.0 180 ", 180, ""),
        (b"SIP/2.0 180", 180, ""),
        (b"sip/2.0 486 Busy Here", 486, "Busy Here"),
        (b"SIP/2.0 699 a  b", 699, "a  b"),
        (b"SIP/2.0 200 SIP/2.0", 200, "SIP/2.0"),
        (b"SIP/2.0 200 a\tb", 200, "a\tb"),
    ],
)
def test_a_response_is_read(line: bytes, status: int, reason: str) -> None:
    response = parse_message(line + b"\r\n" + NEEDED + b"\r\n")

    assert isinstance(response, Response)
    assert (response.status, response.reason) == (status, reason)


@pytest.mark.parametrize(
    "line",
    [
        b"SIP/2.0 99 x",
        b"SIP/2.0 099 x",
        b"SIP/2.0 700 x",
        b"SIP/2.0 2000 x",
        b"SIP/2.0 abc x",
        b"SIP/2.0  200 x",
        b"SIP/2.0 \xd9\xa2\xd9\xa0\xd9\xa0 x",
        b"SIP/2.0",
        b"SIP/2.0 200 a\rb",
    ],
)
def test_a_bad_status_line_is_dropped_without_an_answer(line: bytes) -> None:
    error = fault(line + b"\r\n" + NEEDED + b"\r\n")

    assert error.reason == "bad-status-line"
    assert error.message is None


def test_a_response_of_another_version_is_dropped() -> None:
    error = fault(b"SIP/3.0 200 OK\r\n" + NEEDED + b"\r\n")

    assert (error.reason, error.status_hint, error.message) == ("bad-version", 505, None)


def test_a_response_gets_the_registered_phrase() -> None:
    assert Response(486).start_line == "SIP/2.0 486 Busy Here"
    assert Response(486, "No").start_line == "SIP/2.0 486 No"
    assert repr(Response(486)) == "<Response 486 Busy Here>"


def test_a_message_is_either_request_or_response() -> None:
    with pytest.raises(NotImplementedError):
        _ = Message().start_line


# Leniency ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("short", "name"), COMPACT_FORMS.items())
def test_every_compact_form_stands_for_its_name(short: str, name: str) -> None:
    for spelling in (short, short.upper()):
        message = request(b"OPTIONS sip:a SIP/2.0\r\n%b: 0\r\n\r\n" % spelling.encode())
        assert message.headers.fields == {name: ["0"]}


@pytest.mark.parametrize("name", ["Max-Forwards", "max-forwards", "MAX-FORWARDS", "mAx-forWards"])
@pytest.mark.parametrize("colon", [": ", ":", " : ", "\t:\t", " :"])
def test_case_and_white_space_around_the_colon_do_not_matter(name: str, colon: str) -> None:
    assert request(options(f"{name}{colon}9\r\n".encode())).max_forwards == 9


def test_folded_lines_are_joined() -> None:
    message = request(options(b"Subject: I know you're there,\r\n\t  pick up\r\n the phone\r\n"))

    assert message.headers.get("Subject") == "I know you're there, pick up the phone"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_bare_line_feeds_end_lines_too(line_end: bytes) -> None:
    message = request(options(b"Content-Length: 5\r\n", b"v=0\r\n", line_end=line_end))

    assert message.cseq.number == 1
    assert message.body == b"v=0\r\n"


def test_a_body_with_other_line_ends_than_the_head_is_left_alone() -> None:
    body = b"a\n\nb\r\n\r\nc"

    assert request(options(b"", body, line_end=b"\n")).body == body
    assert request(options(b"", body)).body == body


def test_leading_line_breaks_are_skipped() -> None:
    assert request(b"\r\n\r\n\n" + INVITE).method == "INVITE"


def test_spaces_in_and_behind_the_request_line_are_forgiven() -> None:
    message = request(b"OPTIONS   sip:a\tSIP/2.0 \r\n" + NEEDED + b"\r\n")

    assert message.start_line == "OPTIONS sip:a SIP/2.0"


def test_the_version_is_read_in_any_case() -> None:
    assert request(b"OPTIONS sip:a sip/2.0\r\n" + NEEDED + b"\r\n").version == "SIP/2.0"


def test_text_that_is_no_utf_8_is_read_as_latin_1_and_written_as_utf_8() -> None:
    message = request(options(b"Subject: Zo\xeb\r\n"))

    assert message.headers.get("Subject") == "Zoë"
    assert b"Subject: Zo\xc3\xab\r\n" in bytes(message)


def test_an_unknown_scheme_is_no_error() -> None:
    assert request(b"OPTIONS urn:service:sos SIP/2.0\r\n\r\n").request_uri.scheme == "urn"


# Bodies ------------------------------------------------------------------------------------------


def test_without_content_length_the_body_is_the_rest() -> None:
    """18.3: "the transport-layer ... is assumed to end at the end of the transport packet"."""
    assert request(options(b"", b"v=0\r\n")).body == b"v=0\r\n"


def test_bytes_beyond_content_length_are_cut() -> None:
    assert request(options(b"l: 3\r\n", b"v=0\r\nnoise")).body == b"v=0"


def test_a_content_length_said_twice_alike_is_one() -> None:
    assert request(options(b"l: 3\r\nContent-Length: 3\r\n", b"v=0")).body == b"v=0"


@pytest.mark.parametrize(
    ("lines", "reason", "status"),
    [
        (b"l: 4\r\n", "body-too-short", 400),
        (b"l: -1\r\n", "bad-content-length", 400),
        (b"l: five\r\n", "bad-content-length", 400),
        (b"l: \r\n", "bad-content-length", 400),
        (b"l: 0x3\r\n", "bad-content-length", 400),
        (b"l: \xc2\xb2\r\n", "bad-content-length", 400),
        (b"l: " + b"9" * 5000 + b"\r\n", "bad-content-length", 400),
        (b"l: 3\r\nl: 2\r\n", "bad-content-length", 400),
        (b"l: %d\r\n" % (MAX_BODY_BYTES + 1), "body-too-large", 413),
    ],
)
def test_a_bad_content_length_can_be_answered(lines: bytes, reason: str, status: int) -> None:
    error = fault(options(lines, b"v=0"))

    assert (error.reason, error.status_hint) == (reason, status)
    assert error.message is not None
    assert error.message.call_id == "1"


# Faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"garbage",
        b"INVITE sip:a",
        b"INVITE sip:a HTTP/1.1",
        b"INVITE sip:a SIP",
        b"INVITE sip:a SIP/x",
        b"INV<TE sip:a SIP/2.0",
        b"INVITE SIP/2.0",
        b"INVITE  SIP/2.0",
        b" ",
        b"\x00\x01\x02",
    ],
)
def test_what_does_not_begin_like_sip_is_dropped(line: bytes) -> None:
    error = fault(line + b"\r\n" + NEEDED + b"\r\n")

    assert error.reason == "bad-start-line"
    assert error.message is None


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\x00" * 40])
def test_no_message_at_all_is_dropped(data: bytes) -> None:
    assert fault(data).message is None


@pytest.mark.parametrize("line", [b"OPTIONS sip:a ;lr SIP/2.0", b"OPTIONS sip:a\tb SIP/2.0"])
def test_white_space_in_the_request_uri_is_answered_with_400(line: bytes) -> None:
    error = fault(line + b"\r\n" + NEEDED + b"\r\n")

    assert (error.reason, error.status_hint) == ("bad-request-line", 400)
    assert error.message is not None


def test_a_carriage_return_in_the_request_uri_is_answered_with_400() -> None:
    assert fault(b"OPTIONS sip:a\rb SIP/2.0\r\n" + NEEDED + b"\r\n").reason == "bad-request-line"


def test_another_version_is_answered_with_505() -> None:
    error = fault(b"OPTIONS sip:a SIP/3.0\r\n" + NEEDED + b"\r\n")

    assert (error.reason, error.status_hint) == ("bad-version", 505)
    assert error.message is not None
    assert bytes(error.message).startswith(b"OPTIONS sip:a SIP/2.0\r\n")


@pytest.mark.parametrize(
    "line", [b"no colon", b": value", b"b d: 1", b"Subject: a\rb", b"Max-Forwards", b"\xff: 1"]
)
def test_a_bad_header_line_is_answered_with_400(line: bytes) -> None:
    error = fault(options(line + b"\r\n"))

    assert (error.reason, error.status_hint) == ("bad-header-line", 400)
    assert error.message is not None
    assert "Subject" not in error.message.headers


def test_the_first_fault_is_the_one_that_is_named() -> None:
    assert fault(options(b"no colon\r\nl: -1\r\n")).reason == "bad-header-line"


def test_a_head_without_end_is_answered_with_400() -> None:
    error = fault((b"OPTIONS sip:a SIP/2.0\r\n" + NEEDED).removesuffix(b"\r\n"))

    assert (error.reason, error.status_hint) == ("no-empty-line", 400)
    assert error.message is not None


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_without_one_of_the_needed_headers_there_is_no_answer(name: bytes) -> None:
    lines = [line for line in options(b"no colon\r\n").split(b"\r\n") if not line.startswith(name)]

    assert fault(b"\r\n".join(lines)).message is None


def test_with_an_unreadable_via_there_is_no_answer() -> None:
    assert fault(options(b"no colon\r\n").replace(b"SIP/2.0/UDP a", b"nonsense")).message is None


def test_unreadable_via_parameters_do_not_stop_an_answer() -> None:
    error = fault(options(b"no colon\r\n").replace(b"branch=", b";;;branch="))

    assert error.message is not None
    assert error.message.via.host == "a"
    assert error.message.via.branch is None


# Limits ------------------------------------------------------------------------------------------


def test_a_message_that_is_too_large_is_answered_with_513() -> None:
    filler = b"X: %b\r\n" % (b"y" * 1000)
    data = options(filler * 60, b"z" * MAX_MESSAGE_BYTES)

    error = fault(data)

    assert (error.reason, error.status_hint) == ("message-too-large", 513)
    assert error.message is not None


def test_the_largest_message_is_read() -> None:
    filler = b"X: %b\r\n" % (b"y" * 8000)
    head = options(filler * 4)
    data = head + b"z" * MAX_BODY_BYTES
    assert len(data) < MAX_MESSAGE_BYTES

    assert len(request(data).body) == MAX_BODY_BYTES


def test_too_many_headers_are_answered_with_513() -> None:
    used = NEEDED.count(b"\r\n")

    assert "X" in request(options(b"X: 1\r\n" * (MAX_HEADERS - used))).headers
    error = fault(options(b"X: 1\r\n" * (MAX_HEADERS - used + 1)))
    assert (error.reason, error.status_hint) == ("too-many-headers", 513)
    assert error.message is not None


def test_a_line_that_is_too_long_is_answered_with_513() -> None:
    assert "X" in request(options(b"X:" + b"y" * (MAX_LINE - 2) + b"\r\n")).headers
    error = fault(options(b"X:" + b"y" * (MAX_LINE - 1) + b"\r\n"))
    assert (error.reason, error.status_hint) == ("line-too-long", 513)
    assert error.message is not None


def test_a_body_that_is_too_large_is_answered_with_413() -> None:
    error = fault(options(b"", b"z" * (MAX_BODY_BYTES + 1)))

    assert (error.reason, error.status_hint) == ("body-too-large", 413)
    assert error.message is not None
    assert len(error.message.body) == MAX_BODY_BYTES


# Writing -----------------------------------------------------------------------------------------


def test_content_length_is_written_last_and_right() -> None:
    headers = Headers([("Content-Length", "99"), ("Subject", "x"), ("Content-Type", "text/plain")])

    assert serialise(Request("MESSAGE", "sip:a", headers, b"hello")) == (
        b"MESSAGE sip:a SIP/2.0\r\nSubject: x\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 5\r\n\r\nhello"
    )
    assert bytes(Response(200)) == b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "message",
    [
        Request("INVITE", "sip:a SIP/2.0\r\nX: y"),
        Request("INVITE\nX: y", "sip:a"),
        Request("INVITE", "sip:a\r"),
        Response(200, "OK\r\nX: y"),
        Response(200, "OK\n"),
    ],
)
def test_a_start_line_cannot_smuggle_another_line(message: Message) -> None:
    with pytest.raises(LocalProtocolError):
        bytes(message)


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\r", "\r\n"])
def test_a_header_cannot_smuggle_another_line(value: str) -> None:
    message = Request("INVITE", "sip:a")
    with pytest.raises(LocalProtocolError):
        message.headers.add("Subject", value)
    with pytest.raises(LocalProtocolError):
        message.headers.set("Subject", value)

    message.headers.fields["Subject"] = [value]
    with pytest.raises(LocalProtocolError):
        bytes(message)


def test_a_body_needs_a_content_type() -> None:
    """20.15: "The Content-Type header field MUST be present if the body is not empty."."""
    with pytest.raises(LocalProtocolError, match="Content-Type"):
        bytes(Response(200, body=b"v=0"))


def test_half_characters_are_not_written() -> None:
    with pytest.raises(LocalProtocolError, match="UTF-8"):
        bytes(Response(200, "\ud800"))


# Properties --------------------------------------------------------------------------------------

header_names = st.from_regex(r"X-[a-z]{1,8}", fullmatch=True)
header_values = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n")
).map(str.strip)


@given(st.lists(st.tuples(header_names, header_values), max_size=6), st.binary(max_size=40))
def test_whatever_is_written_is_read_again(items: list[tuple[str, str]], body: bytes) -> None:
    message = Request("MESSAGE", "sip:a@b", Headers([*items, ("Content-Type", "a/b")]), body)

    again = request(bytes(message))

    again.headers.remove("Content-Length")
    assert again.headers == message.headers
    assert again.body == body


fragments = st.lists(
    st.sampled_from(
        [
            *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\r\n\r\n", b"\x00", b"\xff"),
            *(b"l: 3\r\n", b"Content-Length: 0\r\n", b"v: SIP/2.0/UDP a\r\n", b"m", b"SIP/2.0"),
            *(b"OPTIONS sip:a SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n", NEEDED, b"X: y\r\n", b"body"),
        ]
    ),
    max_size=12,
).map(b"".join)


def outcome(parse: Callable[[bytes], Request | Response], data: bytes) -> object:
    try:
        message = parse(data)
    except ParseError as error:
        return error.reason, error.status_hint, error.message is None
    return message.start_line, message.headers, message.body


@given(fragments | fragments.map(b"OPTIONS sip:a SIP/2.0\r\n".__add__) | st.binary())
def test_the_quick_way_never_differs_from_the_careful_one(data: bytes) -> None:
    assert outcome(parse_message, data) == outcome(message_module._parse_carefully, data)
