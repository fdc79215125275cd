"""What an INVITE says of a call, as far as signatures are of that."""

from __future__ import annotations

import msgspec

from softswitch.stir.passport import Party

__all__ = ["Asked"]


class Asked(msgspec.Struct, frozen=True):
    """What an INVITE says of a call."""

    identities: tuple[str, ...]
    """Values of Identity, as they came."""
    callers: tuple[Party, ...]
    """Who calls, the one that is shown first; several where it is not plain whom a signature would
    speak of."""
    called: tuple[Party, ...]
    """Whom To and Request-URI name."""
    date: int | None
    """Of the header field Date: UTC in seconds."""
    call_id: str
