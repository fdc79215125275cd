import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import NOTHING, Configuration
from ringpool.lookup import NumberMatch, NumberTable
from tests.support.configurations import loaded

HEAD = """\
trunks: {a: h}
pools: {ads: {parameters: [place], publisher: press}}
campaigns: {c: t, d: t}
treatments: {t: [hang_up]}
numbers:
"""


def configuration(text: str) -> Configuration:
    return loaded(HEAD + text)


def table(text: str) -> NumberTable:
    return NumberTable(configuration(text))


def found(text: str, called: str) -> str | None:
    match = table(text).find(called)
    return None if match is None else match.pattern


def test_a_match_carries_what_the_number_stands_for() -> None:
    text = "  866 683 1950: {campaign: c, pool: ads, parameters: {place: footer}, refuse: 480}\n"
    assert table(text).find("sip:18666831950;rn=+1@192.0.2.1:5060") == NumberMatch(
        number="+18666831950",
        called="18666831950",
        campaign="c",
        publisher="press",
        pool="ads",
        binding={"place": "footer"},
        pattern="+18666831950",
        refuse=480,
    )


def test_the_campaigns_publisher_is_credited_when_the_number_names_none() -> None:
    text = HEAD.replace("c: t,", "c: {treatment: t, publisher: radio},")
    numbers = NumberTable(
        loaded(text + "  8666831950: c\n  8666831951: {campaign: c, publisher: x}\n")
    )
    publishers = [numbers.find(called) for called in ("8666831950", "8666831951")]
    assert [match.publisher for match in publishers if match] == ["radio", "x"]


@pytest.mark.parametrize(
    "called",
    [
        "8666831950",
        "+18666831950",
        "866-683-1950",
        "tel:+1-866-683-1950",
        "sip:8666831950@192.0.2.1",
        "sips:%2B18666831950@[::1]:5061;user=phone",
    ],
)
def test_a_number_is_found_however_it_is_dialled(called: str) -> None:
    assert found("  8666831950: c\n", called) == "+18666831950"


@pytest.mark.parametrize(
    "called",
    ["", "8666831951", "sip:192.0.2.1", "sip:", "tel:", "866683195", "x" * 5000, "sip:a@b@c", "\0"],
)
def test_other_numbers_are_not_live(called: str) -> None:
    text = "  8666831950: c\n  sip:sales@example.org: c\n  1xxxxx: {campaign: c, as_is: true}\n"
    assert found(text, called) is None


def test_an_empty_table_finds_nothing() -> None:
    assert table("").find("8666831950") is None


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("sip:sales@example.org", "sip:sales@example.org"),
        ("sip:sales@EXAMPLE.org:5080;transport=tcp", "sip:sales@example.org"),
        ("sip:sales@example.org:5070", "sip:sales@example.org:5070"),
        ("sip:Sales@example.org", None),
        ("sip:sales@example.com", None),
        ("sales", None),
    ],
)
def test_a_sip_uri_is_matched_by_user_and_host(called: str, expected: str | None) -> None:
    text = "  sip:sales@Example.org: c\n  sip:sales@example.org:5070: c\n"
    assert found(text, called) == expected


def test_the_number_of_a_uri_match_is_the_uri() -> None:
    match = table("  sip:sales@example.org: c\n").find("sip:sales@example.org:5080")
    assert match is not None
    assert (match.number, match.called) == ("sip:sales@example.org", "sales")
    assert match.binding == NOTHING


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("100000", "1XXXXX"),
        ("sip:199999@192.0.2.1", "1XXXXX"),
        ("1999999", None),
        ("19999", None),
        ("1abcde", None),
        ("200000", None),
        ("+100000", None),
        ("1\u0661\u0661\u0661\u0661\u0661", None),
    ],
)
def test_a_pattern_taken_as_it_is(called: str, expected: str | None) -> None:
    assert found("  1xxxxx: {campaign: c, as_is: true}\n", called) == expected


def test_a_number_taken_as_it_is_stays_as_it_was_dialled() -> None:
    match = table("  1xxxxx: {campaign: c, as_is: true}\n").find("sip:100001@192.0.2.1")
    assert match is not None
    assert (match.number, match.called) == ("100001", "100001")


SPECIFIC = """\
  8666831950: {campaign: c, as_is: true}
  +18666831950: c
  +1866683195x: c
  +186668319xx: c
  +186668318*: c
  +1866683xx50: c
  +1866*: c
  +44.: c
  +*: c
  "*": {campaign: c, as_is: true}
"""


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("8666831950", "8666831950"),
        ("18666831950", "+18666831950"),
        ("8666831951", "+1866683195X"),
        ("8666831960", "+186668319XX"),
        # As many written digits, but of fixed length.
        ("8666831850", "+1866683XX50"),
        ("8666831851", "+186668318*"),
        ("8666832950", "+1866683XX50"),
        ("8666832951", "+1866*"),
        ("+442079460000", "+44."),
        ("+4930123456", "+*"),
        ("911", "*"),
        ("anyone", "*"),
    ],
)
def test_the_most_specific_entry_wins(called: str, expected: str) -> None:
    assert found(SPECIFIC, called) == expected


def test_of_equals_the_one_written_further_left_wins() -> None:
    text = "  +1866xxxx111: c\n  +1866111xxxx: c\n"
    assert found(text, "8661110111") == "+1866111XXXX"
    reverse = "  +1866111xxxx: c\n  +1866xxxx111: c\n"
    assert found(reverse, "8661110111") == "+1866111XXXX"


@pytest.mark.parametrize(
    ("pattern", "called", "fits"),
    [
        ("12*", "12", True),
        ("12*", "123", True),
        ("12.", "12", False),
        ("12.", "123", True),
        ("1x*", "1", False),
        ("1x*", "1a", False),
        ("1x*", "12", True),
    ],
)
def test_wildcards(pattern: str, called: str, fits: bool) -> None:
    text = f'  "{pattern}": {{campaign: c, as_is: true}}\n'
    assert (found(text, called) is not None) is fits


def test_national_numbers_are_read_by_the_country_of_the_switch() -> None:
    text = f"switch: {{country: GB}}\n{HEAD}  020 7946 0000: c\n"
    match = NumberTable(loaded(text)).find("sip:442079460000@192.0.2.1")
    assert match is not None
    assert match.number == "+442079460000"


def test_many_patterns_of_one_form_are_one_look_up() -> None:
    numbers = "".join(f"  +1866{n:03}xxxx: c\n" for n in range(200, 1000))
    patterns = table(numbers)
    assert len(patterns._patterns._families) == 1
    match = patterns.find("8667771234")
    assert match is not None
    assert match.pattern == "+1866777XXXX"


DIGITS = st.text(alphabet="0123456789", min_size=6, max_size=6)


@given(st.lists(st.text(alphabet="12X", min_size=3, max_size=3), min_size=1, unique=True), DIGITS)
def test_the_table_agrees_with_trying_every_pattern(patterns: list[str], digits: str) -> None:
    usable = [one for one in patterns if "X" in one]
    called = digits[:3]
    text = "".join(f"  {one}: {{campaign: c, as_is: true}}\n" for one in usable)

    def fits(pattern: str) -> bool:
        return all(want in ("X", have) for want, have in zip(pattern, called, strict=True))

    fitting = [one for one in usable if fits(one)]
    answer = found(text, called)
    if not fitting:
        assert answer is None
    else:
        assert answer in fitting
        assert answer.count("X") == min(one.count("X") for one in fitting)


@given(st.text(max_size=60))
def test_no_called_number_raises(called: str) -> None:
    for prefix in ("", "sip:", "tel:"):
        HOSTILE.find(prefix + called)


HOSTILE = table(SPECIFIC + "  sip:sales@example.org: c\n")
