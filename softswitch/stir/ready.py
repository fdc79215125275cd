"""The section stir made ready to be used: its files read, its key tried.

The package `cryptography` is an extra: it is loaded here, when a configuration wants it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.model import Configuration, Signing, Stir
from softswitch.stir.errors import StirUnusable
from softswitch.stir.replays import Replays

if TYPE_CHECKING:
    from softswitch.stir.keys import SigningKey
    from softswitch.stir.verifying import Verifier

__all__ = ["Ready", "made_ready"]

MISSING = "stir: it needs the package cryptography (pip install 'softswitch[stir]')"


@dataclass(frozen=True, slots=True)
class Ready:
    """What calls are verified and signed with; nothing of it where nothing is wanted."""

    stir: Stir
    verifier: Verifier | None = None
    key: SigningKey | None = None

    @property
    def signing(self) -> Signing | None:
        """How calls are signed."""
        return self.stir.signing


def made_ready(configuration: Configuration, replays: Replays) -> Ready:
    """Read what the section names, where a trunk wants it; raises StirUnusable."""
    stir = configuration.stir
    identities = [trunk.identity for trunk in configuration.trunks.values() if trunk.identity]
    verifies = stir.authorities is not None and any(one.verify for one in identities)
    signs = stir.signing is not None and any(one.sign for one in identities)
    if not verifies and not signs:
        return Ready(stir)
    try:
        from softswitch.stir.keys import read_key
        from softswitch.stir.trust import read_trust
        from softswitch.stir.verifying import Verifier
    except ImportError:
        raise StirUnusable(MISSING) from None
    verifier = key = None
    if verifies and stir.authorities is not None:
        verifier = Verifier(
            read_trust(stir.authorities, stir.certificates),
            freshness=stir.freshness_seconds,
            tn_auth_list=stir.tn_auth_list,
            replays=replays,
        )
    if signs and stir.signing is not None:
        key = read_key(stir.signing.key, stir.signing.certificate, stir.signing.x5u)
    return Ready(stir, verifier, key)
