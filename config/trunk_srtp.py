"""Encryption of a trunk's sound: SRTP with keys in the session description, and one port for RTP
and RTCP."""

from config.kinds import BOOLEAN, one_of
from config.model import Srtp
from config.reading import Key

__all__ = ["RTCP_MUX", "SRTP"]

_POLICIES: tuple[Srtp, ...] = ("off", "optional", "required")

SRTP = Key(
    "srtp",
    one_of(_POLICIES),
    "Whether sound is encrypted (SRTP, RFC 3711, with keys in the session description, RFC 4568): "
    "never; where the far end can, too; or always, so that a call without it is refused with 488. "
    "The keys are as secret as the signalling: use TLS.",
    default="off",
    example="required",
)
RTCP_MUX = Key(
    "rtcp_mux",
    BOOLEAN,
    "Whether our offers ask for RTP and RTCP at one port (RFC 5761). A far end that asks for it "
    "always gets it.",
    default="false",
    example="true",
)
