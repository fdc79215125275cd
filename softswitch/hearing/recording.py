"""The recording stage: what is said on calls goes to their recordings, and to clips of keywords.

A call has one tape: the caller on its left channel, and on its right one whom the caller is bridged
to and what the switch plays to the caller. It begins when the caller is answered, or with the first
sound where clips are wanted; how it is gathered and written is in `tapes`. The call's end waits
until its file is whole, so that its hash stands in the record. Knows nothing of recognition:
whoever found a keyword asks for its clip.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.model import Campaign, Recording
from media.recording import (
    ClipDone,
    Failed,
    Outcome,
    Play,
    Remember,
    Saved,
    Sound,
    Stop,
    StopPlaying,
)
from softswitch.call.call import Call
from softswitch.call.events import (
    CallAnswered,
    CallBridged,
    CallEnded,
    CallEvent,
    CallUnbridged,
    CampaignChosen,
    LegEnded,
    PromptEnded,
    PromptStarted,
)
from softswitch.call.services import Services
from softswitch.hearing.clips import Disk, clip_of, history_of
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.stage import NEVER_SHED
from softswitch.hearing.taped import Clip, TapedCall, tell_clip, tell_file
from softswitch.hearing.tapes import SETTLE_NS, Tapes, TapeWriter, nanoseconds

__all__ = ["RecordingStage", "TapeWriter"]

logger = logging.getLogger(__name__)

END_SECONDS = 2.0
"""How long after the last leg's end the tick may take to close its ears: a second at most, as it
is."""
MAX_FILES = 20
"""Recordings of one call, when somebody starts and stops them."""


class RecordingStage:
    """Records calls and cuts clips."""

    name = "recording"
    shed_at = NEVER_SHED

    def __init__(
        self,
        services: Services,
        writer: TapeWriter,
        *,
        folder: Path,
        data: Path,
        find_call: Callable[[str], Call | None],
        campaign_of: Callable[[Call], Campaign] = lambda call: call.campaign,
    ) -> None:
        """`folder` is that of recordings, `data` the data folder that told paths start from;
        `campaign_of` the campaign whose wishes hold for a call."""
        self._services = services
        self._find_call = find_call
        self._campaign_of = campaign_of
        self._tapes = Tapes(services, writer, folder=folder, data=data)
        self._calls = self._tapes.of_calls
        self._ears: dict[tuple[str, str], Ear] = {}
        self._disk = Disk()
        self.saved = 0
        self.failed = 0
        services.events.subscribe(self._on_event, kinds=_HANDLERS)

    def status(self) -> dict[str, int]:
        """Counters for whoever shows the state of the switch."""
        recording = sum(taped.recording for taped in self._calls.values())
        return {"recording": recording, "saved": self.saved, "failed": self.failed}

    # The stage.

    def open(self, ear: Ear) -> None:
        """A leg is heard."""
        self._ears[ear.call.call_id, ear.leg_id] = ear
        self._tapes.strands.reserve(ear.slot)
        self._consider(ear.call)
        taped = self._calls.get(ear.call.call_id)
        if taped is not None:
            self._tapes.attach(taped, ear)

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign, which may want more."""
        self._consider(ear.call)

    def close(self, ear: Ear) -> None:
        """A leg is over and its last frame was heard."""
        self._ears.pop((ear.call.call_id, ear.leg_id), None)
        taped = self._calls.get(ear.call.call_id)
        if taped is None:
            return
        self._tapes.detach(taped, taped.strand_of(ear))
        if not taped.legs and not taped.strands:
            self._tapes.finish(taped)

    def hear(self, heard: Heard) -> None:
        """Store a round."""
        if not self._tapes.strands.strands:
            return
        self._tapes.pausing.look(heard.now_ns)
        for strand in self._tapes.strands.gather(heard):
            taped = self._calls[strand.ear.call.call_id]
            self._tapes.hand_over(taped, heard.now_ns - SETTLE_NS)

    def after(self, now_ns: int) -> None:
        """Hand over what is due."""
        self._tapes.pausing.look(now_ns)
        self._tapes.hand_over_due(now_ns)

    # What happens to calls.

    def _on_event(self, event: CallEvent) -> None:
        _HANDLERS[type(event)](self, event)

    def _on_changed(self, event: CallAnswered | CampaignChosen) -> None:
        call = self._find_call(event.call_id)
        if call is not None:
            self._consider(call)

    def _on_bridged(self, event: CallBridged) -> None:
        taped = self._calls.get(event.call_id)
        if taped is None:
            return
        self._tapes.detach_right(taped)
        taped.right = event.other_leg
        taped.legs.add(event.other_leg)
        ear = self._ears.get((event.call_id, event.other_leg))
        if ear is not None:
            # What it let be heard before was not heard by the caller, or was no answer.
            self._tapes.attach(taped, ear, self._tapes.now_ns())

    def _on_unbridged(self, event: CallUnbridged) -> None:
        """What the other party says from now on is for nobody of this call."""
        taped = self._calls.get(event.call_id)
        if taped is not None:
            taped.right = None
            self._tapes.detach_right(taped)

    def _on_prompt(self, event: PromptStarted) -> None:
        taped = self._calls.get(event.call_id)
        if taped is None or not taped.wanted or event.leg != taped.caller:
            return
        if taped.call.concluded:
            return
        player = taped.call.caller.player
        prompt = player.prompt
        if prompt is not None and prompt.name == event.prompt:
            at_ns = nanoseconds(event.clock)
            self._tapes.submit(Play(taped.number, at_ns, prompt.ulaw, player.repeating))

    def _on_prompt_ended(self, event: PromptEnded) -> None:
        taped = self._calls.get(event.call_id)
        if taped is not None and event.leg == taped.caller:
            self._tapes.submit(StopPlaying(taped.number, nanoseconds(event.clock)))

    def _on_leg_ended(self, event: LegEnded) -> None:
        taped = self._calls.get(event.call_id)
        if taped is None:
            return
        taped.legs.discard(event.leg)
        if taped.legs:
            return
        taped.ended_ns = nanoseconds(event.clock)
        if taped.strands:
            self._services.loop.call_later(END_SECONDS, self._tapes.finish, taped)
        else:
            self._tapes.finish(taped)

    def _on_ended(self, event: CallEnded) -> None:
        self._tapes.end(event.call_id)

    # Tapes.

    def _consider(self, call: Call) -> None:
        """Begin whatever the campaign of a call wants now."""
        if call.concluded or call.ended:
            return
        campaign = self._campaign_of(call)
        history = history_of(campaign)
        record = campaign.record if call.caller.answered else None
        taped = self._calls.get(call.call_id)
        if taped is None:
            if record is None and not history:
                return
            taped = self._tapes.begin(call, history)
        elif history > taped.history_seconds:
            taped.history_seconds = history
            self._tapes.submit(Remember(taped.number, history))
        if record is not None and not taped.shown:
            self._record(taped, record)
        self._attach_all(taped)

    def _record(self, taped: TapedCall, record: Recording) -> None:
        if not self._tapes.record(taped, record):
            self._on_outcome(Failed(taped.number, "too many recordings wait for the disk"))

    def _attach_all(self, taped: TapedCall) -> None:
        for leg_id in taped.legs:
            ear = self._ears.get((taped.call_id, leg_id))
            if ear is not None:
                self._tapes.attach(taped, ear)

    # What is asked for from outside.

    def start(self, call_id: str) -> str | None:
        """Record a call from now on, as its campaign says or by default; the file, as it is told.
        None when it is recorded already, is not answered, or has had too many recordings."""
        call = self._find_call(call_id)
        if call is None or call.ended or not call.caller.answered:
            return None
        campaign = self._campaign_of(call)
        taped = self._calls.get(call_id) or self._tapes.begin(call, history_of(campaign))
        if taped.recording or taped.files >= MAX_FILES:
            return None
        if not taped.wanted:
            # The tape lay still: what comes now would lie too far ahead.
            self._tapes.submit(Sound(taped.number, self._tapes.now_ns() - SETTLE_NS, ()))
        self._record(taped, campaign.record or Recording())
        self._tapes.pausing.resume(taped, None)
        self._tapes.hand_over_regularly(taped)
        self._attach_all(taped)
        return None if taped.hold is None else taped.shown

    def stop(self, call_id: str) -> bool:
        """Record no more of a call, and keep what was recorded; False when nothing is."""
        taped = self._calls.get(call_id)
        if taped is None or not taped.recording or taped.stopping:
            return False
        taped.stopping = True
        # What was said until now is still on its way here.
        self._services.loop.call_later(SETTLE_NS / 1e9, self._stop, taped, self._tapes.now_ns())
        return True

    def _stop(self, taped: TapedCall, at_ns: int) -> None:
        if taped.stopping and not taped.finished:
            self._tapes.hand_over(taped, at_ns)
            self._tapes.submit(Stop(taped.number, at_ns))

    # Pause and clips.

    def pause(self, call_id: str, leg: str | None = None, why: str = "asked") -> bool:
        """Record silence in place of what a leg, or both, says from now on; False when the call is
        not being recorded."""
        taped = self._calls.get(call_id)
        return taped is not None and self._tapes.pausing.pause(taped, leg, why)

    def resume(self, call_id: str, leg: str | None = None) -> bool:
        """Record again; without a leg, both, however they were paused."""
        taped = self._calls.get(call_id)
        return taped is not None and self._tapes.pausing.resume(taped, leg)

    def request(self, ear: Ear, start_ns: int, end_ns: int, rule: str) -> str | None:
        """Have what was said around a keyword written to a file of its own; its path, as it is
        told, or None when the campaign wants no clips, the call has enough of them, or the disk
        has just refused a file."""
        taped = self._calls.get(ear.call.call_id)
        if taped is None or self._disk.refuses(self._tapes.now_ns()):
            return None
        cut = clip_of(taped, ear, start_ns, end_ns, rule, folder=self._tapes.day_folder())
        if cut is None or not self._tapes.submit(cut):
            return None
        shown = self._tapes.shown(cut.path)
        taped.clips[cut.cut] = Clip(ear.leg_id, rule, shown, taped.call.hold_end("clip"))
        return shown

    # What the writer tells.

    def tell(self, outcome: Outcome) -> None:
        """Take an outcome, in whichever thread."""
        try:
            self._services.loop.call_soon_threadsafe(self._on_outcome, outcome)
        except RuntimeError:
            logger.warning("a recording ended when the switch had ended: %s", outcome)

    def _on_outcome(self, outcome: Outcome) -> None:
        self._disk.heed(outcome, self._tapes.now_ns())
        taped = self._tapes.owed.get(outcome.tape)
        if taped is None:
            return
        if isinstance(outcome, ClipDone):
            tell_clip(taped, outcome)
        elif taped.recording:
            self.saved += isinstance(outcome, Saved)
            self.failed += isinstance(outcome, Failed)
            tell_file(taped, outcome)
        self._tapes.settle(taped)


_HANDLERS: dict[type[CallEvent], Callable[[RecordingStage, Any], None]] = {
    CallAnswered: RecordingStage._on_changed,
    CampaignChosen: RecordingStage._on_changed,
    CallBridged: RecordingStage._on_bridged,
    CallUnbridged: RecordingStage._on_unbridged,
    PromptStarted: RecordingStage._on_prompt,
    PromptEnded: RecordingStage._on_prompt_ended,
    LegEnded: RecordingStage._on_leg_ended,
    CallEnded: RecordingStage._on_ended,
}
