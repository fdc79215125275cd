"""Fuzzing of the native tone detectors."""
