"""The section stir: whom signatures of callers are believed, and what we sign with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from config.model.values import Location

Attestation = Literal["A", "B", "C"]
"""RFC 8588 section 4: full, partial, gateway."""

IdentityPolicy = Literal["accept", "mark", "refuse"]


@dataclass(frozen=True, slots=True)
class Signing:
    """What calls out are signed with."""

    key: Path = field(repr=False)
    """Private key (PEM, P-256)."""
    certificate: Path
    """Its certificate with the chain behind it (PEM)."""
    x5u: str
    """Where others find the certificate: an https URL."""
    ours: Attestation | None = "A"
    """Attestation of calls that show a number of ours; None: not signed. Default A."""
    others: Attestation | None = "C"
    """Attestation of calls that show another number; None: not signed. Default C."""
    numbers: tuple[str, ...] = ()
    """Beginnings of further numbers that are ours, in E.164. Default none."""
    origid: str | None = None
    """UUID that stands for where calls come from; None: one a trunk. Default None."""
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
    """Where its files stand, by their keys."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """Certificates that are fetched when a call names one that is not known."""

    hosts: tuple[str, ...]
    """The only hosts asked: names, or `*.` and what they end in."""
    wait_seconds: float = 1.0
    """How long a call waits for it. 0 to 3 s, default 1 s."""


@dataclass(frozen=True, slots=True)
class Stir:
    """Who is believed, and what is signed."""

    authorities: Path | None = None
    """File of the authorities whose certificates are believed (PEM); None: nothing is verified."""
    certificates: Path | None = None
    """Folder of the certificates that calls name: HOST/PATH of their URL."""
    freshness_seconds: float = 60.0
    """How old, or young, a signature may be. 5 s to 10 min, default 60 s."""
    tn_auth_list: bool = False
    """Whether a certificate must say whose numbers it is for. Default false."""
    fetching: Fetching | None = None
    """None: nothing is fetched."""
    signing: Signing | None = None
    """None: nothing is signed."""
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
    """Where its files stand, by their keys."""


@dataclass(frozen=True, slots=True)
class TrunkVouching:
    """What the signatures of a trunk's calls are worth, and what is signed towards it."""

    verify: bool = False
    """Whether Identity of calls from it is verified."""
    missing: IdentityPolicy = "accept"
    """What becomes of a call without a signature."""
    failed: IdentityPolicy = "accept"
    """What becomes of a call whose signature is not good."""
    believe: bool = False
    """Whether the carrier's own `verstat` is believed where we verify nothing."""
    verstat: bool = False
    """Whether calls to it say how the caller's number was verified."""
    sign: bool = False
    """Whether calls to it are signed."""
    pass_on: bool = False
    """Whether calls to it carry the signatures they came with."""
