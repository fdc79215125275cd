import dataclasses
import gc
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import document
from config.errors import MAX_REPORTED
from config.loader import ConfigErrors, load
from config.model import Configuration
from tests.support.configurations import MINIMAL, FakeMedia, loaded, mistakes, told

EVERYTHING_WRONG = """\
switch:
  listen: 0.0.0.0:5060
  grace_tiem: 5 s
  advertise: ${NOT_SET}
trunks:
  b: {adress: 127.0.0.1}
pools:
  p: {parameters: [a, b], campaign: nope}
campaigns:
  c: {treatment: menuu}
  c: menu
treatments:
  menu:
    - conect: called
    - goto: nowhere
numbers:
  866: c
nmbers: {}
"""


def test_all_mistakes_are_told_at_once_sorted_by_place() -> None:
    places = [told_one.partition(": ")[0] for told_one in told(EVERYTHING_WRONG)]
    assert places == [
        "2:11",
        "3:3",
        "4:14",
        "6:6",
        "6:7",
        "8:37",
        "10:18",
        "11:3",
        "14:7",
        "15:13",
        "17:3",
        "18:1",
    ]


def test_a_snapshot_cannot_be_changed() -> None:
    configuration = loaded(MINIMAL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        configuration.switch.max_calls = 1  # type: ignore[misc]  # that is what is tested
    with pytest.raises(TypeError):
        configuration.trunks["x"] = configuration.trunks["carrier"]  # type: ignore[index]


def test_sections_may_come_in_any_order_and_stay_empty() -> None:
    text = "numbers:\ntreatments: {}\ncampaigns: ~\npools:\ntrunks: {a: h}\nswitch:\nx-mine: [1]\n"
    configuration = loaded(text)
    assert configuration.numbers == ()
    assert configuration.source == Path("test.yaml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a\n", "1:1: expected the sections switch, control, defence, "),
        ("just text\n", '1:1: expected the sections'),
        ("trunks: {a: h}\nnumers: {}\n", '2:1: "numers" is no section (did you mean "numbers"?)'),
        ("trunks: {a: h}\nzzzz: {}\n", '2:1: "zzzz" is no section (sections: switch, control'),
        ("trunks: {a: h}\nnumbers: [x]\n", "2:10: numbers: expected a mapping from names to"),
        ("trunks: {a: h}\ntreatments: x\n", '2:13: treatments: expected a mapping from names'),
        ("", "1:1: the file is empty"),
    ],
)  # fmt: skip
def test_mistakes_at_the_top(text: str, complaint: str) -> None:
    (found,) = told(text)
    assert found.startswith(complaint)


def test_a_missing_variable_is_the_only_mistake_at_its_place() -> None:
    text = """\
trunks: {a: '${NO}'}
campaigns: {c: {treatment: '${NO}'}}
numbers: {'8666831950': '${NO}', '${NO}': c}
treatments: {t: '${NO}'}
"""
    assert [one for one in told(text) if "NO is not set" not in one] == []
    assert len(told(text)) == 5


def test_the_version_changes_with_the_content_and_with_the_variables() -> None:
    text = "trunks: {a: '${HOST:-h}'}\n"
    first = loaded(text).version
    assert len(first) == 12
    assert loaded(text, environment={"OTHER": "x"}).version == first
    assert loaded(text, environment={"HOST": "i"}).version != first
    assert loaded(text + "\n").version != first


def test_collection_of_garbage_goes_on_after_loading() -> None:
    assert gc.isenabled()
    loaded(MINIMAL)
    mistakes("")
    assert gc.isenabled()


# Files.


def complaint_about(path: Path) -> str:
    with pytest.raises(ConfigErrors) as caught:
        load(path, {})
    (error,) = caught.value.errors
    assert (error.line, error.column) == (1, 1)
    return error.message


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    assert complaint_about(tmp_path / "none.yaml") == "there is no such file"
    assert complaint_about(tmp_path) == "this is a folder, not a file"
    assert complaint_about(tmp_path / ("x" * 300)) == "File name too long"
    assert "null byte" in complaint_about(Path("a\0b"))


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert complaint_about(tmp_path / "pipe.yaml") == "this is not a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(MINIMAL)
    path.chmod(0)
    assert complaint_about(path) == "it may not be read"


def test_a_device_without_end_is_told() -> None:
    assert complaint_about(Path("/dev/zero")) == "this is not a file"


def test_a_file_that_is_too_long_is_told_however_long_it_is(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert "the file is longer than" in complaint_about(path)


def test_a_file_loads_by_its_name_as_text_too(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(MINIMAL)
    assert load(str(path), {}).source == path


# Bounds.


def test_reading_stops_after_many_mistakes() -> None:
    with pytest.raises(ConfigErrors) as caught:
        loaded(MINIMAL + "numbers:\n" + "".join(f"  {n}: c\n" for n in range(2 * MAX_REPORTED)))
    assert len(caught.value.errors) == MAX_REPORTED
    assert "reading stopped" in str(caught.value)


def test_a_bomb_of_aliases_is_read_without_harm() -> None:
    lines = ["x-0: &a0 {k: v}"]
    lines += [f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 60)]
    assert loaded("\n".join([*lines, MINIMAL])).numbers == ()
    (complaint,) = told("\n".join([*lines, MINIMAL, "numbers: *a59"]))
    assert "expected a mapping" in complaint


def test_many_numbers_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_NODES", 20_000)
    head = MINIMAL + "campaigns: {c: t}\ntreatments: {t: [connect: called]}\nnumbers:\n"
    lines = "".join(
        f"  {8666800000 + n}: {{campaign: c, parameters: {{place: p{n}}}}}\n" for n in range(2000)
    )
    numbers = loaded(head + lines).numbers
    assert len(numbers) == 2000
    assert numbers[-1].parameters == {"place": "p1999"}


# Whatever is written, the answer is a configuration or a list of mistakes.

MANY_WORDS = (
    "switch trunks numbers pools campaigns treatments listen menu play connect goto hang_up "
    "choices prompt to number c t 1 x-a 127.0.0.1:5060 +16025551234 1xxxxx sip:a@b true ~ ${A} *"
)
WORDS = st.sampled_from([*MANY_WORDS.split(), "30 s", ""])
TREES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=30,
)


def flow(tree: object) -> str:
    if isinstance(tree, dict):
        return f"{{{', '.join(f'{flow(key)}: {flow(value)}' for key, value in tree.items())}}}"
    if isinstance(tree, list):
        return f"[{', '.join(map(flow, tree))}]"
    return f"'{tree}'"


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(WORDS, TREES, max_size=6))
def test_any_tree_gives_a_configuration_or_mistakes(tree: dict[str, object]) -> None:
    text = flow(tree)
    if not mistakes(text, media=FakeMedia(), environment={"A": "1"}):
        assert isinstance(loaded(text, media=FakeMedia(), environment={"A": "1"}), Configuration)


def test_what_was_read_is_gone_at_once_when_nobody_has_it(tmp_path: Path) -> None:
    """A switch reads its file again and again, and its collector looks at little."""
    path = tmp_path / "switch.yaml"
    path.write_text("trunks: {c: &here {address: 192.0.2.1}, d: {<<: *here}}\ncampaigns: {}\n")
    load(path, {})
    gc.collect()
    gc.disable()
    try:
        load(path, {})
        assert gc.collect() == 0
    finally:
        gc.enable()
