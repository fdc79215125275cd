"""The process that speaks: JSON lines in, WAV files out, JSON lines back.

Run as `python -m media.speech.worker ENGINE PARENT_PID DEADLINE`. It ends when its input ends, and
with its parent however that one ended. First it says `{"ready": true}` or `{"error": ...}`; then,
for each `{"text": ..., "path": ...}`, `{"seconds": ...}` or `{"error": ...}`.
"""

import json
import os
import signal
import sys
from typing import Any, TextIO

from media import SAMPLE_RATE
from media.level import to_telephone_speech
from media.speech.engines import EngineError, die_with_parent, load_engine
from media.wav import write_wav

# Prompts are made while the switch may be taking calls: those come first.
_NICENESS = 10


def main(arguments: list[str]) -> int:
    """Serve requests until the input ends; returns the exit status."""
    engine, parent, deadline_seconds = arguments[0], int(arguments[1]), float(arguments[2])
    if not _die_with(parent):
        return 1
    replies = _take_over_output()
    try:
        speak = load_engine(engine, deadline_seconds=deadline_seconds)
    except EngineError as error:
        _reply(replies, error=str(error))
        return 1
    _reply(replies, ready=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            samples = to_telephone_speech(*speak(request["text"]))
            if samples.size == 0:
                raise EngineError(f"{engine} made no sound of it")
            write_wav(request["path"], samples)
        except (EngineError, OSError) as error:
            _reply(replies, error=str(error))
        except Exception as error:  # noqa: BLE001  # a foreign model may raise anything on a text
            _reply(replies, error=f"{engine} failed: {type(error).__name__}: {error}")
        else:
            _reply(replies, seconds=samples.size / SAMPLE_RATE)
    return 0


def _die_with(parent: int) -> bool:
    """Arrange to end with the parent; False when it has ended already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    os.nice(_NICENESS)
    return os.getppid() == parent


def _take_over_output() -> TextIO:
    """Keep standard output for replies alone: what a library prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return replies


def _reply(replies: TextIO, **fields: Any) -> None:
    replies.write(json.dumps(fields) + "\n")
    replies.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
