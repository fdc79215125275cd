"""The process that recognises speech: batches of windows in, words out.

Run as `python -m media.speech.recognition.worker ENGINE PARENT_PID MODEL` (`-` for none). A request
is a line of JSON that describes the windows, and after it their samples; a reply is a line of JSON.
It ends when its input ends, and with its parent however that one ended. It runs at idle priority:
only when nobody else wants the processor.
"""

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from media.speech.engines import die_with_parent
from media.speech.recognition.engines import Engine, RecogniserError, load_engine
from media.speech.recognition.result import Recognised, Word
from media.speech.recognition.window import Window
from media.voice.echo import without_echo

__all__ = ["main", "parse_results", "request_of"]

_NICENESS = 19


def request_of(windows: list[Window]) -> bytes:
    """A request, as it goes to the worker."""
    described = [
        {
            "stream": window.stream,
            "start_ns": window.start_ns,
            "purpose": window.purpose,
            "final": window.final,
            "words": window.words,
            "samples": window.samples.size,
            "sent": 0 if window.sent is None else window.sent.size,
        }
        for window in windows
    ]
    sounds = [sound for window in windows for sound in (window.samples, window.sent)]
    octets = [sound.astype("<i2", copy=False).tobytes() for sound in sounds if sound is not None]
    return json.dumps(described).encode("ascii") + b"\n" + b"".join(octets)


def parse_results(reply: dict[str, Any]) -> list[Recognised]:
    """The results of a reply; raises KeyError or TypeError when it is none."""
    return [
        Recognised(**{**found, "words": tuple([Word(**word) for word in found["words"]])})
        for found in reply["results"]
    ]


def main(arguments: list[str]) -> int:
    """Serve requests until the input ends; returns the exit status."""
    engine_name, parent, model = arguments[0], int(arguments[1]), arguments[2]
    if not _settle(parent):
        return 1
    replies = _take_over_output()
    try:
        engine = load_engine(engine_name, None if model == "-" else Path(model))
    except RecogniserError as error:
        _reply(replies, {"error": str(error)})
        return 1
    _reply(replies, {"ready": True})
    while windows := _receive(sys.stdin.buffer):
        _reply(replies, _recognise(engine, windows))
    return 0


def _recognise(engine: Engine, windows: list[Window]) -> dict[str, Any]:
    began = time.process_time()
    try:
        results = _results(engine, windows)
    except Exception as error:  # noqa: BLE001  # a foreign library may raise anything on a sound
        return {"error": f"{type(error).__name__}: {error}"}
    spent = time.process_time() - began
    return {"results": [asdict(result) for result in results], "cpu_seconds": spent}


def _results(engine: Engine, windows: list[Window]) -> list[Recognised]:
    """What is said in each; nothing in silence, of which a recogniser may make what it leans to."""
    found = iter(engine.recognise([one for one in windows if one.samples.any()]))
    return [next(found) if one.samples.any() else _nothing(engine, one) for one in windows]


def _nothing(engine: Engine, window: Window) -> Recognised:
    mode = "rolling" if window.purpose == "rolling" else "segment"
    return Recognised((), window.start_ns, window.end_ns, mode, engine.name, window.final, "")


def _receive(source: BinaryIO) -> list[Window]:
    """The next request; nothing at the end of the input."""
    line = source.readline()
    if not line:
        return []
    return [_window(one, source) for one in json.loads(line)]


def _window(described: dict[str, Any], source: BinaryIO) -> Window:
    samples = np.frombuffer(source.read(2 * described.pop("samples")), "<i2")
    sent = np.frombuffer(source.read(2 * described.pop("sent")), "<i2")
    words = tuple(described.pop("words"))
    return Window(samples=without_echo(samples, sent), words=words, **described)


def _settle(parent: int) -> bool:
    """End with the parent, and step back behind everybody; False when it has ended already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    os.nice(_NICENESS)
    with contextlib.suppress(OSError):
        # Not everywhere allowed; niceness does most of it.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    return os.getppid() == parent


def _take_over_output() -> BinaryIO:
    """Keep standard output for replies alone: what a library prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def _reply(replies: BinaryIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply).encode("ascii") + b"\n")
    replies.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
