"""The recognisers of the process: which there are, which a leg gets, how far they are behind.

Started when somebody is first listened to. What is recognised is not known here.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import Any

from config.model import Hearing
from media.speech.recognition.engines import RecogniserError, choose_recogniser
from softswitch.hearing.ear import Ear
from softswitch.hearing.speech_parts import (
    MakeRecogniser,
    OnResult,
    Recogniser,
    installed_recogniser,
)

__all__ = ["SpeechEngines"]

logger = logging.getLogger(__name__)

BEHIND_SECONDS = 1.5
"""Windows that take so long from their end to their words: from here on a segment is recognised
once, until it takes less than CAUGHT_UP_SECONDS."""
CAUGHT_UP_SECONDS = 0.4


class SpeechEngines:
    """One set of workers for each recogniser that is asked for."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hearing: Hearing,
        make: MakeRecogniser,
        on_result: OnResult,
    ) -> None:
        self._loop = loop
        self._hearing = hearing
        self._make = make
        self._on_result = on_result
        self.own = installed_recogniser(hearing)
        """The recogniser of the process; None when there is none."""
        self._found: dict[str, str | None] = {}
        """What stands for a recogniser that a campaign asks for: the process's when that one is
        not installed."""
        self._recognisers: dict[str, Recogniser] = {}
        self.started = False
        """Whether the process's own recogniser was."""
        self._starts: set[asyncio.Task[None]] = set()
        self.unheard = 0
        """Ears that wanted their speech recognised while there was nobody to do it."""

    @property
    def available(self) -> bool:
        """Whether the process has a recogniser."""
        return self.own is not None

    async def refusal(self, within: float) -> str:
        """Why the recogniser that was started cannot work; empty when it can, or takes longer."""
        started = self._recognisers.get(self.own or "")
        return "" if started is None else await started.refusal(within)

    async def start(self) -> None:
        """Load the process's own model now; twice is once."""
        if self.own is not None and not self.started:
            self.started = True
            await self.named(self.own).start()

    async def stop(self) -> None:
        """End the workers."""
        for task in self._starts:
            task.cancel()
        for recogniser in list(self._recognisers.values()):
            await recogniser.stop()
        self.started = False

    def status(self) -> list[dict[str, Any]]:
        """How the workers do, to be shown."""
        return [asdict(one.status()) for one in self._recognisers.values()]

    @property
    def any(self) -> bool:
        """Whether there are any yet."""
        return bool(self._recognisers)

    @property
    def ready(self) -> bool:
        """Whether the process's own recogniser can work at once."""
        known = None if self.own is None else self._recognisers.get(self.own)
        return known is not None and known.status().ready > 0

    @property
    def delay_ns(self) -> int:
        """Of the slowest, from a window to its words."""
        return int(max([one.delay_seconds for one in self._recognisers.values()], default=0) * 1e9)

    def change(self, *, behind: bool) -> str | None:
        """Why they are to be taken for behind now, where they were not, or the other way round."""
        delay = self.delay_ns / 1e9
        if not behind and delay > BEHIND_SECONDS:
            why = f"speech recognition is {delay:.1f} s behind"
            logger.warning("%s: once a segment now", why)
            return why
        if behind and delay < CAUGHT_UP_SECONDS:
            why = "speech recognition keeps up again"
            logger.info(why)
            return why
        return None

    def prepare(self, ear: Ear) -> bool:
        """Whether there is somebody to recognise what is said on a leg, who is started for it."""
        engine = self.of(ear)
        if engine is None:
            if not self.unheard:
                logger.warning("no speech recogniser is installed: no keyword will be heard")
            self.unheard += 1
            return False
        if engine not in self._recognisers:
            recogniser = self.named(engine)
            self.started = self.started or engine == self.own
            task = self._loop.create_task(recogniser.start(), name=f"start {engine}")
            self._starts.add(task)
            task.add_done_callback(self._starts.discard)
        return True

    def of(self, ear: Ear) -> str | None:
        """The recogniser of a leg: its campaign's, where that is installed."""
        keywords = ear.campaign.keywords
        if keywords is None or keywords.engine in {"auto", self.own}:
            return self.own
        if keywords.engine not in self._found:
            try:
                self._found[keywords.engine] = choose_recogniser(
                    keywords.engine, self._hearing.model
                )
            except RecogniserError as error:
                logger.error("campaign %s: %s", ear.campaign.name, error)
                self._found[keywords.engine] = self.own
        return self._found[keywords.engine]

    def named(self, engine: str) -> Recogniser:
        """The workers of a recogniser, which need not be started."""
        if engine not in self._recognisers:
            self._recognisers[engine] = self._make(
                engine, self._on_result, self._hearing.model, self._hearing.workers
            )
        return self._recognisers[engine]
