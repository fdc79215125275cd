"""When what is said is not recorded: while somebody has asked for a pause, and while a secret is
asked for, whose keys could be heard in the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from softswitch.call.events import RecordingPaused, RecordingResumed
from softswitch.hearing.strands import Strand, Strands
from softswitch.hearing.taped import TapedCall

__all__ = ["Pausing"]


class Pausing:
    """Puts silence into strands."""

    def __init__(
        self, strands: Strands, calls: Mapping[str, TapedCall], now_ns: Callable[[], int]
    ) -> None:
        self._strands = strands
        self._calls = calls
        self._now_ns = now_ns
        self._looked_ns = 0

    def pause(self, taped: TapedCall, leg: str | None, why: str) -> bool:
        """Record silence from now on; False when nothing is recorded."""
        if not taped.recording:
            return False
        if leg not in taped.asked:
            taped.asked.add(leg)
            self._hush_all(taped)
            taped.call.emit(RecordingPaused, path=taped.shown, leg=leg, why=why)
        return True

    def resume(self, taped: TapedCall, leg: str | None) -> bool:
        """Record again; without a leg, both, however they were paused."""
        if not taped.recording:
            return False
        resumed = set(taped.asked) if leg is None else taped.asked & {leg}
        if resumed:
            taped.asked -= resumed
            self._hush_all(taped)
            taped.call.emit(RecordingResumed, path=taped.shown, leg=leg)
        return True

    def attached(self, taped: TapedCall, strand: Strand, since_ns: int) -> None:
        """A strand begins; what was said before `since_ns` is not for the tape."""
        self._strands.hush(strand, taped.is_paused(strand.ear.leg_id), until_ns=since_ns)
        self._looked_ns = 0  # look before its first frame

    def look(self, now_ns: int) -> None:
        """Look for secrets that begin or end; once a tick is enough."""
        if now_ns == self._looked_ns:
            return
        self._looked_ns = now_ns
        now = now_ns / 1e9
        # For every leg at every tick: no function is called.
        changed = [
            strand
            for strand in self._strands.strands.values()
            if (strand.leg.secrets > 0 or strand.leg.secret_until > now) is not strand.secret
        ]
        for strand in changed:
            strand.secret = not strand.secret
            taped = self._calls.get(strand.ear.call.call_id)
            if taped is not None and strand in taped.strands:
                self._on_secret(taped, strand)

    def _on_secret(self, taped: TapedCall, strand: Strand) -> None:
        self._hush(taped, strand)
        leg_id = strand.ear.leg_id
        if not taped.recording:
            return
        if strand.secret:
            taped.call.emit(RecordingPaused, path=taped.shown, leg=leg_id, why="secret")
        elif not taped.is_paused(leg_id):
            taped.call.emit(RecordingResumed, path=taped.shown, leg=leg_id)

    def _hush_all(self, taped: TapedCall) -> None:
        for strand in taped.strands:
            self._hush(taped, strand)

    def _hush(self, taped: TapedCall, strand: Strand) -> None:
        muted = strand.secret or taped.is_paused(strand.ear.leg_id)
        # What was said until now is still on its way here.
        self._strands.hush(strand, muted, until_ns=self._now_ns())
