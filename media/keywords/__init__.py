"""Keyword rules over recognised words: what was said, and when it makes a rule come true.

Told the words that a recogniser understood, with their times; knows nothing of sound, calls and
clocks. `KeywordMatcher` is the whole interface.
"""

from media.keywords.matcher import Hit, KeywordMatcher

__all__ = ["Hit", "KeywordMatcher"]
