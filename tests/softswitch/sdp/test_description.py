import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sdp.description import (
    MAX_DESCRIPTION_BYTES,
    MAX_LINES,
    MAX_MEDIA,
    Connection,
    MediaDescription,
    Origin,
    SessionDescription,
)
from softswitch.sdp.errors import ParseError

# RFC 8866 section 5, the example, with its IPv6 address and all of its lines.
EXAMPLE = b"""v=0
o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
s=Call to John Smith
i=SDP Offer #1
u=http://www.jdoe.example.com/home.html
e=Jane Doe <jane@jdoe.example.com>
p=+1 617 555-6011
c=IN IP4 198.51.100.1
t=0 0
m=audio 49170 RTP/AVP 0
m=audio 49180 RTP/AVP 0
m=video 51372 RTP/AVP 99
c=IN IP6 2001:db8::2
a=rtpmap:99 h263-1998/90000
"""


def crlf(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r\n")


def test_the_example_of_the_standard_is_read() -> None:
    description = SessionDescription.parse(crlf(EXAMPLE))
    assert description.origin == Origin("jdoe", "3724394400", "3724394405", "198.51.100.1")
    assert description.connection == Connection("IP4", "198.51.100.1")
    assert [media.media for media in description.media] == ["audio", "audio", "video"]
    assert [media.port for media in description.media] == [49170, 49180, 51372]
    video = description.media[2]
    assert video.connection == Connection("IP6", "2001:db8::2")
    assert (video.protocol, video.formats) == ("RTP/AVP", ["99"])
    assert video.attributes == ["rtpmap:99 h263-1998/90000"]


def test_what_was_read_is_written_back() -> None:
    assert bytes(SessionDescription.parse(crlf(EXAMPLE))) == crlf(EXAMPLE)


def test_bare_line_feeds_and_blank_lines_are_understood_and_written_as_crlf() -> None:
    slips = b"\n" + EXAMPLE.replace(b"t=0 0\n", b"t=0 0 \n\n")
    assert bytes(SessionDescription.parse(slips)) == crlf(EXAMPLE)


def test_lines_out_of_order_or_missing_or_unknown_do_no_harm() -> None:
    description = SessionDescription.parse(
        b"a=sendonly\nt=0 0\nx=what is this\nc=IN IP4 192.0.2.1\nv=0\nm=audio 1 RTP/AVP 0\n"
    )
    assert description.attributes == ["sendonly"]
    assert description.connection == Connection("IP4", "192.0.2.1")
    assert description.origin is None
    assert b"x=what is this\r\n" in bytes(description)


def test_octets_that_are_not_utf_8_pass_through() -> None:
    data = b"v=0\r\ns=caf\xe9 \xff\r\n"
    assert bytes(SessionDescription.parse(data)) == data


def test_a_multicast_suffix_is_no_part_of_the_address() -> None:
    assert Connection.parse("IN IP4 233.252.0.1/127/3").address == "233.252.0.1"


def test_a_user_name_with_spaces_does_not_shift_the_other_fields() -> None:
    assert Origin.parse("John Doe 1 2 IN IP4 h") == Origin("John Doe", "1", "2", "h")


def test_a_port_may_have_a_count() -> None:
    assert MediaDescription("m=video 49170/2 RTP/AVP 31").port == 49170


WRONG = {
    "empty": b"",
    "text": b"hello there",
    "no version": b"o=- 1 1 IN IP4 h\r\ns=-\r\n",
    "another version": b"v=1\r\n",
    "no type": b"v=0\r\nfoo\r\n",
    "no letter": b"v=0\r\n==\r\n",
    "short origin": b"v=0\r\no=- 1 1\r\n",
    "short connection": b"v=0\r\nc=IN IP4\r\n",
    "not the internet": b"v=0\r\nc=ATM IP4 1.2.3.4\r\n",
    "short media": b"v=0\r\nm=audio 1\r\n",
    "port not a number": b"v=0\r\nm=audio x RTP/AVP 0\r\n",
    "port below zero": b"v=0\r\nm=audio -1 RTP/AVP 0\r\n",
    "port too high": b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
    "port endless": b"v=0\r\nm=audio " + b"9" * 5000 + b" RTP/AVP 0\r\n",
    "port in other digits": "v=0\r\nm=audio \u0661\u0662 RTP/AVP 0\r\n".encode(),
    "too many bytes": b"v=0\r\ns=" + b"x" * MAX_DESCRIPTION_BYTES,
    "too many lines": b"v=0\r\n" + b"a=x\n" * MAX_LINES,
    "too many streams": b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\n" * (MAX_MEDIA + 1),
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_session_description_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        SessionDescription.parse(data)


def test_as_many_streams_as_allowed_are_read() -> None:
    data = b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\n" * MAX_MEDIA
    assert len(SessionDescription.parse(data).media) == MAX_MEDIA


LINES = st.lists(
    st.one_of(
        st.sampled_from(["c=IN IP4 192.0.2.1", "o=- 1 2 IN IP4 h", "m=audio 9 RTP/AVP 0 8"]),
        st.text(st.characters(blacklist_characters="\r\n", codec="utf-8"), max_size=20).map(
            lambda text: "a=" + text
        ),
    ),
    max_size=20,
)


@given(LINES)
def test_whatever_is_read_reads_the_same_once_written(lines: list[str]) -> None:
    description = SessionDescription.parse("\n".join(["v=0", *lines]).encode())
    again = SessionDescription.parse(bytes(description))
    assert again == description
    assert bytes(again) == bytes(description)
    assert [media.attributes for media in again.media] == [
        media.attributes for media in description.media
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_description_or_a_parse_error(data: bytes) -> None:
    try:
        SessionDescription.parse(b"v=0\n" + data)
    except ParseError:
        return


def test_descriptions_differ_from_other_things_and_show_themselves() -> None:
    description = SessionDescription.parse(b"v=0\r\n")
    assert description != "v=0\r\n"
    assert repr(description) == "SessionDescription('v=0\\r\\n')"
