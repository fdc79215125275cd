"""How calls to a trunk are begun, watched and told of keys where far ends differ: who makes the
offer, when a silent far end is asked whether it is there, what stands for telephone events."""

from config.kinds import duration, one_of, or_off
from config.model import KeysBy, Offers
from config.reading import Key

__all__ = ["KEYS", "OFFERS", "SILENCE_CHECK"]

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
SILENCE_CHECK = Key(
    "silence_check",
    or_off(duration("5 s", "1 h")),
    "A party on the trunk of which no RTP was heard for so long, held or not, is asked by OPTIONS "
    "in its dialog whether it is still there, and again each time. 481, 408 or no answer ends the "
    "call with the cause `leg_lost`; any other answer says that it is there.",
    default="60 s",
    example="off",
)
