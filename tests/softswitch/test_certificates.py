"""Certificates that end soon are told of, those in force and not those in the file."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from softswitch.call.events import CertificateExpiring
from softswitch.certificates import CertificateWatch
from softswitch.transport import Tls, TlsFiles
from tests.support.certificates import CERTIFICATE, KEY, certificate_until
from tests.support.configurations import loaded

DAY = 86_400.0
TEXT = """
switch: {{tls: {{certificate: {sip}, key: {key}}}, data: {folder}, database: off}}
control: {{tls: {{certificate: {control}, key: {key}}}}}
trunks: {{carrier: 127.0.0.1:5080}}
numbers: {{1xxxxx: {{campaign: direct, as_is: true}}}}
campaigns: {{direct: direct}}
treatments: {{direct: [hang_up]}}
"""


class Desk:
    """What the watch needs of the services, with clocks that tests turn."""

    def __init__(self) -> None:
        self.days = 0.0
        self.told: list[dict[str, Any]] = []

    def now(self) -> float:
        return self.days * DAY

    def wall_clock(self) -> float:
        return time.time() + self.days * DAY

    def tell(self, kind: type, **facts: Any) -> None:
        assert kind is CertificateExpiring
        self.told.append(facts)


def watch(folder: Path, sip: str, control: str = CERTIFICATE) -> tuple[CertificateWatch, Desk, Any]:
    for name, text in (("sip.pem", sip), ("control.pem", control), ("key.pem", KEY)):
        (folder / name).write_text(text)
    settings = loaded(
        TEXT.format(
            sip=folder / "sip.pem",
            control=folder / "control.pem",
            key=folder / "key.pem",
            folder=folder,
        )
    )
    desk = Desk()
    return CertificateWatch(desk, settings), desk, settings  # type: ignore[arg-type]


def test_a_certificate_is_told_of_once_a_day_from_thirty_days_on(tmp_path: Path) -> None:
    one, desk, _ = watch(tmp_path, certificate_until(31))
    one.look()
    assert desk.told == []
    desk.days = 1.5
    for _ in range(3):
        one.look()
    (told,) = desk.told
    assert (told["section"], told["path"]) == ("switch", str(tmp_path / "sip.pem"))
    assert told["days_left"] == pytest.approx(29.5, abs=0.1)
    desk.days = 33.0
    one.look()
    assert desk.told[1]["days_left"] == pytest.approx(-2.0, abs=0.1)
    assert one.status()["control"]["days_left"] > 30_000


def test_the_first_of_a_chain_to_end_counts(tmp_path: Path) -> None:
    one, _, _ = watch(tmp_path, CERTIFICATE + certificate_until(3))
    assert one.status()["switch"]["days_left"] == pytest.approx(3.0, abs=0.1)


async def test_a_renewed_file_counts_when_it_is_in_force(tmp_path: Path) -> None:
    one, desk, settings = watch(tmp_path, certificate_until(5))
    one.look()
    (tmp_path / "sip.pem").write_text(certificate_until(90))
    desk.days = 1.1
    one.look()
    assert len(desk.told) == 2
    await one.prepare(settings)
    one.use(settings)
    assert one.status()["switch"]["days_left"] == pytest.approx(88.9, abs=0.1)
    assert len(desk.told) == 2


def test_a_file_that_is_gone_is_a_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, desk, settings = watch(tmp_path, CERTIFICATE)
    (tmp_path / "sip.pem").unlink()
    one = CertificateWatch(desk, settings)  # type: ignore[arg-type]
    assert list(one.status()) == ["control"]
    assert "sip.pem: No such file" in caplog.text


async def test_it_looks_when_it_starts_and_ends_with_the_switch(tmp_path: Path) -> None:
    one, desk, _ = watch(tmp_path, certificate_until(2))
    desk.loop = asyncio.get_running_loop()  # type: ignore[attr-defined]
    one.start()
    async with asyncio.timeout(10):
        while not desk.told:
            await asyncio.sleep(0)
    await one.close()


def test_a_certificate_that_a_trunk_has_shown_is_told_of_too(tmp_path: Path) -> None:
    _, desk, settings = watch(tmp_path, CERTIFICATE)
    tls = Tls(TlsFiles(tmp_path / "sip.pem", tmp_path / "key.pem"))
    one = CertificateWatch(desk, settings, tls)  # type: ignore[arg-type]
    end = time.strftime("%b %d %H:%M:%S %Y GMT", time.gmtime(time.time() + 10 * DAY))
    tls.note_peer("carrier.test", {"notAfter": end})
    tls.note_peer("unverified.test", {})
    tls.note_peer("nothing.test", None)
    one.look()
    one.look()
    (told,) = desk.told
    assert (told["section"], told["path"]) == ("trunk", "carrier.test")
    assert told["days_left"] == pytest.approx(10.0, abs=0.1)
    assert list(one.status()) == ["switch", "control", "trunk carrier.test"]
