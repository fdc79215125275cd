"""Call records for tests, and files of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from softswitch.switchboard.record import utc_text

FIRST_CALL_AT = 1_767_225_600.0
"""2026-01-01T00:00:00Z"""


def record(number: int, **changes: Any) -> dict[str, Any]:
    """The record of the n-th call, a second after the one before."""
    received = FIRST_CALL_AT + number
    return {
        "call_id": f"call-{number:05}",
        "version": 1,
        "campaign": "2011 Sale",
        "publisher": "p1",
        "number": "+18888695345",
        "called": "8888695345",
        "binding": {"pool": "Ad Placement", "parameters": {"location": "footer", "path": "home"}},
        "caller": f"+1213555{number % 10000:04}",
        "received_at": utc_text(received),
        "answered_at": utc_text(received + 0.5),
        "ended_at": utc_text(received + 130.5),
        "ivr_seconds": 4.5,
        "ring_seconds": 5.0,
        "talk_seconds": 120.5,
        "total_seconds": 130.5,
        "ended_by": "calling",
        "cause": "normal",
        "rating": {"rating": "high", "score": 90, "history": []},
        "payout": {"amount": "15.00", "currency": "USD", "rules": []},
        "legs": [],
        **changes,
    }


def line(number: int, **changes: Any) -> bytes:
    """Its line in records.jsonl."""
    return json.dumps(record(number, **changes)).encode() + b"\n"


def append(path: Path, *lines: bytes) -> None:
    """Append lines to a file."""
    with path.open("ab") as file:
        for one in lines:
            file.write(one)
