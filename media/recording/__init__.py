"""Recording: two legs and what is played to them laid on one time line, and written by threads of
their own.

`tape` and `track` are pure: samples and monotonic times in, stereo samples out. `writer` has the
threads, `file` the disk. Knows no calls, campaigns or events.
"""

from media.recording.blocks import LEFT, RIGHT, Block
from media.recording.file import PART, hash_file, seconds_of
from media.recording.jobs import (
    Begin,
    ClipDone,
    Cut,
    Discarded,
    Failed,
    Finish,
    Forget,
    Job,
    Outcome,
    Play,
    Record,
    Remember,
    Saved,
    Sound,
    Stop,
    StopPlaying,
)
from media.recording.repair import (
    Repaired,
    hash_beside,
    repair_recordings,
    unfinished_recordings,
)
from media.recording.writer import Writer

__all__ = [
    "LEFT",
    "PART",
    "RIGHT",
    "Begin",
    "Block",
    "ClipDone",
    "Cut",
    "Discarded",
    "Failed",
    "Finish",
    "Forget",
    "Job",
    "Outcome",
    "Play",
    "Record",
    "Remember",
    "Repaired",
    "Saved",
    "Sound",
    "Stop",
    "StopPlaying",
    "Writer",
    "hash_beside",
    "hash_file",
    "repair_recordings",
    "seconds_of",
    "unfinished_recordings",
]
