from hypothesis import given
from hypothesis import strategies as st

from softswitch.traces.hep import MAX_PACKET, encode
from tests.support.hep import decode

MESSAGE = b"OPTIONS sip:x SIP/2.0\r\nCall-ID: one\r\n\r\n"


def test_a_packet_says_who_sent_what_to_whom_and_when() -> None:
    packet = encode(
        MESSAGE,
        source=("192.0.2.1", 5060),
        destination=("198.51.100.2", 5080),
        reliable=False,
        at=1_700_000_000.25,
        agent=2002,
        key="secret",
        correlation="ab12",
    )
    assert decode(packet) == {
        "family": 2,
        "protocol": 17,
        "source": "192.0.2.1",
        "destination": "198.51.100.2",
        "source_port": 5060,
        "destination_port": 5080,
        "seconds": 1_700_000_000,
        "microseconds": 250_000,
        "type": 1,
        "agent": 2002,
        "key": b"secret",
        "correlation": b"ab12",
        "payload": MESSAGE,
    }


def test_tcp_and_ipv6_are_told_as_such_and_what_is_not_there_has_no_chunk() -> None:
    found = decode(
        encode(
            MESSAGE,
            source=("2001:db8::1", 5060),
            destination=("192.0.2.9", 5060),
            reliable=True,
            at=1.0,
            agent=1,
        )
    )
    assert (found["family"], found["protocol"]) == (10, 6)
    assert (found["source"], found["destination"]) == ("2001:db8::1", "::ffff:c000:209")
    assert "key" not in found
    assert "correlation" not in found


def test_a_message_too_long_for_a_datagram_is_cut() -> None:
    packet = encode(
        b"x" * 70_000,
        source=("192.0.2.1", 1),
        destination=("192.0.2.2", 2),
        reliable=True,
        at=0.0,
        agent=0,
        correlation="c" * 256,
    )
    assert len(packet) == MAX_PACKET
    assert set(decode(packet)["payload"]) == {ord("x")}


@given(
    data=st.binary(max_size=2000),
    hosts=st.tuples(st.ip_addresses().map(str), st.ip_addresses().map(str) | st.just("a.name")),
    ports=st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
    at=st.floats(0, 4_000_000_000),
    agent=st.integers(0, (1 << 32) - 1),
    correlation=st.text(max_size=100),
)
def test_whatever_is_said_can_be_read_again(
    data: bytes,
    hosts: tuple[str, str],
    ports: tuple[int, int],
    at: float,
    agent: int,
    correlation: str,
) -> None:
    found = decode(
        encode(
            data,
            source=(hosts[0], ports[0]),
            destination=(hosts[1], ports[1]),
            reliable=False,
            at=at,
            agent=agent,
            correlation=correlation,
        )
    )
    assert found["payload"] == data
    assert (found["source_port"], found["destination_port"]) == ports
    assert abs(found["seconds"] + found["microseconds"] / 1e6 - at) < 1e-5
    assert found["agent"] == agent
