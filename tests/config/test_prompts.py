import os
from pathlib import Path

import pytest

from config.model import Play, Prompt
from config.prompts import wav_problem
from tests.support.configurations import FakeMedia, loaded, mistakes, nodes, with_treatment

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


def complaints(step: str, folder: Path = Path()) -> list[str]:
    text = with_treatment(step)
    return [str(it) for it in mistakes(text, media=FakeMedia(), path=folder / "test.yaml")]


@pytest.mark.parametrize(
    ("step", "prompt"),
    [
        ("- play: Hello there.", Prompt(text="Hello there.")),
        ("- play: {text: no}", Prompt(text="no")),
        ("- play: {tone: Chime}", Prompt(tone="chime")),
    ],
)
def test_a_prompt_is_a_text_or_a_tone(step: str, prompt: Prompt) -> None:
    (play,) = nodes(step)
    assert isinstance(play, Play)
    assert play.prompt == prompt


def test_a_wav_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "a.wav").write_bytes(WAV)
    text = with_treatment("- play: {wav: prompts/a.wav}")
    configuration = loaded(text, path=tmp_path / "test.yaml", media=FakeMedia())
    (play,) = configuration.treatments["test"].nodes
    assert isinstance(play, Play)
    assert play.prompt == Prompt(wav=tmp_path / "prompts" / "a.wav")


def test_two_prompts_of_the_same_content_are_one_key() -> None:
    first, second = nodes("- play: Hello.\n- play: Hello.")
    assert isinstance(first, Play)
    assert isinstance(second, Play)
    assert first.prompt.location != second.prompt.location
    assert len({first.prompt, second.prompt}) == 1


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ("- play: {text: a, tone: busy}", "6:13: a prompt is one of text, wav and tone, not text"
         " and tone"),
        ("- play: {barge_in: true}", "6:13: a prompt is one of text, wav and tone, not nothing"),
        ("- play: {text: }", '6:20: "text" is empty'),
        ("- play:", "6:12: step: expected text (up to 2000 characters), not nothing"),
        ("- play: [a]", "6:13: expected the settings of play, not a list"),
        ("- connect: {to: called, prompt: [a]}", "6:37: prompt: expected a prompt, not a list"),
        ("- connect: {to: called, prompt: {}}", "6:37: a prompt is one of text, wav and tone"),
        ("- connect: {to: called, prompt: {txt: a}}", '"txt" is no setting of a prompt'),
        ("- play: {tone: buzy}", "6:20: tone: expected the name of a tone"),
        ("- play: {wav: none.wav}", "6:19: wav: none.wav: there is no such file"),
        ("- play: {wav: ..}", "6:19: wav: ..: this is not a file"),
        ('- play: {wav: "a\\0b"}', "6:19: wav: expected text of one line"),
    ],
)  # fmt: skip
def test_mistakes_in_prompts(step: str, complaint: str) -> None:
    found = complaints(step)
    assert any(complaint in one for one in found), found


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("text.wav", b"RIFF but no audio", "this is not a WAV file"),
        ("empty.wav", b"", "this is not a WAV file"),
        ("bad.wav", WAV, "the audio is bad"),
    ],
)
def test_a_file_that_is_no_audio_is_told(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (complaint,) = complaints(f"- play: {{wav: {name}}}", tmp_path)
    assert complaint.endswith(f"{name}: {problem}")


def test_a_pipe_is_no_prompt(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert wav_problem(tmp_path / "pipe.wav") == "this is not a file"


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    problem = wav_problem(tmp_path / ("x" * 300))
    assert problem is not None
    assert "File name too long" in problem
