"""What a forged source gets out of the running program: bytes in against bytes out."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from tests.support.stage import Stage

MakeStage = Callable[..., Stage]

STRANGER = "127.0.0.77"
MESSAGES = 200
MAX_FACTOR = 2.0
"""Bytes out for bytes in, of calls as small as they can be: strangers have few messages, and of 200
most are not answered at all. A challenge alone is three times as long as the smallest INVITE."""

INBOUND = "    inbound_auth: {user: carrier-1, password: 's3cret word'}\n"


def invite(number: int) -> bytes:
    """As small as a call can be."""
    return (
        f"INVITE sip:1@h SIP/2.0\r\nv: SIP/2.0/UDP h;rport;branch=z9hG4bK{number}\r\n"
        f"f: <sip:a@h>;tag={number}\r\nt: <sip:1@h>\r\ni: {number}\r\nCSeq: 1 INVITE\r\n"
        "m: <sip:a@h>\r\nl: 0\r\n\r\n"
    ).encode()


def measured(stage: Stage) -> tuple[int, int, list[bytes]]:
    """Bytes in, bytes out, and the answers, until nothing more comes for longer than T1 * 4."""
    answers: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((STRANGER, 0))
        peer.settimeout(3.0)
        sent = 0
        for number in range(MESSAGES):
            sent += peer.sendto(invite(number), stage.switch.address)
            time.sleep(0.001)
        try:
            while True:
                answers.append(peer.recv(65535))
        except TimeoutError:
            return sent, sum(map(len, answers)), answers


def test_who_forges_a_source_gets_little_out(make_stage: MakeStage) -> None:
    sent, received, answers = measured(make_stage())
    assert answers
    assert received <= MAX_FACTOR * sent
    assert all(answer.startswith(b"SIP/2.0 403 ") for answer in answers)
    # One answer a message, and none with a session description.
    assert len({answer.partition(b"branch=")[2].split()[0] for answer in answers}) == len(answers)
    assert not any(b"v=0" in answer for answer in answers)


def test_challenges_are_no_more_worth(make_stage: MakeStage) -> None:
    sent, received, answers = measured(make_stage(trunk_lines=INBOUND))
    assert answers
    assert received <= MAX_FACTOR * sent
    assert all(answer.startswith(b"SIP/2.0 401 ") for answer in answers)
    assert len({answer.partition(b"branch=")[2].split()[0] for answer in answers}) == len(answers)
