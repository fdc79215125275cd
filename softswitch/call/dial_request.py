"""What a dial asks for, as one value; what it ends in is in `outcomes`."""

from __future__ import annotations

import msgspec

from config.model import Trunk
from softswitch.sip.flow import Flow


class DialRequest(msgspec.Struct, frozen=True):
    """Everything an outbound INVITE says that is not ours to choose: whom, as whom, where to, for
    how long."""

    uri: str
    to_number: str
    from_number: str
    from_header: str
    flow: Flow
    trunk: Trunk
    ring_seconds: float
    contact_user: str
    headers: tuple[tuple[str, str], ...] = ()
    act_on_tones: bool = False
    """Whether a tone in early media that means a refusal is one."""
