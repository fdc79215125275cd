"""A treatment written in Python: see python.yaml beside this file."""

from ivr.api import TreatmentCall

WELCOME, SORRY = "Welcome. Please press a key.", "All of our agents are busy."
PROMPTS = [WELCOME, SORRY]


async def greet(call: TreatmentCall) -> None:
    """Ask for a key and call an agent with it."""
    key = await call.key(WELCOME, within=5)
    call.set("key", key or "none")
    await call.connect("+1 602 555 1234", headers={"X-Key": key or "none"}, ring_seconds=20)
    await call.play(SORRY)
