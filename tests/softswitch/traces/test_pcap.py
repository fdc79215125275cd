from hypothesis import given
from hypothesis import strategies as st

from rtp.packet import RtpPacket
from softswitch.traces.pcap import FILE_HEADER, packet, rtp_packet
from tests.support.pcap import read


@given(
    payload=st.binary(max_size=1500),
    hosts=st.tuples(st.ip_addresses().map(str), st.ip_addresses().map(str)),
    ports=st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
    at=st.floats(0, 4_000_000_000),
)
def test_packets_have_their_sums_right_and_are_read_as_they_were_written(
    payload: bytes, hosts: tuple[str, str], ports: tuple[int, int], at: float
) -> None:
    one = packet(payload, source=(hosts[0], ports[0]), destination=(hosts[1], ports[1]), at=at)
    found = read(FILE_HEADER + one + one)
    assert len(found) == 2
    assert found[0] == found[1]
    assert found[0].payload == payload
    assert (found[0].source[1], found[0].destination[1]) == ports
    assert abs(found[0].at - at) < 1e-5
    if ":" not in "".join(hosts):
        assert (found[0].source[0], found[0].destination[0]) == hosts


def test_a_name_stands_as_no_address() -> None:
    one = packet(b"x", source=("sip.example.org", 5060), destination=("192.0.2.1", 5060), at=0.0)
    assert read(FILE_HEADER + one)[0].source == ("0.0.0.0", 5060)


def test_a_message_longer_than_a_packet_is_cut() -> None:
    one = packet(b"x" * 70_000, source=("::1", 1), destination=("::1", 2), at=0.0)
    assert len(read(FILE_HEADER + one)[0].payload) == 65_000


def test_rtp_is_made_again_of_what_is_known_of_it() -> None:
    data = rtp_packet(
        b"sound",
        payload_type=101,
        sequence=(1 << 16) + 7,
        timestamp=(1 << 32) + 160,
        source=9,
        marker=True,
    )
    found = RtpPacket.parse(data)
    assert (found.payload_type, found.marker) == (101, True)
    assert (found.sequence_number, found.timestamp, found.ssrc) == (7, 160, 9)
    assert found.payload == b"sound"
