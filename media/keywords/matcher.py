"""The rules of one leg, fed with what was recognised of it.

Each mention of a plain phrase is a hit; a rule made of several parts is one when it comes true,
once. What must not be said, and what is said last, is settled when the leg ends. What is kept is
bounded, however long the leg talks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from config.model import KeywordRule, Phrase, Variant
from config.said import phrases_of
from media.keywords.evidence import evidence, is_plain, needs_silence
from media.keywords.mentions import Mention, Mentions
from media.keywords.phrases import Found, Pattern, PhraseIndex, Said
from media.keywords.timeline import Timeline
from media.speech.recognition.result import Recognised

__all__ = ["Hit", "KeywordMatcher"]

REFRACTORY_NS = 400_000_000
"""Two phrases of a rule that begin so near to each other are one hit: nobody says a word again so
soon."""
SETTLED_NS = 10_000_000_000
"""What was said so long ago has been recognised: the first seconds of a leg are known by then."""
MAX_TEXT = 200
"""Characters of a hit's text."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule has come true."""

    rule: KeywordRule
    text: str
    """The words as they were recognised."""
    phrases: tuple[str, ...]
    """The phrases of the rule that were found, as the rule has them."""
    start_ns: int
    end_ns: int
    confidence: float


_Key = tuple[tuple[str, ...], frozenset[Variant]]
"""A phrase in the forms that count: rules that agree in both share a pattern."""


class _Compiled:
    """The rules of many legs, ready to be matched. Holds nothing of a leg."""

    def __init__(self, rules: tuple[KeywordRule, ...]) -> None:
        self.rules = rules
        self.patterns: dict[_Key, int] = {}
        patterns: list[Pattern] = []
        self.users: list[list[int]] = []
        """Which rules have a pattern."""
        for number, rule in enumerate(rules):
            for phrase in dict.fromkeys(phrases_of(rule.said)):
                key = (phrase.words, rule.variants)
                if key not in self.patterns:
                    self.patterns[key] = len(patterns)
                    patterns.append(Pattern(phrase, rule.variants))
                    self.users.append([])
                self.users[self.patterns[key]].append(number)
        self.index = PhraseIndex(patterns)
        self.plain = [is_plain(rule.said) and rule.last_seconds is None for rule in rules]
        self.late = [
            number
            for number, rule in enumerate(rules)
            if rule.last_seconds is not None or needs_silence(rule.said)
        ]
        """Rules that are settled at the end."""


@lru_cache(maxsize=256)
def _compiled(rules: tuple[KeywordRule, ...]) -> _Compiled:
    """The same for all legs of a campaign; configurations that were reloaded fall out."""
    return _Compiled(rules)


class KeywordMatcher:
    """Matches the rules of one leg; those for the other side are left out by the caller."""

    def __init__(self, rules: Sequence[KeywordRule], *, began_ns: int = 0) -> None:
        """`began_ns`: from when `first_seconds` counts."""
        self._compiled = _compiled(tuple(rules))
        self.began_ns = began_ns
        """May be set later, when it is known better."""
        self._timeline = Timeline()
        self._mentions: dict[tuple[int, int], Mentions] = {}
        """By rule and pattern: each rule has its own idea of which mentions count."""
        self._told: dict[int, int] = {}
        """Rules that came true, and when the mention began by which they last did."""

    def feed(self, result: Recognised) -> list[Hit]:
        """What has come true with this result, which may overlap earlier ones."""
        touched: dict[int, list[Mention]] = {}
        for pattern, mentions in self._found(result).items():
            for number in self._compiled.users[pattern]:
                fresh = self._taken(number, pattern, mentions)
                if fresh:
                    touched.setdefault(number, []).extend(fresh)
        hits: list[Hit] = []
        for number in sorted(touched):
            hits += self._hits(number, touched[number])
        for number in self._compiled.late:
            first = self._compiled.rules[number].first_seconds
            if first is not None and self._since_began(result.start_ns) > first + SETTLED_NS / 1e9:
                hits += self._settled(number, None)
        return hits

    def finish(self, ended_ns: int) -> list[Hit]:
        """The leg is over: what is only known at its end."""
        hits: list[Hit] = []
        for number in self._compiled.late:
            last = self._compiled.rules[number].last_seconds
            hits += self._settled(number, None if last is None else ended_ns - int(last * 1e9))
        return hits

    # Mentions.

    def _found(self, result: Recognised) -> dict[int, list[Mention]]:
        """The mentions of each pattern in a result, in order, none overlapping another."""
        words = self._timeline.add(result)
        begin, end = self._timeline.fresh
        found: dict[int, list[Mention]] = {}
        taken: dict[int, int] = {}
        for one in self._compiled.index.find(words):
            if one.first <= taken.get(one.pattern, -1):
                continue
            if words[one.last].last >= begin and words[one.first].first < end:
                taken[one.pattern] = one.last
                found.setdefault(one.pattern, []).append(self._mention(one, words))
        return found

    def _mention(self, found: Found, words: list[Said]) -> Mention:
        part = words[found.first : found.last + 1]
        written = self._timeline.words[part[0].first : part[-1].last + 1]
        return Mention(
            part[0].start_ns,
            part[-1].end_ns,
            round(min(word.confidence for word in part) * found.sureness, 3),
            " ".join(word.text for word in written),
            self._compiled.index.patterns[found.pattern].text,
        )

    def _taken(self, number: int, pattern: int, mentions: Sequence[Mention]) -> list[Mention]:
        """The mentions that are new and count for a rule."""
        rule = self._compiled.rules[number]
        first = rule.first_seconds
        counted = [
            mention
            for mention in mentions
            if mention.confidence >= rule.confidence
            and (first is None or self._since_began(mention.start_ns) <= first)
        ]
        if not counted:
            return []
        known = self._mentions.setdefault((number, pattern), Mentions())
        return known.add(counted, self._timeline.cut_ns)

    def _since_began(self, at_ns: int) -> float:
        return (at_ns - self.began_ns) / 1e9

    # Hits.

    def _hits(self, number: int, fresh: list[Mention]) -> Iterator[Hit]:
        """What a rule makes of mentions that are new."""
        if self._compiled.plain[number]:
            yield from self._plain(number, sorted(fresh))
        elif number not in self._told and number not in self._compiled.late:
            yield from self._settled(number, None)

    def _plain(self, number: int, mentions: Sequence[Mention]) -> Iterator[Hit]:
        for mention in mentions:
            before = self._told.get(number)
            if before is None or abs(mention.start_ns - before) >= REFRACTORY_NS:
                self._told[number] = mention.start_ns
                yield self._hit(number, [mention])

    def _settled(self, number: int, since_ns: int | None) -> Iterator[Hit]:
        """The hits of a rule with what is known now; of one that has come true, none."""
        if number in self._told:
            return
        rule = self._compiled.rules[number]

        def lookup(phrase: Phrase) -> Sequence[Mention]:
            pattern = self._compiled.patterns[phrase.words, rule.variants]
            mentions = self._mentions.get((number, pattern))
            return mentions.within(since_ns) if mentions is not None else ()

        if is_plain(rule.said):
            found = [mention for phrase in phrases_of(rule.said) for mention in lookup(phrase)]
            yield from self._plain(number, sorted(found))
            return
        mentions = evidence(rule.said, lookup)
        if mentions:
            self._told[number] = mentions[-1].start_ns
            yield self._hit(number, sorted(mentions))

    def _hit(self, number: int, mentions: Sequence[Mention]) -> Hit:
        return Hit(
            rule=self._compiled.rules[number],
            text=" ... ".join(mention.text for mention in mentions)[:MAX_TEXT],
            phrases=tuple(dict.fromkeys(mention.phrase for mention in mentions)),
            start_ns=mentions[0].start_ns,
            end_ns=max(mention.end_ns for mention in mentions),
            confidence=min(mention.confidence for mention in mentions),
        )
