"""The path that fails a message must do so, once, and to the message that was meant."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.faulty_path import FaultyPath, Towards, describe, readdressed


class Ends:
    """A switch and a far end that are bare sockets."""

    def __init__(self) -> None:
        self.switch, self.far = self._socket(), self._socket()
        self.path = FaultyPath(switch=self.switch.getsockname(), far=self.far.getsockname())

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.settimeout(5)
        return made

    def say(self, text: str, towards: Towards = "switch") -> None:
        sender = self.far if towards == "switch" else self.switch
        sender.sendto(text.encode(), self.path.address)

    def heard(self, count: int, towards: Towards = "switch") -> list[str]:
        receiver = self.switch if towards == "switch" else self.far
        return [receiver.recv(65535).decode() for _ in range(count)]

    def nothing_more(self, towards: Towards = "switch") -> None:
        receiver = self.switch if towards == "switch" else self.far
        receiver.settimeout(0.2)
        with pytest.raises(TimeoutError):
            receiver.recv(65535)

    def close(self) -> None:
        self.path.close()
        self.switch.close()
        self.far.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def request(method: str, number: int = 1, more: str = "") -> str:
    return f"{method} sip:x@example SIP/2.0\r\nCSeq: {number} {method}\r\n{more}\r\n"


def response(status: int, method: str, number: int = 1) -> str:
    return f"SIP/2.0 {status} So\r\nCSeq: {number} {method}\r\n\r\n"


def test_what_is_meant_is_lost_and_all_else_arrives(ends: Ends) -> None:
    ends.path.lose("PRACK", nth=2)
    said = [
        request("INVITE"),
        request("PRACK", 2),
        request("PRACK", 3),
        request("PRACK", 3, "A: b"),
    ]
    for one in said:
        ends.say(one)
    assert ends.heard(3) == [said[0], said[1], said[3]]
    ends.path.assert_faults_happened()
    assert ends.path.count("PRACK") == 3
    assert [one.action for one in ends.path.passed] == ["", "", "lose", ""]


def test_what_is_meant_is_doubled_whichever_way_it_goes(ends: Ends) -> None:
    ends.path.double("200 INVITE", cseq=2)
    said = [response(200, "INVITE", 1), response(200, "BYE", 2), response(200, "INVITE", 2)]
    for one in said:
        ends.say(one, "far")
    assert ends.heard(4, "far") == [said[0], said[1], said[2], said[2]]
    ends.path.assert_faults_happened()


def test_what_is_delayed_comes_later_and_what_is_swapped_after_the_next(ends: Ends) -> None:
    ends.path.delay("INVITE", 0.15)
    ends.path.swap("UPDATE")
    begun = time.monotonic()
    for method in ("INVITE", "UPDATE", "INFO"):
        ends.say(request(method))
    assert [one.split(" ")[0] for one in ends.heard(3)] == ["INFO", "UPDATE", "INVITE"]
    assert time.monotonic() - begun >= 0.15
    ends.path.assert_faults_happened()


def test_a_swapped_datagram_goes_on_by_itself_when_none_follows(ends: Ends) -> None:
    ends.path.swap("BYE")
    ends.say(request("BYE"))
    assert ends.heard(1) == [request("BYE")]


def test_a_fault_of_one_way_leaves_the_other_alone(ends: Ends) -> None:
    ends.path.lose("INVITE", towards="far")
    ends.say(request("INVITE"))
    ends.say(request("INVITE"), "far")
    assert ends.heard(1) == [request("INVITE")]
    ends.nothing_more("far")
    ends.path.assert_faults_happened()


def test_a_fault_that_found_nothing_to_do_fails_the_test(ends: Ends) -> None:
    ends.path.lose("PRACK")
    ends.say(request("INVITE"))
    ends.heard(1)
    with pytest.raises(AssertionError, match="lose PRACK"):
        ends.path.assert_faults_happened()


def test_who_has_no_business_here_is_not_carried_and_fails_the_test(ends: Ends) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(request("INVITE").encode(), ends.path.address)
    ends.nothing_more()
    with pytest.raises(AssertionError, match="from elsewhere"):
        ends.path.assert_faults_happened()


def test_addresses_of_the_far_end_become_those_of_the_path_but_not_in_credentials() -> None:
    far, path, switch = ("127.0.0.1", 5071), ("127.0.0.21", 40000), ("127.0.0.1", 5060)
    said = (
        b"INVITE sip:1@127.0.0.21:40000 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 127.0.0.1:5071;branch=1\r\n"
        b"Contact: <sip:a@127.0.0.1:50711>, <sip:a@127.0.0.1:5071>\r\n"
        b'Authorization: Digest uri="sip:1@127.0.0.21:40000"\r\n'
        b"\r\n127.0.0.1:5071"
    )
    assert readdressed(said, {far: path, path: switch}) == (
        b"INVITE sip:1@127.0.0.1:5060 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 127.0.0.21:40000;branch=1\r\n"
        b"Contact: <sip:a@127.0.0.1:50711>, <sip:a@127.0.0.21:40000>\r\n"
        b'Authorization: Digest uri="sip:1@127.0.0.21:40000"\r\n'
        b"\r\n127.0.0.1:5071"
    )


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"BYE sip:x SIP/2.0\r\ncseq:7 BYE\r\n\r\n", ("BYE", 7)),
        (b"SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n", ("180 INVITE", 1)),
        (b"\r\n\r\n", ("", 0)),
        (b"\x00\xff", ("", 0)),
    ],
)
def test_a_datagram_is_named_by_its_first_line_and_its_cseq(
    data: bytes, name: tuple[str, int]
) -> None:
    assert describe(data) == name
