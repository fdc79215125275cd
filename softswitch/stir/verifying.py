"""Verifies the signatures of one call: RFC 8224 section 6.2, with `shaken` (RFC 8588) and `div`
(RFC 8946).

What costs nothing comes first: form, time, numbers; then the certificate; the signature last. Of
several values the best counts: one that is good is not undone by another that is not. Extensions
that are not known are passed over, as section 6.2 asks for. Knows no policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.identity import Identity
from softswitch.stir.asked import Asked
from softswitch.stir.passport import (
    Claims,
    Header,
    MalformedPassport,
    Party,
    Token,
    header_of,
    payload_of,
    read_token,
    signing_input,
)
from softswitch.stir.places import place_of
from softswitch.stir.verdict import NO_IDENTITY, Verdict, Verified

if TYPE_CHECKING:
    from softswitch.stir.credentials import Credential
    from softswitch.stir.replays import Replays
    from softswitch.stir.trust import TrustStore

__all__ = ["Verifier", "certificates_named"]

SHAKEN, DIV = "shaken", "div"
KNOWN = ("", SHAKEN, DIV)

MAX_GUESSES = 8
"""Payloads that a compact token is compared with: who may call, times who may be called."""


class _Good(NamedTuple):
    """A token whose signature is good."""

    value: str
    identity: Identity
    claims: Claims
    credential: Credential
    mark: bytes
    """What no other signature has: R. Whoever knows one can make a second, with another S."""


class _Bad(NamedTuple):
    why: str
    identity: Identity | None = None
    credential: Credential | None = None


class Verifier:
    """Verifies calls by one trust store; remembers what it has seen."""

    def __init__(
        self, trust: TrustStore, *, freshness: float, tn_auth_list: bool, replays: Replays
    ) -> None:
        self.trust = trust
        self._freshness = freshness
        self._tn_auth_list = tn_auth_list
        self._replays = replays

    def verify(self, asked: Asked, now: float) -> Verified:
        """What the signatures of a call are worth."""
        number = asked.callers[0].text if asked.callers else ""
        good: list[_Good] = []
        bad: list[_Bad] = []
        for value in asked.identities:
            found = self._check(value, asked, now)
            if isinstance(found, _Good):
                good.append(found)
            elif found is not None:
                bad.append(found)
        verdict, tokens = self._judge(asked, good, bad, now)
        return Verified(verdict, number, tuple(token.value for token in tokens))

    # One value.

    def _check(self, value: str, asked: Asked, now: float) -> _Good | _Bad | None:
        """One value by itself, its destination left out; None for one that is not for us."""
        try:
            identity = Identity.parse(value)
        except ParseError:
            return _Bad("malformed")
        if identity.extension not in KNOWN:
            return None
        if identity.algorithm != "ES256":
            return _Bad("unsupported-algorithm", identity)
        try:
            token = read_token(identity.digest)
        except MalformedPassport:
            return _Bad("malformed", identity)
        if isinstance(token, bytes):
            return self._check_compact(value, identity, token, asked, now)
        return self._check_full(value, identity, token, asked, now)

    def _check_full(
        self, value: str, identity: Identity, token: Token, asked: Asked, now: float
    ) -> _Good | _Bad | None:
        why = _header_problem(token.header, identity) or self._claims_problem(
            token.header.ppt, token.claims, asked, now
        )
        if why == "other-extension":
            return None
        if why:
            return _Bad(why, identity)
        credential = self.trust.find(identity.info, now)
        why = self._credential_problem(identity, credential, token.claims, now)
        if why or credential is None:
            return _Bad(why, identity, credential)
        if not credential.has_signed(token.signature, token.signed):
            return _Bad("bad-signature", identity, credential)
        return _Good(value, identity, token.claims, credential, token.signature[:32])

    def _check_compact(
        self, value: str, identity: Identity, signature: bytes, asked: Asked, now: float
    ) -> _Good | _Bad:
        """RFC 8225 section 7: what was signed is made again of the request."""
        if identity.extension:
            # What else is signed stands nowhere in the request.
            return _Bad("malformed", identity)
        if asked.date is None or abs(now - asked.date) > self._freshness:
            return _Bad("stale", identity)
        header = header_of(identity.info)
        credential = self.trust.find(identity.info, now)
        guesses = [
            Claims(float(asked.date), caller, (called,))
            for caller in asked.callers
            for called in asked.called
        ]
        why = "other-caller"
        for claims in guesses[:MAX_GUESSES]:
            why = self._credential_problem(identity, credential, claims, now)
            if why or credential is None:
                return _Bad(why, identity, credential)
            payload = payload_of(claims.orig, claims.dest[0], asked.date)
            if credential.has_signed(signature, signing_input(header, payload)):
                return _Good(value, identity, claims, credential, signature[:32])
            why = "bad-signature"
        return _Bad(why, identity, credential)

    def _claims_problem(self, ppt: str, claims: Claims, asked: Asked, now: float) -> str:
        # 6.2 step 4: "sixty seconds is RECOMMENDED"; iat counts where the token has one.
        if abs(now - claims.iat) > self._freshness:
            return "stale"
        if asked.date is not None and abs(asked.date - claims.iat) > self._freshness:
            return "stale"
        if claims.orig not in asked.callers:
            return "other-caller"
        # RFC 8588 section 4: a token of SHAKEN has both; RFC 8946 section 3: div is a claim.
        if ppt == SHAKEN and not (claims.attest and claims.origid):
            return "malformed"
        return "malformed" if ppt == DIV and claims.div is None else ""

    def _credential_problem(
        self, identity: Identity, credential: Credential | None, claims: Claims, now: float
    ) -> str:
        if credential is None:
            known = place_of(identity.info) is not None
            return "unknown-certificate" if known else "bad-certificate-url"
        why = credential.problem_at(now)
        if why or not self._tn_auth_list:
            return why
        # Who sends a call on signs for the number it came to (RFC 8946 section 4.2).
        signed_for = claims.div or claims.orig
        covered = credential.numbers is not None and (
            signed_for.kind != "tn" or credential.numbers.covers(signed_for.text)
        )
        return "" if covered else "number-not-covered"

    # All of them.

    def _judge(
        self, asked: Asked, good: list[_Good], bad: list[_Bad], now: float
    ) -> tuple[Verdict, list[_Good]]:
        """The best of what is good and meant for us, else why the first is not."""
        reached = _ways_here(asked.called, good)
        calls = [token for token in good if token.claims.div is None]
        meant = [token for token in calls if reached.keys() & set(token.claims.dest)]
        fresh = [token for token in meant if not self._is_copy(token, asked, now)]
        if fresh:
            best = min(fresh, key=lambda token: token.claims.attest or "Z")
            return _passed(best, _path_of(best, asked.called, reached)), [
                token for token in good if token in fresh or token.claims.div is not None
            ]
        if meant or calls or good:
            why = "replayed" if meant else "other-destination"
            first = (meant or calls or good)[0]
            return _failed(why, first.identity, first.credential), []
        if bad:
            return _failed(*bad[0]), []
        return NO_IDENTITY, []

    def _is_copy(self, token: _Good, asked: Asked, now: float) -> bool:
        until = token.claims.iat + self._freshness
        return self._replays.is_copy(token.mark, asked.call_id, until=until, now=now)


def certificates_named(values: tuple[str, ...]) -> tuple[str, ...]:
    """Where the certificates of signatures are that we would look at."""
    urls: dict[str, None] = {}
    for value in values:
        try:
            identity = Identity.parse(value)
        except ParseError:
            continue
        if identity.extension in KNOWN:
            urls[identity.info] = None
    return tuple(urls)


def _header_problem(header: Header, identity: Identity) -> str:
    """Whether the token says the same as the field around it."""
    # RFC 8224 section 4.1: "ppt" is repeated outside; some leave that out.
    if identity.extension and identity.extension != header.ppt:
        return "malformed"
    if header.ppt not in KNOWN:
        return "other-extension"
    if header.alg != "ES256":
        return "unsupported-algorithm"
    # RFC 7515 section 4.1.11: what is critical must be understood.
    if header.crit:
        return "unsupported-extension"
    same = header.typ.lower() in ("", "passport") and header.x5u == identity.info
    return "" if same else "malformed"


def _ways_here(called: tuple[Party, ...], good: list[_Good]) -> dict[Party, tuple[Party, ...]]:
    """Whom a call may have been signed for that has come to us: who is called, and those whose
    calls were sent on to there, with the way."""
    reached: dict[Party, tuple[Party, ...]] = dict.fromkeys(called, ())
    diversions = [token.claims for token in good if token.claims.div is not None]
    for _ in diversions:
        for claims in diversions:
            known = next((party for party in claims.dest if party in reached), None)
            if known is not None and claims.div is not None:
                reached.setdefault(claims.div, (claims.div, *reached[known]))
    return reached


def _path_of(
    token: _Good, called: tuple[Party, ...], reached: dict[Party, tuple[Party, ...]]
) -> tuple[str, ...]:
    ways = [reached[party] for party in token.claims.dest if party in reached]
    return tuple(party.text for party in min(ways, key=len)) if ways else ()


def _passed(token: _Good, diverted: tuple[str, ...]) -> Verdict:
    claims = token.claims
    return Verdict(
        "passed",
        attestation=claims.attest,
        origid=claims.origid,
        signer=token.credential.signer,
        x5u=token.identity.info,
        diverted=diverted,
    )


def _failed(why: str, identity: Identity | None, credential: Credential | None) -> Verdict:
    return Verdict(
        "failed",
        why,
        signer=credential.signer if credential is not None else "",
        x5u=identity.info if identity is not None else "",
    )
