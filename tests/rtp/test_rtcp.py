import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.errors import ParseError
from rtp.rtcp import (
    CNAME,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    parse_compound,
)

U32 = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(
    ReportBlock,
    ssrc=U32,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest_sequence_number=U32,
    jitter=U32,
    last_sender_report=U32,
    delay_since_last_sender_report=U32,
)
REPORTS = st.lists(BLOCKS, max_size=4).map(tuple)
SENDER_REPORTS = st.builds(
    SenderReport,
    ssrc=U32,
    ntp_timestamp=st.integers(0, 2**64 - 1),
    rtp_timestamp=U32,
    packet_count=U32,
    octet_count=U32,
    reports=REPORTS,
)
RECEIVER_REPORTS = st.builds(ReceiverReport, ssrc=U32, reports=REPORTS)
ITEMS = st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=30)), max_size=3).map(tuple)
DESCRIPTIONS = st.builds(SourceDescription, st.lists(st.tuples(U32, ITEMS), max_size=3).map(tuple))
GOODBYES = st.builds(Goodbye, st.lists(U32, max_size=4).map(tuple), st.binary(max_size=30))


@given(
    st.one_of(SENDER_REPORTS, RECEIVER_REPORTS),
    st.lists(st.one_of(RECEIVER_REPORTS, DESCRIPTIONS, GOODBYES), max_size=3),
)
def test_a_compound_packet_survives_its_octets(first: RtcpPacket, rest: list[RtcpPacket]) -> None:
    packets = [first, *rest]
    data = b"".join([bytes(packet) for packet in packets])
    assert len(data) % 4 == 0
    assert parse_compound(data) == packets


@given(st.binary(max_size=80))
def test_any_octets_are_a_compound_packet_or_a_parse_error(data: bytes) -> None:
    try:
        packets = parse_compound(b"\x80\xc9\x00\x01\x00\x00\x00\x01" + data)
    except ParseError:
        return
    assert packets[0] == ReceiverReport(1)


def test_fields_stand_where_section_6_4_1_puts_them() -> None:
    data = bytes.fromhex(
        "81 c8 000c 11111111 0123456789abcdef 22222222 00000064 00003e80"
        "33333333 40 fffffe 00010002 00000010 44444444 00010000"
    )
    block = ReportBlock(0x33333333, 0x40, -2, 0x10002, 16, 0x44444444, 65536)
    report = SenderReport(0x11111111, 0x0123456789ABCDEF, 0x22222222, 100, 16000, (block,))
    assert parse_compound(data) == [report]
    assert bytes(report) == data


RECEIVER = bytes(ReceiverReport(1))


def test_other_types_are_passed_over() -> None:
    application = struct.pack("!BBH", 0x80, 204, 2) + b"1234NAME"
    feedback = struct.pack("!BBH", 0x81, 205, 2) + bytes(8)
    goodbye = Goodbye((1,), b"bye")
    packets = parse_compound(RECEIVER + application + feedback + bytes(goodbye))
    assert packets == [ReceiverReport(1), goodbye]


def test_padding_of_the_last_packet_is_taken_off() -> None:
    padded = bytes.fromhex("a0 c9 0002 00000001 00000004")
    assert parse_compound(padded) == [ReceiverReport(1)]


def test_a_profile_extension_behind_the_reports_is_passed_over() -> None:
    assert parse_compound(bytes.fromhex("80 c9 0002 00000001 deadbeef")) == [ReceiverReport(1)]


def test_source_description_items_are_read_by_type() -> None:
    description = SourceDescription(((5, ((CNAME, b"phone@example.com"),)),))
    assert parse_compound(RECEIVER + bytes(description))[1] == description


WRONG = {
    "empty": b"",
    "half a header": b"\x80\xc9",
    "version 1": b"\x40" + RECEIVER[1:],
    "source description first": bytes(SourceDescription(())) + RECEIVER,
    "longer than the datagram": b"\x80\xc9\x00\x02\0\0\0\1",
    "octets behind": RECEIVER + b"\x80",
    "sender report cut short": bytes.fromhex("80c80001 00000001"),
    "receiver report without a source": bytes.fromhex("80c90000"),
    "fewer blocks than it says": bytes.fromhex("81c90001 00000001"),
    "padding in the middle": bytes.fromhex("a0c90002 00000001 00000004") + RECEIVER,
    "padding of nothing": bytes.fromhex("a0c90002 00000001 00000000"),
    "padding beyond the packet": bytes.fromhex("a0c90002 00000001 00000010"),
    "padding not of whole words": bytes.fromhex("a0c90002 00000001 00000003"),
    "padding without a body": RECEIVER + bytes.fromhex("a0c90000"),
    "chunks missing": RECEIVER + bytes.fromhex("81ca0000"),
    "item beyond the end": RECEIVER + bytes.fromhex("81ca0002 00000001 01100000"),
    "item without a length": RECEIVER + bytes.fromhex("81ca0002 00000001 01010001"),
    "chunk without an end": RECEIVER + bytes.fromhex("81ca0002 00000001 01026162"),
    "sources missing": RECEIVER + bytes.fromhex("82cb0001 00000001"),
    "reason beyond the end": RECEIVER + bytes.fromhex("81cb0002 00000001 04616263"),
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
def test_what_contradicts_itself_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_compound(data)
