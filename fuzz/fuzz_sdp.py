"""Mutated session descriptions against parser and negotiation: ParseError and NotAcceptable only.

`python -m fuzz.fuzz_sdp [--seconds 10] [--seed N] [--keep]`. Every description is parsed, written
and read again, answered as an offer (and the answer judged by RFC 3264), and taken as an answer to
an offer of ours. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import random
import sys

from fuzz.kept import Fuzz
from softswitch.sdp import (
    PCMA,
    PCMU,
    AudioAgreement,
    Keyring,
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
CRYPTO = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"A" * 40
SEEDS = (
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/SAVP 0 101\r\n" + CRYPTO + b"|2^31 WSH=64\r\na=rtcp-mux\r\n"
    b"m=audio 6002 RTP/AVP 0\r\n" + CRYPTO.replace(b":1 ", b":2 ") + b"\r\n",
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
    *(CRYPTO + b"\r\n", b"a=crypto:", b"RTP/SAVP", b"RTP/AVP", b"inline:", b"|1:4"),
    b"a=rtcp-mux\r\n",
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


def encrypted(*, required: bool) -> LocalMedia:
    """Our side with keys."""
    local = LocalMedia("192.0.2.1", 20000, 7)
    local.keyring = Keyring(required=required, make_key=lambda: b"k" * 30)
    return local


def check_keys(description: SessionDescription) -> None:
    """Answer it with keys, and take it as an answer: no sound that must be encrypted is plain."""
    for required in (False, True):
        for use in (_answered, _accepted):
            local = encrypted(required=required)
            try:
                agreed = use(description, local)
            except ALLOWED:
                continue
            assert agreed.srtp is not None or not required
            if agreed.srtp is not None:
                assert len(agreed.srtp.their_key) == 30
            offer(local, CODECS)


def _answered(description: SessionDescription, local: LocalMedia) -> AudioAgreement:
    return answer(description, local, CODECS)[1]


def _accepted(description: SessionDescription, local: LocalMedia) -> AudioAgreement:
    offer(local, CODECS)
    return accept_answer(local, description)


def check(data: bytes, _chance: random.Random) -> bool:
    """Do everything with one description; whether it was one. Raises for a finding."""
    try:
        description = SessionDescription.parse(data)
    except ALLOWED:
        return False
    again = SessionDescription.parse(bytes(description))
    assert again == description
    for use in (check_answer, check_acceptance, check_keys):
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


FUZZ = Fuzz(
    "sdp",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=("softswitch/sdp",),
    most_seconds=MAX_SECONDS_A_DESCRIPTION,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
