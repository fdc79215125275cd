import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip._reader import read_hop, read_number, read_tag, read_usual
from softswitch.sip.errors import ParseError
from softswitch.sip.message import Message, Request, parse_message, parse_unusual

INVITE = (
    b"INVITE sip:100@127.0.0.1:5060 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK-1\r\n"
    b"v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-2\r\n"
    b"From:  sipp <sip:sipp@127.0.0.1:5071>;tag=1 \r\n"
    b"TO: <sip:100@127.0.0.1:5060>\r\n"
    b"call-id: 1@127.0.0.1\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"x-some-thing: \tvalue\x0b\x1f\r\n"
    b"X-Some-Thing:\r\n"
    b"Content-Type: text/plain\r\n"
    b"Content-Length: 4\r\n"
    b"\r\n"
    b"v=0\r"
)
RESPONSE = (
    b"SIP/2.0 180 Ringing now\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK-1\r\nCSeq: 1 A\r\n\r\n"
)


def parts_of(message: Message) -> tuple[object, ...]:
    first = (message.method, message.uri) if isinstance(message, Request) else (message.start_line,)
    fields = message.headers.fields
    return (type(message), *first, list(fields.items()), message.body, message.version)


def outcome(read: object, data: bytes) -> object:
    try:
        return parts_of(read(data))  # type: ignore[operator]
    except ParseError as error:
        return (error.reason, error.status_hint)


def agree(data: bytes) -> None:
    assert outcome(parse_message, data) == outcome(parse_unusual, data)


@pytest.mark.parametrize("data", [INVITE, RESPONSE])
def test_usual_messages_are_cut_in_c_as_they_are_in_python(data: bytes) -> None:
    assert read_usual(data) is not None
    agree(data)


UNUSUAL = {
    "white space before a colon": INVITE.replace(b"Thing:", b"Thing :"),
    "a length that is not the body's": INVITE.replace(b"Length: 4", b"Length: 3"),
    "two lengths": INVITE.replace(b"CSeq: 1 INVITE", b"l: 4"),
    "a folded line": RESPONSE.replace(b"UDP 127", b"UDP\r\n 127"),
    "a bare line feed": RESPONSE.replace(b"now\r\n", b"now\n"),
    "a bare carriage return": RESPONSE.replace(b"now", b"n\row"),
    "text that is not ASCII": RESPONSE.replace(b"now", "für Elise".encode()),
    "another method": INVITE.replace(b"INVITE sip", b"EXOTIC sip"),
    "no headers": b"SIP/2.0 200 OK\r\n\r\n",
    "no empty line": RESPONSE[:-2],
    "a status out of range": RESPONSE.replace(b"180", b"700"),
    "a status that is no number": RESPONSE.replace(b"180", b"1x0"),
    "too many lines": b"SIP/2.0 200 OK\r\n" + b"Via: x\r\n" * 257 + b"\r\n",
    "too long": RESPONSE + b"x" * 9000,
    "nothing": b"",
    "a line without a name": RESPONSE.replace(b"CSeq", b""),
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_unusual_is_left_to_python(data: bytes) -> None:
    assert read_usual(data) is None
    agree(data)


PIECES = [
    b"\r\n",
    b"\r",
    b"\n",
    b" ",
    b"\t",
    b":",
    b"\0",
    b"\xff",
    b"Via: x\r\n",
    b"l: 0\r\n",
    b",",
]


@given(
    st.sampled_from([INVITE, RESPONSE]),
    st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 3),
            st.sampled_from(PIECES) | st.binary(max_size=3),
        ),
        max_size=3,
    ),
)
def test_whatever_is_done_to_a_message_both_readers_see_the_same(
    data: bytes, edits: list[tuple[float, int, bytes]]
) -> None:
    for place, cut, piece in edits:
        at = int(place * len(data))
        data = data[:at] + piece + data[at + cut :]
    agree(data)


@given(st.binary(max_size=200))
def test_on_any_bytes_both_readers_agree(data: bytes) -> None:
    agree(data)


WORD = r"[A-Za-z0-9.\-_*+!%`'~]+"
HOP = re.compile(
    r"SIP/2\.0/(?:UDP|TCP) ([A-Za-z0-9.\-]+)(?::([0-9]{1,5}))?(;rport(?:=[0-9]{0,5})?)?"
    rf";branch=({WORD})(;received=[0-9.]+)?(;rport(?:=[0-9]{{0,5}})?)?(;received=[0-9.]+)?"
)


def hop_by_pattern(value: str) -> tuple[object, ...] | None:
    found = HOP.fullmatch(value)
    if found is None:
        return None
    host, port, rport, branch, received, rport_after, received_after = found.groups()
    return (
        host,
        None if port is None else int(port),
        branch,
        bool(rport or rport_after),
        bool(received or received_after),
    )


VIA_PIECES = [
    *("SIP/2.0/UDP ", "SIP/2.0/TCP ", "SIP/2.0/TLS ", "host-1.example", "192.0.2.1", ":5060"),
    *(":", ":123456", ";rport", ";rport=", ";rport=5071", ";rport=123456", ";branch=", "z9hG4bK-1"),
    *("%`'~_*+!", ";received=", ";received=192.0.2.1", ";ttl=1", " ", "\xe9", "@", ""),
]


@given(st.lists(st.sampled_from(VIA_PIECES), max_size=9).map("".join) | st.text(max_size=30))
def test_a_hop_is_read_as_the_pattern_has_it(value: str) -> None:
    assert read_hop(value, lambda *parts: parts) == hop_by_pattern(value)


@pytest.mark.parametrize(
    "value",
    [
        "SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK-1",
        "SIP/2.0/TCP a;rport;branch=z;received=1.2.3.4;rport=9",
        "SIP/2.0/UDP a:1;rport=;branch=z;rport=5;received=1.2.3.4",
    ],
)
def test_usual_hops_are_read(value: str) -> None:
    assert read_hop(value, lambda *parts: parts) == hop_by_pattern(value) is not None


@given(
    st.lists(
        st.sampled_from(["<sip:a@b>", ">", ";tag=", "a1", "%`'~_*+!.-", ";x=1", " ", "=", "\xe9"]),
        max_size=5,
    ).map("".join)
)
def test_a_tag_is_read_as_the_pattern_has_it(value: str) -> None:
    _, closed, behind = value.rpartition(">")
    found = re.fullmatch(f";tag=({WORD})", behind)
    expected = None
    if closed and value.isascii():
        expected = "" if not behind else found[1] if found else None
    assert read_tag(value) == expected


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1 INVITE", 1),
        ("0 ACK", 0),
        ("999999999 BYE", 999999999),
        ("7", 7),
        ("1000000000 BYE", -1),
        ("", -1),
        (" 1 INVITE", -1),
        ("1\tINVITE", -1),
        ("1x INVITE", -1),
        ("\u0661 INVITE", -1),
        ("-1 INVITE", -1),
    ],
)
def test_a_usual_number_is_read(value: str, number: int) -> None:
    assert read_number(value) == number
