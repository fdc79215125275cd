"""A file that is over before its tape: it is kept, and the tape may be written to another one."""

from __future__ import annotations

from pathlib import Path

from media.recording import (
    Begin,
    ClipDone,
    Cut,
    Discarded,
    Finish,
    Outcome,
    Record,
    Saved,
    Sound,
    Stop,
)
from media.recording.taping import Taping
from tests.support.taped_sound import block, click_places, clicks, read_stereo

SECOND_NS = 1_000_000_000


class Desk:
    """Taping whose files are closed at once."""

    def __init__(self, history: float = 0.0) -> None:
        self.outcomes: list[Outcome] = []
        self.taping = Taping(self.outcomes.append, lambda work: work())
        self.do = self.taping.do
        self.do(Begin(1, 0, history))

    def record(self, path: Path, second: int, *, minimum: float = 0.0) -> None:
        self.do(Record(1, path, second * SECOND_NS, "pcm", minimum))

    def hear(self, second: int) -> None:
        """A second with a click in the middle."""
        sound = clicks(8000, 8000, first=4000)
        one = block(sound, start_ns=second * SECOND_NS, position=second * 8000, channel=0, source=0)
        self.do(Sound(1, (second + 1) * SECOND_NS, (one,)))

    def stop(self, second: int) -> None:
        self.do(Stop(1, second * SECOND_NS))


def test_each_file_has_the_sound_of_its_time(tmp_path: Path) -> None:
    desk = Desk()
    for number, second in ((1, 0), (2, 3)):
        desk.record(tmp_path / f"{number}.wav", second)
        desk.hear(second)
        desk.stop(second + 1)
        desk.hear(second + 1)
    desk.do(Finish(1, 6 * SECOND_NS))
    assert [type(one) for one in desk.outcomes] == [Saved, Saved]
    for number in (1, 2):
        left, _ = read_stereo(tmp_path / f"{number}.wav")
        assert len(left) == 8000
        assert click_places(left) == [4000]


def test_a_file_stopped_early_is_as_long_as_the_campaign_wants_or_gone(tmp_path: Path) -> None:
    desk = Desk()
    desk.record(tmp_path / "short.wav", 0, minimum=2.0)
    desk.hear(0)
    desk.stop(1)
    (outcome,) = desk.outcomes
    assert isinstance(outcome, Discarded)
    assert list(tmp_path.iterdir()) == []


def test_clips_are_cut_when_the_file_is_over(tmp_path: Path) -> None:
    desk = Desk(history=10.0)
    desk.record(tmp_path / "call.wav", 0)
    desk.hear(0)
    desk.stop(1)
    desk.hear(1)
    desk.do(Cut(1, 7, tmp_path / "clip.wav", SECOND_NS // 2, 3 * SECOND_NS // 2, "pcm"))
    assert isinstance(desk.outcomes[-1], ClipDone)
    left, _ = read_stereo(tmp_path / "clip.wav")
    assert len(left) == 8000


def test_a_stop_of_what_is_not_recorded_says_nothing() -> None:
    desk = Desk()
    desk.stop(1)
    desk.do(Stop(99, SECOND_NS))
    assert desk.outcomes == []
