"""The composition root on real sockets: it starts, says why it cannot, takes a call, lets go of
everything."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.model import Configuration, Recording
from media.wav import write_wav
from softswitch.app import App, StartError
from softswitch.log import LogWriter
from softswitch.machine import engine_threads_for, raise_open_file_limit
from softswitch.serving import serve
from softswitch.sip.events import InviteAnswered, InviteReceived, InviteRejected, ResponseReceived
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.stack import Stack
from softswitch.transport import Endpoint, Transport
from tests.support.configurations import loaded
from tests.support.laboratory import session_description
from tests.support.ports import free_rtp_range, free_sip_port, is_free

TEXT = """
switch:
  listen: 127.0.0.1:{sip}
  rtp_ports: {first}-{last}
  data: {data}
  database: off
  grace_time: 0 s
  without_synthesiser: chime
  log_level: {level}
  transports: [{transports}]
trunks:
  carrier: 127.0.0.1:{trunk}
numbers:
  1xxxxx: {{campaign: direct, as_is: true}}
campaigns:
  direct: direct
treatments:
  direct:
    - connect: {{to: called, ring_time: 5 s}}
  asked:
    - play: {{{prompt}}}
"""


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Threads, descriptors, log handlers and signal handlers are as before."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    threads = threading.active_count()
    gc.collect()
    before = descriptors()
    yield
    root.handlers, root.level = handlers, level
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    gc.collect()
    assert descriptors() == before
    assert threading.active_count() <= threads


def descriptors() -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(entry.readlink()).partition(":")[0])
        except FileNotFoundError:
            continue  # the folder's own
    return sorted(found)


def configuration(
    folder: Path,
    *,
    sip: int | None = None,
    rtp: tuple[int, int] | None = None,
    trunk: int = 5080,
    prompt: str = "tone: chime",
    level: str = "warning",
    transports: str = "udp, tcp",
) -> Configuration:
    first, last = rtp or free_rtp_range(20)
    return loaded(
        TEXT.format(
            sip=sip or free_sip_port(), first=first, last=last, data=folder / "data",
            trunk=trunk, prompt=prompt, level=level, transports=transports,
        )
    )  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogWriter]:
    """A log that is written to `tmp_path`/log."""
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    writer = LogWriter(fd)
    yield writer
    writer.close()
    os.close(fd)


@asynccontextmanager
async def running(settings: Configuration, log: LogWriter) -> AsyncIterator[App]:
    app = App(settings)
    await app.start(log=log)
    try:
        yield app
    finally:
        await app.stop(linger=0)


def runs(app: App) -> bool:
    return app.engine.is_running


async def test_it_opens_what_the_configuration_says_and_closes_it(
    tmp_path: Path, log: LogWriter
) -> None:
    settings = configuration(tmp_path)
    switch = settings.switch
    async with running(settings, log) as app:
        assert not is_free(switch.listen_port)
        assert not is_free(switch.listen_port, kind=socket.SOCK_STREAM)
        assert runs(app)
        assert (switch.data / "records.jsonl").exists()
        assert (switch.data / "journal.jsonl").exists()
    assert is_free(switch.listen_port)
    assert is_free(switch.listen_port, kind=socket.SOCK_STREAM)
    assert not runs(app)
    await asyncio.sleep(0)  # what was cancelled takes its leave
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_it_starts_again_on_the_same_folder_and_ports(tmp_path: Path, log: LogWriter) -> None:
    settings = configuration(tmp_path)
    for _ in range(3):
        async with running(settings, log) as app:
            assert app.recovered == 0


async def test_a_second_switch_on_the_same_folder_is_refused(
    tmp_path: Path, log: LogWriter
) -> None:
    async with running(configuration(tmp_path), log):
        second = App(configuration(tmp_path))
        with pytest.raises(StartError, match=f"in use by another switch .pid {os.getpid()}"):
            await second.start(log=log)


async def test_a_port_that_is_taken_is_named_and_everything_let_go(
    tmp_path: Path, log: LogWriter
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        app = App(configuration(tmp_path, sip=port, transports="udp"))
        with pytest.raises(StartError, match=str(port)):
            await app.start(log=log)
        assert not hasattr(app, "engine"), "SIP is asked for before anything that takes time"
    # The folder's lock went with it.
    async with running(configuration(tmp_path), log):
        pass


async def test_a_prompt_that_cannot_be_read_is_named(tmp_path: Path, log: LogWriter) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.zeros(800, np.int16))
    app = App(configuration(tmp_path, prompt=f"wav: {path}"))
    path.write_bytes(b"not audio")
    with pytest.raises(StartError, match=r"a\.wav"):
        await app.start(log=log)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, log: LogWriter) -> None:
    app = App(configuration(tmp_path))
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StartError, match="data"):
        await app.start(log=log)


@pytest.mark.parametrize("kind", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
@pytest.mark.parametrize(
    "name", ["records.jsonl", "numbers.jsonl", "opt-outs.jsonl", "journal.jsonl", "paused.json"]
)
async def test_a_file_of_the_data_folder_that_is_none_is_named(
    name: str, kind: Callable[[Path], None], tmp_path: Path, log: LogWriter
) -> None:
    (tmp_path / "data").mkdir()
    kind(tmp_path / "data" / name)
    with pytest.raises(StartError) as caught:
        async with asyncio.timeout(30):
            await App(configuration(tmp_path)).start(log=log)
    told = str(caught.value)
    assert told.startswith(f"{tmp_path}/data/{name}: ")
    assert told.endswith((": Is a directory", ": not a regular file"))


async def test_a_folder_of_recordings_that_cannot_be_made_is_named(
    tmp_path: Path, log: LogWriter
) -> None:
    settings = configuration(tmp_path)
    (name, campaign), *_ = settings.campaigns.items()
    folder = tmp_path / "file" / "recordings"
    folder.parent.touch()
    settings = replace(
        settings,
        campaigns={name: replace(campaign, record=Recording())},
        hearing=replace(settings.hearing, recordings=folder),
    )
    with pytest.raises(StartError, match=f"folder of recordings {folder}: Not a directory"):
        await App(settings).start(log=log)


async def test_calls_that_a_dead_switch_left_open_are_recorded_before_it_is_ready(
    tmp_path: Path, log: LogWriter
) -> None:
    settings = configuration(tmp_path)
    settings.switch.data.mkdir()
    facts = {"call_id": "c1", "received_at": "2026-01-01T00:00:00.000Z", "legs": []}
    lines = [{"journal": 1, "records_size": 0}, {"open": "c1", "facts": facts}]
    (settings.switch.data / "journal.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines)
    )
    async with running(settings, log) as app:
        assert app.recovered == 1
    (record,) = (settings.switch.data / "records.jsonl").read_text().splitlines()
    assert json.loads(record)["ended_by"] == "crash"


class Peer:
    """Caller and called party in one: the product's own stack on a real socket."""

    def __init__(self) -> None:
        self.transport = Transport([Endpoint("udp", "127.0.0.1", 0)])
        self.port = self.transport.endpoints[0].port
        self.stack = Stack(
            listeners=[Listener("udp", "127.0.0.1", self.port)],
            identify=lambda _request, _flow: True,
        )
        self.events: list[object] = []
        self.answers = True

    async def start(self) -> None:
        await self.transport.start(self.stack, self._on_event)

    def _on_event(self, event: object) -> None:
        self.events.append(event)
        if isinstance(event, InviteReceived) and self.answers:
            event.invite.accept(body=session_description(9), now=time.monotonic())

    def invite(self, number: str, port: int) -> None:
        self.stack.invite(
            uri=f"sip:{number}@127.0.0.1:{port}",
            to_flow=Flow("udp", "127.0.0.1", port),
            from_="<sip:+16025550100@127.0.0.1>",
            to=f"<sip:{number}@127.0.0.1>",
            contact_user="peer",
            body=session_description(9),
            now=asyncio.get_running_loop().time(),
        )
        self.transport.flush()

    def options(self, port: int) -> None:
        self.stack.request(
            "OPTIONS",
            uri=f"sip:127.0.0.1:{port}",
            to_flow=Flow("udp", "127.0.0.1", port),
            from_="<sip:peer@127.0.0.1>",
            to=f"<sip:127.0.0.1:{port}>",
            now=asyncio.get_running_loop().time(),
        )
        self.transport.flush()

    def last(self, kind: type) -> object | None:
        return next((event for event in reversed(self.events) if isinstance(event, kind)), None)


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    one = Peer()
    await one.start()
    try:
        yield one
    finally:
        await one.transport.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_call_goes_through_and_stopping_ends_and_records_it(
    tmp_path: Path, log: LogWriter
) -> None:
    async with peer() as one:
        settings = configuration(tmp_path, trunk=one.port)
        async with running(settings, log) as app:
            one.invite("100001", settings.switch.listen_port)
            await until(lambda: one.last(InviteAnswered))
            assert len(app.switchboard.calls) == 1
            assert app.engine.counters.ports_in_use == 2
        (line,) = (settings.switch.data / "records.jsonl").read_text().splitlines()
        record = json.loads(line)
        assert (record["ended_by"], record["cause"]) == ("switch", "shutdown")
        assert record["legs"][0]["status"] == record["legs"][1]["status"] == 200


async def test_draining_ends_calls_after_the_grace_period_and_refuses_others(
    tmp_path: Path, log: LogWriter
) -> None:
    async with peer() as one:
        settings = configuration(tmp_path, trunk=one.port)
        port = settings.switch.listen_port
        async with running(settings, log) as app:
            one.invite("100001", port)
            await until(lambda: one.last(InviteAnswered))
            await app.drain()
            assert not app.switchboard.calls
            one.options(port)
            await until(lambda: one.last(ResponseReceived))
            answer = one.last(ResponseReceived)
            assert isinstance(answer, ResponseReceived)
            assert answer.response.status == 503
            one.invite("100001", port)
            await until(lambda: one.last(InviteRejected))


async def test_stopping_lets_a_lost_bye_be_sent_again_for_a_while(
    tmp_path: Path, log: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with peer() as one:
        settings = configuration(tmp_path, trunk=one.port)
        app = App(settings)
        await app.start(log=log)
        one.invite("100001", settings.switch.listen_port)
        await until(lambda: one.last(InviteAnswered))
        monkeypatch.setattr(one.stack, "receive_datagram", lambda *_args, **_facts: None)
        began = time.monotonic()
        await app.stop(linger=0.3)
        assert time.monotonic() - began >= 0.25


async def test_signals_drain_and_then_end(tmp_path: Path) -> None:
    settings = configuration(tmp_path)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    ready: list[App] = []
    switch = asyncio.create_task(serve(settings, on_ready=ready.append))
    await until(lambda: ready)
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(0.05)
    assert not switch.done(), "a hang-up of the terminal is no reason to stop"
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        await switch
    assert not ready[0].engine.is_running
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.remove_signal_handler(number)
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


async def test_each_fact_is_a_line_in_the_log(tmp_path: Path, log: LogWriter) -> None:
    async with peer() as one:
        settings = configuration(tmp_path, trunk=one.port, level="info")
        async with running(settings, log):
            one.invite("100001", settings.switch.listen_port)
            await until(lambda: one.last(InviteAnswered))
            one.invite("777", settings.switch.listen_port)
            await until(lambda: one.last(InviteRejected))
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    for kind in ("call.presented", "leg.originated", "call.bridged", "call.ended", "call.refused"):
        assert sum(f" {kind} " in line for line in lines) == 1, kind
    assert any("call.refused" in line and "number 777 is not active" in line for line in lines)


def test_the_limit_on_open_files_is_raised_as_far_as_it_goes() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    raise_open_file_limit()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == min(65536, hard) if hard != resource.RLIM_INFINITY else 65536


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 3), (9, 8), (64, 8)])
def test_the_engine_has_a_thread_for_each_core_but_one(cores: int, threads: int) -> None:
    assert engine_threads_for(cores) == threads
