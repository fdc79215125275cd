"""Activating numbers: two at once, a disk that is full, whoever asked gone."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

import softswitch.control.number_desk as module
from config.model import Number
from ringpool.lookup import NumberTable
from softswitch.call.events import CallEvent, NumberActivated, NumberWithdrawn
from softswitch.call.stream import EventStream
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.number_desk import NumberDesk
from softswitch.store.number_file import NumberFile
from tests.support.configurations import loaded

TEXT = """
switch: {database: off}
trunks: {carrier: 192.0.2.1}
numbers: {+1 866 683 1950: {campaign: c, publisher: p1}, +1602555XXXX: c}
campaigns: {c: t, other: t}
treatments: {t: [hang_up: 603]}
"""
FRESH = Number("+18005550000", "exact", "other")


class Slow(NumberFile):
    """A disk that takes its time, or is full."""

    seconds = 0.0
    full = False

    def _write(self, line: object) -> None:
        time.sleep(self.seconds)
        if self.full:
            raise OSError(28, "No space left on device")
        super()._write(line)  # type: ignore[arg-type]


class Scene:
    def __init__(self, folder: Path) -> None:
        self.file = Slow(folder)
        configuration = loaded(TEXT)
        self.table = NumberTable(configuration, activated=self.file.numbers)
        stream = EventStream()
        self.told: list[CallEvent] = []
        stream.subscribe(self.told.append)
        self.desk = NumberDesk(self.file, lambda: self.table, lambda: configuration, stream)

    async def activate(self, number: Number = FRESH) -> Number:
        return await self.desk.activate(number, asked="crm")

    async def withdraw(self, called: str) -> None:
        match = self.desk.find(called)
        assert match is not None
        await self.desk.withdraw(match, asked="crm")

    async def refused(self, number: Number) -> ErrorCode:
        with pytest.raises(ControlError) as error:
            await self.activate(number)
        return error.value.code


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_of_two_at_once_one_gets_the_number(scene: Scene) -> None:
    scene.file.seconds = 0.05
    results = await asyncio.gather(
        scene.activate(), scene.activate(Number(FRESH.pattern, "exact", "c")),
        return_exceptions=True,
    )  # fmt: skip
    assert results[0] == FRESH
    assert isinstance(results[1], ControlError)
    assert results[1].code == ErrorCode.NUMBER_IN_USE
    assert len(scene.told) == 1


async def test_the_same_twice_is_told_once(scene: Scene) -> None:
    assert await scene.activate() == await scene.activate() == FRESH
    assert [type(event) for event in scene.told] == [NumberActivated]


async def test_what_the_disk_refuses_did_not_happen(scene: Scene) -> None:
    scene.file.full = True
    assert await scene.refused(FRESH) == ErrorCode.INTERNAL_ERROR
    assert scene.desk.find(FRESH.pattern) is None
    assert scene.told == []
    with pytest.raises(ControlError, match="No space left"):
        await scene.withdraw("+18666831950")
    assert scene.desk.find("+18666831950") is not None


async def test_a_change_comes_to_its_end_when_whoever_asked_goes(scene: Scene) -> None:
    scene.file.seconds = 0.1
    asking = asyncio.create_task(scene.activate())
    await asyncio.sleep(0.02)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await scene.desk.close()
    assert scene.desk.find(FRESH.pattern) is not None
    assert len(scene.told) == 1


async def test_a_number_of_the_configuration_comes_back_as_it_was(scene: Scene) -> None:
    listed = "+18666831950"
    await scene.withdraw(listed)
    assert scene.desk.find(listed) is None
    other = Number(listed, "exact", "other")
    assert await scene.refused(other) == ErrorCode.NUMBER_IN_USE
    assert scene.desk.find(listed) is None
    back = await scene.activate(Number(listed, "exact", ""))
    assert (back.campaign, back.publisher) == ("c", "p1")
    assert scene.desk.find(listed) is not None
    assert [type(event) for event in scene.told] == [NumberWithdrawn, NumberActivated]


async def test_a_number_of_a_pattern_comes_back_for_another_campaign(scene: Scene) -> None:
    number = "+16025550001"
    await scene.withdraw(number)
    await scene.activate(Number(number, "exact", "other"))
    match = scene.desk.find(number)
    assert match is not None
    assert match.campaign == "other"
    await scene.withdraw(number)
    match = scene.desk.find(number)
    assert match is not None
    assert match.campaign == "c"


async def test_there_are_only_so_many(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ACTIVATED", 1)
    await scene.activate()
    assert await scene.refused(Number("+18005550001", "exact", "c")) == ErrorCode.LIMIT_REACHED


@pytest.mark.parametrize(
    "number",
    [
        Number("+16025550001", "exact", "other"),
        Number("6025550001", "exact", "other", as_is=True),
        Number("sip:6025550001@example.org", "uri", "other"),
        Number("+18666831950", "exact", "other"),
        Number("8005550007", "exact", "other", as_is=True),
        Number("sip:sales@example.org:5070", "uri", "other"),
        Number("sales", "exact", "other", as_is=True),
        Number("+18005550009", "exact", "other"),
    ],
    ids=lambda number: number.pattern,
)
@pytest.mark.parametrize("withdrawn", [False, True])
async def test_calls_of_a_campaign_are_not_taken_by_whoever_does_not_see_it(
    scene: Scene, number: Number, withdrawn: bool
) -> None:
    await scene.activate(Number("+18005550007", "exact", "c"))
    await scene.activate(Number("sip:sales@example.org", "uri", "c"))
    await scene.activate(Number("sip:8005550009@example.org", "uri", "c"))
    if withdrawn and number.pattern.endswith("50001"):
        await scene.withdraw("+16025550001")
    before = dict(scene.file.numbers.numbers), dict(scene.file.numbers.withdrawn)
    with pytest.raises(ControlError, match="of another campaign") as error:
        await scene.desk.activate(number, asked="crm", sees={"other"}.__contains__)
    assert error.value.code is ErrorCode.NUMBER_IN_USE
    assert (scene.file.numbers.numbers, scene.file.numbers.withdrawn) == before


async def test_a_token_of_some_campaigns_activates_what_is_nobodys_or_its_own(scene: Scene) -> None:
    for number in (FRESH, Number("+16025550001", "exact", "c")):
        done = await scene.desk.activate(number, asked="crm", sees={number.campaign}.__contains__)
        assert done == number
        again = await scene.desk.activate(number, asked="crm", sees={number.campaign}.__contains__)
        assert again == number
