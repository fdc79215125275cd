"""Silence on a call: since when nothing was heard of its parties, and whether they are still there.

A BYE can be lost for good and a far end can die: both are silence. Where that ends no call (it is
held, the other party talks on), the silent peer is asked by OPTIONS in its dialog (RFC 3261 section
11), and the stack obeys 12.2.1.2: "If the response for a request within a dialog is a 481
(Call/Transaction Does Not Exist) or a 408 (Request Timeout), the UAC SHOULD terminate the dialog",
and so it does "if no response at all is received". Whatever else is answered: somebody is there.
Which silence ends a call by itself is not known here.
"""

from __future__ import annotations

from softswitch.call.call import Call
from softswitch.call.leg import Leg

__all__ = ["ask_silent", "is_held", "silent_for"]

_QUESTION = (("Accept", "application/sdp"),)
"""Section 11.1: "An Accept header field SHOULD be included"."""


def is_held(call: Call) -> bool:
    """Whether a peer holds, or is held: then nobody need send."""
    for leg in (call.caller, call.joined):
        if leg is not None and leg.media is not None and (leg.media.held or leg.on_hold):
            return True
    return False


def silent_for(call: Call, now: float) -> float:
    """Seconds since RTP was last heard on any leg, or should first have been heard."""
    if not call.caller.answered:
        return 0.0
    heard = call.media_expected_from
    for leg in (call.caller, call.joined):
        if leg is not None:
            heard = max(heard, _heard_at(leg))
    return now - heard


def ask_silent(call: Call, now: float) -> None:
    """Ask the peers of which nothing was heard for as long as their trunks say, again and again."""
    for leg in call.legs:
        limit = leg.trunk.silence_check_seconds
        if limit is None or now - leg.opened_clock < limit:
            continue
        if leg.ended or not leg.answered or leg.dialog is None:
            continue
        if leg.question is not None and not leg.question.is_over:
            continue  # answered, or given up (Timer F), before it is asked again
        heard = max(_heard_at(leg), leg.answered_clock or 0.0)
        if now - heard >= limit and now - leg.asked_clock >= limit:
            leg.asked_clock = now
            leg.question = leg.dialog.request("OPTIONS", headers=_QUESTION, now=now)
            call.services.flush_soon()


def _heard_at(leg: Leg) -> float:
    """When RTP was last heard of a leg; 0: never."""
    return 0.0 if leg.media is None else (leg.media.port.last_received_ns or 0) / 1e9
