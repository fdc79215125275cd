"""Whose speech is recognised: what the speech stage keeps of a leg and of what it says."""

from __future__ import annotations

from collections.abc import Sequence

from config.said import phrases_of
from softswitch.call.end_hold import EndHold
from softswitch.hearing.ear import Ear
from softswitch.hearing.speech_plan import SpeechPlan

__all__ = ["Stretch", "Talker"]

MAX_WORDS = 100
"""A recogniser that leans to more words than that leans to none."""
SPOTTERS = frozenset(("pocketsphinx",))
"""Recognisers that understand nothing but what they are told to listen for."""


class Talker:
    """A leg that is listened to."""

    __slots__ = ("ear", "hold", "late", "row", "stretch", "unfinished")

    def __init__(self, ear: Ear, row: int) -> None:
        self.ear = ear
        self.row = row
        """Of the ring that its sound is in."""
        self.stretch: Stretch | None = None
        """What is being said."""
        self.late = False
        """Whether somebody spoke already when it began to be listened to: from the next frame on
        it is a stretch."""
        self.unfinished = 0
        """Stretches that are not all understood yet."""
        self.hold: EndHold | None = None
        """The end of the call waits for the last words."""

    def words(self, engine: str, answers: Sequence[str]) -> tuple[str, ...]:
        """What the recogniser is to lean to."""
        keywords = self.ear.campaign.keywords
        wanted = tuple(dict.fromkeys(answers))
        if keywords is not None and (engine in SPOTTERS or (keywords.hint and not wanted)):
            sides = {"any", self.ear.side}
            rules = [rule for rule in keywords.rules if rule.side in sides]
            found = [phrase for rule in rules for phrase in phrases_of(rule.said)]
            wanted += tuple(dict.fromkeys([" ".join(phrase.words) for phrase in found]))
        return wanted[:MAX_WORDS]


class Stretch:
    """Something that is being said, or was and is still being recognised."""

    __slots__ = (
        "asked_ns",
        "heard_ns",
        "known_ns",
        "over",
        "pending",
        "plan",
        "start_ns",
        "stream",
        "talker",
    )

    def __init__(self, talker: Talker, stream: int, plan: SpeechPlan, start_ns: int) -> None:
        self.talker = talker
        self.start_ns = start_ns
        self.stream = stream
        """Number of its windows' stream."""
        self.plan = plan
        self.pending = 0
        """Windows on their way."""
        self.over = False
        self.asked_ns = self.known_ns = 0
        """Up to where windows were asked to be understood, and were."""
        self.heard_ns = 0
        """End of the last frame."""
