"""Mutated session descriptions against parser and negotiation: ParseError and NotAcceptable only.

`python -m fuzz.fuzz_sdp [--seconds 10] [--seed N]`. Every description is parsed, written and read
again, answered as an offer (and the answer judged by RFC 3264), and taken as an answer to an offer
of ours. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

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


def check(data: bytes) -> None:
    """Do everything with one description; raises for a finding."""
    try:
        description = SessionDescription.parse(data)
    except ALLOWED:
        return
    again = SessionDescription.parse(bytes(description))
    assert again == description
    for use in (check_answer, check_acceptance):
        try:
            use(description)
        except ALLOWED:
            continue


def check_acceptance(description: SessionDescription) -> None:
    """Take it as an answer to an offer of ours."""
    agreed = accept_answer(offer(LocalMedia("192.0.2.1", 20000, 7), CODECS), description)
    assert agreed.codec in CODECS
    assert not (agreed.held and agreed.send)


def run(seconds: float, seed: int) -> int:
    """Fuzz for so long; give the number of descriptions tried. The first finding ends it."""
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    pool = list(SEEDS)
    tried = 0
    while time.monotonic() < end:
        data = mutate(chance.choice(pool), chance)
        if len(data) < 6000:
            if len(pool) < 200:
                pool.append(data)
            elif chance.random() < 0.02:
                pool[chance.randrange(len(SEEDS), len(pool))] = data
        start = time.process_time()
        try:
            check(data)
        except Exception:
            print(f"finding after {tried} descriptions, seed {seed}:\n{data!r}", file=sys.stderr)
            raise
        if time.process_time() - start > MAX_SECONDS_A_DESCRIPTION:
            raise AssertionError(f"took {time.process_time() - start:.2f} s: {data!r}")
        tried += 1
    return tried


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    # A finding ends the program with its traceback and status 1.
    tried = run(arguments.seconds, arguments.seed)
    print(f"fuzz_sdp: {tried} descriptions, seed {arguments.seed}, no finding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
