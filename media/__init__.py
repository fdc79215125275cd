"""Audio as numbers: G.711, WAV files, tones, speech synthesis, prompts. Mono int16 at 8 kHz inside.

Knows no packets, no calls and no event loop.
"""

import os

# Before numpy is imported anywhere: the tone bank's matrices are small, and a second thread would
# spin on a core that the media engine needs.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

SAMPLE_RATE = 8000
"""Samples a second of all audio in the switch: the telephone's."""
