"""Clips: which stretch of a tape is kept around a keyword, under which name, and how much of what
is past must be remembered for that."""

from __future__ import annotations

import re
from pathlib import Path

from config.model import Campaign
from media.recording import ClipDone, Cut, Failed, Outcome, Saved
from softswitch.hearing.ear import Ear
from softswitch.hearing.taped import TapedCall

__all__ = ["ASKED_AGAIN_SECONDS", "MAX_CLIPS", "Disk", "clip_of", "history_of"]

HISTORY_SLACK_SECONDS = 10.0
"""A keyword may be found so much later than it was said: at the end of a long sentence, by a
recogniser that is busy."""
MAX_CLIPS = 100
"""Clips of one call; a word that is said all the time fills no disk."""
ASKED_AGAIN_SECONDS = 10.0
"""A disk that has refused a file is asked for no clip so long: it would be promised in vain."""
MAX_NAME = 40
"""Letters of a rule's name in a file's name."""


def history_of(campaign: Campaign) -> float:
    """How many seconds of what is past the clips of a campaign may want; 0: it wants none."""
    keywords = campaign.keywords
    if keywords is None or not keywords.clip_seconds:
        return 0.0
    return 2 * keywords.clip_seconds + HISTORY_SLACK_SECONDS


def clip_of(
    taped: TapedCall, ear: Ear, start_ns: int, end_ns: int, rule: str, *, folder: Path
) -> Cut | None:
    """What is to be cut around a keyword; None when there are to be no clips, or no more."""
    keywords, record = ear.campaign.keywords, ear.campaign.record
    if keywords is None or not keywords.clip_seconds or taped.clip_count >= MAX_CLIPS:
        return None
    taped.clip_count += 1
    around_ns = round(keywords.clip_seconds * 1e9)
    path = folder / f"{taped.call_id}-{taped.clip_count}-{_plain(rule)}.wav"
    sample_format = "pcm" if record is None else record.sample_format
    begin_ns, until_ns = start_ns - around_ns, end_ns + around_ns
    return Cut(taped.number, taped.clip_count, path, begin_ns, until_ns, sample_format)


class Disk:
    """Whether the disk takes files, by what became of the last ones."""

    def __init__(self) -> None:
        self._refused_ns: int | None = None

    def refuses(self, now_ns: int) -> bool:
        """Whether it has just refused one."""
        if self._refused_ns is None:
            return False
        return now_ns - self._refused_ns < ASKED_AGAIN_SECONDS * 1e9

    def heed(self, outcome: Outcome, now_ns: int) -> None:
        """Learn from what became of a file."""
        if isinstance(outcome, Failed | ClipDone) and outcome.refused:
            self._refused_ns = now_ns
        elif isinstance(outcome, Saved) or (isinstance(outcome, ClipDone) and not outcome.why):
            self._refused_ns = None


def _plain(name: str) -> str:
    """A rule's name as part of a file's name."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[:MAX_NAME]
    return plain.strip("-") or "keyword"
