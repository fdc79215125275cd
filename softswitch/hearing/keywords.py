"""Keyword rules on every leg that is listened to, and what was said, written down.

Takes what recognisers understood of a leg (`SpeechSink`) and tells the call which rules came true,
by the rules of the ear's campaign or by live ones. What was said while a secret was asked for is
nobody's business. Knows nothing of sound and of recognisers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

from config.model import KeywordRule
from media.keywords import Hit, KeywordMatcher
from media.keywords.beginnings import beginnings
from media.speech.recognition.result import Recognised, Word
from softswitch.call.events import KeywordHeard, TranscriptAdded
from softswitch.hearing.ear import Ear

__all__ = ["Clips", "KeywordWatch"]

MAX_LIVE = 1000
"""Calls and campaigns with rules of their own at once."""
MAX_TRANSCRIBED = 2000
"""Characters of one stretch of speech that are told."""
SECRET_MARGIN = 0.5
"""Seconds around a word in which a secret makes it one: the times of words are not exact."""
MAX_CLIP_NS = 10_000_000_000
"""Of a hit whose words are far apart, so much is kept: its end."""


class Clips(Protocol):
    """Who keeps what was said around a keyword."""

    def request(self, ear: Ear, start_ns: int, end_ns: int, rule: str) -> str | None:
        """Keep it; the file it will be in, None when it cannot be kept."""


class _Watched:
    """What is known of one ear."""

    __slots__ = ("engine", "matcher", "mode", "rules", "written_ns")

    def __init__(self) -> None:
        self.rules: Sequence[KeywordRule] = ()
        """Those the matcher was made of, of both sides."""
        self.matcher: KeywordMatcher | None = None
        self.written_ns = 0
        """Up to where the leg is written down."""
        self.mode = ""
        self.engine = ""


class KeywordWatch:
    """Matches what is said on all legs; one for the process."""

    def __init__(self, clips: Clips | None = None) -> None:
        """`clips`: None when no clips are kept."""
        self._clips = clips
        self._watched: dict[Ear, _Watched] = {}
        """Ears of which something was recognised, until their end."""
        self._live: dict[tuple[str, str], tuple[KeywordRule, ...]] = {}
        """Rules in place of the configuration's, by `call` and id, or `campaign` and name."""

    def recognised(self, ear: Ear, result: Recognised) -> None:
        """A window of an ear was understood."""
        watched = self._watched.setdefault(ear, _Watched())
        watched.mode, watched.engine = result.mode, result.engine
        told = _without_secrets(ear, result)
        self._match(ear, watched, told)
        if ear.campaign.transcribe and result.final:
            _write_down(ear, watched, told)

    def beginnings(self, ear: Ear) -> Collection[str]:
        """How the words begin that the rules of an ear listen for."""
        return beginnings(tuple(self._rules(ear)))

    def ended(self, ear: Ear) -> None:
        """The leg is over and all of its speech has been reported."""
        watched = self._watched.pop(ear, None)
        if watched is not None and watched.matcher is not None:
            ended = ear.leg.ended_clock
            at = ear.leg.services.now() if ended is None else ended
            self._tell(ear, watched, watched.matcher.finish(int(at * 1e9)))
        others = any(other.call is ear.call for other in self._watched)
        if self._live and ear.call.ended and not others:
            self._live.pop(("call", ear.call.call_id), None)

    def set_rules(
        self, rules: Sequence[KeywordRule] | None, *, call_id: str = "", campaign: str = ""
    ) -> bool:
        """Listen for these instead of the configuration's from the next words on; None: as
        configured. False when too many calls and campaigns have rules of their own already.

        Only legs whose speech is listened to are matched: of campaigns with keywords, or that are
        transcribed. Rules of a call go before those of its campaign, and end with it.
        """
        key = ("call", call_id) if call_id else ("campaign", campaign)
        if rules is None:
            self._live.pop(key, None)
            return True
        if key not in self._live and len(self._live) >= MAX_LIVE:
            return False
        self._live[key] = tuple(rules)
        return True

    def live_rules(
        self, *, call_id: str = "", campaign: str = ""
    ) -> tuple[str, Sequence[KeywordRule]] | None:
        """What is listened for in place of the configuration's, and whether the call or its
        campaign has it; None: the configuration's."""
        for key in (("call", call_id), ("campaign", campaign)):
            live = self._live.get(key)
            if live is not None:
                return key[0], live
        return None

    # Rules.

    def _rules(self, ear: Ear) -> Sequence[KeywordRule]:
        """What is listened for on the call of an ear."""
        live = self.live_rules(call_id=ear.call.call_id, campaign=ear.campaign.name)
        if live is not None:
            return live[1]
        keywords = ear.campaign.keywords
        return () if keywords is None else keywords.rules

    def _match(self, ear: Ear, watched: _Watched, result: Recognised) -> None:
        rules = self._rules(ear)
        if rules is not watched.rules:
            mine = [rule for rule in rules if rule.side in ("any", ear.side)]
            watched.rules = rules
            watched.matcher = KeywordMatcher(mine, began_ns=result.start_ns) if mine else None
        matcher = watched.matcher
        if matcher is not None:
            answered = ear.leg.answered_clock
            if answered is not None:
                matcher.began_ns = int(answered * 1e9)
            self._tell(ear, watched, matcher.feed(result))

    def _tell(self, ear: Ear, watched: _Watched, hits: Sequence[Hit]) -> None:
        for hit in hits:
            ear.call.emit(
                KeywordHeard,
                leg=ear.leg_id,
                side=ear.side,
                rule=hit.rule.name,
                text=hit.text,
                start=ear.seconds(hit.start_ns),
                end=ear.seconds(hit.end_ns),
                confidence=hit.confidence,
                weight=hit.rule.weight,
                mode=watched.mode,
                engine=watched.engine,
                clip=self._clip(ear, hit),
                phrases=hit.phrases,
            )

    def _clip(self, ear: Ear, hit: Hit) -> str | None:
        if self._clips is None:
            return None
        start_ns = max(hit.start_ns, hit.end_ns - MAX_CLIP_NS)
        return self._clips.request(ear, start_ns, hit.end_ns, hit.rule.name)


def _without_secrets(ear: Ear, result: Recognised) -> Recognised:
    """A result without the words that were said while a secret was asked for."""
    leg = ear.leg
    if not leg.secret_spans:
        return result
    words = tuple(word for word in result.words if not _is_secret(ear, word))
    if len(words) == len(result.words) and words:
        return result
    if not words and not leg.secret_during(result.start_ns / 1e9, result.end_ns / 1e9):
        return result
    return replace(result, words=words, text=" ".join(word.text for word in words))


def _is_secret(ear: Ear, word: Word) -> bool:
    start, end = word.start_ns / 1e9, word.end_ns / 1e9
    return ear.leg.secret_during(start - SECRET_MARGIN, end + SECRET_MARGIN)


def _write_down(ear: Ear, watched: _Watched, result: Recognised) -> None:
    """Tell what was said, but for what was told before."""
    words = [
        word for word in result.words if (word.start_ns + word.end_ns) // 2 > watched.written_ns
    ]
    if len(words) == len(result.words):
        text = result.text if words or result.start_ns >= watched.written_ns else ""
    else:
        text = " ".join(word.text for word in words)
    if not text.strip():
        return
    start_ns = words[0].start_ns if words else result.start_ns
    end_ns = words[-1].end_ns if words else result.end_ns
    watched.written_ns = max(watched.written_ns, end_ns)
    ear.call.emit(
        TranscriptAdded,
        leg=ear.leg_id,
        side=ear.side,
        start=ear.seconds(start_ns),
        end=ear.seconds(end_ns),
        text=text.strip()[:MAX_TRANSCRIBED],
    )
