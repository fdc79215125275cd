"""The messages of RFC 4475 and RFC 5118 at the running program, as docs/torture.md says.

They come from an address of their own, which is that of a trunk, and there the answers are read:
over UDP at the ports that the topmost Via name, over TCP on the connection.
"""

from __future__ import annotations

import random
import re
import selectors
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.program import Switch, wait_for
from tests.support.sip_text import Message, parse, split_stream
from tests.support.torture_table import Answer, Row, rows

CONFIGURATION = """
switch:
  listen: ${SOFTSWITCH_SIP}
  rtp_ports: ${SOFTSWITCH_RTP}
  control: ${SOFTSWITCH_CONTROL}
  data: ${SOFTSWITCH_DATA}
  database: ${SOFTSWITCH_DATABASE}
trunks:
  carrier: {address: "${SOFTSWITCH_TRUNK}"}
numbers:
  "sip:user@example.com": declined
  "sip:UserB@example.com": declined
  "sip:sips%3Auser%40example.com@example.net": declined
  "sip:user@[2001:db8::10]": declined
campaigns:
  declined: {treatment: declined, trunk: carrier}
treatments:
  declined:
    - hang_up: declined
"""
# What the treatment comes to.
DECLINED = 480
# Where the topmost Via of the messages want their answers, at the address they came from.
PORTS = (5060, 5050, 5070, 6050, 19823)
WITHIN = 20.0
ROWS = rows()

_CALL_ID = re.compile(rb"^(?:call-id|i)[ \t]*:[ \t]*(.*?)\r\n", re.IGNORECASE | re.MULTILINE)
_CSEQ = re.compile(rb"^cseq[ \t]*:\s*(\d+)\s+INVITE", re.IGNORECASE | re.MULTILINE)
_TO = re.compile(rb"^(?:to|t)[ \t]*:.*?\r\n", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:.*?\r\n", re.IGNORECASE | re.MULTILINE)


def named(row: Row) -> str:
    return row.name


def own(data: bytes, number: int) -> bytes:
    """A message with a Call-ID that is its own: those of RFC 5118 all have the same one."""
    return data.replace(b"@hlau_4100", b"@hlau_%04d" % (4100 + number))


def call_id_of(data: bytes) -> str:
    found = _CALL_ID.search(data)
    return found[1].decode() if found else ""


def ack_for(invite: bytes, answer: Message) -> bytes:
    """17.1.1.3: the ACK repeats the INVITE, but for its To, which is that of the answer."""
    head = invite.partition(b"\r\n\r\n")[0] + b"\r\n"
    head = head.replace(b"INVITE", b"ACK", 1)
    head = _CSEQ.sub(rb"CSeq: \1 ACK", head)
    head = _TO.sub(lambda _: b"To: " + answer.get("to").encode() + b"\r\n", head)
    return _LENGTH.sub(b"", head) + b"Content-Length: 0\r\n\r\n"


def options(transport: str) -> bytes:
    """Who answers this, lives."""
    number = random.getrandbits(48)
    return (
        f"OPTIONS sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/{transport} 192.0.2.1;"
        f"branch=z9hG4bK{number};rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.net>;tag=1\r\n"
        f"To: <sip:user@example.com>\r\nCall-ID: alive-{number}\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


class Datagrams:
    """Sockets at an address on loopback, at all the ports that answers go to."""

    def __init__(self, host: str, switch: tuple[str, int]) -> None:
        self._switch = switch
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        for port in PORTS:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sockets.append(one)
            one.bind((host, port))
            self._selector.register(one, selectors.EVENT_READ, one)

    def send(self, data: bytes) -> None:
        self._sockets[0].sendto(data, self._switch)

    def receive(self, deadline: float) -> Message | None:
        ready = self._selector.select(max(0.0, deadline - time.monotonic()))
        return parse(ready[0][0].data.recv(65536)) if ready else None

    def close(self) -> None:
        self._selector.close()
        for one in self._sockets:
            one.close()


class Stream:
    """A connection from an address on loopback."""

    def __init__(self, host: str, switch: tuple[str, int]) -> None:
        self._socket = socket.create_connection(switch, WITHIN, source_address=(host, 0))
        self._rest = b""
        self._whole: list[bytes] = []
        self.is_closed = False

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self, deadline: float) -> Message | None:
        while not self._whole and not self.is_closed:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                return None
            except ConnectionResetError:
                data = b""
            self.is_closed = not data
            self._whole, self._rest = split_stream(self._rest + data)
        return parse(self._whole.pop(0)) if self._whole else None

    def close(self) -> None:
        self._socket.close()


def final(way: Datagrams | Stream, call_id: str, *, within: float = WITHIN) -> Message | None:
    """The final answer with this Call-ID; None: there is none in time."""
    deadline = time.monotonic() + within
    while (message := way.receive(deadline)) is not None:
        if message.call_id == call_id and (message.status or 0) >= 200:
            return message
    return None


def expect(way: Datagrams | Stream, switch: Switch, data: bytes, answer: Answer) -> None:
    """What the page says is what comes."""
    way.send(data)
    message = final(way, call_id_of(data))
    assert message is not None, "no answer"
    status = DECLINED if answer.what == "call" else answer.status
    assert message.status == status, message.start_line
    if answer.is_call:
        way.send(ack_for(data, message))
        wait_for("a record of the call", lambda: has_record(switch, call_id_of(data)))


def has_record(switch: Switch, call_id: str) -> bool:
    return any(leg.get("sip_call_id") == call_id for one in switch.records() for leg in one["legs"])


@pytest.fixture(scope="module")
def host() -> str:
    """An address on loopback that nobody else uses, with all its ports free."""
    for _ in range(50):
        host = f"127.{random.randint(64, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        try:
            Datagrams(host, (host, 0)).close()
        except OSError:
            continue
        return host
    raise AssertionError("no address has all ports free")


def started(directory: Path, host: str) -> Iterator[Switch]:
    config = directory / "torture.yaml"
    config.write_text(CONFIGURATION)
    with Switch(directory, config, trunk=f"{host}:5060") as switch:
        yield switch


# One for each transport: an INVITE that came by another way a moment ago is a merged one (482).
@pytest.fixture(scope="module")
def by_udp(tmp_path_factory: pytest.TempPathFactory, host: str) -> Iterator[Switch]:
    yield from started(tmp_path_factory.mktemp("udp"), host)


@pytest.fixture(scope="module")
def by_tcp(tmp_path_factory: pytest.TempPathFactory, host: str) -> Iterator[Switch]:
    yield from started(tmp_path_factory.mktemp("tcp"), host)


@pytest.fixture
def datagrams(host: str, by_udp: Switch) -> Iterator[Datagrams]:
    way = Datagrams(host, by_udp.address)
    yield way
    way.close()


@pytest.fixture
def stream(host: str, by_tcp: Switch) -> Iterator[Stream]:
    way = Stream(host, by_tcp.address)
    yield way
    way.close()


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_datagram_gets_what_the_page_says(datagrams: Datagrams, by_udp: Switch, row: Row) -> None:
    data = own(row.data, ROWS.index(row))
    if row.udp.what != "none":
        expect(datagrams, by_udp, data, row.udp)
    else:
        datagrams.send(data)
    probe = options("UDP")
    datagrams.send(probe)
    # Datagrams are worked on in their order: had there been an answer to the message, it was first.
    message = datagrams.receive(time.monotonic() + WITHIN)
    assert message is not None, "the switch does not answer any more"
    assert (message.call_id, message.status) == (call_id_of(probe), 200)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_connection_gets_what_the_page_says(
    host: str, stream: Stream, by_tcp: Switch, row: Row
) -> None:
    data = own(row.data, ROWS.index(row))
    if row.tcp.what != "none":
        expect(stream, by_tcp, data, row.tcp)
    else:
        stream.send(data)
    other = Stream(host, by_tcp.address)
    probe = options("TCP")
    other.send(probe)
    message = final(other, call_id_of(probe))
    other.close()
    assert message is not None, "the switch does not answer any more"
    assert message.status == 200
    if row.tcp.closes:
        assert stream.receive(time.monotonic() + WITHIN) is None
        assert stream.is_closed
    elif row.tcp.what == "none":
        assert stream.receive(time.monotonic() + 0.05) is None
        assert not stream.is_closed
