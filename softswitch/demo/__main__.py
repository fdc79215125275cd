"""The demo: start the switch with quickstart.yaml on free loopback ports, make one call, show and
check it.

The switch is the real program in a process of its own; its log, as JSON, is what is shown. The
exit status says whether everything that was to happen has happened.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from config.loader import load
from media import g711
from media.level import to_telephone_speech
from media.speech.engines import EngineError, load_engine
from media.speech.recognition.engines import RecogniserError, choose_recogniser
from softswitch.demo.phone import Heard, Phone

CALLER = "+16025550147"
CALLER_TONE = 1000
AGENT_TONE = 425
TALK_SECONDS = 2.5
SENTENCE = "A friend told me about you."
KEYWORD = "friend"
"""The rule of quickstart.yaml that hears it."""
START_SECONDS = 120.0
"""To prepare: prompts are spoken, a recogniser is loaded, on whatever machine this is."""
CALL_SECONDS = 30.0
"""From the call to its end."""
STOP_SECONDS = 30.0
QUICKSTART = Path(__file__).parents[2] / "config" / "examples" / "quickstart.yaml"


class DemoFailed(Exception):
    """Something that was to happen has not."""


class Show:
    """Prints a line an event, with the seconds since the call was presented."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._start: float | None = None
        self.waiting_for = "what the caller says"
        self._colour = sys.stdout.isatty()
        self.changed = asyncio.Event()

    def event(self, entry: dict[str, Any]) -> None:
        """Take one entry of the switch's log."""
        self.events.append(entry)
        self.changed.set()
        text = _TEXTS.get(entry.get("event", ""))
        if text is not None:
            self.line(text[0], text[1].format_map(_Facts(entry)))

    def message(self, level: str, text: str) -> None:
        """Take a line of the log that is no event."""
        if level == "error":
            self.errors.append(text.splitlines()[0])
        self.line(level, text)

    def line(self, what: str, text: str) -> None:
        """Print one line."""
        if self._start is None and what == "presented":
            self._start = time.monotonic()
        seconds = 0.0 if self._start is None else time.monotonic() - self._start
        head = f"\x1b[1m{what:<10}\x1b[0m" if self._colour else f"{what:<10}"
        print(f"{seconds:7.3f}  {head} {text}", flush=True)

    def check(self) -> None:
        """Raise DemoFailed unless everything was told, and nothing went wrong on the way."""
        told = {entry.get("event") for entry in self.events}
        missing = sorted(set(_MUST_BE_TOLD) - told)
        if missing:
            raise DemoFailed(f"the log did not tell: {', '.join(missing)}")
        if self.errors:
            raise DemoFailed(f"the switch logged an error: {self.errors[0]}")

    async def wait_for(self, kind: str, **facts: Any) -> dict[str, Any]:
        """Wait for an event."""
        self.waiting_for = " ".join([kind, *(f"{name}={value}" for name, value in facts.items())])
        while True:
            for entry in self.events:
                if entry.get("event") == kind and facts.items() <= entry.items():
                    return entry
            self.changed.clear()
            await self.changed.wait()


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "-"


_TEXTS: Mapping[str, tuple[str, str]] = {
    "call.presented": (
        "presented",
        "{caller} calls {called} ({campaign}, pool {pool}, {parameters})",
    ),
    "call.answered": ("answered", "leg {leg}, {codec}"),
    "prompt.started": ("prompt", "{prompt}"),
    "prompt.ended": ("prompt", "over (played to its end: {completed})"),
    "call.dtmf": ("digit", "{digit} on leg {leg}"),
    "menu.choice": ("choice", "{key} in {node}"),
    "leg.originated": ("leg", "{leg}: INVITE {to_number} on trunk {trunk} as {from_number}"),
    "leg.progressed": ("leg", "{leg}: {status}"),
    "leg.answered": ("leg", "{leg}: answered, {codec}"),
    "call.bridged": ("bridged", "{leg} <-> {other_leg}"),
    "leg.ended": ("leg", "{leg}: ended with {status}, {quality}"),
    "call.keyword": (
        "keyword",
        '"{text}" on leg {leg} at {start:.1f} s, rule {rule}, confidence {confidence:.2f}, {mode}',
    ),
    "keyword.clip": ("clip", "{path}"),
    "call.rating": ("rating", "{rating}"),
    "recording.started": ("recording", "{path}"),
    "recording.saved": ("recording", "{seconds:.1f} s, {size} bytes, SHA-256 {sha256}"),
    "recording.failed": ("recording", "failed: {why}"),
    "leg.talk": ("talk", "{leg}: {talk_seconds:.1f} s"),
    "call.quality": ("quality", "{leg}: MOS {mos:.2f}, loss {loss:.1%}, jitter {jitter_ms:.2f} ms"),
    "call.ended": ("ended", "by {ended_by}: {cause}"),
    "call.refused": ("refused", "{status}: {why}"),
}


_MUST_BE_TOLD = (
    "call.presented",
    "prompt.started",
    "call.dtmf",
    "leg.originated",
    "call.bridged",
    "call.ended",
)


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds for UDP or TCP at this moment."""
    found: list[int] = []
    while len(found) < count:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found


class Switch:
    """The real program, and its log."""

    def __init__(self, show: Show, data: Path, agent_port: int) -> None:
        self.port, control = free_ports(2)
        first = 30000 + 2 * (os.getpid() % 2000)
        self._show = show
        self.environment = {
            **os.environ,
            "SOFTSWITCH_SIP": f"127.0.0.1:{self.port}",
            "SOFTSWITCH_TRUNK": f"127.0.0.1:{agent_port}",
            "SOFTSWITCH_CONTROL": f"127.0.0.1:{control}",
            "SOFTSWITCH_RTP": f"{first}-{first + 199}",
            "SOFTSWITCH_DATA": str(data),
            "SOFTSWITCH_LOG": "json",
            # Nothing that is shown is in it, and it takes long to start.
            "SOFTSWITCH_DATABASE": "off",
        }
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None]

    async def start(self) -> str:
        """Start it and wait until it is ready; its line."""
        self._show.waiting_for = "the switch to be ready"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "softswitch", "run", "-c", str(QUICKSTART),
            env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read_log(self._process))
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode().strip()
        if not line.startswith("ready"):
            raise DemoFailed(f"the switch did not start: {line}")
        return line

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for raw in process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            try:
                entry = json.loads(line)
            except ValueError:
                print(f"         {line}", flush=True)
                continue
            if "event" in entry:
                self._show.event(entry)
            else:
                self._show.message(entry.get("level", ""), entry.get("message", ""))

    async def stop(self) -> int:
        """SIGTERM and wait; the exit status."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            status = await self._process.wait()
        await self._reader
        return status


async def one_call(
    show: Show, switch: Switch, caller: Phone, agent: Phone, speech: bytes | None
) -> None:
    """The call, as two people make it; `speech` is what the caller says at its end."""
    number = load(QUICKSTART, switch.environment).numbers[0].pattern
    caller.call(number, "127.0.0.1", switch.port, caller=CALLER)
    show.waiting_for = "the caller's call to be answered"
    await caller.answered.wait()
    await asyncio.sleep(1.0)
    caller.press("1")
    await show.wait_for("call.dtmf", digit="1")
    show.waiting_for = "the agent's call to be answered"
    await agent.answered.wait()
    await show.wait_for("call.bridged")
    await asyncio.sleep(TALK_SECONDS)
    _check(show, "agent", agent.hears(CALLER_TONE), f"the caller's {CALLER_TONE} Hz")
    _check(show, "caller", caller.hears(AGENT_TONE), f"the agent's {AGENT_TONE} Hz")
    if speech is not None:
        show.line("says", f'the caller: "{SENTENCE}"')
        caller.say(speech)
        await show.wait_for("call.keyword", rule=KEYWORD)
    caller.hang_up()
    await show.wait_for("call.ended")
    show.waiting_for = "the agent's call to end"
    await agent.ended.wait()


def _check(show: Show, who: str, heard: Heard, what: str) -> None:
    show.line(
        "audio",
        f"{who} hears {what} at {heard.level_dbfs:.1f} dBFS ({heard.share:.0%} of all energy), "
        f"{heard.packets} packets, {heard.lost} lost",
    )
    if heard.share < 0.9 or heard.lost:
        raise DemoFailed(f"the {who} does not hear {what}")


def check_record(show: Show, data: Path) -> None:
    """The one record, shown and checked."""
    lines = (data / "records.jsonl").read_text().splitlines()
    if len(lines) != 1:
        raise DemoFailed(f"{len(lines)} records instead of one")
    record = json.loads(lines[0])
    show.line("record", "")
    print(json.dumps(record, indent=2, ensure_ascii=False))
    _check_recording(data, record)
    wanted = {"keys": ["1"], "ended_by": "calling", "caller": CALLER}
    wrong = {name: record.get(name) for name in wanted if record.get(name) != wanted[name]}
    if wrong or record["talk_seconds"] < TALK_SECONDS * 0.8:
        raise DemoFailed(f"the record is wrong: {wrong or record['talk_seconds']}")


def _check_recording(data: Path, record: Mapping[str, Any]) -> None:
    """There is one recording, and it is what the record says it is."""
    if len(record["recordings"]) != 1:
        raise DemoFailed(f"{len(record['recordings'])} recordings instead of one")
    told = record["recordings"][0]
    found = hashlib.sha256((data / told["path"]).read_bytes()).hexdigest()
    if found != told["sha256"]:
        raise DemoFailed("the recording is not the one whose hash is in the record")


def has_recogniser() -> bool:
    """Whether keywords can be spotted."""
    try:
        choose_recogniser()
    except RecogniserError:
        return False
    return True


def caller_speech() -> bytes | None:
    """What the caller says, when something can say it and something can understand it."""
    if not has_recogniser():
        return None
    try:
        speak = load_engine("hibari", deadline_seconds=START_SECONDS)
    except EngineError:
        return None
    return g711.encode(to_telephone_speech(*speak(SENTENCE)))


@asynccontextmanager
async def at_most(seconds: float, show: Show) -> AsyncIterator[None]:
    """Fail with what was waited for when that takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        why = f"waited {seconds:.0f} s for {show.waiting_for}"
        raise DemoFailed(why) from None


async def demo() -> None:
    """Everything, on free ports, in a folder of its own."""
    show = Show()
    caller, agent = Phone("caller", CALLER_TONE), Phone("agent", AGENT_TONE)
    agent.auto_answer_seconds = 1.0
    speech = caller_speech()
    with tempfile.TemporaryDirectory(prefix="softswitch-demo-") as folder:
        data = Path(folder)
        switch = Switch(show, data, agent.port)
        await caller.open()
        await agent.open()
        try:
            async with at_most(START_SECONDS, show):
                print(f"the switch: {await switch.start()}")
            async with at_most(CALL_SECONDS, show):
                await one_call(show, switch, caller, agent, speech)
        finally:
            status = await switch.stop()
            await caller.close()
            await agent.close()
        check_record(show, data)
        show.check()
        if status:
            raise DemoFailed(f"the switch ended with status {status}")


def main() -> int:
    """Run the demo; 0 when all has happened that was to happen."""
    try:
        asyncio.run(demo())
    except (DemoFailed, OSError) as error:
        print(f"demo failed: {error}", file=sys.stderr)
    else:
        print("demo: the call was asked, bridged, heard both ways and recorded once")
        if not has_recogniser():
            print("demo: with 'softswitch[speech]' installed, keywords are spotted too")
        return 0
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
