"""A call that answers from a script, for treatments walked without SIP, and a journey on it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

from config.model import Campaign, Configuration, Prompt, Switch, Template, Treatment, Trunk
from ivr.journey import Journey
from ivr.services import NodeServices
from softswitch.call.events import NodeEntered
from softswitch.call.outcomes import Answered, Declined, DialOutcome
from softswitch.campaign.facts import CallFacts, PresentedFacts
from softswitch.campaign.history import NoHistory
from softswitch.campaign.tables import Tables

TRUNK = Trunk("carrier", "192.0.2.1")
NOW = 1_767_225_600.0
"""2026-01-01 00:00 UTC, a Thursday."""


class Shelf:
    """Prompts that are ready when they are named in `ready`; a prompt is its own sound."""

    def __init__(self) -> None:
        self.ready: set[str] = set()

    def prompt(self, source: Prompt, *, country: str = "us") -> Prompt:
        return source

    def rendered(self, template: Template, text: str) -> Prompt | None:
        return Prompt(text=text) if text in self.ready else None

    def is_ready(self, source: Prompt) -> bool:
        return source.text in self.ready

    def ringback(self, country: str) -> Prompt:
        return Prompt(text=f"ringback {country}")


class ScriptedLeg:
    """A called leg that presses keys."""

    def __init__(self, call: ScriptedCall, request: Any, keys: str) -> None:
        self.call = call
        self.request = request
        self.leg_id = "b1"
        self.ended = False
        self._keys = deque(keys)

    async def play(self, prompt: Prompt, *, barge_in: bool = False) -> bool:
        self.call.diary.append(("play to callee", spoken(prompt)))
        return True

    async def next_digit(self, within: float) -> str | None:
        return self._keys.popleft() if self._keys else None

    async def send_dtmf(self, digits: str) -> bool:
        self.call.diary.append(("send to callee", digits))
        return True


class ScriptedCall:
    """Answers digits and dials from a script; keeps a diary of what was asked of it.

    Keys are taken one by one; `-` is silence. Outcomes come dial by dial: a failure, or the keys
    that a called party presses who answers (`""`: none).
    """

    def __init__(
        self,
        *,
        keys: str = "",
        outcomes: Sequence[DialOutcome | str] = (),
        configuration: Configuration | None = None,
        campaign: Campaign | None = None,
        caller: str = "+16025550100",
        private: bool = False,
    ) -> None:
        self.call_id = "call-1"
        self.keys = deque(keys)
        self.outcomes = deque(outcomes)
        self.diary: list[Any] = []
        self.path: list[str] = []
        self.ended = False
        self.bridged = False
        self.end_facts: dict[str, Any] = {}
        self.last_failure: DialOutcome | None = None
        self.caller = SimpleNamespace(
            answered=False, waiting=True, trunk=TRUNK, send_dtmf=self._send, ring=self._ring
        )
        self.configuration = configuration or a_configuration()
        self.campaign = campaign or next(iter(self.configuration.campaigns.values()))
        self.called, self.called_number = "18666831950", "+18666831950"
        self.caller_number = caller
        self.caller_name = 'Ann "A" Lee'
        self.private = private
        self.max_forwards = 69
        self.passed_headers: tuple[tuple[str, str], ...] = (("X-Visit", "42"), ("X-Secret", "no"))
        self.shelf = Shelf()
        self.services = SimpleNamespace(
            advertised_host="192.0.2.9",
            prompts=self.shelf,
            loop=asyncio.get_running_loop(),
            wall_clock=lambda: NOW,
            ears=None,
        )
        self.requests: list[Any] = []
        """What was dialled."""
        self.secrecy = 0
        self.secrecies: list[int] = []
        """Whether each prompt was played in secrecy."""

    def emit(self, kind: type, **facts: Any) -> None:
        if kind is NodeEntered:
            self.path.append(facts["node"])
        else:
            self.diary.append((kind, *facts.values()))

    def told(self, kind: type) -> list[tuple[Any, ...]]:
        """What was emitted of a kind, without the kind."""
        return [entry[1:] for entry in self.diary if isinstance(entry, tuple) and entry[0] is kind]

    @property
    def played(self) -> list[str]:
        return [entry[1] for entry in self.diary if entry[0] == "play"]

    async def answer(self) -> None:
        self.caller.answered = True

    async def play(self, prompt: Prompt, *, barge_in: bool = False) -> bool:
        self.diary.append(("play", spoken(prompt)))
        self.secrecies.append(self.secrecy)
        return True

    def forget_digits(self) -> None:
        self.diary.append("forget")

    @contextmanager
    def secret(self) -> Iterator[None]:
        self.secrecy += 1
        yield
        self.secrecy -= 1

    async def next_digit(self, within: float) -> str | None:
        key = self.keys.popleft() if self.keys else "-"
        return None if key == "-" else key

    async def _send(self, digits: str) -> bool:
        self.diary.append(("send", digits))
        return True

    def _ring(self, status: int) -> None:
        self.diary.append(("ring", status))

    async def transfer(self, to: str, *, within: float) -> None:
        self.diary.append(("transfer", to))
        if self.outcomes:
            self.outcomes.popleft()
        else:
            self.end("switch", "transferred")

    def new_leg_id(self, side: str) -> str:
        return "b1"

    async def dial_all(self, requests: Sequence[Any], *, screen: Any = None) -> DialOutcome:
        self.requests += requests
        for request in requests:
            self.diary.append(("dial", request.uri, request.from_header, request.headers))
        outcome = self.outcomes.popleft()
        if not isinstance(outcome, str):
            return outcome
        leg = cast("Any", ScriptedLeg(self, requests[0], outcome))
        taken = True if screen is None else await screen(leg)
        if isinstance(taken, Declined):
            return taken
        return Answered(leg) if taken else Declined()

    @property
    def dialled(self) -> list[str]:
        """The numbers dialled."""
        return [
            entry[1].removeprefix("sip:").partition("@")[0]
            for entry in self.diary
            if entry[0] == "dial"
        ]

    def bridge(self, leg: Any) -> None:
        self.bridged = True
        self.diary.append("bridge")

    async def talk(self) -> None:
        self.end("called", "hung_up")

    def start_playing(self, prompt: Prompt, *, repeat: bool = False) -> asyncio.Future[bool]:
        self.diary.append(("start", spoken(prompt)))
        return asyncio.get_running_loop().create_future()

    def stop_playing(self) -> None:
        pass

    def limit(self, seconds: float) -> None:
        self.diary.append(("limit", seconds))

    @property
    def concluded(self) -> bool:
        return self.ended

    def end(self, ended_by: str, cause: str, **facts: Any) -> None:
        if not self.ended:
            self.ended = True
            self.end_facts = {"ended_by": ended_by, "cause": cause, **facts}


def spoken(prompt: Prompt) -> str:
    """What a prompt says."""
    if prompt.template is not None:
        return f"constant parts of {prompt.template.text}"
    return prompt.text or prompt.tone or str(prompt.wav)


def a_configuration(
    treatments: Mapping[str, Treatment] | None = None,
    campaigns: Mapping[str, Campaign] | None = None,
    **more: Any,
) -> Configuration:
    """A configuration with one trunk and, without others, one campaign."""
    return Configuration(
        switch=Switch(),
        trunks={"carrier": TRUNK},
        numbers=(),
        pools={},
        campaigns=campaigns or {"fans": Campaign("fans", "main", trunk="carrier")},
        treatments=treatments or {},
        **more,
    )


def journey_on(
    call: ScriptedCall,
    *,
    services: NodeServices | None = None,
    parameters: Mapping[str, str] | None = None,
    signalling: Mapping[str, Any] | None = None,
    at: float = NOW,
) -> Journey:
    """The journey of a scripted call."""
    presented = PresentedFacts(
        caller=call.caller_number,
        called_number=call.called_number,
        called=call.called,
        received_at=at,
        parameters=parameters or {},
        signalling={"private": call.private, **(signalling or {})},
    )
    facts = CallFacts(
        call.configuration,
        call.campaign,
        presented,
        Tables(call.configuration),
        NoHistory(),
        lambda: at,
    )
    return Journey(cast("Any", call), facts, services or NodeServices(), publisher="p1")
