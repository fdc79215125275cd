"""Hearing, put together: the stages of the tick, who feeds whom, and what treatments may ask for.

Built by the composition root once everything that it listens with is there. Knows which stages
there are and nothing of what they do.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from config.model import Ask, Campaign, Configuration, Connect, Menu, Node
from config.nesting import every_node
from media.recording import Outcome, Writer, repair_recordings, unfinished_recordings
from media.speech.recognition.engines import INSTALL_HINT, RecogniserError
from softswitch.call.call import Call
from softswitch.call.events import CallEvent, CampaignChosen, HearingDegraded
from softswitch.call.leg import Leg
from softswitch.call.services import Question, Services
from softswitch.hearing.keywords import KeywordWatch
from softswitch.hearing.quality import QualityStage
from softswitch.hearing.recording import RecordingStage
from softswitch.hearing.speech import SpeechStage
from softswitch.hearing.stage import Stage
from softswitch.hearing.taped import recordings_folder
from softswitch.hearing.tick import LIGHTER, HearingTick
from softswitch.hearing.tones import ToneStage
from softswitch.hearing.voice import VoiceStage

__all__ = ["Listening", "wants_speech"]

logger = logging.getLogger(__name__)

LOAD_SECONDS = 15.0
"""How long the start waits to see whether the recogniser can be loaded; calls need not wait for one
that takes longer."""

WRITE_SECONDS = 10.0
"""How long the last recordings may take when the switch stops."""


class Listening:
    """Everything that hears, and the `Ears` of treatments."""

    def __init__(
        self,
        services: Services,
        tick: HearingTick,
        configuration: Configuration,
        *,
        find_call: Callable[[str], Call | None],
    ) -> None:
        hearing, data = configuration.hearing, configuration.switch.data
        self._services = services
        self._tick = tick
        self._configuration = configuration
        self._find_call = find_call
        self._folder = recordings_folder(data, hearing.recordings)
        self._writer = Writer(self._tell_written)
        self._mending: asyncio.Future[None] | None = None
        self._stopping = threading.Event()
        self.tones = ToneStage(in_band_digits=hearing.in_band_digits, fax_tones=hearing.fax_tones)
        self.voice = VoiceStage(services.loop, hearing)
        self.tones.hear_beeps_of(self.voice.watched)
        self.recording = RecordingStage(
            services,
            self._writer,
            folder=self._folder,
            data=data,
            find_call=find_call,
            campaign_of=_heard_campaign,
        )
        self.keywords = KeywordWatch(self.recording)
        self.speech = SpeechStage(services.loop, hearing, self.voice, self.keywords)
        self.voice.reader = self.speech
        self.speech.on_behind = self._on_behind
        self.quality = QualityStage(hearing.quality_seconds)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """In the order in which they hear."""
        return (self.tones, self.voice, self.speech, self.recording, self.quality)

    async def start(self) -> None:
        """Mend what a crash has left of recordings, start the workers, begin to hear."""
        loop = self._services.loop
        try:
            # Before new ones begin: only those that were left behind.
            parts = await loop.run_in_executor(None, unfinished_recordings, self._folder)
        except OSError as error:
            logger.error("recordings in %s cannot be mended: %s", self._folder, error)
            parts = []
        if parts:
            # Hours of sound are read for their hashes: callers do not wait for that.
            self._mending = loop.run_in_executor(None, self._mend, parts)
        self._writer.start()
        await self.prepare(self._configuration)
        self._tick.attach(
            self.stages,
            find_owner=self._find_leg,
            campaign_of=lambda leg: _heard_campaign(leg.call),
            on_level=self._on_level,
        )
        self._services.on_port_forgotten = self._tick.forget
        self._services.events.subscribe(self._on_event, kinds=(CampaignChosen,))
        self._services.ears = self

    async def prepare(self, configuration: Configuration) -> None:
        """Have ready what calls of a configuration need to be understood: where no call needed it
        before, the recogniser. Raises RecogniserError."""
        wanting = wants_speech(configuration)
        if wanting is not None or judges(configuration):
            await self.voice.prepare()
        if wanting is not None:
            await self._start_speech(wanting, configuration)
        elif judges(configuration):
            # Without one, who has answered is judged by when somebody speaks.
            await self.speech.engines.start()

    def _mend(self, parts: list[Path]) -> None:
        """Make whole files of what a crash has left; in a thread."""
        mended, broken = repair_recordings(parts, stopped=self._stopping.is_set)
        if mended:
            logger.warning("%d recordings that a crash had cut off were mended", len(mended))
        for path, why in broken:
            logger.error("recording %s cannot be mended: %s", path, why)

    async def _start_speech(self, wanting: str, configuration: Configuration) -> None:
        """Load the recogniser, which calls will need; raises RecogniserError without one."""
        why = INSTALL_HINT
        before = self.speech.engines.started
        if self.speech.engines.available:
            await self.speech.engines.start()
            why = await self.speech.engines.refusal(LOAD_SECONDS)
        if why and configuration.hearing.without_recogniser == "error":
            if not before:
                await self.speech.engines.stop()
            raise RecogniserError(f"{wanting} is to be understood: {why}")
        if why:
            logger.warning("%s is not understood: %s", wanting, why)

    async def close(self) -> None:
        """Stop the workers; what was recorded is written."""
        self._services.ears = None
        await self.speech.engines.stop()
        await self._services.loop.run_in_executor(None, self._writer.close, WRITE_SECONDS)
        self._stopping.set()
        if self._mending is not None:
            await self._mending

    def _find_leg(self, number: int) -> Leg | None:
        listener = self._services.media_listeners.get(number)
        return listener if isinstance(listener, Leg) else None

    def _on_event(self, event: CallEvent) -> None:
        call = self._find_call(event.call_id)
        if call is not None:
            self._tick.changed(call)

    def _tell_written(self, outcome: Outcome) -> None:
        self.recording.tell(outcome)

    def _on_behind(self, why: str) -> None:
        self._tell_degraded(self._tick.load.level, self._tick.left_out(), why)

    def _on_level(self, level: int, left_out: tuple[str, ...], why: str) -> None:
        self.speech.overload(level)
        self._tell_degraded(level, left_out, why)

    def _tell_degraded(self, level: int, left_out: tuple[str, ...], why: str) -> None:
        """Recognisers that do not keep up are the first level at least."""
        if self.speech.behind and not level:
            level, left_out = LIGHTER[0][0], (LIGHTER[0][1],)
        self._services.events.publish(
            HearingDegraded(
                call_id="",
                number=1,
                at=self._services.wall_clock(),
                clock=self._services.now(),
                level=level,
                left_out=left_out,
                why=why,
            )
        )

    def status(self) -> dict[str, Any]:
        """How all of it does, to be shown."""
        return {
            "tick": self._tick.status(),
            "speech": self.speech.status(),
            "recording": self.recording.status(),
        }

    # What treatments ask for.

    @property
    def understands(self) -> bool:
        """Whether there is a recogniser."""
        return self.speech.engines.available

    def listen(self, leg: Leg, words: Sequence[str]) -> Question:
        """Have a leg's speech recognised from now on."""
        return self.speech.listen(leg, words)

    async def judge(self, leg: Leg, within: float) -> str:
        """Whether human, machine or unknown has answered."""
        return await self.voice.judge(leg, within)

    async def beep(self, leg: Leg, within: float) -> bool:
        """Wait for an answering machine's beep."""
        return await self.voice.beep(leg, within)

    def overturned(self, leg: Leg) -> bool:
        """Whether a beep has come on a leg that was not taken for a machine."""
        return self.voice.overturned(leg)


def wants_speech(configuration: Configuration) -> str | None:
    """Whose speech is to be understood, in words; None when nobody's."""
    for campaign in configuration.campaigns.values():
        if campaign.keywords is not None or campaign.transcribe:
            return f"what is said on calls of the campaign {campaign.name}"
    for treatment in configuration.treatments.values():
        node = next(filter(_is_spoken_to, every_node(treatment.nodes)), None)
        if node is not None:
            return f"what callers say to {node.name} of the treatment {treatment.name}"
    return None


def judges(configuration: Configuration) -> bool:
    """Whether some connect wants to know who has answered."""
    return any(
        isinstance(node, Connect) and node.machine is not None
        for treatment in configuration.treatments.values()
        for node in every_node(treatment.nodes)
    )


def _is_spoken_to(node: Node) -> bool:
    return isinstance(node, Menu | Ask) and bool(node.spoken)


def _heard_campaign(call: Call) -> Campaign:
    """The campaign whose wishes hold: the one that the call counts for. Where it is syndicated its
    own keys came first, then its original's, when it was read."""
    return call.counts_for
