"""Mutated SIP messages against the message layer: nothing but ParseError may come out of it.

`python -m fuzz.fuzz_sip_message [--seconds 10] [--seed N] [--keep]`. Every message is parsed the
usual and the careful way (which must agree), judged, understood header by header, written and read
again, and fed to the stream decoder in pieces. A finding is printed as a Python literal, for a new
test.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from fuzz.kept import Fuzz
from softswitch.sip import message as message_module
from softswitch.sip.errors import LocalProtocolError, ParseError, StreamError
from softswitch.sip.headers.accept import accepts
from softswitch.sip.headers.contact import Contacts
from softswitch.sip.headers.content_disposition import ContentDisposition
from softswitch.sip.headers.cseq import CSeq
from softswitch.sip.headers.history_info import HistoryInfo
from softswitch.sip.headers.media_type import MediaType
from softswitch.sip.headers.min_se import parse_min_se
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.privacy import Privacy
from softswitch.sip.headers.rack import RAck
from softswitch.sip.headers.reason import Reason
from softswitch.sip.headers.refer_to import ReferTo
from softswitch.sip.headers.replaces import Replaces
from softswitch.sip.headers.retry_after import RetryAfter
from softswitch.sip.headers.session_expires import SessionExpires
from softswitch.sip.headers.via import Via
from softswitch.sip.identity import read_identity
from softswitch.sip.message import Request, Response, parse_message
from softswitch.sip.multipart import find_session_description
from softswitch.sip.stream import StreamDecoder
from softswitch.sip.uri import Uri
from softswitch.sip.validation import validate

# The only exceptions that a peer's bytes may cause. Writing a message with a body but without a
# Content-Type is refused: that is LocalProtocolError, and only there.
ALLOWED = (ParseError,)

# No message, however hostile, may hold the loop for longer; generous for a busy machine.
MAX_SECONDS_A_MESSAGE = 0.25

SEEDS = (
    b"INVITE sip:+18666831950;npdi;rn=+16025550000@198.51.100.20:5060;user=phone SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK0a1b;rport, SIP / 2.0 /TCP [2001:db8::1]:5\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "O\\"Neil, Pat" <sip:+16025550100;jip=602555@192.0.2.10;user=phone>;tag=1\r\n'
    b"t:\r\n <sip:+18666831950@198.51.100.20>\r\n"
    b"Call-ID: 1074823901_88211734@192.0.2.10\r\nCSeq: 51263 INVITE\r\n"
    b'm: <sip:+16025550100@192.0.2.10:5060?a=b&c=d;x>;q=0.5;+sip.instance="<urn:uuid:1>"\r\n'
    b"Route: <sip:a;lr>,<sip:b;lr>\r\nRecord-Route: <sip:c;lr>\r\n"
    b"Accept: application/sdp;q=0.3, text/*\r\nRequire: 100rel, timer\r\nk: replaces\r\n"
    b'P-Asserted-Identity: "A" <sip:+16025550100@h>, tel:+1-602-555-0100;npdi\r\n'
    b"Remote-Party-ID: <sip:+16025550100@h>;party=calling;screen=yes;privacy=full\r\n"
    b"Privacy: id;critical\r\nDiversion: <tel:+1602>;reason=user-busy;counter=2;privacy=off\r\n"
    b"History-Info: <sip:1@h;cause=486?Reason=SIP%3Bcause%3D486>;index=1.1;mp=1\r\n"
    b"P-Charge-Info: <sip:+1602@h>;npi=ISDN;noa=3\r\n"
    b'Reason: Q.850;cause=16;text="x", SIP;cause=200\r\n'
    b"Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nRAck: 1 2 INVITE\r\n"
    b"Replaces: a@b;to-tag=1;from-tag=2;early-only\r\nr: <sip:c@d?Replaces=a%3Bto-tag%3D1>\r\n"
    b"Retry-After: 5 (busy (very));duration=3\r\nContent-Disposition: session;handling=optional\r\n"
    b'Content-Type: multipart/mixed;boundary="b1"\r\nContent-Length: 83\r\n\r\n'
    b"--b1\r\nContent-Type: application/isup\r\n\r\n\x00\x01\r\n"
    b"--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1--",
    b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=1\r\n"
    b"t: sip:c@d;tag=2\r\ni: x\r\nCSeq: 1 INVITE\r\nm: *\r\nc: application/sdp\r\nl: 5\r\n\r\n"
    b"v=0\r\n",
    b"ACK tel:+1-602;phone-context=x SIP/2.0\nVia: SIP/2.0/TCP a\nFrom: a:b\nTo: urn:x\n"
    b"Call-ID: 1\nCSeq: 1 ACK\n\n",
)

SPICE = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n ", b"\t", b" ", b"\x00", b"\xff", b"\xc3\xa9"),
    *(b'"', b"\\", b"<", b">", b";", b",", b":", b"=", b"@", b"?", b"&", b"%", b"%00", b"%zz"),
    *(b"[", b"]", b"(", b")", b"*", b"::", b"-1", b"0", b"9" * 23, b"4294967296", b"65536"),
    *(b"Content-Length: 1\r\n", b"l: 4000\r\n", b"Via: x\r\n", b"SIP/2.0", b";tag=", b"\xd9\xa3"),
)


def understand(message: Request | Response) -> None:
    """Read whatever the product reads; each may refuse by itself."""
    headers = message.headers

    def first(name: str) -> str:
        return headers.get(name) or ""

    actions: list[Callable[[], object]] = [
        lambda: validate(message),
        lambda: (message.via, message.from_, message.to, message.cseq, message.call_id),
        lambda: (message.from_tag, message.to_tag, message.max_forwards, message.content_type),
        lambda: (message.contacts, message.routes, message.record_routes),
        lambda: (message.require, message.proxy_require, message.supported, message.allow),
        lambda: str(Contacts.parse_all(headers)),
        lambda: accepts(headers, "application/sdp"),
        lambda: find_session_description(message),
        lambda: [(one.reasons, one.cause, one.target) for one in HistoryInfo.parse_all(headers)],
        lambda: RetryAfter.find(headers),
        lambda: parse_min_se(first("Min-SE")),
        lambda: ReferTo.parse(first("Refer-To")).replaces,
    ]
    for name, parse in ROUND_TRIPS:
        actions += [partial(check_round_trip, parse, text) for text in headers.get_list(name)]
    if isinstance(message, Request):
        actions += [
            partial(read_identity, message, trusted=True),
            partial(read_identity, message, trusted=False),
            partial(check_uri, message.uri),
        ]
    for action in actions:
        try:
            action()
        except ALLOWED:
            continue


# Headers whose value must read the same after it was written.
ROUND_TRIPS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("Via", Via.parse),
    ("From", NameAddress.parse),
    ("To", NameAddress.parse),
    ("Contact", NameAddress.parse),
    ("Diversion", NameAddress.parse),
    ("CSeq", CSeq.parse),
    ("Content-Type", MediaType.parse),
    ("Content-Disposition", ContentDisposition.parse),
    ("Reason", Reason.parse),
    ("Retry-After", RetryAfter.parse),
    ("Session-Expires", SessionExpires.parse),
    ("RAck", RAck.parse),
    ("Replaces", Replaces.parse),
    ("Privacy", Privacy.parse),
)


def check_round_trip(parse: Callable[[str], object], text: str) -> None:
    """Check that a value that was accepted reads as the same value after it was written."""
    value = parse(text)
    assert parse(str(value)) == value, (text, str(value))


def check_uri(text: str) -> None:
    """Check that a URI built from its fields reads as the same URI."""
    uri = Uri.parse(text)
    copy = Uri(
        uri.scheme,
        uri.user,
        uri.password,
        uri.host,
        uri.port,
        uri.parameters,
        uri.headers,
        uri.opaque,
    )
    assert Uri.parse(str(copy)) == uri, (text, str(copy))


def outcome(parse: Callable[[bytes], Request | Response], data: bytes) -> object:
    """Give what a parser makes of the bytes, in a form to compare."""
    try:
        message = parse(data)
    except ALLOWED as error:
        return error.reason, error.status_hint, error.message is None
    return message.start_line, message.headers, message.body


def read_both_ways(data: bytes) -> Request | Response | None:
    """Parse by the usual and by the careful path; what they give must be the same."""
    usual = outcome(parse_message, data)
    careful = outcome(message_module._parse_carefully, data)
    assert usual == careful, (usual, careful)
    try:
        return parse_message(data)
    except ALLOWED as error:
        return error.message


def write_and_read_again(message: Request | Response) -> None:
    """Whatever was accepted and can be written must read as the same message."""
    try:
        data = bytes(message)
    except LocalProtocolError:
        assert message.body, message
        assert "Content-Type" not in message.headers, message
        return
    try:
        again = parse_message(data)
    except ParseError as error:
        raise AssertionError(f"{error}: {data!r}") from error
    message.headers.remove("Content-Length")
    again.headers.remove("Content-Length")
    assert (again.start_line, again.body) == (message.start_line, message.body)
    assert again.headers == message.headers, (again.headers, message.headers)


def feed_stream(data: bytes, chance: random.Random) -> None:
    """Cut the bytes as a stream would be; all of them must come out or stay buffered."""
    decoder = StreamDecoder()
    taken = 0
    position = 0
    try:
        while position < len(data):
            step = chance.choice((1, 7, 100, 2000))
            decoder.receive_data(data[position : position + step])
            position += step
            while (message := decoder.next_message()) is not None:
                taken += len(message) if isinstance(message, bytes) else 4
    except StreamError:
        return
    assert taken + decoder.buffered <= len(data)


def check(data: bytes, chance: random.Random) -> bool:
    """Do everything with one message; whether it was one. Raises for a finding."""
    message = read_both_ways(data)
    if message is not None:
        understand(message)
    with suppress(*ALLOWED):
        write_and_read_again(parse_message(data))
    feed_stream(data, chance)
    return message is not None


FUZZ = Fuzz(
    "sip_message",
    check,
    seeds=SEEDS,
    pieces=SPICE,
    watched=("softswitch/sip",),
    most_seconds=MAX_SECONDS_A_MESSAGE,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
