from pathlib import Path

import pytest

from config.keywords import KEYWORDS_KIND, MAX_RULES
from config.model import ALL_VARIANTS, AnySaid, KeywordRule, Keywords, Phrase
from tests.support.configurations import loaded, mistakes, read_kind, told

FRIEND = Phrase(("friend",))


def keywords(text: str) -> Keywords:
    found: Keywords = read_kind(KEYWORDS_KIND, text)
    return found


def rules(text: str) -> tuple[KeywordRule, ...]:
    return keywords(text).rules


def told_of(text: str) -> list[str]:
    return told(
        f"trunks: {{a: h}}\ncampaigns: {{c: {{treatment: t, keywords: {text}}}}}\n"
        "treatments: {t: [hang_up]}\n"
    )


def test_a_list_of_words_is_short_for_rules_of_that_name() -> None:
    found = keywords('[friend, credit card, "no thanks", friend or buddy]')
    assert [(rule.name, rule.text) for rule in found.rules] == [
        ("friend", "friend"),
        ("credit card", "credit card"),
        ("no thanks", "no thanks"),
        ("friend or buddy", "friend or buddy"),
    ]
    assert found.rules[0].said == FRIEND
    assert found.rules[1].said == Phrase(("credit", "card"))
    assert isinstance(found.rules[3].said, AnySaid)
    assert found == Keywords(found.rules, "rolling", "auto", hint=False, clip_seconds=5.0)


def test_one_word_may_stand_alone() -> None:
    (rule,) = rules("friend")
    assert rule == KeywordRule("friend", FRIEND, "friend")
    assert rule.variants == ALL_VARIANTS


def test_a_rule_named_after_a_quoted_phrase_has_no_quotes_in_its_name() -> None:
    (rule,) = rules("""['"no thanks"']""")
    assert (rule.name, rule.said) == ("no thanks", Phrase(("no", "thanks")))


def test_every_setting_reaches_the_model() -> None:
    found = keywords(
        "{mode: segment, engine: vosk, hint: true, clip: off, rules: {card: credit card, "
        "mate: {say: friend or buddy, leg: caller, first: 30 s, weight: -10, "
        "variants: [stem, plural], confidence: 0.4}, "
        "bye: {say: goodbye, leg: agent, last: 1 min, variants: off}}}"
    )
    assert (found.mode, found.engine, found.hint, found.clip_seconds) == (
        "segment",
        "vosk",
        True,
        0.0,
    )
    card, mate, bye = found.rules
    assert card == KeywordRule("card", Phrase(("credit", "card")), "credit card")
    assert (mate.name, mate.side, mate.first_seconds, mate.weight) == ("mate", "caller", 30.0, -10)
    assert (mate.variants, mate.confidence) == (frozenset(("stem", "plural")), 0.4)
    assert (bye.side, bye.last_seconds, bye.variants) == ("agent", 60.0, frozenset())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[friend, buddy and]", "2:59: keywords: expected a phrase, not the end"),
        ("[friend, Friend]", 'rule "Friend" stands twice'),
        ("{rules: {a: 'x or'}}", "2:58: rule a: expected a phrase, not the end"),
        ("{rules: {a: friend, A: buddy}}", 'rule "A" stands twice'),
        ("{rules: {a: {say: friend, leg: callr}}}", 'did you mean "caller"?'),
        ("{rules: {a: {say: 'nera(a, b, 1 s)'}}}", 'did you mean "near"?'),
        ("{rules: {a: {leg: caller}}}", 'a keyword rule needs "say"'),
        ("{rules: {a: {say: x, weight: 101}}}", "weight: expected a whole number, -100 to 100"),
        ("{rules: {a: {say: x, confidence: 1.5}}}", "confidence: expected a number, 0 to 1"),
        (
            "{rules: {a: {say: x, variants: [stem, stems]}}}",
            '2:79: variants: expected stem, plural or homophones, not "stems" (did you mean "st',
        ),
        ("{rules: {a: {say: x, variants: stems}}}", 'did you mean "stem"?'),
        ("{rules: {a: {say: x, variants: {stem: yes}}}}", "or off, not settings"),
        ("true", 'expected what is listened for, not "true" (such as keywords: [friend]'),
        ("yes", 'the word itself is ["yes"]'),
        ("", '"keywords" is empty: expected keywords (keywords: off for none)'),
        ("~", '"keywords" is empty'),
        ("[fri*]", '"*" in "fri*" stands for nothing: there are no wildcards (a word counts'),
        ('["fri\\x07end"]', "a character that cannot be said: U+0007"),
        ("{rules: {a: {say: x, first: 1 s, last: 1 s}}}", "first part of a call or to the last"),
        ("{rules: {a: x}, mode: roling}", 'did you mean "rolling"?'),
        ("{rules: {a: x}, clip: 31 s}", "clip: expected a time"),
        ("{mode: rolling}", 'keywords needs "rules"'),
        ("{friend: {say: friend}}", '"friend" is no setting of keywords'),
        ("[]", f"expected 1 to {MAX_RULES} entries, not 0"),
        ("[[friend]]", "expected words that are said"),
    ],
)  # fmt: skip
def test_mistakes_in_keywords(text: str, complaint: str) -> None:
    found = told_of(text)
    assert any(complaint in one for one in found), found


@pytest.mark.parametrize("word", ["off", "no", "false", "No"])
def test_keywords_may_be_off(word: str) -> None:
    assert read_kind(KEYWORDS_KIND, word) is None


@pytest.mark.parametrize("text", ['"no"', "[no]", "[off, yes]"])
def test_in_quotes_or_a_list_no_is_a_word(text: str) -> None:
    assert rules(text)[0].text in ("no", "off")


@pytest.mark.parametrize(
    ("engine", "hearing", "known"),
    [
        ("auto", "{}", False),
        ("whisper", "{}", False),
        ("vosk", "{}", True),
        ("auto", "{engine: vosk, model: FOLDER}", True),
        ("auto", "{model: FOLDER}", True),
        ("whisper", "{engine: vosk, model: FOLDER}", False),
    ],
)
def test_words_of_another_script_need_a_model_of_their_language(
    engine: str, hearing: str, known: bool, tmp_path: Path
) -> None:
    found = told(
        f"""\
hearing: {hearing.replace("FOLDER", str(tmp_path))}
trunks: {{a: h}}
campaigns:
  c: {{treatment: t, keywords: {{engine: {engine}, rules: {{city: hello or \u6771\u4eac}}}}}}
  d: {{syndicates: c}}
treatments: {{t: [hang_up]}}
""".encode()
    )
    if known:
        assert found == []
    else:
        (message,) = found
        assert '"\u6771\u4eac" has no letter that the recogniser knows' in message
        assert message.startswith("4:")


def test_accents_and_digits_are_known_to_every_recogniser() -> None:
    assert told_of("[caf\u00e9, na\u00efve, 24 7]") == []


def test_a_mistake_in_a_quoted_rule_is_told_at_its_column() -> None:
    (found,) = mistakes("""\
        trunks: {a: h}
        campaigns:
          c:
            treatment: t
            keywords:
              rules:
                refund:
                  say: 'refund and not'
        treatments: {t: [hang_up]}
        """)
    assert (found.line, found.column) == (8, 31)


def test_rules_take_environment_variables() -> None:
    found = loaded(
        """\
        trunks: {a: h}
        campaigns: {c: {treatment: t, keywords: ["${WORD:-friend}"]}}
        treatments: {t: [hang_up]}
        """,
        environment={"WORD": "buddy"},
    ).campaigns["c"]
    assert found.keywords is not None
    assert found.keywords.rules[0].said == Phrase(("buddy",))
