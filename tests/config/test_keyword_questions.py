import pytest

from tests.support.configurations import loaded, told

RULES = "keywords: {rules: {mate: {say: friend or my buddy, leg: caller}, card: credit card}}"


def told_of(condition: str, keywords: str = RULES) -> list[str]:
    return told(f"""\
trunks: {{a: h}}
campaigns:
  c:
    treatment: t
    {keywords}
    rating:
      - {{when: {condition}, rate: high}}
treatments: {{t: [hang_up]}}
""")


@pytest.mark.parametrize(
    "condition",
    [
        'keyword("mate")',
        'keyword("MATE", "caller")',
        'keyword("friend")',
        'keyword("my buddy")',
        'keyword("Credit-Card", "agent")',
        "keyword_count('card') >= 2 and keyword_score > 5",
    ],
)
def test_a_keyword_is_a_rule_or_what_one_listens_for(condition: str) -> None:
    assert told_of(f"'{condition}'" if "'" not in condition else f'"{condition}"') == []


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ('keyword("mat")', '7:17: keyword: nobody listens for "mat" (did you mean "mate"?)'),
        ('keyword("credit cart")', 'did you mean "credit card"?'),
        ('keyword("zzz")', "rules: card, mate"),
        ('bridged or keyword("zzz")', "7:28: keyword: nobody"),
        ('keyword("friend", "agent")', "is listened for on the other leg only (the rule says"),
        ('keyword_count("zzz") > 1', 'keyword_count: nobody listens for "zzz"'),
    ],
)
def test_a_keyword_that_nobody_listens_for_is_a_mistake(condition: str, complaint: str) -> None:
    (found,) = told_of(f"'{condition}'")
    assert complaint in found


def test_without_keywords_nothing_is_listened_for() -> None:
    (found,) = told_of("""'keyword("friend")'""", "price: 1")
    assert 'nobody listens for "friend" (add "keywords: [friend]" to the campaign)' in found


def test_a_keyword_must_be_written_out() -> None:
    (found,) = told_of("keyword(caller.name)")
    assert "rule must be written out, as a text in quotes" in found


def test_a_treatment_asks_for_the_keywords_of_any_campaign() -> None:
    text = """\
trunks: {{a: h}}
campaigns:
  c: t
  d: {{treatment: t, keywords: [friend]}}
treatments:
  t:
    - condition: {{if: 'keyword("{word}")', then: [hang_up]}}
"""
    assert told(text.format(word="friend")) == []
    (found,) = told(text.format(word="buddy"))
    assert '7:24: keyword: nobody listens for "buddy"' in found


SYNDICATED = """\
trunks: {a: h}
campaigns:
  full:
    treatment: t
    record: true
    keywords: [friend]
    transcribe: true
    fax: f
  copy: {syndicates: full, rating: [{when: 'keyword("friend")', rate: high}]}
  own: {syndicates: full, record: {format: ulaw}, keywords: [buddy], transcribe: no, fax: t}
  none: {syndicates: full, record: no}
  deaf: {syndicates: full, keywords: off}
treatments: {t: [hang_up], f: [hang_up]}
"""


def test_a_syndicated_campaign_hears_what_it_says_itself_else_what_its_original_does() -> None:
    found = loaded(SYNDICATED).campaigns
    full, copy, own, none = (found[name] for name in ("full", "copy", "own", "none"))
    assert (copy.record, copy.keywords, copy.transcribe, copy.fax) == (
        full.record, full.keywords, True, "f",
    )  # fmt: skip
    assert own.record is not None
    assert own.record.sample_format == "ulaw"
    assert own.keywords is not None
    assert [rule.name for rule in own.keywords.rules] == ["buddy"]
    assert (own.transcribe, own.fax) == (False, "t")
    assert (none.record, none.keywords) == (None, full.keywords)
    assert (found["deaf"].record, found["deaf"].keywords) == (full.record, None)


def test_the_fax_treatment_needs_a_trunk_too() -> None:
    (found,) = told("""\
trunks: {a: h, b: i}
campaigns: {c: {treatment: t, fax: f}}
treatments: {t: [hang_up], f: [connect: +1 602 555 1234]}
""")
    assert "no trunk leads to this destination" in found
