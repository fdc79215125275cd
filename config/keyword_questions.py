"""Whether somebody listens for what conditions ask of keywords.

A campaign's own conditions need a rule of that campaign; a treatment's need one of any campaign,
since several may lead to it.
"""

from collections.abc import Iterable, Mapping

from config.errors import Problems, did_you_mean
from config.kinds import known_names
from config.model import Campaign, Constant, KeywordRule
from config.reading import KeywordQuestion, shorten
from config.said import phrases_of
from config.words import words_of

__all__ = ["check_keyword_questions"]


def check_keyword_questions(
    questions: Iterable[KeywordQuestion], campaigns: Mapping[str, Campaign], problems: Problems
) -> None:
    """Note each question that could never be answered by yes."""
    for question in questions:
        asked = [
            argument.value
            for argument in question.function.arguments
            if isinstance(argument, Constant) and isinstance(argument.value, str)
        ]
        if asked and (not question.campaign or question.campaign in campaigns):
            side = asked[1] if len(asked) > 1 else ""
            _check(question, asked[0], side, _rules(question.campaign, campaigns), problems)


def _rules(name: str, campaigns: Mapping[str, Campaign]) -> list[KeywordRule]:
    """The rules of a campaign, or of all."""
    listening = [campaigns[name]] if name else list(campaigns.values())
    return [rule for one in listening if one.keywords for rule in one.keywords.rules]


def _check(
    question: KeywordQuestion,
    word: str,
    side: str,
    rules: list[KeywordRule],
    problems: Problems,
) -> None:
    function, place = question.function.name, question.location
    found = [rule for rule in rules if _listens(rule, word)]
    if not found:
        message = f'{function}: nobody listens for "{shorten(word)}"'
        if not rules:
            problems.add(place, message, f'add "keywords: [{shorten(word)}]" to the campaign')
            return
        known = [rule.name for rule in rules]
        phrases = [" ".join(phrase.words) for rule in rules for phrase in phrases_of(rule.said)]
        hint = did_you_mean(word, [*known, *phrases]) or known_names(known, "rules")
        problems.add(place, message, hint)
    elif side and all(rule.side not in ("any", side) for rule in found):
        message = f'{function}: "{shorten(word)}" is listened for on the other leg only'
        problems.add(place, message, f"the rule says: leg: {found[0].side}")


def _listens(rule: KeywordRule, word: str) -> bool:
    """Whether it is the rule's name, or words that it listens for."""
    if rule.name.lower() == word.lower():
        return True
    words = words_of(word)
    return any(phrase.words == words for phrase in phrases_of(rule.said))
