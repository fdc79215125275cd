"""Leg, call, bridge and events: the vocabulary everything above speaks."""
