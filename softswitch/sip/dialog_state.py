"""The states of a dialog (RFC 3261 section 12), and what may hold up its next INVITE.

Apart from dialog.py so that re-INVITEs can know them without knowing the dialog's module.
"""

from __future__ import annotations

from enum import IntEnum


class PendingAck:
    """Base of what waits for Dialog.acknowledge(): an INVITE or re-INVITE of ours without offer."""

    __slots__ = ()

    def send_ack(self, body: bytes, content_type: str) -> None:
        """Send the ACK and keep it for repeated 2xx."""
        raise NotImplementedError


class DialogState(IntEnum):
    """RFC 3261 section 12: early by a provisional response, confirmed by a 2xx."""

    EARLY = 0
    CONFIRMED = 1
    TERMINATED = 2
