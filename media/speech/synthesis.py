"""Text to 8 kHz WAV files, by a synthesiser in a spawned process, each text with a deadline.

Blocks while it works: to be called from a thread, before calls need the prompts. The worker
inherits no descriptor but its pipes, is never forked from the switch, and dies with it.
"""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import media
from media.speech.engines import (
    ENGINES,
    INSTALL_HINT,
    EngineError,
    describe_engine,
    find_engine,
)

# A prompt takes a tenth of a second; one that takes so long is one that a synthesiser choked on.
DEFAULT_DEADLINE_SECONDS = 30.0
# A model on a slow disk of a busy machine needs a few seconds to load; usual is half a second.
START_SECONDS = 60.0
# Two minutes of speech. A longer text is a mistake, or belongs in a recording.
MAX_TEXT_CHARACTERS = 2_000
# No writer takes an hour: what is older was left by one that was killed.
LEFTOVER_SECONDS = 3600
# A reply is one short line of JSON; the worker's error texts are the longest.
MAX_REPLY_BYTES = 65_536


class SynthesisError(Exception):
    """A prompt could not be spoken; the text is a sentence for the operator."""


def available_synthesisers() -> tuple[str, ...]:
    """Names of the synthesisers that are installed, best first."""
    return tuple([name for name in ENGINES if find_engine(name)])


def choose_synthesiser(name: str = "auto") -> str:
    """The synthesiser meant by a name or `auto`; raises SynthesisError when it is not installed."""
    if name != "auto" and name not in ENGINES:
        raise SynthesisError(f"there is no speech synthesiser {name!r}: {', '.join(ENGINES)}")
    if name != "auto":
        if find_engine(name):
            return name
        raise SynthesisError(f"the speech synthesiser {name} is not installed: {INSTALL_HINT}")
    for candidate in available_synthesisers():
        return candidate
    raise SynthesisError(f"no speech synthesiser is installed: {INSTALL_HINT}")


class Synthesiser:
    """One synthesiser, chosen once: `name` says which, `identity` also its version and voice."""

    def __init__(
        self, name: str = "auto", *, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    ) -> None:
        self.name = choose_synthesiser(name)
        self.deadline_seconds = deadline_seconds
        self._worker: _Worker | None = None
        self._stopped = False
        try:
            self.identity = describe_engine(self.name)
        except EngineError as error:
            raise SynthesisError(str(error)) from error

    def synthesise(self, jobs: Iterable[tuple[str, Path]]) -> None:
        """Speak each (text, path) to a file, all in one worker.

        Each file appears whole or not at all. Raises SynthesisError at the first that fails.
        """
        jobs = list(jobs)
        for text, _ in jobs:
            check_text(text)
        for directory in {path.parent for _, path in jobs}:
            _remove_leftovers(directory)
        self._worker = _Worker(self.name, self.deadline_seconds)
        with self._worker as worker:
            for text, path in jobs:
                if self._stopped:
                    raise SynthesisError("speech synthesis was stopped")
                worker.speak(text, path)

    def stop(self) -> None:
        """Make `synthesise` in another thread fail at once, now and from now on."""
        self._stopped = True
        if self._worker is not None:
            self._worker.kill()


def synthesise(text: str, path: Path, *, synthesiser: str = "auto") -> str:
    """Speak one text to a WAV file; returns the name of the synthesiser that was used."""
    chosen = Synthesiser(synthesiser)
    chosen.synthesise([(text, path)])
    return chosen.name


def check_text(text: str) -> None:
    """Raises SynthesisError when a text is nothing to speak, or too much."""
    if not text.strip():
        raise SynthesisError("a prompt has no text")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise SynthesisError(
            f"a prompt has {len(text)} characters (at most {MAX_TEXT_CHARACTERS}): {shorten(text)}"
        )


def shorten(text: str) -> str:
    """The beginning of a text, quoted, for a message."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _remove_leftovers(directory: Path) -> None:
    """Remove parts of files whose writer was killed long ago."""
    for part in directory.glob(".*.part"):
        try:
            if part.stat().st_mtime < time.time() - LEFTOVER_SECONDS:
                part.unlink()
        except OSError:
            # Another process was faster, or the file is not ours to remove.
            continue


class _Worker:
    """The spawned process, from its start to its certain end."""

    def __init__(self, engine: str, deadline_seconds: float) -> None:
        self._engine = engine
        self._deadline_seconds = deadline_seconds
        self._unread = b""
        # A program that the worker runs must give up before the worker is killed for it.
        program_seconds = str(deadline_seconds * 0.8)
        command = [sys.executable, "-P", "-m", "media.speech.worker"]
        command += [engine, str(os.getpid()), program_seconds]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                close_fds=True,
                env=_worker_environment(),
            )
        except OSError as error:
            raise SynthesisError(f"the speech worker cannot be started: {error}") from error

    def __enter__(self) -> "_Worker":
        try:
            failure = f"the speech synthesiser {self._engine} cannot be used"
            self._receive(failure, START_SECONDS)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def kill(self) -> None:
        """Kill the process; whoever waits for a reply sees its end."""
        self._process.kill()

    def speak(self, text: str, path: Path) -> None:
        """Have one text spoken; raises SynthesisError when that fails or takes too long."""
        failure = f"the prompt {shorten(text)} cannot be spoken"
        request = json.dumps({"text": text, "path": str(path)}) + "\n"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request.encode("ascii"))
            self._process.stdin.flush()
        except OSError as error:
            raise SynthesisError(f"{failure}: the speech worker has ended") from error
        self._receive(failure, self._deadline_seconds)

    def _receive(self, failure: str, seconds: float) -> None:
        reply = json.loads(self._read_line(failure, seconds))
        if "error" in reply:
            raise SynthesisError(f"{failure}: {reply['error']}")

    def _read_line(self, failure: str, seconds: float) -> bytes:
        """The next line of the worker's, within so many seconds."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise SynthesisError(f"{failure}: it took longer than {seconds:g} s")
                octets = os.read(descriptor, 4096)
                if not octets or len(self._unread) > MAX_REPLY_BYTES:
                    raise SynthesisError(f"{failure}: the speech worker has ended")
                self._unread += octets
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _end(self) -> None:
        """End the process whatever it is doing, and leave no zombie and no pipe behind."""
        process = self._process
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                # Bytes that the dead worker never read are flushed in vain.
                continue


def _worker_environment() -> dict[str, str]:
    """The worker's environment: this package importable, one thread for numerical libraries."""
    root = str(Path(media.__file__).parent.parent)
    path = os.pathsep.join([part for part in (root, os.environ.get("PYTHONPATH", "")) if part])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
