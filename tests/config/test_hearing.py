import dataclasses
from pathlib import Path

import pytest

from config.model import Hearing
from tests.support.configurations import MINIMAL, loaded, told


def hearing(text: str) -> Hearing:
    return loaded(f"{MINIMAL}hearing: {text}\n").hearing


@pytest.mark.parametrize("text", ["", "{}", "~"])
def test_without_settings_everything_has_its_default(text: str) -> None:
    assert hearing(text) == Hearing()
    assert loaded(MINIMAL).hearing == Hearing()


def test_every_setting_reaches_the_model(tmp_path: Path) -> None:
    found = hearing(
        f"{{voice_activity: webrtc, engine: vosk, model: {tmp_path}, "
        "without_recogniser: ignore, workers: 2, "
        "in_band_digits: off, fax_tones: off, recordings: /r, quality: 30 s}"
    )
    assert found == Hearing(
        "webrtc", "vosk", tmp_path, "ignore", 2, in_band_digits=False, fax_tones=False,
        recordings=Path("/r"), quality_seconds=30.0,
    )  # fmt: skip
    assert all(
        getattr(found, field.name) != getattr(Hearing(), field.name)
        for field in dataclasses.fields(Hearing)
    )


def test_quality_may_be_in_the_record_only() -> None:
    assert hearing("{quality: off}").quality_seconds == 0.0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[x]", "expected the settings of hearing, not a list"),
        ("{engine: vosk}", '3:19: engine: vosk brings no model of its own (add "model")'),
        ("{engine: whisper, model: /m}", "model: whisper brings its own"),
        ("{engine: vosk, model: /no/such}", '3:32: model: there is no folder "/no/such"'),
        ("{model: /no/such}", 'model: there is no folder "/no/such"'),
        ("{engine: wisper}", 'did you mean "whisper"?'),
        ("{voice_activity: silro}", 'did you mean "silero"?'),
        ("{workers: 0}", "workers: expected a whole number, 1-64"),
        ("{quality: 0.5 s}", "quality: expected a time"),
        ('{recordings: ""}', '3:23: "recordings" is empty: expected a folder'),
        ("{recordings: '  '}", "recordings: expected a folder"),
        ("{wrkers: 1}", 'did you mean "workers"?'),
    ],
)
def test_mistakes_in_the_section(text: str, complaint: str) -> None:
    (found,) = told(f"{MINIMAL}hearing: {text}\n")
    assert complaint in found
