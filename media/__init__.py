"""Audio as numbers: G.711, WAV files, tones, speech synthesis, prompts. Mono int16 at 8 kHz inside.

Knows no packets, no calls and no event loop.
"""

SAMPLE_RATE = 8000
"""Samples a second of all audio in the switch: the telephone's."""
