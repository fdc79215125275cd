"""Mutated session descriptions against parser and negotiation: ParseError and NotAcceptable only.

`python -m fuzz.fuzz_sdp [--seconds 10] [--seed N] [--keep]`. Every description is parsed, written
and read again, answered as an offer (and the answer judged by RFC 3264), and taken as an answer to
an offer of ours. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import random
import sys
from contextlib import suppress

from fuzz.kept import Fuzz
from softswitch.sdp import (
    G722,
    PCMA,
    PCMU,
    AudioAgreement,
    Keyring,
    LocalMedia,
    NotAcceptable,
    ParseError,
    SessionDescription,
    accept_answer,
    answer,
    check_offer,
    offer,
)
from softswitch.sdp.crypto import KEY_BYTES

# The only exceptions that a peer's bytes may cause.
ALLOWED = (ParseError, NotAcceptable)
# No description, however hostile, may hold the loop for longer; generous for a busy machine.
MAX_SECONDS_A_DESCRIPTION = 0.25

CODECS = (PCMU, PCMA, G722)
CRYPTO = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"A" * 40
_KEY = b"WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
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
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/SAVP 9 8 13 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000"
    b"\r\na=rtcp-mux\r\na=ptime:30\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + _KEY + b"\r\n"
    b"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" + _KEY + b"|2^48 -X WSH=64\r\n",
    b"v=0\r\no=- 1 2 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0 13\r\na=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:" + _KEY + b"|1:4\r\n",
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
    *(
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + _KEY,
        b"|2^20",
        b"RTP/SAVP",
        b"a=rtcp-mux\r\n",
    ),
)


def ourselves(chance: random.Random) -> LocalMedia:
    """One leg of ours: with keys, with one port for RTP and RTCP, or not."""
    local = LocalMedia(chance.choice(("192.0.2.1", "2001:db8::9")), 20000, 7)
    keys = chance.randrange(3)
    if keys:
        local.keyring = Keyring(required=keys == 2, make_key=lambda: chance.randbytes(KEY_BYTES))
    local.rtcp_mux = chance.random() < 0.5
    return local


def check_answer(description: SessionDescription, chance: random.Random) -> None:
    """Answer it; the answer must have its m-lines, in their order, and one of them ours."""
    local = ourselves(chance)
    wants = (local.keyring is not None, local.keyring is not None and local.keyring.required)
    acceptable = check_offer(description, local, CODECS)
    body, agreed = answer(
        description,
        local,
        CODECS,
        ptime_ms=chance.choice((0, 10, 60)),
        comfort_noise=chance.random() < 0.5,
    )
    answered = SessionDescription.parse(body)
    assert [m.media for m in answered.media] == [m.media for m in description.media]
    (ours,) = [index for index, media in enumerate(answered.media) if media.port]
    offered = {int(number) for number in description.media[ours].formats if number.isdecimal()}
    assert {int(number) for number in answered.media[ours].formats} <= offered
    assert agreed.codecs[0][0] in acceptable
    check_agreement(agreed)
    assert agreed.srtp is None or wants[0]
    assert agreed.srtp is not None or not wants[1], "sound without keys"
    # Said again, it is the same; whoever hears the answer can take it.
    assert answer(description, local, CODECS)[1].srtp == agreed.srtp


def check_agreement(agreed: AudioAgreement) -> None:
    """What must hold of any agreement."""
    assert agreed.codec in CODECS
    assert 10 <= agreed.ptime_ms <= 60
    assert 0 < agreed.remote_port <= 65535
    assert 0 < agreed.remote_rtcp_port <= 65535
    assert set(agreed.receive) <= set(range(128))
    assert not (agreed.held and agreed.send)


def check_acceptance(description: SessionDescription, chance: random.Random) -> None:
    """Take it as an answer to an offer of ours."""
    local = ourselves(chance)
    ours = offer(local, CODECS, comfort_noise=chance.random() < 0.5, ptime_ms=20)
    agreed = accept_answer(chance.choice((local, ours)) if local.keyring is None else local,
                           description)  # fmt: skip
    check_agreement(agreed)
    assert agreed.srtp is None or local.keyring is not None
    required = local.keyring is not None and local.keyring.required
    assert agreed.srtp is not None or not required, "sound without keys"


def check(data: bytes, chance: random.Random) -> bool:
    """Do everything with one description; whether it was agreed on. Raises for a finding."""
    try:
        description = SessionDescription.parse(data)
    except ALLOWED:
        return False
    again = SessionDescription.parse(bytes(description))
    assert again == description
    good = False
    for use in (check_answer, check_acceptance):
        with suppress(*ALLOWED):
            use(description, chance)
            good = True
    return good


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
