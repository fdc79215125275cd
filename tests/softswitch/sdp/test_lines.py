import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sdp._lines import cut
from softswitch.sdp.description import SessionDescription
from softswitch.sdp.errors import ParseError

USUAL = (
    b"v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"a=group:x\r\nm=audio 6000 RTP/AVP 0 101\r\nc=IN IP4 192.0.2.1/127\r\nc=IN IP4 192.0.2.2\r\n"
    b"a=rtpmap:0 PCMU/8000\r\n a=sendrecv \r\n\r\nX=what\r\nm=video 0 RTP/AVP 31\no=late\n"
)


def facts_of(description: SessionDescription) -> object:
    return (
        description.origin,
        description.connection,
        description.lines,
        description.attributes,
        [
            (
                one.media,
                one.port,
                one.protocol,
                one.formats,
                one.connection,
                one.lines,
                one.attributes,
            )
            for one in description.media
        ],
    )


def outcome(read: object, data: bytes) -> object:
    try:
        return facts_of(read(data))  # type: ignore[operator]
    except ParseError:
        return "refused"


def agree(data: bytes) -> None:
    parse, parse_unusual = SessionDescription.parse, SessionDescription.parse_unusual
    assert outcome(parse, data) == outcome(parse_unusual, data)


def test_a_usual_description_is_cut_in_c_as_it_is_in_python() -> None:
    assert cut(USUAL) is not None
    assert outcome(SessionDescription.parse, USUAL) != "refused"
    agree(USUAL)


UNUSUAL = {
    "not ASCII": USUAL.replace(b"s=-", "s=é".encode()),
    "no version": USUAL[5:],
    "another version": USUAL.replace(b"v=0", b"v=1"),
    "a line that is none": USUAL.replace(b"s=-", b"s"),
    "a digit for a type": USUAL.replace(b"s=-", b"5=-"),
    "many lines": USUAL + b"a=x\r\n" * 200,
    "nothing": b"",
    "long": USUAL + b"a=" + b"x" * 5000,
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_unusual_is_left_to_python(data: bytes) -> None:
    assert cut(data) is None
    agree(data)


def test_too_many_m_lines_are_refused() -> None:
    with pytest.raises(ParseError):
        SessionDescription.parse(USUAL + b"m=audio 0 RTP/AVP 0\r\n" * 31)


PIECES = [
    b"\r\n",
    b"\n",
    b"m=",
    b"c=",
    b"v=0",
    b"\xe9",
    b" ",
    b"=",
    b"m=audio 1 RTP/AVP 0\r\n",
    b"\0",
]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1), st.integers(0, 5), st.sampled_from(PIECES) | st.binary(max_size=3)
        ),
        max_size=4,
    )
)
def test_whatever_is_done_to_a_description_both_readers_see_the_same(
    edits: list[tuple[float, int, bytes]],
) -> None:
    data = USUAL
    for place, length, piece in edits:
        at = int(place * len(data))
        data = data[:at] + piece + data[at + length :]
    agree(data)
