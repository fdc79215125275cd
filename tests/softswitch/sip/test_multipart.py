"""The wanted part of a body (RFC 5621, RFC 2046 section 5.1)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.message import Request
from softswitch.sip.multipart import MAX_PARTS, find_body, find_session_description, needed_part

SDP = b"v=0\r\ns=-\r\n"


def request(content_type: str | None, body: bytes) -> Request:
    headers = Headers() if content_type is None else Headers([("Content-Type", content_type)])
    return Request("INVITE", "sip:a", headers, body)


def parts(*bodies: bytes, boundary: bytes = b"b1", line_end: bytes = b"\r\n") -> bytes:
    text = b"".join(b"--" + boundary + b"\r\n" + body + b"\r\n" for body in bodies)
    return (text + b"--" + boundary + b"--\r\n").replace(b"\r\n", line_end)


SDP_PART = b"Content-Type: application/sdp\r\n\r\n" + SDP
ISUP_PART = b"Content-Type: application/isup;version=nxv3\r\n\r\n\x01\x00\xff--b\r\n\r\n"


def test_a_plain_session_description_is_found() -> None:
    assert find_session_description(request("application/sdp", SDP)) == SDP
    assert find_session_description(request("Application/SDP;charset=x", SDP)) == SDP


def test_no_body_is_no_session_description() -> None:
    assert find_session_description(request("application/sdp", b"")) is None


def test_a_body_without_type_is_taken_for_what_it_looks_like() -> None:
    assert find_session_description(request(None, SDP)) == SDP
    assert find_session_description(request(None, b"hello")) is None
    assert find_body(request(None, SDP), "application/isup") is None


def test_another_body_is_no_session_description() -> None:
    assert find_session_description(request("application/isup", SDP)) is None


@pytest.mark.parametrize("order", [(SDP_PART, ISUP_PART), (ISUP_PART, SDP_PART)])
@pytest.mark.parametrize("boundary", ["b1", '"b1"'])
def test_the_part_is_found_among_others(order: tuple[bytes, ...], boundary: str) -> None:
    message = request(f"multipart/mixed;boundary={boundary}", parts(*order))

    assert find_session_description(message) == SDP
    assert find_body(message, "application/isup") == b"\x01\x00\xff--b\r\n\r\n"
    assert find_body(message, "text/plain") is None


def test_bare_line_feeds_and_a_preamble_do_not_matter() -> None:
    body = b"preamble\n" + parts(b"Content-Type:application/sdp\r\n\r\nv=0", line_end=b"\n")

    assert find_session_description(request("multipart/mixed;boundary=b1", body)) == b"v=0"


def test_a_part_without_headers_is_plain_text() -> None:
    message = request("multipart/mixed;boundary=b1", parts(b"\r\nhello", SDP_PART))

    assert find_body(message, "text/plain") == b"hello"
    assert find_session_description(message) == SDP


def test_a_part_inside_a_part_is_found_but_not_too_deep() -> None:
    def wrap(body: bytes, level: int) -> bytes:
        boundary = b"b%d" % level
        return b"Content-Type: multipart/alternative;boundary=%b\r\n\r\n" % boundary + parts(
            body, boundary=boundary
        )

    inside = wrap(SDP_PART, 2)
    assert find_session_description(request("multipart/mixed;boundary=b1", parts(inside))) == SDP
    deep = wrap(wrap(wrap(SDP_PART, 4), 3), 2)
    assert find_session_description(request("multipart/mixed;boundary=b1", parts(deep))) is None


def test_a_last_part_without_end_goes_to_the_end_of_the_body() -> None:
    body = parts(ISUP_PART).removesuffix(b"--\r\n") + b"\r\n" + SDP_PART

    assert find_session_description(request("multipart/mixed;boundary=b1", body)) == SDP


def test_what_stands_behind_the_end_is_no_part() -> None:
    body = parts(ISUP_PART) + b"--b1\r\n" + SDP_PART

    assert find_session_description(request("multipart/mixed;boundary=b1", body)) is None


def test_the_description_of_an_early_session_is_another_one() -> None:
    """RFC 3959: its disposition tells it from that of the session."""
    early = b"Content-Disposition: early-session\r\n" + SDP_PART.replace(b"s=-", b"s=early")
    message = request("multipart/mixed;boundary=b1", parts(early, SDP_PART))

    assert find_session_description(message) == SDP


def disposed(handling: str) -> bytes:
    return f"Content-Disposition: signal;handling={handling}\r\n".encode() + ISUP_PART


def needed(content_type: str, *bodies: bytes) -> str | None:
    found = needed_part(request(f"{content_type};boundary=b1", parts(*bodies)))
    return None if found is None else found.name


def test_a_part_that_must_be_understood_is_named() -> None:
    mixed = "multipart/mixed"
    assert needed(mixed, SDP_PART, disposed("required")) == "application/isup"
    assert needed(mixed, disposed("Required"), SDP_PART) == "application/isup"
    assert needed(mixed, SDP_PART, disposed("optional")) is None
    assert needed(mixed, SDP_PART, ISUP_PART) is None
    assert needed(mixed, b"Content-Disposition: session;handling=required\r\n" + SDP_PART) is None


def test_of_alternatives_none_must_be_understood() -> None:
    assert needed("multipart/alternative", SDP_PART, disposed("required")) is None


def test_a_part_that_must_be_understood_is_found_inside_another() -> None:
    inside = b"Content-Type: multipart/mixed;boundary=b2\r\n\r\n" + parts(
        disposed("required"), boundary=b"b2"
    )

    assert needed("multipart/mixed", SDP_PART, inside) == "application/isup"


def test_a_disposition_that_cannot_be_read_is_a_parse_error() -> None:
    with pytest.raises(ParseError):
        needed("multipart/mixed", b"Content-Disposition: @\r\n" + ISUP_PART)


def test_parts_are_looked_through_up_to_a_limit() -> None:
    allowed = parts(*[ISUP_PART] * (MAX_PARTS - 1), SDP_PART)
    beyond = parts(*[ISUP_PART] * MAX_PARTS, SDP_PART)

    assert find_session_description(request("multipart/mixed;boundary=b1", allowed)) == SDP
    assert find_session_description(request("multipart/mixed;boundary=b1", beyond)) is None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/mixed", parts(SDP_PART)),
        ("multipart/mixed;boundary=", parts(SDP_PART)),
        (f"multipart/mixed;boundary={'b' * 71}", parts(SDP_PART)),
        ("multipart/mixed;boundary=other", parts(SDP_PART)),
        ("multipart/mixed;boundary=b1", parts(b"Content-Type: nonsense\r\n\r\nx")),
        ("nonsense", SDP),
    ],
)
def test_a_body_that_cannot_be_taken_apart_is_a_parse_error(content_type: str, body: bytes) -> None:
    with pytest.raises(ParseError):
        find_session_description(request(content_type, body))


def test_a_folded_header_of_a_part_is_read() -> None:
    part = b"Content-Type :\r\n application/sdp\r\nno colon\r\n\r\n" + SDP

    assert find_session_description(request("multipart/mixed;boundary=b1", parts(part))) == SDP
