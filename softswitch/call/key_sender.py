"""Presses keys towards the peer of a leg: RFC 4733 events where agreed, else DTMF tones (ITU-T
Q.23) or INFO (application/dtmf-relay), as its trunk says.

The engine makes the events, `media.dtmf` the tones; here they are cut into stretches between the
pauses, and waited for. Digits stand in no log: they may be somebody's PIN.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from media import dtmf
from rtp.engine import MediaPort, Prompt
from softswitch.call.company import hears_a_mix
from softswitch.sip.in_turn import InTurn
from softswitch.sip.timers import TIMER_F

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

logger = logging.getLogger(__name__)

__all__ = ["must_press", "pass_key", "send_keys", "stretches"]

MAX_DIGITS = 128
"""Digits and pauses sent at once: what is longer is no extension; a minute of tones at most."""

MAX_STRETCH = 32
"""Digits given to the engine at once; it takes 64, and may still be sending those before."""

DIGIT_SECONDS = 0.1
GAP_SECONDS = 0.06
"""Q.24 asks for 40 ms each way; old equipment wants more."""

PAUSE_SECONDS = 0.5
PAUSES = "wW,"

MAX_TAKING_SECONDS = TIMER_F
"""For how long a peer may leave an INFO unanswered: then it has lost its dialog."""

SLACK_SECONDS = 0.05
"""The engine hears of it a little later, and the last packets are sent at the packet's pace."""


def stretches(digits: str) -> list[str]:
    """The digits between pauses, each at most MAX_STRETCH long; a pause is an empty one.

    What is neither is left out.
    """
    found: list[str] = []
    stretch = ""
    for digit in digits[:MAX_DIGITS].upper():
        pause = digit in PAUSES
        if stretch and (pause or len(stretch) == MAX_STRETCH):
            found.append(stretch)
            stretch = ""
        if pause:
            found.append("")
        elif digit in dtmf.DIGITS:
            stretch += digit
    return [*found, stretch] if stretch else found


async def send_keys(leg: Leg, digits: str) -> bool:
    """Send them all; False when the leg was not answered, is over, or ends meanwhile."""
    for stretch in stretches(digits):
        if not await _send(leg, stretch):
            logger.info("call %s leg %s: keys could not be sent", leg.call.call_id, leg.leg_id)
            return False
    return not leg.ended


def pass_key(leg: Leg | None, digit: str) -> None:
    """Press one key towards the peer of a leg in talk, without waiting: the peer of the other leg
    has told of it in a way that the sound does not carry."""
    media = None if leg is None or leg.ended else leg.media
    if media is None or media.agreement is None or leg is None:
        return
    if media.agreement.digit_payload_type is not None:
        _press(media.port, digit)
    elif leg.trunk.keys == "info":
        _tell(leg, digit)
    else:
        leg.player.start_sound(media.port, _tones(leg, digit))


def must_press(leg: Leg | None) -> bool:
    """Whether an event of whom a leg hears does not reach its peer by itself: it hears a sum of
    several, or takes no events."""
    if leg is None or leg.media is None or leg.media.agreement is None:
        return False
    return leg.media.agreement.digit_payload_type is None or hears_a_mix(leg)


def _tell(leg: Leg, digit: str) -> None:
    """Tell the peer of a key by INFO, in the way of RFC 2976's time, behind those before it."""
    if leg.dialog is None:
        return
    if leg.told_keys is None or leg.told_keys.dialog is not leg.dialog:
        leg.told_keys = InTurn(leg.dialog, "INFO", "application/dtmf-relay")
    body = f"Signal={digit}\r\nDuration={round(DIGIT_SECONDS * 1000)}\r\n"
    leg.told_keys.send(body.encode(), now=leg.services.now())
    leg.services.flush_soon()


async def _tell_all(leg: Leg, digits: str) -> bool:
    """One after the other, as fast as they can be pressed, until the peer has taken the last."""
    for digit in digits:
        if leg.ended:
            return False
        _tell(leg, digit)
        await asyncio.sleep(DIGIT_SECONDS + GAP_SECONDS)
    for _ in range(round(MAX_TAKING_SECONDS / GAP_SECONDS)):
        if leg.ended or leg.told_keys is None or not leg.told_keys.is_busy:
            break
        await asyncio.sleep(GAP_SECONDS)
    return True


def _tones(leg: Leg, digits: str) -> Prompt:
    samples = dtmf.render(digits, seconds=DIGIT_SECONDS, gap=GAP_SECONDS)
    return leg.services.engine.load_prompt(samples.tobytes())


def _press(port: MediaPort, digits: str) -> None:
    port.send_digits(
        digits, duration_ms=round(DIGIT_SECONDS * 1000), gap_ms=round(GAP_SECONDS * 1000)
    )


async def _send(leg: Leg, stretch: str) -> bool:
    media = leg.media
    if leg.ended or media is None or media.agreement is None:
        return False
    if not stretch:
        await asyncio.sleep(PAUSE_SECONDS)
        return True
    if media.agreement.digit_payload_type is None and leg.trunk.keys == "info":
        return await _tell_all(leg, stretch)
    if media.agreement.digit_payload_type is None:
        return await leg.player.start_sound(media.port, _tones(leg, stretch))
    _press(media.port, stretch)
    await asyncio.sleep(len(stretch) * (DIGIT_SECONDS + GAP_SECONDS) + SLACK_SECONDS)
    return True
