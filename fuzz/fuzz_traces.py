"""Mutated SIP messages through all that a trace does with them: masking, HEP, pcap, ladders.

`python -m fuzz.fuzz_traces [--seconds 10] [--seed N]`. Nothing may be raised or take long; masking
keeps the length and does nothing the second time; no line of a ladder has anything that a terminal
obeys. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from typing import Any

from softswitch.commands.ctl.ladder import ladder, mermaid, messages
from softswitch.traces.hep import encode
from softswitch.traces.pcap import packet
from softswitch.traces.sip_text import call_id_of, masked

# No message, however hostile, may hold the loop for longer; generous for a busy machine.
MAX_SECONDS_A_MESSAGE = 0.25

SEEDS = (
    b'INVITE sip:ann:secret@192.0.2.1 SIP/2.0\r\nCall-ID: a@b\r\nCSeq: 1 INVITE\r\nAuthorization: '
    b'Digest username="x",\r\n response="00ff"\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n'
    b"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^20\r\na=ice-pwd:x\r\na=sendonly\r\n",
    b"INFO sip:x SIP/2.0\r\ni: a\r\nCSeq: 9 INFO\r\nc: application/dtmf-relay\r\n\r\nSignal=5\r\n",
    b"SIP/2.0 200 OK\nCall-ID:\n x\nCSeq: 1 BYE\nReason: Q.850 ;cause=16 ;text=\"x\"\n\n",
)  # fmt: skip
PIECES = (
    *(b"\r\n", b"\n", b"\r\n ", b"\0", b":", b"@", b"sip:", b"\x1b[2J", b"\r\n\r\n", b"\xff"),
    *(b"Authorization:", b"i:", b"Call-ID:", b"a=crypto:", b"inline:", b"m=audio ", b"v=0\r\n"),
    *(b"Signal=", b"application/dtmf", b"Reason: ", b";cause=", "\u202e\u2028".encode(), b"#;<"),
)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Change a message in one to six places."""
    for _ in range(chance.randint(1, 6)):
        place = chance.randint(0, len(data))
        end = min(len(data), place + chance.choice((0, 1, 4, 40)))
        kind = chance.randrange(4)
        if kind == 0:
            data = data[:place] + data[end:]
        elif kind == 1:
            data = data[:place] + chance.choice(PIECES) * chance.choice((1, 1, 2, 300)) + data[end:]
        elif kind == 2:
            data = data[:place] + bytes([chance.randrange(256)]) + data[end:]
        else:
            data = data[:place] + data[place:end] * chance.choice((2, 30)) + data[end:]
    return data


def check(data: bytes) -> None:
    """Everything that is done with a message."""
    found = masked(data)
    assert len(found) == len(data)
    assert masked(found) == found
    whose, source, to = call_id_of(found), ("192.0.2.1", 5060), ("::1", 5060)
    encode(found, source=source, destination=to, reliable=False, at=1.0, agent=1, correlation=whose)
    packet(found, source=source, destination=to, at=1.0)
    trace = trace_of(found.decode("utf-8", "replace"))
    for line in (*ladder(trace), *mermaid(trace), *messages(trace)):
        assert line.isprintable(), line


def trace_of(text: str) -> dict[str, Any]:
    """As the control socket answers."""
    at = "2026-11-22T08:00:00.000Z"
    entries = [
        {"at": at, "clock": 0.1, "leg": leg, "direction": way, "text": text, "why": text[:50]}
        for leg, way in (("a", "in"), ("b1", "out"), ("", "drop"))
    ]
    told = {"at": at, "clock": 0.2, "event": "call.presented", "facts": {"caller": text[:50]}}
    about = {"call": text[:20], "called": text[:20], "caller": "", "campaign": "", "at": at}
    return {**about, "ended": False, "dropped": 0, "entries": [*entries, told]}


def main() -> int:
    """Fuzz for a while; the exit status says whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    chance = random.Random(seed)
    deadline = time.monotonic() + options.seconds
    count = 0
    while time.monotonic() < deadline:
        data = mutate(chance.choice(SEEDS), chance)
        began = time.process_time()
        try:
            check(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            print(f"seed {seed}: {error!r}\n{data!r}")
            return 1
        if time.process_time() - began > MAX_SECONDS_A_MESSAGE:
            print(f"seed {seed}: took {time.process_time() - began:.3f} s\n{data!r}")
            return 1
        count += 1
    print(f"{count} messages, seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
