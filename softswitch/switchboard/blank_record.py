"""A call's record as it is when the call is presented, and its legs as they are when they begin:
all keys, in their order."""

from __future__ import annotations

from typing import Any

from softswitch.call.events import CallPresented, LegOriginated
from softswitch.switchboard.entries import utc_text

__all__ = ["RECORD_VERSION", "called_leg", "calling_leg", "presented_facts"]

RECORD_VERSION = 1


def presented_facts(event: CallPresented) -> dict[str, Any]:
    """The record as far as it is known when a call is presented; all its keys, in their order."""
    return {
        "call_id": event.call_id,
        "version": RECORD_VERSION,
        "campaign": event.campaign,
        "publisher": event.publisher,
        "number": event.called_number,
        "called": event.called,
        "binding": {"pool": event.pool, "parameters": dict(event.parameters)},
        "binding_id": event.binding,
        "owner": event.owner,
        "caller": event.caller,
        "signalling": dict(event.signalling),
        "received_at": utc_text(event.at),
        "answered_at": None,
        "ended_at": None,
        "ivr_seconds": 0.0,
        "ring_seconds": 0.0,
        "talk_seconds": 0.0,
        "total_seconds": 0.0,
        "ended_by": None,
        "cause": None,
        "keys": [],
        "path": [],
        "legs": [],
        "rating": None,
        "payout": None,
        "syndicated": None if event.syndicated is None else dict(event.syndicated),
        "overflow": event.overflow,
        "late": event.late,
        "direction": event.direction,
        "attributes": {},
        "answers": {},
        "variables": {},
        "lookups": [],
        "destinations": [],
        "caps": [],
        "keywords": [],
        "recordings": [],
        "transcript": [],
        "unheard": [],
        "fax": [],
        "machine": None,
        "decisions": [],
        "config_version": event.config_version,
    }


def calling_leg(event: CallPresented) -> dict[str, Any]:
    """The caller's leg."""
    return _leg("calling", event.sip_call_id, event.trunk, event.caller, event.called, None)


def called_leg(event: LegOriginated) -> dict[str, Any]:
    """A leg that was called."""
    return _leg(
        "called", event.sip_call_id, event.trunk, event.from_number, event.to_number,
        utc_text(event.at),
    )  # fmt: skip


def _leg(
    side: str, sip_call_id: str, trunk: str, from_: str, to: str, originated_at: str | None
) -> dict[str, Any]:
    return {
        "side": side,
        "sip_call_id": sip_call_id,
        "trunk": trunk,
        "from": from_,
        "to": to,
        "codec": None,
        "originated_at": originated_at,
        "answered_at": None,
        "status": None,
        "q850": None,
        "packets": 0,
        "lost": 0,
        "jitter_ms": 0.0,
        "mos": None,
        "mos_far": None,
        "talk_seconds": None,
        "silence_seconds": None,
        "double_talk_seconds": None,
    }
