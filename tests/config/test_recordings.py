import pytest

from config.model import Recording
from config.recordings import RECORDING_KIND
from tests.support.configurations import read_kind, told


@pytest.mark.parametrize(
    ("text", "recording"),
    [
        ("true", Recording()),
        ("no", None),
        ("{}", Recording()),
        ("{minimum: 5 s, format: ulaw}", Recording(5.0, "ulaw")),
    ],
)
def test_a_recording_is_a_truth_or_its_settings(text: str, recording: Recording | None) -> None:
    assert read_kind(RECORDING_KIND, text) == recording


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("perhaps", "record: expected true or false"),
        ("5 s", 'record: expected true or false, not "5 s" (record: {minimum: 5 s})'),
        ("mp3", "settings stand in braces: record: {minimum: 5 s}"),
        ("{format: mp3}", 'format: expected pcm or ulaw, not "mp3"'),
        ("{minimum: 2 h}", "minimum: expected a time"),
        ("{minimun: 2 s}", 'did you mean "minimum"?'),
    ],
)
def test_mistakes_in_recordings(text: str, complaint: str) -> None:
    (found,) = told(
        f"trunks: {{a: h}}\ncampaigns: {{c: {{treatment: t, record: {text}}}}}\n"
        "treatments: {t: [hang_up]}\n"
    )
    assert complaint in found
