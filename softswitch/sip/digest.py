"""HTTP Digest as SIP uses it (RFC 3261 section 22, RFC 7616, RFC 8760), on both sides.

`Credentials` answers the challenges of a peer, `Gate` challenges peers and checks what they show.
Knows no transactions and no trunks, and holds secrets only as long as their owner does: they are in
no repr and no message.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import quote, split_commas, unquote
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

__all__ = ["Challenge", "Credentials", "Gate", "Verdict", "parse_challenges"]

MAX_CHALLENGES = 8
"""In one response; a server has one for each algorithm it knows, and there are six."""

MAX_HEADER = 4_096
"""Characters of one challenge or answer to it; the longest usual ones have 600."""

NONCE_SECONDS = 60.0
"""How long a nonce may be answered: a caller does it at once, one who registers again as often as
it likes gets a new one by `stale` without asking its user."""

MAX_NONCES = 10_000
"""Nonces of which the count is remembered, the oldest forgotten first. One that was forgotten is
stale: its answer could be a copy."""

_HASHES: dict[str, str] = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
"""RFC 8760 section 2.2, by the names of the registry."""

_OFFERED = ("SHA-256", "MD5")
"""What `Gate` asks for. RFC 8760 section 2.3: "the UAS MUST [...] put the most preferred first";
MD5 is there for phones and gateways that know nothing else."""


class Challenge(NamedTuple):
    """What a server asks for."""

    realm: str
    nonce: str
    algorithm: str
    """As written, `MD5` where nothing was."""
    qop: tuple[str, ...]
    opaque: str | None
    stale: bool

    @property
    def is_answerable(self) -> bool:
        """Whether we know the algorithm and the protection it asks for."""
        return self.algorithm.upper().removesuffix("-SESS") in _HASHES and (
            not self.qop or bool({"auth", "auth-int"} & set(self.qop))
        )


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """Read the values of WWW-Authenticate or Proxy-Authenticate; what cannot be read is left out.

    20.44 gives each challenge a field of its own; commas separate parameters.
    """
    found: list[Challenge] = []
    for value in values:
        if len(found) == MAX_CHALLENGES:
            break
        parameters = _parameters(value)
        if parameters is not None and "realm" in parameters and "nonce" in parameters:
            found.append(
                Challenge(
                    parameters["realm"],
                    parameters["nonce"],
                    parameters.get("algorithm", "MD5"),
                    tuple(
                        one.strip().lower()
                        for one in parameters.get("qop", "").split(",")
                        if one.strip()
                    ),
                    parameters.get("opaque"),
                    parameters.get("stale", "").lower() == "true",
                )
            )
    return found


def _parameters(value: str) -> dict[str, str] | None:
    """Names in lower case and bare values of a Digest challenge or answer; None: it is none."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest" or len(value) > MAX_HEADER:
        return None
    found: dict[str, str] = {}
    try:
        parts = split_commas(rest)
    except ParseError:
        return None
    for part in parts:
        name, equals, text = part.partition("=")
        if not equals:
            return None
        found.setdefault(name.strip().lower(), unquote(text.strip()))
    return found


def _digest(algorithm: str, text: str) -> str:
    name = _HASHES[algorithm.upper().removesuffix("-SESS")]
    return hashlib.new(
        name, text.encode("utf-8", "surrogateescape"), usedforsecurity=False
    ).hexdigest()


def _response(
    algorithm: str, *, user: str, realm: str, password: str, nonce: str, count: str, cnonce: str,
    qop: str, method: str, uri: str, body: bytes,
) -> str:  # fmt: skip
    """RFC 7616 section 3.4.1; without qop as RFC 2069 had it."""
    first = _digest(algorithm, f"{user}:{realm}:{password}")
    if algorithm.upper().endswith("-SESS"):
        first = _digest(algorithm, f"{first}:{nonce}:{cnonce}")
    asked = f"{method}:{uri}"
    if qop == "auth-int":
        asked += ":" + _digest(algorithm, body.decode("utf-8", "surrogateescape"))
    second = _digest(algorithm, asked)
    if not qop:
        return _digest(algorithm, f"{first}:{nonce}:{second}")
    return _digest(algorithm, f"{first}:{nonce}:{count}:{cnonce}:{qop}:{second}")


class Credentials:
    """A user and its password at a peer; counts how often a nonce was used.

    RFC 7616 section 3.4: the nonce count "MUST" go up with each request that answers a nonce.
    """

    __slots__ = ("_count", "_nonce", "_password", "_random", "realm", "user")

    def __init__(
        self,
        user: str,
        password: str,
        *,
        realm: str | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.user = user
        self._password = password
        self.realm = realm
        """The only realm that gets an answer; None: whichever asks."""
        self._random = random_bytes
        self._nonce = ""
        self._count = 0

    def __repr__(self) -> str:
        return f"Credentials({self.user!r})"

    def choose(self, challenges: Iterable[Challenge]) -> Challenge | None:
        """The challenge to answer.

        RFC 8760 section 2.4: "the UAC MUST use the topmost header field that it supports".
        """
        for challenge in challenges:
            if challenge.is_answerable and self.realm in (None, challenge.realm):
                return challenge
        return None

    def answer(self, challenge: Challenge, *, method: str, uri: str, body: bytes) -> str:
        """The value of Authorization or Proxy-Authorization."""
        if challenge.nonce != self._nonce:
            self._nonce, self._count = challenge.nonce, 0
        self._count += 1
        qop = "" if not challenge.qop else "auth" if "auth" in challenge.qop else "auth-int"
        count, cnonce = f"{self._count:08x}", self._random(12).hex()
        response = _response(
            challenge.algorithm, user=self.user, realm=challenge.realm, password=self._password,
            nonce=challenge.nonce, count=count, cnonce=cnonce, qop=qop, method=method, uri=uri,
            body=body,
        )  # fmt: skip
        parts = [
            f"username={quote(self.user)}",
            f"realm={quote(challenge.realm)}",
            f"nonce={quote(challenge.nonce)}",
            f"uri={quote(uri)}",
            f'response="{response}"',
            f"algorithm={challenge.algorithm}",
        ]
        if qop or challenge.algorithm.upper().endswith("-SESS"):
            parts.append(f'cnonce="{cnonce}"')
        if qop:
            parts += [f"qop={qop}", f"nc={count}"]
        if challenge.opaque is not None:
            parts.append(f"opaque={quote(challenge.opaque)}")
        return "Digest " + ", ".join(parts)


class Verdict(Enum):
    """What a peer's answer to a challenge is worth."""

    GOOD = "good"
    NONE = "none"
    """It shows nothing of this realm."""
    STALE = "stale"
    """Right, to a nonce that is too old, was used so often already, or is not of ours."""
    WRONG = "wrong"
    """The password, the user or the request do not match."""


class Gate:
    """Challenges whoever wants to be believed, and checks the answers.

    Nonces carry the time and are signed over the source they were given to: none is kept until it
    is used, so that asking costs a peer's flood nothing but bytes.
    """

    def __init__(self, realm: str, *, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self.realm = realm
        self._random = random_bytes
        self._key = random_bytes(32)
        self._counts: OrderedDict[str, int] = OrderedDict()
        # When the youngest nonce was made whose count is forgotten.
        self._forgotten = -1

    def challenge(self, source: str, *, now: float, stale: bool = False) -> str:
        """Lines of WWW-Authenticate for a peer at this address."""
        nonce = self._nonce(source, now)
        again = ", stale=true" if stale else ""
        return "".join(
            f"WWW-Authenticate: Digest realm={quote(self.realm)}, "
            f'nonce="{nonce}", algorithm={algorithm}, qop="auth"{again}\r\n'
            for algorithm in _OFFERED
        )

    def check(
        self, request: Request, source: str, password_of: Callable[[str], str | None], *, now: float
    ) -> tuple[Verdict, str]:
        """What the request shows, and the user it speaks for; proven where that is GOOD."""
        for value in request.headers.get_all("Authorization"):
            shown = _parameters(value)
            if shown is not None and shown.get("realm") == self.realm:
                return self._judge(shown, request, source, password_of, now)
        return Verdict.NONE, ""

    def _judge(
        self,
        shown: dict[str, str],
        request: Request,
        source: str,
        password_of: Callable[[str], str | None],
        now: float,
    ) -> tuple[Verdict, str]:
        user, nonce, count = shown.get("username", ""), shown.get("nonce", ""), shown.get("nc", "")
        algorithm = shown.get("algorithm", "MD5")
        password = password_of(user)
        if password is None or algorithm not in _OFFERED or shown.get("qop") != "auth":
            return Verdict.WRONG, user
        if not _is_for(request, shown.get("uri", "")):
            return Verdict.WRONG, user
        expected = _response(
            algorithm, user=user, realm=self.realm, password=password, nonce=nonce, count=count,
            cnonce=shown.get("cnonce", ""), qop="auth", method=request.method, uri=shown["uri"],
            body=b"",
        )  # fmt: skip
        given = shown.get("response", "").lower()
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            return Verdict.WRONG, user
        made = self._made(nonce, source)
        if made is None or now - made / 1000 > NONCE_SECONDS:
            return Verdict.STALE, ""
        if not self._is_counted_on(nonce, count, made):
            return Verdict.STALE, ""
        return Verdict.GOOD, user

    def _nonce(self, source: str, now: float) -> str:
        stamp = int(now * 1000).to_bytes(8, "big") + self._random(8)
        return urlsafe_b64encode(stamp + self._seal(stamp, source)).decode()

    def _seal(self, stamp: bytes, source: str) -> bytes:
        return hmac.digest(self._key, stamp + source.encode("utf-8", "replace"), "sha256")[:16]

    def _made(self, nonce: str, source: str) -> int | None:
        """When we made a nonce for this source, in milliseconds; None: we did not."""
        try:
            raw = urlsafe_b64decode(nonce.encode("ascii"))
        except ValueError:
            return None
        stamp, seal = raw[:16], raw[16:]
        if len(raw) != 32 or not hmac.compare_digest(seal, self._seal(stamp, source)):
            return None
        return int.from_bytes(stamp[:8], "big")

    def _is_counted_on(self, nonce: str, text: str, made: int) -> bool:
        """Whether the count is higher than any before: an answer that was overheard is worth
        nothing.

        RFC 7616 section 3.4: "the server [can] detect request replays by maintaining its own copy
        of this count".
        """
        try:
            count = int(text, 16)
        except ValueError:
            return False
        last = self._counts.get(nonce, 0 if made > self._forgotten else count)
        if count <= last or len(text) != 8:
            return False
        self._counts[nonce] = count
        if len(self._counts) > MAX_NONCES:
            old, _ = self._counts.popitem(last=False)
            stamp = urlsafe_b64decode(old.encode("ascii"))[:8]
            self._forgotten = max(self._forgotten, int.from_bytes(stamp, "big"))
        return True


def _is_for(request: Request, text: str) -> bool:
    """Whether an answer was made for this request: proxies may rewrite the host, not the user."""
    try:
        uri = Uri.parse(text)
    except ParseError:
        return False
    return uri.user == request.request_uri.user
