"""What plays on one leg: one thing at a time, told when it begins and when it is over.

Knows the engine's playbacks and the call's events; what is worth playing is others' business.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtp.engine import MediaPort, Prompt
from softswitch.call.events import PromptEnded, PromptStarted
from softswitch.call.services import LoadedPrompt

if TYPE_CHECKING:
    from softswitch.call.call import Call

__all__ = ["Played", "Player"]

MAX_PLAYED = 8
"""Playbacks remembered: their echo comes within a second, when the next may be playing."""


@dataclass(slots=True)
class Played:
    """A prompt that was played, or still is."""

    ulaw: bytes
    since: float
    """Monotonic seconds."""
    repeat: bool
    until: float | None = None
    """None: it still plays."""


class Player:
    """Plays to the peer of a leg."""

    __slots__ = (
        "_call",
        "_leg_id",
        "_playback",
        "_port",
        "_prompt",
        "_waiter",
        "played",
        "repeating",
    )

    def __init__(self, call: Call, leg_id: str) -> None:
        # The call and not the leg: a leg and its player must not keep each other alive.
        self._call = call
        self._leg_id = leg_id
        self._port: MediaPort | None = None
        self._playback = 0
        self._prompt: LoadedPrompt | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self.played: deque[Played] = deque(maxlen=MAX_PLAYED)
        """The last prompts, oldest first."""
        self.repeating = False
        """Whether what plays begins anew at its end."""

    @property
    def prompt(self) -> LoadedPrompt | None:
        """The prompt that plays now."""
        return self._prompt

    @property
    def playing(self) -> bool:
        """Whether something plays now."""
        return self._waiter is not None

    def start(
        self, port: MediaPort, prompt: LoadedPrompt, *, repeat: bool = False
    ) -> asyncio.Future[bool]:
        """Play a prompt in place of what plays; the future says whether it came to its end."""
        waiter = self._begin(port, prompt.audio, repeat)
        self._prompt = prompt
        self.played.append(Played(prompt.ulaw, self._call.services.now(), repeat))
        self._call.emit(PromptStarted, leg=self._leg_id, prompt=prompt.name, seconds=prompt.seconds)
        return waiter

    def start_sound(self, port: MediaPort, audio: Prompt) -> asyncio.Future[bool]:
        """The same with a sound that is no prompt, of which nothing is told."""
        return self._begin(port, audio, repeat=False)

    def _begin(self, port: MediaPort, audio: Prompt, repeat: bool) -> asyncio.Future[bool]:
        self._over(completed=False)
        waiter: asyncio.Future[bool] = self._call.services.loop.create_future()
        self._playback = port.play(audio, repeat=repeat)
        self._port = port
        self._waiter = waiter
        self.repeating = repeat
        return waiter

    def stop(self) -> None:
        """Cut what plays."""
        if self._port is not None:
            self._port.stop_playback()
            self._over(completed=False)

    def on_ended(self, playback: int, *, completed: bool) -> None:
        """The engine is through with a playback."""
        if self._port is not None and playback == self._playback:
            self._over(completed=completed)

    def _over(self, *, completed: bool) -> None:
        if self._port is None:
            return
        self._port = None
        waiter, self._waiter = self._waiter, None
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            self.played[-1].until = self._call.services.now()
            self._call.emit(PromptEnded, leg=self._leg_id, prompt=prompt.name, completed=completed)
        if waiter is not None and not waiter.done():
            waiter.set_result(completed)
