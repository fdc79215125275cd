"""What is signed of a call out: SHAKEN (RFC 8588 section 5.1), and `div` (RFC 8946) where a call is
sent on with the signatures it came with. Pure but for the key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from softswitch.stir.passport import Party, payload_of

if TYPE_CHECKING:
    from softswitch.stir.keys import SigningKey

__all__ = ["origid_of", "sign_call", "sign_diversion"]


def sign_call(
    key: SigningKey, *, orig: Party, dest: Party, attestation: str, origid: str, iat: int
) -> str:
    """A value of Identity that attests the caller of a call."""
    payload = payload_of(orig, dest, iat)
    return key.identity({**payload, "attest": attestation, "origid": origid}, "shaken")


def sign_diversion(key: SigningKey, *, orig: Party, dest: Party, div: Party, iat: int) -> str:
    """A value of Identity that says that a call to `div` was sent on."""
    payload = payload_of(orig, dest, iat)
    return key.identity({**payload, "div": {div.kind: div.text}}, "div")


def origid_of(x5u: str, trunk: str) -> str:
    """What stands for where calls come from: the same for all of a trunk, and no word of it.

    RFC 8588 section 4: an opaque identifier, "a UUID".
    """
    return str(uuid5(NAMESPACE_URL, f"{x5u}#{trunk}"))
