"""How calls to a trunk are begun and keys told where far ends differ: who makes the offer, and what
stands for telephone events."""

from config.kinds import one_of
from config.model import KeysBy, Offers
from config.reading import Key

__all__ = ["KEYS", "OFFERS"]

_OFFERS: tuple[Offers, ...] = ("early", "late")
_KEYS: tuple[KeysBy, ...] = ("tones", "info")

OFFERS = Key(
    "offers",
    one_of(_OFFERS),
    "When a call to the trunk says what media it can take: in the INVITE; or only in the ACK, so "
    "that the far end makes the offer (delayed offer). Nothing of it is heard before it answers "
    "then.",
    default="early",
    example="late",
)
KEYS = Key(
    "keys",
    one_of(_KEYS),
    "How keys go to a far end that takes no telephone events (RFC 4733): as tones in the sound, or "
    "by INFO (application/dtmf-relay).",
    default="tones",
    example="info",
)
