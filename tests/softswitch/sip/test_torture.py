"""RFC 4475 and RFC 5118, every message: read as meant, or refused with the status it must cause."""

from __future__ import annotations

import pytest

from softswitch.sip import events
from softswitch.sip.errors import ParseError
from softswitch.sip.headers.accept import accepts, parse_accept
from softswitch.sip.headers.contact import Contacts
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.via import MAGIC_COOKIE, Via
from softswitch.sip.message import Request, Response, parse_message
from softswitch.sip.multipart import find_body, find_session_description
from softswitch.sip.validation import validate
from tests.support import torture
from tests.support.sip_text import Message
from tests.support.torture_table import Answer, Row, rows
from tests.support.wire import PEER, PEER_TCP, Wire, request


def read_request(data: bytes) -> Request:
    message = parse_message(data)
    assert isinstance(message, Request)
    validate(message)
    return message


def read_response(data: bytes) -> Response:
    message = parse_message(data)
    assert isinstance(message, Response)
    validate(message)
    return message


def refuse(data: bytes) -> ParseError:
    """Read a message that must not pass, at the parser or at the second look."""
    with pytest.raises(ParseError) as caught:
        validate(parse_message(data))
    return caught.value


def vias(message: Request | Response) -> list[Via]:
    return [Via.parse(value) for value in message.headers.get_list("Via")]


# Every message by name, and the status it must cause; None: it is well-formed. Some well-formed
# ones are refused further up (416, 420, 415, 406, 483, 501): by the stack, with its own tests.
EXPECTED: dict[str, int | None] = {
    # 3.1.1
    "WSINV": None,
    "INTMETH": None,
    "ESC01": None,
    "ESCNULL": None,
    "ESC02": None,
    "LWSDISP": None,
    "LONGREQ": None,
    "DBLREQ": None,
    "SEMIURI": None,
    "TRANSPORTS": None,
    "MPART01": None,
    "UNREASON": None,
    "NOREASON": None,
    # 3.1.2
    "BADINV01": 400,
    "CLERR": 400,
    "NCL": 400,
    "SCALAR02": 400,
    "SCALARLG": 400,
    "QUOTBAL": 400,
    "LTGTRURI": 400,
    "LWSRURI": 400,
    "LWSSTART": None,  # "may ignore these extra SP characters"
    "TRWS": None,  # likewise
    "ESCRURI": None,  # "ignore the escaped headers"
    "BADDATE": None,  # "ignore this value altogether"
    "REGBADCT": 400,
    "BADASPEC": None,  # "may ignore the spaces"
    "BADDN": None,  # "infer the missing quotes"
    "BADVERS": 505,
    "MISMATCH01": 400,
    "MISMATCH02": 400,  # "501 ... 400 is also acceptable"
    "BIGCODE": 400,
    # 3.2 to 3.4
    "BADBRANCH": None,
    "INSUF": 400,
    "UNKSCM": None,
    "NOVELSC": None,
    "UNKSM2": None,
    "BEXT01": None,
    "INVUT": None,
    "REGAUT01": None,
    "MULTI01": 400,
    "MCL01": 400,
    "BCAST": None,
    "ZEROMF": None,
    "CPARAM01": None,
    "CPARAM02": None,
    "REGESCRT": None,
    "SDP01": None,
    "INV2543": None,
    # RFC 5118
    "IPV6_GOOD": None,
    "IPV6_BAD": 400,
    "PORT_AMBIGUOUS": None,
    "PORT_UNAMBIGUOUS": None,
    "VIA_RECEIVED_WITH_DELIM": None,
    "VIA_RECEIVED_NO_DELIM": None,
    "IPV6_IN_SDP": None,
    "MULT_IP_IN_HEADER": None,
    "MULT_IP_IN_SDP": None,
    "IPV4_MAPPED_IPV6": None,
    "IPV6_BUG_ABNF_3_COLONS": None,
    "IPV6_CORRECT_ABNF_2_COLONS": None,
}


def test_no_message_of_the_two_standards_is_left_out() -> None:
    vectors = {
        name for name, value in vars(torture).items() if name.isupper() and name[0] != "_"
    } - {"INTMETH_METHOD", "MPART01_BINARY", "UNREASON_PHRASE"}

    assert vectors == set(EXPECTED)
    assert len(EXPECTED) == 49 + 12


@pytest.mark.parametrize(("name", "status"), EXPECTED.items())
def test_each_message_passes_or_causes_its_status(name: str, status: int | None) -> None:
    data = getattr(torture, name)
    if status is None:
        validate(parse_message(data))
    else:
        assert refuse(data).status_hint == status


@pytest.mark.parametrize("name", [name for name, status in EXPECTED.items() if status is None])
def test_each_well_formed_message_survives_being_written(name: str) -> None:
    message = parse_message(getattr(torture, name))

    again = parse_message(bytes(message))

    assert again.start_line == message.start_line
    assert again.body == message.body
    assert {**again.headers.fields, "Content-Length": []} == {
        **message.headers.fields,
        "Content-Length": [],
    }


# What each is about ------------------------------------------------------------------------------


def test_wsinv_white_space_folding_and_case_do_not_matter() -> None:
    request = read_request(torture.WSINV)

    assert request.method == "INVITE"
    assert request.to == NameAddress.parse("<sip:vivekg@chair-dnrc.example.com>;tag=1918181833n")
    assert request.to_tag == "1918181833n"
    assert request.from_.display_name == 'J Rosenberg \\"'
    assert request.from_tag == "98asjd8"
    assert request.max_forwards == 68
    assert (request.cseq.number, request.cseq.method) == (9, "INVITE")
    assert [(via.transport, via.host, via.branch) for via in vias(request)] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert request.headers.get("Subject") == ""
    assert request.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert request.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    assert list(request.routes[0].uri.parameters.items()) == [
        ("lr", None),
        ("unknownwith", "value"),
        ("unknown-no-value", None),
    ]
    contact = request.contacts[0]
    assert contact.display_name == 'Quoted string ""'
    assert list(contact.parameters.items()) == [
        ("newparam", "newvalue"),
        ("secondparam", None),
        ("q", "0.33"),
    ]
    assert len(request.body) == 150


def test_intmeth_every_token_character_is_read() -> None:
    request = read_request(torture.INTMETH)

    assert request.method.encode() == torture.INTMETH_METHOD
    assert request.request_uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert request.request_uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert request.request_uri.host == "example.com"
    assert request.via.branch == "z9hG4bK-.!%66*_+`'~"
    assert request.to.display_name == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert request.from_.display_name == "token1~` token2'+_ token3*%!.-"
    assert request.from_.parameters.get("fromparam''~+*_!.-%") == "работающий"
    assert request.from_tag == "_token~1'+`*%!-."
    assert request.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert request.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"


def test_esc01_escapes_count_once_and_only_in_uris() -> None:
    request = read_request(torture.ESC01)

    assert request.request_uri.user == "sips:user@example.com"
    assert request.request_uri.host == "example.net"
    assert request.to.uri.user == "user"
    assert request.from_.uri.user == "I have spaces"
    contact = request.contacts[0].uri
    assert contact.user == "caller"
    assert list(contact.parameters.items()) == [("lr", None), ("name", "value%41")]
    assert str(contact) == "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31"


def test_escnull_an_escaped_null_does_not_end_the_user_part() -> None:
    request = read_request(torture.ESCNULL)

    assert request.to.uri.user == "null-\x00-null"
    assert [contact.uri.user for contact in request.contacts] == ["\x00", "\x00\x00"]
    assert str(request.to.uri) == "sip:null-%00-null@example.com"


def test_esc02_percent_is_no_escape_outside_of_uris() -> None:
    request = read_request(torture.ESC02)

    assert request.method == "RE%47IST%45R"
    assert request.from_.display_name == "%Z%45"
    assert len(request.contacts) == 2


def test_lwsdisp_no_space_before_the_angle_bracket() -> None:
    assert read_request(torture.LWSDISP).from_.display_name == "caller"


def test_longreq_long_values_are_kept_whole() -> None:
    request = read_request(torture.LONGREQ)

    assert len(request.headers.get_list("Via")) == 34
    assert request.to.uri.port == 6000
    assert len(request.from_tag or "") == 154
    assert request.call_id.endswith("longcallid")


def test_dblreq_bytes_behind_the_body_are_noise() -> None:
    request = read_request(torture.DBLREQ)

    assert request.method == "REGISTER"
    assert request.body == b""


def test_semiuri_a_semicolon_may_stand_in_the_user_part() -> None:
    request = read_request(torture.SEMIURI)

    assert request.request_uri.user == "user;par=u@example.net"
    assert not request.request_uri.parameters
    assert [media.name for media in parse_accept(request.headers)][-1] == "message/sipfrag"


def test_transports_unknown_ones_are_read() -> None:
    transports = [via.transport for via in vias(read_request(torture.TRANSPORTS))]

    assert transports == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_mpart01_a_binary_part_is_framed_by_length() -> None:
    request = read_request(torture.MPART01)

    assert find_body(request, "application/octet-stream") == torture.MPART01_BINARY
    assert find_body(request, "text/plain") == b"Hello"
    assert find_session_description(request) is None


def test_unreason_and_noreason_any_phrase_or_none() -> None:
    assert read_response(torture.UNREASON).reason == torture.UNREASON_PHRASE
    assert read_response(torture.NOREASON).reason == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("BADINV01", "bad-via"),
        ("CLERR", "body-too-short"),
        ("NCL", "bad-content-length"),
        ("SCALAR02", "bad-cseq"),
        ("QUOTBAL", "bad-to"),
        ("LTGTRURI", "bad-request-uri"),
        ("LWSRURI", "bad-request-line"),
        ("REGBADCT", "bad-contact"),
        ("BADVERS", "bad-version"),
        ("MISMATCH01", "cseq-method-mismatch"),
        ("MISMATCH02", "cseq-method-mismatch"),
        ("MULTI01", "repeated-header"),
        ("MCL01", "bad-content-length"),
        ("IPV6_BAD", "bad-request-uri"),
    ],
)
def test_a_refused_request_can_be_answered(name: str, reason: str) -> None:
    error = refuse(getattr(torture, name))

    assert error.reason == reason
    assert error.message is not None
    assert error.message.via.host


@pytest.mark.parametrize("name", ["SCALARLG", "BIGCODE"])
def test_a_refused_response_is_just_dropped(name: str) -> None:
    assert refuse(getattr(torture, name)).message is None


def test_insuf_cannot_be_answered_without_from_to_and_call_id() -> None:
    """A response must copy all three (8.2.6.2): without them none would be well-formed."""
    error = refuse(torture.INSUF)

    assert error.reason == "missing-call-id"
    assert error.message is None


def test_lwsstart_and_trws_extra_spaces_are_not_passed_on() -> None:
    assert bytes(read_request(torture.LWSSTART)).startswith(
        b"INVITE sip:user@example.com SIP/2.0\r\n"
    )
    assert bytes(read_request(torture.TRWS)).startswith(
        b"OPTIONS sip:remote-target@example.com SIP/2.0\r\n"
    )


def test_baddn_the_missing_quotes_are_put_in() -> None:
    request = read_request(torture.BADDN)

    assert str(request.from_) == '"Bell, Alexander" <sip:a.g.bell@example.com>;tag=43'


def test_badaspec_spaces_inside_the_brackets_are_ignored() -> None:
    assert str(read_request(torture.BADASPEC).to.uri) == "sip:t.watson@example.org"


def test_badbranch_is_the_bare_cookie() -> None:
    assert read_request(torture.BADBRANCH).via.branch == MAGIC_COOKIE


@pytest.mark.parametrize(
    ("name", "scheme"), [("UNKSCM", "nobodyknowsthisscheme"), ("NOVELSC", "soap.beep")]
)
def test_unknown_schemes_are_left_to_416(name: str, scheme: str) -> None:
    request = read_request(getattr(torture, name))

    assert request.request_uri.scheme == scheme
    assert not request.request_uri.is_sip


def test_unksm2_unknown_schemes_in_headers_are_read() -> None:
    request = read_request(torture.UNKSM2)

    assert request.to.uri.scheme == "isbn"
    assert request.from_.uri.opaque == "//www.example.com"
    assert str(Contacts.parse_all(request.headers)) == "<name:John_Smith>"


def test_bext01_option_tags_are_there_to_refuse() -> None:
    request = read_request(torture.BEXT01)

    assert request.require == ("nothingSupportsThis", "nothingSupportsThisEither")
    assert request.proxy_require == ("noProxiesSupportThis", "norDoAnyProxiesSupportThis")


def test_invut_and_sdp01_say_what_they_bring_and_want() -> None:
    unknown = read_request(torture.INVUT)

    assert unknown.content_type is not None
    assert unknown.content_type.name == "application/unknownformat"
    assert find_session_description(unknown) is None
    assert not accepts(read_request(torture.SDP01).headers, "application/sdp")
    assert find_session_description(read_request(torture.SDP01)) is not None


def test_zeromf_is_there_to_be_answered() -> None:
    assert read_request(torture.ZEROMF).max_forwards == 0


def test_cparam_outside_the_brackets_parameters_are_the_headers() -> None:
    outside = read_request(torture.CPARAM01).contacts[0]
    inside = read_request(torture.CPARAM02).contacts[0]

    assert "unknownparam" in outside.parameters
    assert "unknownparam" not in outside.uri.parameters
    assert "unknownparam" in inside.uri.parameters


def test_regescrt_a_route_in_the_contact_stays_there() -> None:
    request = read_request(torture.REGESCRT)

    assert request.contacts[0].uri.header("Route") == "<sip:sip.example.com>"
    assert request.routes == ()


def test_inv2543_lacks_what_rfc_2543_did_not_know() -> None:
    request = read_request(torture.INV2543)

    assert request.max_forwards is None
    assert request.via.branch is None
    assert request.from_tag is None
    assert request.to.parameters.get("user") == "phone"
    assert request.body.endswith(b"RTP/AVP 0\r\n")


def test_port_ambiguous_what_is_in_brackets_is_the_address() -> None:
    ambiguous = read_request(torture.PORT_AMBIGUOUS).request_uri
    unambiguous = read_request(torture.PORT_UNAMBIGUOUS).request_uri

    assert (ambiguous.host, ambiguous.port) == ("2001:db8::10:5070", None)
    assert (unambiguous.host, unambiguous.port) == ("2001:db8::10", 5070)


@pytest.mark.parametrize("name", ["VIA_RECEIVED_WITH_DELIM", "VIA_RECEIVED_NO_DELIM"])
def test_received_is_read_with_and_without_brackets(name: str) -> None:
    assert read_request(getattr(torture, name)).via.received == "2001:db8::9:255"


def test_both_families_may_meet_in_one_message() -> None:
    hosts = [(via.host, via.port) for via in vias(read_request(torture.MULT_IP_IN_HEADER))]

    assert hosts == [("2001:db8::9:1", 6050), ("192.0.2.1", None), ("2001:db8::9:255", None)]


def test_an_ipv4_mapped_address_is_read() -> None:
    request = read_request(torture.IPV4_MAPPED_IPV6)

    assert (request.via.host, request.via.port) == ("::ffff:192.0.2.10", 19823)
    assert request.contacts[0].uri.host == "::ffff:192.0.2.2"


def test_three_colons_are_read_as_two() -> None:
    """RFC 5118 4.10: "an implementation must tolerate both of the above constructs"."""
    wrong = read_request(torture.IPV6_BUG_ABNF_3_COLONS).request_uri
    right = read_request(torture.IPV6_CORRECT_ABNF_2_COLONS).request_uri

    assert wrong.host == right.host == "2001:db8::192.0.2.1"


# What the stack answers, from a source that it knows ----------------------------------------------

ROWS = rows()


def named(row: Row) -> str:
    return row.name


def lenient() -> Wire:
    """What answers repeat of a message that is not well-formed, is neither."""
    wire = Wire()
    wire.strict = False
    return wire


def expect(wire: Wire, finals: list[int], answer: Answer) -> None:
    is_call = any(isinstance(event, events.InviteReceived) for event in wire.events())
    assert is_call == answer.is_call
    if not is_call:
        assert finals[:1] == ([] if answer.status is None else [answer.status])
    assert bool(wire.stack.flows_to_close()) == answer.closes


def finals_of(messages: list[Message]) -> list[int]:
    return [message.status for message in messages if message.status and message.status >= 200]


def test_the_page_has_every_message() -> None:
    assert [row.name.upper().replace("-", "_") for row in ROWS] == list(EXPECTED)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_datagram_gets_what_the_page_says(row: Row) -> None:
    wire = lenient()
    finals = finals_of(wire.give(row.data, PEER))
    assert len(finals) <= 1
    expect(wire, finals, row.udp)


@pytest.mark.parametrize("cut", [1, 7, 100_000])
@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_connection_gets_what_the_page_says_however_it_is_cut(row: Row, cut: int) -> None:
    wire = lenient()
    for place in range(0, len(row.data), cut):
        wire.stack.receive_stream(row.data[place : place + cut], PEER_TCP, now=wire.now)
    expect(wire, finals_of(wire.take()), row.tcp)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_stranger_gets_one_answer_at_most_and_never_a_call(row: Row) -> None:
    wire = Wire(is_known=lambda _request, _flow: False)
    wire.strict = False
    messages = wire.give(row.data, PEER)
    assert len(messages) <= 1
    assert wire.events() == []
    assert wire.wait(64.0) == []
    if row.udp.is_call:
        assert finals_of(messages) == [403]


def answered(template: bytes) -> tuple[Wire, list[object]]:
    """An INVITE of ours, answered by a response of the standard made to fit it."""
    wire = Wire()
    invite = wire.stack.invite(
        uri="sip:user@example.com",
        to_flow=PEER,
        from_="<sip:us@192.0.2.9>",
        to="<sip:user@example.com>",
        contact_user="us",
        body=b"v=0\r\n",
        now=wire.now,
    )
    (sent,) = wire.take()
    assert invite.call_id == sent.call_id
    head, _, body = template.partition(b"\r\n\r\n")
    fits = {b"Via": "via", b"From": "from", b"Call-ID": "call-id", b"CSeq": "cseq"}
    lines = []
    for line in head.split(b"\r\n"):
        name, colon, _ = line.partition(b":")
        ours = fits.get(name)
        lines.append(name + colon + b" " + sent.get(ours).encode() if ours else line)
    wire.give(b"\r\n".join(lines) + b"\r\n\r\n" + body)
    return wire, wire.events()


def test_unreason_answers_a_call_whatever_its_phrase() -> None:
    _, told = answered(torture.UNREASON)
    (event,) = told
    assert isinstance(event, events.InviteAnswered)
    assert event.response.reason == torture.UNREASON_PHRASE


def test_noreason_is_a_provisional_answer() -> None:
    """17.1.1.2: after a 1xx the INVITE is not sent again."""
    wire, told = answered(torture.NOREASON)
    assert told == []
    assert wire.wait(10.0) == []


def test_bcast_answers_nothing_even_when_it_fits() -> None:
    """8.1.3.3: a response with more than one Via is discarded."""
    wire, told = answered(torture.BCAST)
    assert told == []
    assert wire.stack.drops["via-count"] == 1


def test_inv2543_is_answered_and_ended_where_its_from_and_route_say() -> None:
    """RFC 2543 has the address in From where there is no Contact."""
    wire = lenient()
    wire.give(torture.INV2543)
    invite = wire.event(events.InviteReceived).invite
    dialog = invite.accept(body=b"v=0\r\n", now=wire.now)
    (answer,) = finals_of(wire.take())
    assert answer == 200
    assert dialog.remote_target == "sip:+13035551111@ift.client.example.net;user=phone"
    assert dialog.route_set == ("<sip:UserB@example.com;maddr=ss1.example.com>",)


def test_an_invite_of_our_time_needs_its_contact() -> None:
    wire = Wire()
    (answer,) = wire.give(request(contact=None))
    assert answer.status == 400
