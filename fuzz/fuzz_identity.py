"""Mutated signatures of callers (Identity, PASSporT, TNAuthList, Date) against what verifies them.

`python -m fuzz.fuzz_identity [--seconds 10] [--seed N] [--keep]`. An input is the header of a
token, its payload, its signature with its parameters, and a Date, a line each: the first two are
written in base64url here, so that what is changed is what is signed. Nothing is raised; no verdict
is good that rests on a signature that is none; and what stands in a verdict can be shown. The bytes
are read as a Date, as an Identity and as a TNAuthList, too. A finding is printed as a literal.
"""

from __future__ import annotations

import random
import sys
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import cast

from fuzz.kept import Fuzz
from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.date import format_date, parse_date
from softswitch.sip.headers.identity import MAX_IDENTITIES, Identity, identities_of
from softswitch.stir.asked import Asked
from softswitch.stir.passport import MalformedPassport, Party, read_token
from softswitch.stir.replays import Replays
from softswitch.stir.tn_auth_list import MalformedList, TnAuthList, parse_tn_auth_list
from softswitch.stir.trust import TrustStore
from softswitch.stir.verdict import STATUSES
from softswitch.stir.verifying import Verifier

# The only exceptions that a peer's bytes may cause, each at its own reader.
ALLOWED = (ParseError, MalformedPassport, MalformedList)
# No signature may hold the loop for longer; generous for a busy machine.
MAX_SECONDS = 0.25

NOW = 1_471_375_418.0
CALLER, CALLED = Party("tn", "12155551212"), Party("tn", "12355551212")
_SIGNATURE = urlsafe_b64encode(bytes(range(64))).rstrip(b"=")
_INFO = b";info=<https://cert.example.org/passport.cer>;alg=ES256"
_DATE = b"Tue, 16 Aug 2016 19:23:38 GMT"
_FULL = (
    b'{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example.org/passport.cer"}',
    b'{"attest":"A","dest":{"tn":["12355551212"]},"iat":1471375418,"orig":{"tn":"12155551212"},'
    b'"origid":"123e4567-e89b-12d3-a456-426655440000"}',
    _SIGNATURE + _INFO + b";ppt=shaken",
    _DATE,
)
_DIV = (
    _FULL[0].replace(b"shaken", b"div"),
    b'{"dest":{"tn":"12355551212","uri":["sip:a@B.example"]},"div":{"tn":"12015550100"},'
    b'"iat":1471375418.5,"orig":{"tn":"12155551212"}}',
    _SIGNATURE + _INFO + b";ppt=div",
    _DATE,
)
_TN_AUTH_LIST = bytes.fromhex(
    "301d" "a0061604" "31323341" "a10f300d160a32313535353530313030020105".replace(" ", "")
    + "a2021600"
)  # fmt: skip
SEEDS = (
    b"\n".join(_FULL),
    b"\n".join(_DIV),
    b"\n".join((b"", b"", _SIGNATURE + _INFO, _DATE)),
    b"\n".join((_FULL[0], _FULL[1].replace(b'"tn":"12155551212"', b'"uri":"sip:x@y"'), *_FULL[2:])),
    _DATE,
    b"..." + _SIGNATURE + _INFO,
    _TN_AUTH_LIST,
    bytes.fromhex("3009a20716053231323135"),
    bytes.fromhex("3008a006160431323341"),
)
PIECES = (
    *(
        b"\n",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b";",
        b"=",
        b"<",
        b">",
        b".",
        b"..",
        b"null",
    ),
    *(b"1e999", b"-1", b"NaN", b"99999999999999999999", b"\\u0000", b"\\ud800", b"\xff", b"true"),
    *(b'"crit":["x"],', b'"alg":"none"', b'"alg":"HS256"', b'"ppt":"rph"', b"ppt=rph", b"alg=none"),
    *(
        b'"tn":',
        b'"uri":',
        b'"dest":{}',
        b"[" * 200,
        b'{"a":' * 200,
        b"\x30\x80",
        b"\xa1\x84",
        b"*#",
    ),
)


class _Trusting:
    """A certificate, and the store that has it for every address, that believe what they are told:
    so that what lies behind a signature is reached without one."""

    numbers: TnAuthList | None = TnAuthList((), (("12155551212", 1), ("12015550100", 100)))
    signer = "anybody"

    def __init__(self, believes: bool) -> None:
        self._believes = believes
        self.asked = 0

    def find(self, _info: str, _now: float) -> _Trusting:
        return self

    def problem_at(self, _now: float) -> str:
        return ""

    def has_signed(self, signature: bytes, data: bytes) -> bool:
        assert len(signature) == 64
        assert data.isascii()
        self.asked += 1
        return self._believes


def check(data: bytes, chance: random.Random) -> bool:
    """Read it every way; whether a verdict was good. Raises for a finding."""
    text = data.decode("latin-1")
    with suppress(*ALLOWED):
        moment = parse_date(text)
        assert parse_date(format_date(moment)) == moment
    with suppress(*ALLOWED):
        identity = Identity.parse(text)
        assert Identity.parse(str(identity)) == identity
        read_token(identity.digest)
    with suppress(*ALLOWED):
        numbers = parse_tn_auth_list(data)
        numbers.covers("12155551212")
        numbers.covers("*86")
    return verify(value_of(data), chance)


def value_of(data: bytes) -> tuple[str, int | None]:
    """An Identity and the Date beside it, of the four lines of an input."""
    header, payload, rest, date = [*data.split(b"\n"), b"", b"", b"", b""][:4]
    parts = [urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload)]
    try:
        moment = parse_date(date.decode("latin-1"))
    except ParseError:
        moment = None
    # The message layer gives no line end to whoever reads a field.
    return b".".join((*parts, rest)).replace(b"\r", b"").decode("latin-1"), moment


def verify(message: tuple[str, int | None], chance: random.Random) -> bool:
    """Have it verified by one who believes every signature, and by one who believes none."""
    value, date = message
    values = identities_of(Headers([("Identity", value), ("Identity", f"{value},{value}")]))
    assert len(values) <= MAX_IDENTITIES
    good = False
    for believes in (True, False):
        store = _Trusting(believes)
        verifier = Verifier(
            cast("TrustStore", store),
            freshness=60.0,
            tn_auth_list=chance.random() < 0.5,
            replays=Replays(most=10),
        )
        found = verifier.verify(Asked(values, (CALLER,), (CALLED,), date, "c1"), NOW)
        verdict = found.verdict
        assert not verdict.why or verdict.why in STATUSES, verdict
        for text in (verdict.origid, verdict.signer, verdict.x5u, *verdict.diverted):
            assert text.isprintable(), verdict
        is_good = verdict.result == "passed"
        assert not is_good or (believes and store.asked), found
        good = good or is_good
    return good


FUZZ = Fuzz(
    "identity",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=(
        "softswitch/stir",
        "softswitch/sip/headers/identity.py",
        "softswitch/sip/headers/date.py",
    ),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
