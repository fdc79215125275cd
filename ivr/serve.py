"""Serves a call: what meets it first (`ivr.entry`), then its treatment."""

from __future__ import annotations

import asyncio

from ivr.entry import Entry, enter, find_fraud
from ivr.flow import run_treatment
from ivr.journey import Journey

__all__ = ["serve"]

RING_SECONDS = 60.0
"""How long a caller that is turned away hears ringing: about what a telephone that nobody answers
gets."""

TEMPORARILY_UNAVAILABLE = 480
BUSY = 486


async def serve(journey: Journey) -> None:
    """Meet a call and walk the treatment that serves it, to its end."""
    call = journey.call
    try:
        await _serve(journey)
    finally:
        # The end of the call closes the journey; what a broken-off dial was given since is
        # closed here.
        if call.concluded:
            journey.close(converted=journey.facts.fact("converted") is True)


async def _serve(journey: Journey) -> None:
    call = journey.call
    campaign = journey.campaign
    entry = enter(
        call.configuration,
        campaign,
        journey.facts,
        fraud=find_fraud(journey),
        note=journey.note,
    )
    journey.serve(campaign)
    if entry.treatment is not None:
        await run_treatment(journey, call.configuration.treatments[entry.treatment])
    else:
        await turn_away(journey, entry)


async def turn_away(journey: Journey, entry: Entry) -> None:
    """Let a caller that is not served hear ringing, busy, an announcement, or nothing."""
    call = journey.call
    if entry.then == "announcement" and entry.prompt is not None:
        await call.answer()
        if not call.ended:
            await call.play(journey.sound(entry.prompt))
    elif entry.then == "ring" and not call.caller.answered:
        call.caller.ring(180)
        await asyncio.sleep(RING_SECONDS)
    status = BUSY if entry.then == "busy" else TEMPORARILY_UNAVAILABLE
    call.end("switch", entry.why, status=status)
