"""What became of the signatures of one call."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["NO_IDENTITY", "Result", "Verdict", "Verified"]

Result = Literal["passed", "failed", "none"]

VERSTATS: dict[Result, str] = {
    "passed": "TN-Validation-Passed",
    "failed": "TN-Validation-Failed",
    "none": "No-TN-Validation",
}
"""3GPP TS 24.229 section 7.2A.20: values of the tel URI parameter `verstat`."""

STATUSES = {
    "missing": 428,
    "stale": 403,
    "unknown-certificate": 436,
    "bad-certificate-url": 436,
    "unusable-certificate": 437,
    "untrusted-certificate": 437,
    "expired-certificate": 437,
    "number-not-covered": 437,
    "unsupported-algorithm": 438,
    "unsupported-extension": 438,
    "malformed": 438,
    "other-caller": 438,
    "other-destination": 438,
    "bad-signature": 438,
    "replayed": 438,
    "by-carrier": 438,
}
"""RFC 8224 section 6.2.2: what a call is refused with, where a policy says so."""


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the number of a caller was verified."""

    result: Result
    why: str = ""
    """Why it is not passed: a key of STATUSES."""
    attestation: str = ""
    """A, B or C, where a SHAKEN signature is good; a plain one attests nothing."""
    origid: str = ""
    signer: str = ""
    """Whom the certificate is for: its service provider code, else its subject."""
    x5u: str = ""
    """Where the certificate is, as the signature says."""
    diverted: tuple[str, ...] = ()
    """The numbers that the call was sent on from, as others have signed."""
    believed: bool = False
    """Whether it is the carrier that says so."""

    @property
    def status(self) -> int:
        """What a call is refused with for it."""
        return STATUSES.get(self.why, 438)

    @property
    def phrase(self) -> str | None:
        """The words of that status where they are not the usual ones (6.2.2)."""
        return "Stale Date" if self.why == "stale" else None

    @property
    def verstat(self) -> str:
        """The result as URIs say it."""
        return VERSTATS[self.result]

    def facts(self) -> dict[str, Any]:
        """The same for an event and a record; what is not known is left out."""
        facts: dict[str, Any] = msgspec.to_builtins(self)
        return {name: list(v) if isinstance(v, tuple) else v for name, v in facts.items()}


NO_IDENTITY = Verdict("none", "missing")


class Verified(msgspec.Struct, frozen=True):
    """A verdict, and what it was found on."""

    verdict: Verdict
    number: str
    """The caller's, as the call is presented with it."""
    identities: tuple[str, ...] = ()
    """Values of Identity whose signatures are good, as they came."""
    marked: bool = False
    """Whether a policy wants the caller marked."""

    def facts(self) -> dict[str, Any]:
        """The verdict for an event and a record."""
        facts = self.verdict.facts()
        return {**facts, "marked": True} if self.marked else facts
