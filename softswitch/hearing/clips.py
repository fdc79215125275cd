"""Clips: which stretch of a tape is kept around a keyword, under which name, and how much of what
is past must be remembered for that."""

from __future__ import annotations

import re
from pathlib import Path

from config.model import Campaign
from media.recording import Cut
from softswitch.hearing.ear import Ear
from softswitch.hearing.taped import TapedCall

__all__ = ["MAX_CLIPS", "clip_of", "history_of"]

HISTORY_SLACK_SECONDS = 10.0
"""A keyword may be found so much later than it was said: at the end of a long sentence, by a
recogniser that is busy."""
MAX_CLIPS = 100
"""Clips of one call; a word that is said all the time fills no disk."""
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


def _plain(name: str) -> str:
    """A rule's name as part of a file's name."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[:MAX_NAME]
    return plain.strip("-") or "keyword"
