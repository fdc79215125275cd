import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config import document
from config.document import MAX_DEPTH, Scalar, Sequence, Table, Tree, parse
from config.errors import ConfigErrors, Problems, TooManyProblemsError
from config.model import Location


def parsed(text: str | bytes, **variables: str) -> Tree:
    problems = Problems()
    content = text if isinstance(text, bytes) else text.encode()
    tree = parse(content, "f", variables, problems, used={})
    problems.raise_if_any()
    assert tree is not None
    return tree


def complaints(text: str | bytes) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        parsed(text)
    return [str(error) for error in caught.value.errors]


def plain(tree: Tree) -> object:
    """A tree as lists, dicts and text."""
    if isinstance(tree, Scalar):
        return tree.text
    if isinstance(tree, Sequence):
        return [plain(item) for item in tree.items]
    return {key: plain(value) for key, value in tree.entries.items()}


def at(tree: Tree, *keys: str | int) -> Tree:
    for key in keys:
        if isinstance(tree, Table) and isinstance(key, str):
            tree = tree.entries[key]
        elif isinstance(tree, Sequence) and isinstance(key, int):
            tree = tree.items[key]
    return tree


def test_scalars_stay_the_text_that_was_written() -> None:
    text = "a: 010\nb: 1:30\nc: no\nd: +16025551234\ne: 1_000\nf: 2001-01-01\ng: 0x1F\nh: 1e3\n"
    assert plain(parsed(text)) == {
        "a": "010",
        "b": "1:30",
        "c": "no",
        "d": "+16025551234",
        "e": "1_000",
        "f": "2001-01-01",
        "g": "0x1F",
        "h": "1e3",
    }


def test_everything_knows_where_it_stands() -> None:
    tree = parsed("a:\n  - x\n  - {k: v}\nbé: 'c'\n")
    assert tree.location == Location("f", 1, 1)
    assert at(tree, "a", 0).location == Location("f", 2, 5)
    assert at(tree, "a", 1, "k").location == Location("f", 3, 9)
    assert isinstance(tree, Table)
    assert tree.keys["bé"].location == Location("f", 4, 1)
    assert at(tree, "bé").location == Location("f", 4, 5)


@pytest.mark.parametrize(
    ("text", "absent"),
    [("a:", True), ("a: ~", True), ("a: null", True), ("a: ''", True), ("a: 'null'", False)],
)
def test_nothing_and_null_are_absent_unless_quoted(text: str, absent: bool) -> None:
    value = at(parsed(text), "a")
    assert isinstance(value, Scalar)
    assert value.absent is absent


def test_variables_are_replaced_in_keys_and_values() -> None:
    tree = parsed("${A}: x${B:-y}\n'${A}2': [\"${A}\"]\n", A="1")
    assert plain(tree) == {"1": "xy", "12": ["1"]}


def test_a_missing_variable_is_told_at_its_place() -> None:
    assert complaints("a: x${NO}\n") == ["f:1:5: the environment variable NO is not set"]
    assert complaints("a: |\n  x\n  ${NO}\n") == ["f:1:4: the environment variable NO is not set"]


def test_aliases_and_merge_keys_work() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 0}\nw: {<<: *x}\nv: *x\n"
    tree = plain(parsed(text))
    assert isinstance(tree, dict)
    assert tree["z"] == {"a": "0", "b": "2", "c": "4"}
    assert tree["w"] == tree["v"] == {"a": "1", "b": "2"}


def test_a_quoted_merge_key_is_a_plain_key() -> None:
    assert plain(parsed("'<<': x\n")) == {"<<": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", 'f:3:1: "a" stands twice here, first in line 1'),
        ("a:\n\tb: 1\n", "f:2:1: a tab may not indent; use spaces"),
        ("\ta: 1\n", "f:1:1: a tab may not indent; use spaces"),
        ("a: b: c\n", "f:1:5: this is not YAML: mapping values are not allowed in this context"),
        ("a: b: c\n", 'text with ": " in it must stand in quotes'),
        ("a: @x\n", 'text that begins with "@" must stand in quotes'),
        ("a: {b: ${X}}\n", "inside { } or [ ] a ${NAME} must stand in quotes"),
        ("b: 1\na: 'x\nc: 2\n", "2:4: this quote is never closed"),
        ("a: [1\n", "did not find expected ',' or ']'"),
        ("- a\nb: c\n", "did not find expected '-' indicator"),
        ("a: *b\n", "f:1:4: the alias *b was not defined before"),
        ("a: &a [*a]\n", "f:1:8: the alias *a contains itself"),
        ("a: &a {<<: *a}\n", "f:1:12: the alias *a contains itself"),
        ("a: {<<: x}\n", "f:1:5: << merges a mapping"),
        ("a: {<<: [x]}\n", "f:1:5: << merges a mapping"),
        ("? [a]\n: b\n", "f:1:3: a key must be text"),
        ("--- a\n--- b\n", "f:2:1: a file holds one document"),
        ("a: !!python/name:os.system x\n", "f:1:4: the tag !!python/name:os.system has no meaning"),
        ("a: !secret x\n", "f:1:4: the tag !secret has no meaning here"),
        ("a: !!set {x}\n", "f:1:4: the tag !!set has no meaning here"),
        ("", "f:1:1: the file is empty"),
        ("# only a comment\n", "f:1:1: the file is empty"),
        ("%YAML 3.0\n---\na: 1\n", "found incompatible YAML document"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_place(text: str, expected: str) -> None:
    (complaint,) = complaints(text)
    assert expected in complaint


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: \xff\n", "f:2:4: this is not UTF-8 text (byte 0xff)"),
        ("é: é\nx: ".encode() + b"\xe9\n", "f:2:4: this is not UTF-8 text (byte 0xe9)"),
        ("a: 1\n".encode("utf-16"), "f:1:1: this is not UTF-8 text"),
        (b"a: 1\nbb: \x00\n", "f:2:5: the character U+0000 may not stand in a text file"),
        (b"a: \x1b[1m\n", "f:1:4: the character U+001B may not stand in a text file"),
        ("a: \uffff\n".encode(), "f:1:4: the character U+FFFF"),
    ],
)
def test_bytes_that_are_no_text_are_told_with_their_place(content: bytes, expected: str) -> None:
    (complaint,) = complaints(content)
    assert expected in complaint


def test_a_byte_order_mark_and_carriage_returns_are_no_harm() -> None:
    assert plain(parsed(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")) == {"a": "1", "b": "2"}


def test_a_file_that_is_too_long_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 10)
    assert complaints("a: 123456789\n") == ["f:1:1: the file is longer than 0 MB"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_is_bounded_and_does_not_overrun_the_stack(opening: str) -> None:
    (complaint,) = complaints(opening * 100_000)
    assert f"nested more than {MAX_DEPTH} levels deep" in complaint


def test_values_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_NODES", 5)
    (complaint,) = complaints("[a, b, c, d, e, f]")
    assert "more than 5 values" in complaint


def test_aliases_of_aliases_stay_small() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    tree = parsed("\n".join(lines))
    # Ten to the thirtieth values if they were copied; here they are one list.
    assert at(tree, "a29", 0) is at(tree, "a28")


def test_merges_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_MERGED", 5)
    (complaint,) = complaints("a: &a {p: 1, q: 2}\nb: {<<: [*a, *a, *a]}\n")
    assert "merge keys copy more than 5 entries" in complaint


def test_the_parser_written_in_python_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path("config/examples/quickstart.yaml").read_bytes()
    with_c = plain(parsed(text))
    monkeypatch.setattr(document, "_PARSER", yaml.BaseLoader)
    assert plain(parsed(text)) == with_c
    assert "tab" in complaints("a:\n\tb: 1\n")[0]
    (complaint,) = complaints("[" * 3000)
    assert "nested more than" in complaint


def test_whatever_else_the_parser_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_NOT_PRINTABLE", re.compile("(?!)"))
    (complaint,) = complaints("a: \x01\n")
    assert complaint.startswith("f:1:1: this is not YAML: ")
    assert "\n" not in complaint


@settings(max_examples=200)
@given(st.text(alphabet="ab:-?[]{}&*!|>'\"%@#, \n\t$~<", max_size=60))
def test_no_text_raises_anything_but_problems(text: str) -> None:
    problems = Problems()
    try:
        tree = parse(text.encode(), "f", {}, problems, used={})
    except TooManyProblemsError:
        return
    assert tree is not None or problems
