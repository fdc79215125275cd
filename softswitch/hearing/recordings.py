"""Recording as the switch runs it: the stage, its writer's threads, what a crash left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from config.model import Campaign
from media.recording import Outcome, Repaired, Writer, repair_recordings
from softswitch.call.call import Call
from softswitch.call.services import Services
from softswitch.hearing.recording import RecordingStage
from softswitch.hearing.taped import shown_path

__all__ = ["CLOSE_SECONDS", "Recordings", "recordings_folder"]

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0
"""How long the switch waits for the disk when it stops. What is not written by then is mended at
the next start."""


def recordings_folder(data: Path, configured: Path | None) -> Path:
    """Where recordings and clips are: the folder of the configuration, or one in the data
    folder."""
    return data / "recordings" if configured is None else configured


class Recordings:
    """One for the process; `start`, and `close` when all calls have ended."""

    def __init__(
        self,
        services: Services,
        *,
        folder: Path,
        data: Path,
        find_call: Callable[[str], Call | None],
        campaign_of: Callable[[Call], Campaign] = lambda call: call.campaign,
    ) -> None:
        self.folder = folder
        self._data = data
        self._writer = Writer(self._tell)
        self.stage = RecordingStage(
            services,
            self._writer,
            folder=folder,
            data=data,
            find_call=find_call,
            campaign_of=campaign_of,
        )

    def start(self) -> list[Repaired]:
        """Mend what a crash left behind, tell of it in one line, and start the threads."""
        repaired: list[Repaired] = []
        try:
            repaired, failed = repair_recordings(self.folder)
        except OSError as error:
            logger.error("recordings in %s cannot be looked through: %s", self.folder, error)
        else:
            self._tell_repairs(repaired, failed)
        self._writer.start()
        return repaired

    def _tell(self, outcome: Outcome) -> None:
        self.stage.tell(outcome)

    def _tell_repairs(self, repaired: list[Repaired], failed: list[tuple[Path, str]]) -> None:
        if repaired:
            names = ", ".join(
                f"{shown_path(one.path, self._data)} ({one.seconds:.1f} s)" for one in repaired[:10]
            )
            more = ", ..." if len(repaired) > 10 else ""
            logger.warning(
                "%d recordings that a crash had cut off were made whole: %s%s",
                len(repaired), names, more,
            )  # fmt: skip
        if failed:
            path, why = failed[0]
            logger.error(
                "%d unfinished recordings cannot be made whole: %s: %s%s",
                len(failed), path, why, ", ..." if len(failed) > 1 else "",
            )  # fmt: skip

    def status(self) -> dict[str, int]:
        """Counters for whoever shows the state of the switch."""
        waiting, refused = self._writer.waiting_bytes, self._writer.refused
        return {**self.stage.status(), "waiting_bytes": waiting, "refused": refused}

    async def close(self, within: float = CLOSE_SECONDS) -> None:
        """Write what waits and stop the threads."""
        if not await asyncio.to_thread(self._writer.close, within):
            logger.error("the disk did not take all recordings within %.0f s", within)
