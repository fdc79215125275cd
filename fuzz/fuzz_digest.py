"""Mutated challenges and answers of digest against both roles: nothing is raised, nobody believed.

`python -m fuzz.fuzz_digest [--seconds 10] [--seed N] [--keep]`. An input is read as the value of a
challenge, which our credentials answer in one line that another gate of the same secret believes;
and as the value of an answer, which the gate believes only where it says what the right answer
says. `NONCE` and `RESPONSE` stand for a nonce of the gate and the right response to it. A finding
is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import random
import sys

from fuzz.kept import Fuzz
from softswitch.sip.digest import Credentials, Gate, Verdict, parse_challenges
from softswitch.sip.grammar import has_line_break
from softswitch.sip.headers.container import Headers
from softswitch.sip.message import Request

# No challenge may hold the loop for longer; generous for a busy machine.
MAX_SECONDS = 0.25

USER, PASSWORD, REALM, URI = "carrier", "secret", "softswitch", "sip:100000@192.0.2.9"
SOURCE, NOW = "192.0.2.1", 1_000.0
SEEDS = (
    b'Digest realm="softswitch", nonce="NONCE", algorithm=SHA-256, qop="auth"',
    b'Digest realm="a\\"b", nonce="x", opaque="", stale=TRUE, qop="auth,auth-int"',
    b'Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth-int"',
    b'Digest realm="r", nonce="n", algorithm=SHA-512-256',
    b'Digest username="carrier", realm="softswitch", nonce="NONCE", uri="sip:100000@192.0.2.9", '
    b'response="RESPONSE", algorithm=SHA-256, cnonce="CNONCE", qop=auth, nc=00000001',
    b'DIGEST username="carrier",realm="softswitch",nonce="NONCE",uri="sip:100000@x",qop=auth,'
    b'response="00ff",nc=ffffffff,cnonce="",algorithm=MD5',
    b'Basic realm="softswitch"',
)
PIECES = (
    *(b'"', b"\\", b",", b"=", b" ", b"\t", b";", b"Digest ", b"NONCE", b"RESPONSE", b"CNONCE"),
    *(
        b"qop=auth",
        b"nc=00000002",
        b"nc=0x000001",
        b"algorithm=MD5",
        b'realm="softswitch"',
        b"\xff",
    ),
    *(b"algorithm=SHA-256-sess", b"auth-int", b"stale=true", b'uri="tel:1"', b"A" * 100, b"\0"),
)


def check(data: bytes, chance: random.Random) -> bool:
    """Read it in both roles; whether anybody could do anything with it. Raises for a finding."""
    text = data.decode("latin-1")
    if has_line_break(text):
        return False
    return check_challenge(text, chance) | check_answer(text, chance)


def check_challenge(text: str, chance: random.Random) -> bool:
    """Answer it as a challenge, in one line."""
    credentials = Credentials(USER, PASSWORD, random_bytes=chance.randbytes)
    challenges = parse_challenges([text, text])
    chosen = credentials.choose(challenges)
    if chosen is None:
        return False
    answer = credentials.answer(chosen, method="INVITE", uri=URI, body=b"v=0\r\n")
    assert not has_line_break(answer)
    assert PASSWORD in text or PASSWORD not in answer
    return True


def check_answer(text: str, chance: random.Random) -> bool:
    """Show it to a gate as an answer; only the right one is believed, and only once."""
    gate = Gate(REALM, random_bytes=chance.randbytes)
    right = right_answer(gate, chance)
    for name in ("nonce", "response", "cnonce"):
        text = text.replace(name.upper(), right[name])
    verdict, user = gate.check(_request(text), SOURCE, _password_of, now=NOW)
    if verdict is not Verdict.GOOD:
        return verdict is Verdict.STALE
    assert user == USER
    assert right["response"] in text.lower(), text
    again, _ = gate.check(_request(text), SOURCE, _password_of, now=NOW)
    assert again is Verdict.STALE, again
    return True


def right_answer(gate: Gate, chance: random.Random) -> dict[str, str]:
    """What the right answer to the gate's challenge says."""
    challenge = gate.challenge(SOURCE, now=NOW).split("\r\n")[0].partition(": ")[2]
    credentials = Credentials(USER, PASSWORD, random_bytes=chance.randbytes)
    (parsed,) = parse_challenges([challenge])
    answer = credentials.answer(parsed, method="INVITE", uri=URI, body=b"")
    said = dict(part.partition("=")[::2] for part in answer.removeprefix("Digest ").split(", "))
    return {name: value.strip('"') for name, value in said.items()}


def _request(text: str) -> Request:
    return Request("INVITE", URI, Headers([("Authorization", text)]))


def _password_of(user: str) -> str | None:
    return PASSWORD if user == USER else None


FUZZ = Fuzz(
    "digest",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=("softswitch/sip/digest.py", "softswitch/sip/grammar.py"),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
