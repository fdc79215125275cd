"""Taking another configuration into force: in which order, what is refused, what goes on when
whoever asked is gone. The parts stand in; the real ones are in tests/scenarios/test_reload.py."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import softswitch.reload as module
from config.errors import ConfigError, ConfigErrors
from config.model import Configuration, Location
from ivr.prompts import PromptError
from softswitch.call.events import CallEvent, ConfigRefused, ConfigReloaded
from softswitch.call.stream import EventStream
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.reloading import ConfigurationRefused
from softswitch.reload import Reloader
from tests.support.configurations import loaded

TEXT = """
switch: {{listen: "127.0.0.1:{port}", database: {database}, tap: {tap}}}
trunks: {{carrier: 192.0.2.1}}
numbers: {{+1 866 683 1950: c}}
campaigns: {{c: {{treatment: t{more}}}}}
treatments: {{t: [hang_up: {status}]}}
"""

CAPS = "{d: {kind: daily, limit: 1}}"


def configuration(
    *, status: int = 603, port: int = 5060, database: str = "off", tap: str = "true", more: str = ""
) -> Configuration:
    return loaded(TEXT.format(status=status, port=port, database=database, tap=tap, more=more))


class Part:
    """A follower that says what it was told, and may refuse."""

    def __init__(self, steps: list[str], *, why: str = "") -> None:
        self.steps, self.why = steps, why

    async def prepare(self, configuration: Configuration) -> None:
        self.steps.append("prepare")
        if self.why:
            raise ConfigurationRefused.because(self.why)

    def use(self, configuration: Configuration) -> None:
        self.steps.append("use")


class Scene:
    """A reloader whose parts write down what is done to them."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.running = configuration()
        self.read: Callable[[], Configuration] = lambda: configuration(status=480)
        self.prompt_error: Exception | None = None
        self.told: list[CallEvent] = []
        events = EventStream()
        events.subscribe(self.told.append)
        self.part = Part(self.steps)
        parts: dict[str, Any] = {
            "switchboard": SimpleNamespace(calls={}),
            "prompts": SimpleNamespace(ready=self._ready, take=self._step("prompts")),
            "tracking": SimpleNamespace(
                take_over=self._async_step("database"), use=self._step("tracking")
            ),
            "make_snapshot": self._async_step("snapshot"),
        }
        self.reloader = Reloader(
            load=self._load,
            running=lambda: self.running,
            put=self._put,
            events=events,
            followers=[self.part],
            afterwards=[self._async_step("afterwards")],
            **parts,
        )

    def _step(self, name: str) -> Callable[..., None]:
        return lambda *_: self.steps.append(name)

    def _async_step(self, name: str) -> Callable[..., Any]:
        async def step(*_: object) -> None:
            self.steps.append(name)

        return step

    async def _ready(self, _configuration: Configuration) -> Any:
        if self.prompt_error is not None:
            raise self.prompt_error
        return SimpleNamespace(renewed=())

    def _load(self) -> Configuration:
        return self.read()

    def _put(self, configuration: Configuration, _snapshot: object) -> None:
        self.steps.append("put")
        self.running = configuration

    async def refused(self) -> ConfigurationRefused:
        before = self.running
        with pytest.raises(ConfigurationRefused) as refused:
            await self.reloader.reload(asked="crm")
        assert self.running is before
        assert not {"put", "use", "tracking", "prompts", "database"} & set(self.steps)
        assert isinstance(self.told[-1], ConfigRefused)
        return refused.value


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_everything_is_ready_before_anything_changes(scene: Scene) -> None:
    told = await scene.reloader.reload(asked="crm")
    assert scene.steps == [
        "snapshot", "prepare", "database", "prompts", "tracking", "put", "use", "afterwards",
    ]  # fmt: skip
    assert (told.version, told.before) == (scene.running.version, configuration().version)
    assert [(one.section, one.name) for one in told.changes] == [("treatments", "t")]
    (event,) = scene.told
    assert isinstance(event, ConfigReloaded)
    assert (event.asked, event.changes) == ("crm", 1)


async def test_a_dry_run_touches_nothing_and_tells_nobody(scene: Scene) -> None:
    before = scene.running
    told = await scene.reloader.reload(asked="crm", dry_run=True)
    assert told.total == 1
    assert scene.running is before
    assert scene.steps == ["snapshot", "prepare"]
    assert scene.told == []


async def test_what_a_part_refuses_does_not_come_into_force(scene: Scene) -> None:
    scene.part.why = "no recogniser is installed"
    assert [mistake.message for mistake in (await scene.refused()).mistakes] == [scene.part.why]


async def test_a_prompt_that_cannot_be_spoken_refuses_it(scene: Scene) -> None:
    scene.prompt_error = PromptError("no synthesiser is installed")
    assert "no synthesiser" in str(await scene.refused())


async def test_all_mistakes_are_told(scene: Scene) -> None:
    def read() -> Configuration:
        places = [Location("switch.yaml", line, 3) for line in (7, 2)]
        raise ConfigErrors([ConfigError(place, "it is wrong") for place in places])

    scene.read = read
    refused = await scene.refused()
    assert [mistake.line for mistake in refused.mistakes] == [2, 7]
    event = scene.told[-1]
    assert isinstance(event, ConfigRefused)
    assert (event.errors, event.first) == (2, "switch.yaml:2:3: it is wrong")


@pytest.mark.parametrize(
    ("running", "fresh", "why"),
    [
        ({"database": "off"}, {"database": "embedded", "more": f", caps: {CAPS}"},
         "is counted in a database; it is off"),
        ({"tap": "false"}, {"tap": "true", "more": ", record: true"}, "needs the tap; it is off"),
    ],
)  # fmt: skip
async def test_a_file_that_needs_a_restart_to_be_obeyed_is_refused(
    scene: Scene, running: dict[str, str], fresh: dict[str, str], why: str
) -> None:
    scene.running = configuration(**running)  # type: ignore[arg-type]
    scene.read = lambda: configuration(**fresh)  # type: ignore[arg-type]
    assert why in str(await scene.refused())


async def test_what_needs_a_restart_stays_and_is_named_until_it_came(scene: Scene) -> None:
    scene.read = lambda: configuration(port=5070)
    for _ in range(2):
        told = await scene.reloader.reload(asked="crm")
        assert told.needs_restart == ["switch.listen"]
        assert scene.running.switch.listen_port == 5060


async def test_it_comes_into_force_when_whoever_asked_is_gone(scene: Scene) -> None:
    gate = threading.Event()

    def read() -> Configuration:
        assert gate.wait(10)
        return configuration(status=480)

    scene.read = read
    asking = asyncio.create_task(scene.reloader.reload(asked="crm"))
    await asyncio.sleep(0.05)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert scene.steps == []
    gate.set()
    async with asyncio.timeout(10):
        while "afterwards" not in scene.steps:
            await asyncio.sleep(0.01)


async def test_wishes_are_fulfilled_one_after_the_other_and_only_so_many_wait(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    wishes = [asyncio.create_task(scene.reloader.reload(asked=str(n))) for n in range(4)]
    done = await asyncio.gather(*wishes, return_exceptions=True)
    assert isinstance(done[3], ControlError)
    assert done[3].code == ErrorCode.TOO_MANY_REQUESTS
    assert [event.asked for event in scene.told if isinstance(event, ConfigReloaded)] == [
        "0", "1", "2",
    ]  # fmt: skip
    assert scene.steps[:8] == scene.steps[8:16] == scene.steps[16:]


async def test_a_disk_that_fails_afterwards_is_logged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_configuration: Configuration) -> None:
        raise OSError("the spool cannot be opened")

    scene.reloader.afterwards.insert(0, fails)
    await scene.reloader.reload(asked="crm")
    assert "the spool cannot be opened" in caplog.text
    assert scene.steps[-1] == "afterwards"


async def test_a_signal_that_brings_mistakes_leaves_no_task_and_no_trace(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.part.why = "not so"
    scene.reloader.on_signal()
    async with asyncio.timeout(10):
        while not scene.told:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    assert isinstance(scene.told[0], ConfigRefused)
    assert scene.told[0].asked == "signal"
    assert caplog.text == ""
    await scene.reloader.close()


async def test_a_file_that_cannot_be_read_to_its_end_is_refused_in_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_SECONDS", 0.2)
    gate = threading.Event()
    scene.read = lambda: configuration(status=480) if gate.wait(30) else scene.running
    assert "could not be read within 0.2 s" in (await scene.refused()).mistakes[0].message
    assert "still hangs" in (await scene.refused()).mistakes[0].message
    gate.set()
    monkeypatch.setattr(module, "READ_SECONDS", 30.0)
    async with asyncio.timeout(30):
        while scene.reloader._reading is not None and not scene.reloader._reading.is_over:
            await asyncio.sleep(0.01)
    await scene.reloader.reload(asked="crm")
    assert "put" in scene.steps


async def test_closing_leaves_what_is_not_in_force(scene: Scene) -> None:
    gate = threading.Event()

    def read() -> Configuration:
        gate.wait(10)
        return configuration(status=480)

    scene.read = read
    asking = asyncio.create_task(scene.reloader.reload(asked="crm"))
    await asyncio.sleep(0.05)
    await scene.reloader.close()
    gate.set()
    (result,) = await asyncio.gather(asking, return_exceptions=True)
    assert isinstance(result, asyncio.CancelledError)
    assert scene.steps == []


async def test_the_interpreter_is_left_as_it_was(scene: Scene) -> None:
    before = sys.getswitchinterval(), gc.isenabled(), gc.get_freeze_count()
    await scene.reloader.reload(asked="crm")
    scene.part.why = "no"
    with pytest.raises(ConfigurationRefused):
        await scene.reloader.reload(asked="crm")
    assert (sys.getswitchinterval(), gc.isenabled(), gc.get_freeze_count()) == before
