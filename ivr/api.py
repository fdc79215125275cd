"""The call as a treatment written in Python sees it.

A step `python: module:function` runs `async def function(call: TreatmentCall) -> None` with one of
these. Whatever the YAML's steps do can be done with it, by the same handlers:

    from ivr.api import TreatmentCall

    async def greet(call: TreatmentCall) -> None:
        zip_code = await call.ask("zip", "Please enter your zip code.", kind="zip")
        if zip_code is not None and zip_code.startswith("85"):
            await call.connect("+1 602 555 1234", whisper="A call from Arizona.")
        await call.play("Good bye.")

When the function returns, the next step of the YAML follows. After the end of the call nothing
happens any more: `call.ended` says so, and the function is cancelled at its next `await`. What it
plays has to be ready before a call is: the module lists its texts and WAV files (`Prompt`) in
`PROMPTS`, which are prepared with the configuration; anything else is passed over with a warning. A
wait of the function's own needs a deadline (`asyncio.timeout`): a waiting call holds a media port.
The function shares the loop with all calls: what blocks it (`time.sleep`, a synchronous request)
holds every one of them; `await asyncio.to_thread(...)` does not.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from config.addresses import sip_uri_problem
from config.e164 import normalise
from config.model import (
    Accept,
    AnswerKind,
    Ask,
    CallerId,
    Connect,
    Destination,
    HangUp,
    Prompt,
    Template,
    Treatment,
    Value,
)
from ivr.journey import Journey
from ivr.nodes.ask import run_ask
from ivr.nodes.connect import run_connect
from softswitch.call.events import SmsRequested, VariableSet
from softswitch.campaign.evaluate import SECRET, plain
from softswitch.routing.number_forms import called_uri

logger = logging.getLogger(__name__)

__all__ = ["Prompt", "TreatmentCall"]

Sound = str | Prompt
"""A text, or a `Prompt(wav=Path(...))` or `Prompt(tone="chime")`."""


class TreatmentCall:
    """One call, for the coroutine that treats it."""

    def __init__(self, journey: Journey, step: str) -> None:
        self._journey = journey
        self._step = step
        self.following: Treatment | tuple[()] = ()
        """What `goto` asked for."""

    # What is known.

    @property
    def call_id(self) -> str:
        """Its id in events and records."""
        return self._journey.call.call_id

    @property
    def caller(self) -> str:
        """The calling number in E.164, also when it is private; empty for none."""
        return self._journey.call.caller_number

    @property
    def called(self) -> str:
        """The number called."""
        return self._journey.call.called_number

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self._journey.call.ended

    def fact(self, name: str) -> Value:
        """A fact by its name in expressions (`caller.state`, `binding.keyword`), or None.

        Numbers are `Decimal`, durations seconds.
        """
        return self._journey.facts.fact(name)

    def set(self, name: str, value: Value) -> None:
        """Make a value known as `var.NAME`, to later steps and to the record."""
        fact = f"var.{name}"
        secret = self._journey.is_secret(value)
        self._journey.facts.set(fact, value, secret=secret)
        told = dict(SECRET) if secret else plain(fact, self._journey.facts.fact(fact))
        self._journey.call.emit(VariableSet, node=self._step, name=name, value=told)

    # What is done.

    async def answer(self) -> None:
        """Answer the caller, if that has not happened; its notice is played first."""
        if not self.ended:
            await self._journey.answer()

    async def play(self, prompt: Sound, *, barge_in: bool = False) -> bool:
        """Answer and play to the end; False when a key cut it, or it was not ready."""
        sound = self._ready(prompt)
        await self.answer()
        if sound is None or self.ended:
            return False
        return await self._journey.play(sound, barge_in=barge_in)

    async def key(self, prompt: Sound, *, within: float = 5.0) -> str | None:
        """Answer, play, and take one key; None when none came within so many seconds after."""
        await self.play(prompt, barge_in=True)
        return None if self.ended else await self._journey.call.next_digit(within)

    async def ask(
        self,
        name: str,
        prompt: Sound,
        *,
        kind: AnswerKind = "digits",
        least: int = 1,
        most: int = 30,
        secret: bool = False,
    ) -> str | None:
        """Ask as the step `ask` does; None when the caller gave no answer. The answer is also the
        fact `answer.NAME`."""
        sound = self._ready(prompt)
        if sound is None:
            return None
        if kind in ("zip", "yes_no"):
            least = most = 5 if kind == "zip" else 1
        node = Ask(
            name, sound, kind=kind, least=least, most=most, secret=secret,
            on_failure=(HangUp(self._step),),
        )  # fmt: skip
        gave_up = await run_ask(self._journey, node)
        answer = None if gave_up or self.ended else self.fact(f"answer.{name}")
        return answer if isinstance(answer, str) else None

    async def connect(
        self,
        *to: str,
        prompt: Sound | None = None,
        ring_seconds: float = 30.0,
        at_once: bool = False,
        whisper: Sound | None = None,
        accept: Sound | None = None,
        headers: Mapping[str, str] | None = None,
        caller_id: str | None = None,
    ) -> None:
        """Call numbers or SIP URIs, one after the other or at once, and bridge; comes back only
        when nobody took the call (or it ended meanwhile). `accept` asks for key 1."""
        destinations = tuple(one for number in to if (one := self._destination(number)))
        asked = self._ready(accept)
        node = Connect(
            self._step,
            destinations,
            ring_seconds=min(max(ring_seconds, 1.0), 600.0),
            prompt=self._ready(prompt),
            caller_id=self._caller_id(caller_id),
            strategy="simultaneous" if at_once else "sequential",
            whisper=self._ready(whisper),
            accept=None if asked is None else Accept(asked),
            headers=tuple((name, _constant(text)) for name, text in (headers or {}).items()),
        )
        following = await run_connect(self._journey, node)
        if isinstance(following, Treatment):
            self.following = following

    async def send_dtmf(self, digits: str) -> None:
        """Answer and press keys towards the caller; `w` waits half a second."""
        await self.answer()
        if not self.ended:
            await self._journey.call.caller.send_dtmf(digits)

    async def transfer(self, to: str, *, within: float = 30.0) -> None:
        """Send the caller elsewhere by REFER; comes back only when that did not work."""
        destination = self._destination(to)
        if destination is not None and destination.number is not None and not self.ended:
            uri = destination.number
            if destination.kind == "number":
                home = self._journey.configuration.switch.country
                uri = called_uri(uri, self._journey.call.caller.trunk, home)
            await self._journey.call.transfer(uri, within=within)

    def sms(self, text: str, *, to: str | None = None) -> None:
        """Ask for a text message to be sent, to the caller unless told otherwise."""
        number = normalise(to or self.caller, self._journey.configuration.switch.country)
        if number is not None:
            told = self._journey.without_secrets(text)
            self._journey.call.emit(SmsRequested, to=number, text=told)

    def hang_up(self, cause: str = "hang_up", *, status: int | None = None) -> None:
        """End the call; one that is not answered yet is refused with the status (480)."""
        self._journey.call.end("switch", cause, status=status)

    def goto(self, treatment: str) -> None:
        """Go on with a treatment of the YAML when the function returns; raises KeyError when there
        is none of this name."""
        self.following = self._journey.configuration.treatments[treatment]

    # Inside.

    def _ready(self, prompt: Sound | None) -> Prompt | None:
        if prompt is None:
            return None
        source = Prompt(text=prompt) if isinstance(prompt, str) else prompt
        if self._journey.call.services.prompts.is_ready(source):
            return source
        logger.warning(
            "call %s: step %s: not in PROMPTS and therefore not ready: %s",
            self.call_id, self._step, source.text or source.wav,
        )  # fmt: skip
        return None

    def _destination(self, to: str) -> Destination | None:
        if to.lower().startswith("sip:") and sip_uri_problem(to) is None:
            return Destination("uri", to)
        number = normalise(to, self._journey.configuration.switch.country)
        if number is None:
            logger.warning("call %s: step %s: no number: %s", self.call_id, self._step, to)
            return None
        return Destination("number", number)

    def _caller_id(self, number: str | None) -> CallerId | None:
        if number is None:
            return None
        return CallerId("fixed", normalise(number, self._journey.configuration.switch.country))


def _constant(text: str) -> Template:
    return Template(text, (text,))
