"""Mutated signatures of callers: nothing but a verdict may come out, and never a good one.

`python -m fuzz.fuzz_passport [--seconds 10] [--seed N] [--keep]`. An input is a value of Identity;
what stands in it in base64url is also changed behind that, and given as an extension of a
certificate and as a certificate. There is no certificate that could have signed any of it.
"""

from __future__ import annotations

import random
import sys
from base64 import urlsafe_b64decode
from binascii import Error
from contextlib import suppress

from fuzz.kept import Fuzz
from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import has_line_break
from softswitch.sip.headers.date import parse_date
from softswitch.sip.headers.identity import Identity
from softswitch.stir.asked import Asked
from softswitch.stir.credentials import Authorities, read_certificates
from softswitch.stir.passport import MalformedPassport, encode, number_party, read_token, uri_party
from softswitch.stir.places import place_of
from softswitch.stir.replays import Replays
from softswitch.stir.tn_auth_list import MalformedList, parse_tn_auth_list
from softswitch.stir.trust import TrustStore
from softswitch.stir.verdict import STATUSES
from softswitch.stir.verifying import Verifier, certificates_named
from tests.support.stir import Authority

# No signature, however hostile, may hold the loop for longer; generous for a busy machine.
MAX_SECONDS = 0.25
NOW = 1_443_208_345.0
CALLER, CALLED = number_party("12155551212"), number_party("12155551213")
TRUST = TrustStore(Authorities([Authority().certificate]))
VERIFIER = Verifier(TRUST, freshness=60, tn_auth_list=True, replays=Replays())

_HEADER = (
    b'{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example.org/passport.cer"}'
)
_PAYLOAD = (
    b'{"attest":"A","dest":{"tn":["12155551213"]},"iat":1443208345,"orig":{"tn":"12155551212"},'
    b'"origid":"123e4567-e89b-12d3-a456-426655440000"}'
)
_DIV = (
    b'{"dest":{"tn":["12155551213"],"uri":["sip:a@b"]},"div":{"tn":"121555551213"},'
    b'"iat":1443208345,"orig":{"uri":"sip:alice@example.com"}}'
)
_REST = b";info=<https://cert.example.org/passport.cer>;alg=ES256"


def _token(header: bytes, payload: bytes) -> bytes:
    return b".".join((encode(header), encode(payload), encode(bytes(range(64)))))


SEEDS = (
    _token(_HEADER, _PAYLOAD) + _REST + b";ppt=shaken",
    _token(_HEADER.replace(b"shaken", b"div"), _DIV) + _REST + b';ppt="div"',
    b".." + encode(bytes(range(64))) + _REST,
    encode(b"\x30\x08\xa0\x06\x16\x04709J") + b".." + encode(b"\x30\x0d\xa2\x0b\x16\x0912155551"),
    encode(b"\x30\x13\xa1\x11\x30\x0f\x16\x0a2155551200\x02\x01\x64") + b".e30.AAAA" + _REST,
    b"Sat, 13 Nov 2010 23:29:00 GMT",
)
PIECES = (
    *(b".", b"..", b";", b"=", b"<", b">", b'"', b",", b"-", b"_", b"==", b"\r\n", b"\0", b" "),
    *(b"info=<https://a/b>", b"alg=none", b"alg=HS256", b"ppt=div", b"ppt=rcd", b"e30", b"bnVsbA"),
    *(encode(b'{"alg":"none"}'), encode(b'{"iat":1e400}'), encode(b"[" * 900), b"A" * 300),
    *(encode(b'{"orig":{"tn":"1"},"dest":{"tn":[]},"iat":-1}'), b"\xff", "é".encode()),
    *(encode(b"\x30\x82\xff\xff"), encode(b"\x30\x80\x00\x00"), b"Feb", b"31", b"9999"),
)


def check(data: bytes, chance: random.Random) -> bool:
    """Read it every way; whether any took it. Raises for a finding."""
    text = data.decode("utf-8", "replace")
    found = VERIFIER.verify(Asked((text,), (CALLER,), (CALLED,), int(NOW), "call"), NOW).verdict
    assert found.result != "passed", text
    assert not found.why or found.why in STATUSES
    certificates_named((text,))
    place_of(text)
    with suppress(ParseError):
        assert parse_date(text) > -(10**12)
    with suppress(MalformedPassport):
        uri_party(text)
    check_parts(text.partition(";")[0], chance)
    try:
        identity = Identity.parse(text)
    except ParseError:
        return False
    if not has_line_break(text):
        assert Identity.parse(str(identity)) == identity
    return True


def check_parts(digest: str, chance: random.Random) -> None:
    """What stands in it in base64url, as it is and with a byte changed."""
    with suppress(MalformedPassport):
        read_token(digest)
    for part in digest.split(".")[:3]:
        try:
            changed = bytearray(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except (Error, ValueError):
            continue
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        raw = bytes(changed)
        with suppress(MalformedPassport):
            read_token(b".".join((encode(raw), encode(raw), encode(bytes(64)))).decode())
        with suppress(MalformedList):
            parse_tn_auth_list(raw).covers(CALLER.text)
        with suppress(ValueError):
            read_certificates(raw)


FUZZ = Fuzz(
    "passport",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=(
        "softswitch/sip/headers/identity.py",
        "softswitch/sip/headers/date.py",
        "softswitch/stir",
    ),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
