"""Measures the switch: cost of signalling, and of media beside a C relay of the same run."""
