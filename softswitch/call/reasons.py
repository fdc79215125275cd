"""Why a party has left, as its BYE or CANCEL says, and what of it the other parties are told.

RFC 3326 (Reason), RFC 3398 (SIP statuses and Q.850 causes). Networks read Q.850, phones SIP: who
says only a status is passed on with the cause that it stands for, too.
"""

from __future__ import annotations

from typing import NamedTuple

from softswitch.sip.causes import NORMAL_CLEARING, q850_for_status, reason_header
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.reason import Reason

__all__ = ["MAX_REASONS", "Parting", "parting_of"]

MAX_REASONS = 4
"""Values that are passed on: one a protocol is what RFC 3326 allows."""

MAX_TEXT = 200
"""Characters of a text for people that are passed on."""

MAX_Q850 = 127
"""Q.850 section 2.2.5: a cause has seven bits."""


class Parting(NamedTuple):
    """Why somebody has left."""

    reason: str | None
    """The value of a Reason header for the others; None: nothing was said."""
    q850: int


def parting_of(headers: Headers) -> Parting:
    """What a BYE or CANCEL says; what cannot be read is not said."""
    if "Reason" not in headers.fields:
        return Parting(None, NORMAL_CLEARING)
    reasons = [one for one in Reason.parse_all(headers) if one.cause is not None][:MAX_REASONS]
    if not reasons:
        return Parting(None, NORMAL_CLEARING)
    values = [str(_short(one)) for one in reasons]
    cause = _cause(reasons, "q.850")
    if cause is not None and 1 <= cause <= MAX_Q850:
        return Parting(", ".join(values), cause)
    status = _cause(reasons, "sip")
    if status is None:
        return Parting(", ".join(values), NORMAL_CLEARING)
    mapped = q850_for_status(status)
    return Parting(", ".join((*values, reason_header(mapped))), mapped)


def _cause(reasons: list[Reason], protocol: str) -> int | None:
    return next((one.cause for one in reasons if one.protocol.lower() == protocol), None)


def _short(reason: Reason) -> Reason:
    text = None if reason.text is None else reason.text[:MAX_TEXT]
    return Reason(reason.protocol, reason.cause, text)
