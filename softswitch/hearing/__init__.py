"""Hears every leg: drains the engine's taps on a steady tick."""
