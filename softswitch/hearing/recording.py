"""The recording stage: what is said on calls goes to their recordings, and to clips of keywords.

A call has one tape: the caller on its left channel, and on its right one whom the caller is bridged
to and what the switch plays to the caller. It begins when the caller is answered, or with the first
sound where clips are wanted. The tick stores frames in rows; about once a second what a call
gathered is handed to the writer, whose threads do the rest (`media.recording`): nothing here waits
for a disk. The end of the call waits until its file is whole, so that its hash stands in the
record. Knows nothing of recognition: whoever found a keyword asks for its clip.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from config.model import Campaign, Recording
from media.recording import (
    LEFT,
    RIGHT,
    Begin,
    ClipDone,
    Failed,
    Finish,
    Forget,
    Job,
    Outcome,
    Play,
    Record,
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
    RecordingStarted,
)
from softswitch.call.services import Services
from softswitch.hearing.clips import Disk, clip_of, history_of
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.pausing import Pausing
from softswitch.hearing.stage import NEVER_SHED
from softswitch.hearing.strands import Strand, Strands
from softswitch.hearing.taped import Clip, TapedCall, shown_path, tell_clip, tell_file

__all__ = ["RecordingStage", "TapeWriter"]

logger = logging.getLogger(__name__)

HAND_OVER_NS = 1_000_000_000
"""How much sound a call gathers before it is handed over: less costs more, more takes memory."""
SETTLE_NS = 1_000_000_000
"""How long a moment is waited for after it has passed. Frames come 20-100 ms after they were
spoken, and later when the loop has stalled: nobody is in a hurry here."""
END_SECONDS = 2.0
"""How long after the last leg's end the tick may take to close its ears: a second at most, as it
is."""
MAX_FILES = 20
"""Recordings of one call, when somebody starts and stops them."""
MAX_TAPES = 20_000
"""Tapes the writer may still owe something: far more than there can be calls, unless a disk hangs.
Further calls are not recorded, and say so."""


class TapeWriter(Protocol):
    """Who does the jobs: the threads of `media.recording.Writer`."""

    def submit(self, job: Job) -> bool:
        """Take a job; False when too much waits."""


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
        self._writer = writer
        self._folder = folder
        self._data = data
        self._find_call = find_call
        self._campaign_of = campaign_of
        self._strands = Strands()
        self._ears: dict[tuple[str, str], Ear] = {}
        self._calls: dict[str, TapedCall] = {}
        self._pausing = Pausing(self._strands, self._calls, self._now_ns)
        self._tapes: dict[int, TapedCall] = {}
        """Those the writer still owes something, by number."""
        self._due: deque[tuple[int, TapedCall]] = deque()
        """When each tape is handed over next; every one once a second, so the first is first."""
        self._numbers = 0
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
        self._strands.reserve(ear.slot)
        self._consider(ear.call)
        taped = self._calls.get(ear.call.call_id)
        if taped is not None:
            self._attach(taped, ear)

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign, which may want more."""
        self._consider(ear.call)

    def close(self, ear: Ear) -> None:
        """A leg is over and its last frame was heard."""
        self._ears.pop((ear.call.call_id, ear.leg_id), None)
        taped = self._calls.get(ear.call.call_id)
        if taped is None:
            return
        self._detach(taped, taped.strand_of(ear))
        if not taped.legs and not taped.strands:
            self._finish(taped)

    def hear(self, heard: Heard) -> None:
        """Store a round."""
        if not self._strands.strands:
            return
        self._pausing.look(heard.now_ns)
        for strand in self._strands.gather(heard):
            taped = self._calls[strand.ear.call.call_id]
            self._hand_over(taped, heard.now_ns - SETTLE_NS)

    def after(self, now_ns: int) -> None:
        """Hand over what is due."""
        self._pausing.look(now_ns)
        due = self._due
        while due and due[0][0] <= now_ns:
            taped = due.popleft()[1]
            taped.due = taped.wanted
            if taped.due:
                self._hand_over(taped, now_ns - SETTLE_NS)
                due.append((now_ns + HAND_OVER_NS, taped))

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
        for strand in [one for one in taped.strands if one.channel == RIGHT]:
            self._detach(taped, strand)
        taped.right = event.other_leg
        taped.legs.add(event.other_leg)
        ear = self._ears.get((event.call_id, event.other_leg))
        if ear is not None:
            # What it let be heard before was not heard by the caller, or was no answer.
            self._attach(taped, ear, self._now_ns())

    def _on_unbridged(self, event: CallUnbridged) -> None:
        """What the other party says from now on is for nobody of this call."""
        taped = self._calls.get(event.call_id)
        if taped is not None:
            taped.right = None
            for strand in [one for one in taped.strands if one.channel == RIGHT]:
                self._detach(taped, strand)

    def _on_prompt(self, event: PromptStarted) -> None:
        taped = self._calls.get(event.call_id)
        if taped is None or not taped.wanted or event.leg != taped.caller:
            return
        if taped.call.concluded:
            return
        player = taped.call.caller.player
        prompt = player.prompt
        if prompt is not None and prompt.name == event.prompt:
            at_ns = _nanoseconds(event.clock)
            self._submit(Play(taped.number, at_ns, prompt.ulaw, player.repeating))

    def _on_prompt_ended(self, event: PromptEnded) -> None:
        taped = self._calls.get(event.call_id)
        if taped is not None and event.leg == taped.caller:
            self._submit(StopPlaying(taped.number, _nanoseconds(event.clock)))

    def _on_leg_ended(self, event: LegEnded) -> None:
        taped = self._calls.get(event.call_id)
        if taped is None:
            return
        taped.legs.discard(event.leg)
        if taped.legs:
            return
        taped.ended_ns = _nanoseconds(event.clock)
        if taped.strands:
            self._services.loop.call_later(END_SECONDS, self._finish, taped)
        else:
            self._finish(taped)

    def _on_ended(self, event: CallEnded) -> None:
        taped = self._calls.pop(event.call_id, None)
        if taped is not None:
            self._finish(taped)
            self._submit(Forget(taped.number))
            self._settle(taped)

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
            taped = self._begin(call, history)
        elif history > taped.history_seconds:
            taped.history_seconds = history
            self._submit(Remember(taped.number, history))
        if record is not None and not taped.shown:
            self._record(taped, record)
        self._attach_all(taped)

    def _begin(self, call: Call, history: float) -> TapedCall:
        self._numbers += 1
        now_ns = self._now_ns()
        taped = TapedCall(call, call.caller.leg_id, self._numbers, history)
        self._calls[call.call_id] = taped
        self._tapes[taped.number] = taped
        self._submit(Begin(taped.number, now_ns, history, call.call_id))
        self._hand_over_regularly(taped)
        if call.callee is not None and call.bridged:
            taped.right = call.callee.leg_id
            taped.legs.add(taped.right)
        return taped

    def _hand_over_regularly(self, taped: TapedCall) -> None:
        if not taped.due:
            taped.due = True
            self._due.append((self._now_ns() + HAND_OVER_NS, taped))

    def _attach_all(self, taped: TapedCall) -> None:
        for leg_id in taped.legs:
            ear = self._ears.get((taped.call_id, leg_id))
            if ear is not None:
                self._attach(taped, ear)

    def _record(self, taped: TapedCall, record: Recording) -> None:
        call = taped.call
        taped.files += 1
        count = "" if taped.files == 1 else f"-{taped.files}"
        path = self._day_folder() / f"{call.call_id}{count}.wav"
        taped.shown = shown_path(path, self._data)
        taped.hold = call.hold_end("recording")
        call.emit(RecordingStarted, path=taped.shown)
        form, minimum = record.sample_format, record.minimum_seconds
        job = Record(taped.number, path, self._now_ns(), form, minimum)
        if len(self._tapes) > MAX_TAPES or not self._submit(job):
            self._on_outcome(Failed(taped.number, "too many recordings wait for the disk"))

    def _day_folder(self) -> Path:
        day = datetime.fromtimestamp(self._services.wall_clock(), UTC)
        return self._folder / day.strftime("%Y-%m-%d")

    def _attach(self, taped: TapedCall, ear: Ear, since_ns: int = 0) -> None:
        """Gather a leg's frames, if it is one of those on the tape."""
        if not taped.wanted or ear.leg_id not in (taped.caller, taped.right):
            return
        if taped.strand_of(ear) is None:
            strand = self._strands.open(ear, LEFT if ear.leg_id == taped.caller else RIGHT)
            taped.strands.append(strand)
            self._pausing.attached(taped, strand, since_ns)

    def _detach(self, taped: TapedCall, strand: Strand | None) -> None:
        if strand is None:
            return
        taped.strands.remove(strand)
        block = self._strands.close(strand)
        if block is not None:
            taped.blocks.append(block)

    def _hand_over(self, taped: TapedCall, until_ns: int) -> None:
        blocks, taped.blocks = taped.blocks, []
        for strand in taped.strands:
            block = self._strands.take(strand)
            if block is not None:
                blocks.append(block)
        if not self._submit(Sound(taped.number, until_ns, tuple(blocks))) and taped.recording:
            why = "the disk is too slow: too much sound waits for it"
            self._submit(Finish(taped.number, until_ns, why))

    def _finish(self, taped: TapedCall) -> None:
        """The legs are over: nothing more comes."""
        if taped.finished:
            return
        ended_ns = taped.ended_ns or self._now_ns()
        for strand in tuple(taped.strands):
            self._detach(taped, strand)
        self._hand_over(taped, ended_ns)
        taped.finished = True
        self._submit(Finish(taped.number, ended_ns))

    def _submit(self, job: Job) -> bool:
        return self._writer.submit(job)

    # What is asked for from outside.

    def start(self, call_id: str) -> str | None:
        """Record a call from now on, as its campaign says or by default; the file, as it is told.
        None when it is recorded already, is not answered, or has had too many recordings."""
        call = self._find_call(call_id)
        if call is None or call.ended or not call.caller.answered:
            return None
        campaign = self._campaign_of(call)
        taped = self._calls.get(call_id) or self._begin(call, history_of(campaign))
        if taped.recording or taped.files >= MAX_FILES:
            return None
        if not taped.wanted:
            # The tape lay still: what comes now would lie too far ahead.
            self._submit(Sound(taped.number, self._now_ns() - SETTLE_NS, ()))
        self._record(taped, campaign.record or Recording())
        self._pausing.resume(taped, None)
        self._hand_over_regularly(taped)
        self._attach_all(taped)
        return None if taped.hold is None else taped.shown

    def stop(self, call_id: str) -> bool:
        """Record no more of a call, and keep what was recorded; False when nothing is."""
        taped = self._calls.get(call_id)
        if taped is None or not taped.recording or taped.stopping:
            return False
        taped.stopping = True
        # What was said until now is still on its way here.
        self._services.loop.call_later(SETTLE_NS / 1e9, self._stop, taped, self._now_ns())
        return True

    def _stop(self, taped: TapedCall, at_ns: int) -> None:
        if taped.stopping and not taped.finished:
            self._hand_over(taped, at_ns)
            self._submit(Stop(taped.number, at_ns))

    # Pause and clips.

    def pause(self, call_id: str, leg: str | None = None, why: str = "asked") -> bool:
        """Record silence in place of what a leg, or both, says from now on; False when the call is
        not being recorded."""
        taped = self._calls.get(call_id)
        return taped is not None and self._pausing.pause(taped, leg, why)

    def resume(self, call_id: str, leg: str | None = None) -> bool:
        """Record again; without a leg, both, however they were paused."""
        taped = self._calls.get(call_id)
        return taped is not None and self._pausing.resume(taped, leg)

    def request(self, ear: Ear, start_ns: int, end_ns: int, rule: str) -> str | None:
        """Have what was said around a keyword written to a file of its own; its path, as it is
        told, or None when the campaign wants no clips, the call has enough of them, or the disk
        has just refused a file."""
        taped = self._calls.get(ear.call.call_id)
        if taped is None or self._disk.refuses(self._now_ns()):
            return None
        cut = clip_of(taped, ear, start_ns, end_ns, rule, folder=self._day_folder())
        if cut is None or not self._submit(cut):
            return None
        shown = shown_path(cut.path, self._data)
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
        self._disk.heed(outcome, self._now_ns())
        taped = self._tapes.get(outcome.tape)
        if taped is None:
            return
        if isinstance(outcome, ClipDone):
            tell_clip(taped, outcome)
        elif taped.recording:
            self.saved += isinstance(outcome, Saved)
            self.failed += isinstance(outcome, Failed)
            tell_file(taped, outcome)
        self._settle(taped)

    def _settle(self, taped: TapedCall) -> None:
        """Gather no more where nobody wants it, forget what is over."""
        if not taped.wanted:
            for strand in tuple(taped.strands):
                self._detach(taped, strand)
            taped.blocks.clear()
        if taped.settled and taped.call_id not in self._calls:
            self._tapes.pop(taped.number, None)

    def _now_ns(self) -> int:
        return _nanoseconds(self._services.now())


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


def _nanoseconds(clock: float) -> int:
    return round(clock * 1e9)
