"""What somebody outside may have a call of ours say of who calls: in header fields, and when each
party is to be shown the other.

Numbers that are asked for are the toll guard's (`softswitch.switchboard.guards`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from config.header_names import OWN_HEADERS
from config.model import Campaign
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import Caller

__all__ = ["ORIGINAL", "check_headers", "check_original"]

ORIGINAL = "original"
"""In place of a caller id: each party sees the other."""

_FIELDS = (
    "additional-identity call-info cc-diversion charge diversion history-info identity "
    "identity-info organization p-called-party-id p-charge-info p-charging-vector "
    "p-dcs-billing-info p-dcs-osps p-profile-key p-served-user p-sig-info referred-by reply-to"
)
_SAYS_WHO_CALLS = frozenset(_FIELDS.split())
"""Fields that networks take a caller, or who pays, from; `caller_ids` lists what may be shown."""


def check_headers(headers: Mapping[str, str]) -> None:
    """Whether fields may be asked for in an INVITE; raises ControlError."""
    for name, text in headers.items():
        if name.lower() in OWN_HEADERS or len(name) == 1:
            raise ControlError(ErrorCode.INVALID_PARAMS, f"{name} is written by the switch")
        if name.lower() in _SAYS_WHO_CALLS:
            raise ControlError(ErrorCode.INVALID_PARAMS, f"{name} says who calls; use caller_id")
        if not text.isprintable():
            message = f"{name} has one line, without control characters"
            raise ControlError(ErrorCode.INVALID_PARAMS, message)


def check_original(desk: Desk, caller: Caller, campaign: Campaign, numbers: Iterable[str]) -> None:
    """Whether parties may be shown these numbers, which are their own; raises ControlError."""
    guards, token = desk.guards, caller.identity.name
    if guards is not None and not guards.may_show_original(campaign, numbers, token=token):
        message = "caller_id: original numbers may not be shown"
        raise ControlError(ErrorCode.DESTINATION_NOT_ALLOWED, message, what="caller_id")
