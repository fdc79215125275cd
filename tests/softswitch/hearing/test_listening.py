"""What the parts of hearing tell together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from media.speech.recognition.engines import RecogniserError
from softswitch.call.events import HearingDegraded
from softswitch.hearing.listening import Listening


class Scene:
    """Hearing as it is put together, less the parts that hear."""

    def __init__(self) -> None:
        self.told: list[HearingDegraded] = []
        self.levels: list[int] = []
        self.listening = cast("Any", object.__new__(Listening))
        self.listening._services = SimpleNamespace(
            events=SimpleNamespace(publish=self.told.append),
            wall_clock=lambda: 1.0,
            now=lambda: 1.0,
        )
        self.listening.speech = SimpleNamespace(behind=False, overload=self.levels.append)
        self.listening._tick = SimpleNamespace(load=SimpleNamespace(level=0), left_out=lambda: ())

    def last(self) -> tuple[int, tuple[str, ...], str]:
        event = self.told[-1]
        return event.level, event.left_out, event.why


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_recognisers_that_fall_behind_are_an_event_and_that_they_keep_up_another(
    scene: Scene,
) -> None:
    scene.listening.speech.behind = True
    scene.listening._on_behind("2 s behind")
    assert scene.last() == (1, ("rolling keyword windows",), "2 s behind")
    scene.listening.speech.behind = False
    scene.listening._on_behind("keeps up")
    assert scene.last() == (0, (), "keeps up")


def test_all_is_not_well_while_recognisers_are_behind(scene: Scene) -> None:
    scene.listening.speech.behind = True
    scene.listening._on_level(0, (), "quiet for 5 s")
    assert scene.last() == (1, ("rolling keyword windows",), "quiet for 5 s")


class Engines:
    """A recogniser that says why it cannot be loaded."""

    available = True

    def __init__(self, why: str) -> None:
        self.why = why
        self.started = False

    async def start(self) -> None:
        self.started = True

    async def stop(self) -> None:
        self.started = False

    async def refusal(self, _within: float) -> str:
        return self.why


class Speech:
    """The stage of it."""

    def __init__(self, why: str) -> None:
        self.engines = Engines(why)


@pytest.mark.parametrize("without", ["error", "ignore"])
async def test_a_recogniser_that_cannot_be_loaded_keeps_the_switch_from_starting(
    scene: Scene, without: str, caplog: pytest.LogCaptureFixture
) -> None:
    listening = scene.listening
    wanting = SimpleNamespace(hearing=SimpleNamespace(without_recogniser=without))
    listening.speech = Speech("")
    await listening._start_speech("a caller", wanting)
    assert listening.speech.engines.started
    listening.speech = Speech("/m is no model of vosk's")
    if without == "ignore":
        await listening._start_speech("a caller", wanting)
        assert "a caller is not understood: /m is no model of vosk's" in caplog.text
        return
    with pytest.raises(RecogniserError, match="a caller is to be understood: /m is no model"):
        await listening._start_speech("a caller", wanting)
    assert not listening.speech.engines.started


async def test_a_recogniser_that_worked_before_goes_on_when_another_configuration_is_refused(
    scene: Scene,
) -> None:
    listening = scene.listening
    listening.speech = Speech("the model is gone")
    listening.speech.engines.started = True
    wanting = SimpleNamespace(hearing=SimpleNamespace(without_recogniser="error"))
    with pytest.raises(RecogniserError):
        await listening._start_speech("a caller", wanting)
    assert listening.speech.engines.started


def test_speech_is_told_the_level_of_overload(scene: Scene) -> None:
    for level, left_out in ((2, ("speech",)), (0, ())):
        scene.listening._on_level(level, left_out, "why")
        assert scene.last() == (level, left_out, "why")
    assert scene.levels == [2, 0]
