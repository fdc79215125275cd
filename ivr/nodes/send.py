"""Send DTMF, and SMS: things sent to the caller, or asked of others to be sent."""

from __future__ import annotations

from config.e164 import normalise
from config.model import Node, SendDtmf, Sms
from ivr.journey import Journey
from softswitch.call.events import SmsRequested


async def run_send_dtmf(journey: Journey, node: SendDtmf) -> tuple[Node, ...]:
    """Answer, and press the keys towards the caller."""
    await journey.answer()
    if not journey.call.ended:
        await journey.call.caller.send_dtmf(journey.text(node.digits))
    return ()


async def run_sms(journey: Journey, node: Sms) -> tuple[Node, ...]:
    """Ask for a text message; without a number to send it to nothing is asked."""
    to = journey.told_text(node.to).strip()
    number = normalise(to, journey.configuration.switch.country)
    if number is not None:
        journey.call.emit(SmsRequested, to=number, text=journey.told_text(node.text))
    return ()
