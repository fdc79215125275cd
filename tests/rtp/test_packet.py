import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.errors import ParseError
from rtp.packet import HeaderExtension, RtpPacket

U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)
EXTENSIONS = st.builds(
    HeaderExtension, U16, st.binary(max_size=16).map(lambda data: data[: len(data) // 4 * 4])
)
PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence_number=U16,
    timestamp=U32,
    ssrc=U32,
    payload=st.binary(max_size=200),
    marker=st.booleans(),
    csrc=st.lists(U32, max_size=15).map(tuple),
    extension=st.none() | EXTENSIONS,
    padding_bytes=st.integers(0, 255),
)
PLAIN = struct.pack("!BBHII", 0x80, 0x00, 1, 160, 7)


@given(PACKETS)
def test_a_packet_survives_its_octets(packet: RtpPacket) -> None:
    assert RtpPacket.parse(bytes(packet)) == packet


@given(st.binary(max_size=64))
def test_octets_that_parse_are_given_back(data: bytes) -> None:
    try:
        packet = RtpPacket.parse(data)
    except ParseError:
        return
    again = bytes(packet)
    assert len(again) == len(data)
    # Octets of padding before its count may be anything, and are not kept.
    kept = len(data) - packet.padding_bytes
    assert again[:kept] == data[:kept]


def test_fields_stand_where_section_5_1_puts_them() -> None:
    data = bytes.fromhex("80 88 1234 89abcdef 01020304") + b"audio"
    assert RtpPacket.parse(data) == RtpPacket(
        payload_type=8,
        sequence_number=0x1234,
        timestamp=0x89ABCDEF,
        ssrc=0x01020304,
        payload=b"audio",
        marker=True,
    )


def test_contributing_sources_extension_and_padding_are_taken_apart() -> None:
    data = bytes.fromhex("b1 00 0001 000000a0 00000007 00000009 bede 0001 aabbccdd") + b"xy\0\0\x03"
    packet = RtpPacket.parse(data)
    assert packet.csrc == (9,)
    assert packet.extension == HeaderExtension(0xBEDE, bytes.fromhex("aabbccdd"))
    assert (packet.payload, packet.padding_bytes) == (b"xy", 3)


WRONG = {
    "empty": b"",
    "11 octets": PLAIN[:11],
    "version 0": b"\x00" + PLAIN[1:],
    "version 1": b"\x40" + PLAIN[1:],
    "version 3": b"\xc0" + PLAIN[1:],
    "csrc beyond the end": b"\x82" + PLAIN[1:] + bytes(7),
    "no room for the extension's head": b"\x90" + PLAIN[1:] + bytes(3),
    "extension beyond the end": b"\x90" + PLAIN[1:] + bytes.fromhex("bede0002") + bytes(7),
    "padding of nothing": b"\xa0" + PLAIN[1:] + b"abc\x00",
    "padding longer than the payload": b"\xa0" + PLAIN[1:] + b"abc\x05",
    "padding into the header": b"\xa0" + PLAIN[1:],
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
def test_what_contradicts_itself_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        RtpPacket.parse(data)


def test_padding_may_fill_the_whole_payload() -> None:
    packet = RtpPacket.parse(b"\xa0" + PLAIN[1:] + b"\0\0\0\x04")
    assert (packet.payload, packet.padding_bytes) == (b"", 4)
