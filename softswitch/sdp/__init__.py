"""Session descriptions: RFC 8866 text, and RFC 3264 offer and answer for one audio stream.

A core: no sockets, no clock. Knows nothing of SIP or of RTP packets.
"""

from softswitch.sdp.codec import G722, OPUS, PCMA, PCMU, Codec
from softswitch.sdp.crypto import Keyring, SrtpKeys
from softswitch.sdp.description import (
    Connection,
    MediaDescription,
    Origin,
    SessionDescription,
)
from softswitch.sdp.errors import NotAcceptable, ParseError
from softswitch.sdp.local import LocalMedia
from softswitch.sdp.negotiation import (
    AudioAgreement,
    accept_answer,
    acceptable_codecs,
    answer,
    check_offer,
    offer,
)

__all__ = [
    "G722",
    "OPUS",
    "PCMA",
    "PCMU",
    "AudioAgreement",
    "Codec",
    "Connection",
    "Keyring",
    "LocalMedia",
    "MediaDescription",
    "NotAcceptable",
    "Origin",
    "ParseError",
    "SessionDescription",
    "SrtpKeys",
    "accept_answer",
    "acceptable_codecs",
    "answer",
    "check_offer",
    "offer",
]
