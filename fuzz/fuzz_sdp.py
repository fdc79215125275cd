"""Mutated session descriptions against parser and negotiation: ParseError and NotAcceptable only.

`python -m fuzz.fuzz_sdp [--seconds 10] [--seed N]`. Every description is parsed, written and read
again, answered as an offer (and the answer judged by RFC 3264), and taken as an answer to an offer
of ours. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import random
import sys

from fuzz.drive import drive
from softswitch.sdp import (
    PCMA,
    PCMU,
    LocalMedia,
    NotAcceptable,
    ParseError,
    SessionDescription,
    accept_answer,
    acceptable_codecs,
    answer,
    offer,
)

# The only exceptions that a peer's bytes may cause.
ALLOWED = (ParseError, NotAcceptable)
# No description, however hostile, may hold the loop for longer; generous for a busy machine.
MAX_SECONDS_A_DESCRIPTION = 0.25

CODECS = (PCMU, PCMA)
SEEDS = (
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0 8 18 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000"
    b"\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=rtcp:6007 IN IP4 192.0.2.1\r\n",
    b"v=0\no=a b c IN IP6 ::1\na=sendonly\nm=video 1 RTP/AVP 99\nc=IN IP6 ff02::1\n"
    b"m=audio 4/2 RTP/SAVP 0\nm=audio 9 RTP/AVPF 96 97 13\na=rtpmap:96 pcma/8000/1\n"
    b"a=rtpmap:97 TELEPHONE-EVENT/8000\nc=IN IP4 0.0.0.0\na=inactive\nm=image 7 udptl t38\n",
    b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\nc=IN IP4 233.252.0.1/127/3\r\nm=audio 0 RTP/AVP 0\r\n",
)
PIECES = (
    *(b"\r\n", b"\n", b"\r", b"\0", b"=", b":", b"/", b" ", b"m=audio 1 RTP/AVP 0\r\n", b"a="),
    *(b"c=IN IP4 0.0.0.0\r\n", b"a=rtpmap:", b"65536", b"-1", b"99999999999999999999", b"\xff\xfe"),
    *(
        "\u0661\u00b2\u2028".encode(),
        b"a=recvonly\r\n",
        b"a=ptime:",
        b"0 0 0 0",
        b"127",
        b"v=1\r\n",
    ),
)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Change a description in one to six places."""
    for _ in range(chance.randint(1, 6)):
        place = chance.randint(0, len(data))
        end = min(len(data), place + chance.choice((0, 1, 2, 8, 40)))
        kind = chance.randrange(5)
        if kind == 0:
            data = data[:place] + data[end:]
        elif kind == 1:
            data = data[:place] + chance.choice(PIECES) + data[end:]
        elif kind == 2:
            data = data[:place] + bytes([chance.randrange(256)]) + data[end:]
        elif kind == 3:
            data = data[:place] + data[place:end] * chance.choice((2, 3, 50)) + data[end:]
        else:
            lines = data.split(b"\n")
            chance.shuffle(lines)
            data = b"\n".join(lines)
    return data


def check_answer(description: SessionDescription) -> None:
    """Answer it; the answer must have its m-lines, in their order, and one of them ours."""
    body, agreed = answer(description, LocalMedia("192.0.2.1", 20000, 7), CODECS)
    answered = SessionDescription.parse(body)
    assert [m.media for m in answered.media] == [m.media for m in description.media]
    (ours,) = [index for index, media in enumerate(answered.media) if media.port]
    offered = {int(number) for number in description.media[ours].formats if number.isdecimal()}
    assert {int(number) for number in answered.media[ours].formats} <= offered
    assert acceptable_codecs(description, CODECS)
    assert 10 <= agreed.ptime_ms <= 60
    assert 0 < agreed.remote_port <= 65535
    assert 0 < agreed.remote_rtcp_port <= 65535
    assert set(agreed.receive) <= set(range(128))


def check(data: bytes, _chance: random.Random) -> bool:
    """Do everything with one description; whether it was one. Raises for a finding."""
    try:
        description = SessionDescription.parse(data)
    except ALLOWED:
        return False
    again = SessionDescription.parse(bytes(description))
    assert again == description
    for use in (check_answer, check_acceptance):
        try:
            use(description)
        except ALLOWED:
            continue
    return True


def check_acceptance(description: SessionDescription) -> None:
    """Take it as an answer to an offer of ours."""
    agreed = accept_answer(offer(LocalMedia("192.0.2.1", 20000, 7), CODECS), description)
    assert agreed.codec in CODECS
    assert not (agreed.held and agreed.send)


class Pool:
    """Descriptions that are mutated: the seeds, and what became of them."""

    def __init__(self) -> None:
        self._kept = list(SEEDS)

    def make(self, chance: random.Random) -> bytes:
        """A mutated description, which may be mutated further."""
        data = mutate(chance.choice(self._kept), chance)
        if len(data) < 6000:
            if len(self._kept) < 200:
                self._kept.append(data)
            elif chance.random() < 0.02:
                self._kept[chance.randrange(len(SEEDS), len(self._kept))] = data
        return data


if __name__ == "__main__":
    sys.exit(drive(__doc__, Pool().make, check, most_seconds=MAX_SECONDS_A_DESCRIPTION))
