import pytest

from config.model import Number
from config.numbers import classify
from config.reading import RefusedError
from tests.support.configurations import loaded, told

HEAD = """\
trunks: {a: h}
pools:
  ads: {parameters: [website, path], campaign: sale, publisher: press}
campaigns: {sale: t, other: t}
treatments: {t: [hang_up]}
numbers:
"""


def numbers(text: str) -> tuple[Number, ...]:
    return loaded(HEAD + text).numbers


def complaints(text: str) -> list[str]:
    return told(HEAD + text)


def test_a_number_is_its_campaign_or_settings() -> None:
    assert numbers("  866 683 1950: sale\n") == (Number("+18666831950", "exact", "sale"),)
    text = (
        "  1xxxxx: {campaign: other, as_is: true, publisher: x, refuse: 480, parameters: {m: no}}\n"
    )
    assert numbers(text) == (
        Number("1XXXXX", "pattern", "other", "x", None, {"m": "no"}, as_is=True, refuse=480),
    )


def test_a_number_in_a_pool_has_the_pools_campaign_and_publisher_unless_it_names_its_own() -> None:
    text = """\
  888 869 5345: {pool: ads, parameters: {website: one, path: home}}
  800 123 8888: {pool: ads, campaign: other, publisher: x, parameters: {website: "", path: 010}}
"""
    first, second = numbers(text)
    assert (first.campaign, first.publisher, first.pool) == ("sale", "press", "ads")
    assert (second.campaign, second.publisher) == ("other", "x")
    assert dict(second.parameters) == {"website": "", "path": "010"}


@pytest.mark.parametrize(
    ("text", "as_is", "expected"),
    [
        ("+18666831950", False, ("+18666831950", "exact")),
        ("866.683.1950", False, ("+18666831950", "exact")),
        ("866683xxxx", False, ("+1866683XXXX", "pattern")),
        ("+1866*", False, ("+1866*", "pattern")),
        ("+44.", False, ("+44.", "pattern")),
        ("+*", False, ("+*", "pattern")),
        ("sip:Sales@Example.ORG", False, ("sip:Sales@example.org", "uri")),
        ("SIP:sales@[::1]:5070", True, ("sip:sales@[::1]:5070", "uri")),
        ("911", True, ("911", "exact")),
        ("*97", True, ("*97", "exact")),
        ("max", True, ("max", "exact")),
        ("8666831950", True, ("8666831950", "exact")),
        ("1xxxxx", True, ("1XXXXX", "pattern")),
        ("12*", True, ("12*", "pattern")),
        ("*", True, ("*", "pattern")),
        ("*1x.", True, ("*1X.", "pattern")),
    ],
)
def test_what_a_number_is(text: str, as_is: bool, expected: tuple[str, str]) -> None:
    assert classify(text, "US", as_is=as_is) == expected


@pytest.mark.parametrize(
    ("text", "as_is", "message"),
    [
        ("911", False, '"911" is no phone number in US'),
        ("sales", False, '"sales" is no phone number in US'),
        ("1xxxxx", False, '"1xxxxx" is no pattern of numbers in US'),
        ("1866*", False, '"1866*" is no pattern'),
        ("*", False, '"*" is no pattern'),
        ("a b", True, "is nothing that can be dialled"),
        ("a@b", True, "is nothing that can be dialled"),
        ("sip:sales@example.org;user=phone", False, "without parameters"),
        ("sip:%00@example.org", False, "nobody sees"),
        ("sip:a%0D%0Ab@example.org", True, "nobody sees"),
        ("1\u202e2", True, "nothing that can be dialled"),
        ("sips:sales@example.org", False, "use sip: here"),
        ("1" * 300, False, "is longer than 250 characters"),
    ],
)
def test_what_is_no_number(text: str, as_is: bool, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        classify(text, "US", as_is=as_is)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "  8666831950: sale\n  +1 866 683 1950: other\n",
            ['8:3: number: "+1 866 683 1950" is +18666831950, which stands in line 7 already'],
        ),
        (
            "  866683xxxx: sale\n  +1866683XXXX: sale\n",
            ['8:3: number: "+1866683XXXX" stands in line 7 already'],
        ),
        ("  911: sale\n", ['7:3: number: "911" is no phone number in US (begin with + and the'
         " country code, or set as_is: true to take it as it is)"]),
        ("  8666831950: sael\n", ['7:15: campaign: there is no campaign "sael" (did you mean'
         ' "sale"?)']),
        ("  8666831950:\n", ['7:14: a number needs a "campaign", here or in its pool']),
        ("  8666831950: {publisher: x}\n",
         ['7:3: a number needs a "campaign", here or in its pool']),
        ("  8666831950: [x]\n", ["7:15: expected the settings of a number, not a list"]),
        ("  8666831950: {pool: adds}\n",
         ['7:22: pool: there is no pool "adds" (did you mean "ads"?)']),
        ("  8666831950: {pool: ads, parameters: {}}\n",
         ['7:39: parameters: the pool "ads" needs a value for website, path']),
        ("  8666831950: {pool: ads, parameters: {website: 1, path: 2, paht: 3}}\n",
         ['7:61: parameters: "paht" is no parameter of the pool "ads" (did you mean "path"?)']),
        ("  8666831950: {pool: ads, parameters: x}\n",
         ["7:39: parameters: expected a mapping from the names of parameters to their values,"
          ' not "x"']),
        ("  8666831950: {campaign: sale, parameters: {a: [x], b: {c: d}}}\n",
         ["7:48: parameters: a: expected text of up to 2000 characters",
          "7:56: parameters: b: expected text of up to 2000 characters"]),
        ("  8666831950: {campaign: sale, parameters: {'': x}}\n",
         ["7:45: parameters: the name of a parameter has 1 to 100 characters"]),
        ("  8666831950: {campaign: sale, refuse: 503}\n",
         ["7:40: refuse: expected a status to refuse with: 404, 410, 480, 486, 600, 603,"
          ' not "503"']),
        ("  ${NO}: sale\n", ["7:3: the environment variable NO is not set"]),
    ],
)  # fmt: skip
def test_mistakes_in_numbers(text: str, expected: list[str]) -> None:
    assert complaints(text) == expected


def test_parameters_are_bounded() -> None:
    many = ", ".join(f"p{i}: x" for i in range(51))
    (found,) = complaints(f"  8666831950: {{campaign: sale, parameters: {{{many}}}}}\n")
    assert "at most 50 parameters, not 51" in found


def test_the_same_text_as_it_is_and_as_a_number_are_two_entries() -> None:
    both = numbers("  8666831950: sale\n  '8666831950 ': {campaign: other, as_is: true}\n")
    assert [number.pattern for number in both] == ["+18666831950", "8666831950"]


def test_national_numbers_are_the_countrys() -> None:
    text = HEAD.replace("trunks:", "switch: {country: GB}\ntrunks:") + "  020 7946 0000: sale\n"
    assert loaded(text).numbers[0].pattern == "+442079460000"
