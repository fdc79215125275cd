import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.expression import ExpressionError, parse_template
from config.expression.template import MAX_PARTS, MAX_TEMPLATE
from config.model import Expression, Fact
from tests.support.expressions import mistake, vocabulary


def parts(text: str) -> list[object]:
    """The parts of a template; expressions as their terms."""
    template = parse_template(text, vocabulary())
    assert template.text == text
    return [part.term if isinstance(part, Expression) else part for part in template.parts]


def test_a_bare_name_is_a_parameter_of_the_binding() -> None:
    assert parts("interested in {keyword}?") == [
        "interested in ",
        Fact("binding.keyword", "text"),
        "?",
    ]


def test_a_bare_name_that_is_a_fact_is_the_fact() -> None:
    assert parts("{campaign}") == [Fact("campaign", "text")]


def test_a_parameter_may_have_a_space_in_its_name() -> None:
    assert parts('{ad group}{binding."ad group"}') == [Fact("binding.ad group", "text")] * 2


def test_doubled_braces_are_braces() -> None:
    assert parts("{{a}} {{{keyword}}}") == ["{a} {", Fact("binding.keyword", "text"), "}"]


def test_a_brace_within_quotes_does_not_close() -> None:
    assert len(parts("{lower('}')}!")) == 2


def test_text_without_braces_is_constant() -> None:
    assert parse_template("hello", vocabulary()).constant == "hello"
    assert parse_template("", vocabulary()).constant == ""
    assert parse_template("a{keyword}", vocabulary()).constant is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a {keyword", '2: a "{" is not closed by "}" (a brace itself is written {{)'),
        ("a {b {keyword}}", '2: a "{" is not closed'),
        ("a } b", '2: a "}" without "{" (a brace itself is written }})'),
        ("a {} b", "3: nothing stands here"),
        ("a {keywrd} b", '3: no pool or number has a parameter "keywrd" (did you mean'),
        ("a {caller.stat}", '3: "caller.stat" is no fact (did you mean'),
        ("a {hour +} b", "9: expected a value or fact, not the end"),
        ("x" * (MAX_TEMPLATE + 1), "0: longer than"),
        ("{hour}" * (MAX_PARTS * 2 + 1), "0: more than"),
    ],
)
def test_a_mistake_is_told_where_it_stands_in_the_whole_text(text: str, told: str) -> None:
    assert mistake(text, parse_template).startswith(told)


@given(st.text("{}a'\" \\hour=", max_size=30))
def test_any_text_is_a_template_or_a_mistake_inside_it(text: str) -> None:
    position = 0
    try:
        parse_template(text, vocabulary())
    except ExpressionError as error:
        position = error.position
    assert 0 <= position <= len(text)


@given(st.text(max_size=30))
def test_text_with_doubled_braces_is_the_text(text: str) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert parse_template(doubled, vocabulary()).constant == text
