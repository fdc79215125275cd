"""Fuzzing of the media engine's C core: `python -m fuzz.engine --seconds 10 --seed 1`."""
