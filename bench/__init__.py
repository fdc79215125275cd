"""Measures the switch: cost of signalling and of media, beside a minimal C relay of the same run."""
