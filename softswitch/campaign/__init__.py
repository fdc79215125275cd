"""Evaluates conditions; rating, payout, caps, regions, hours: what is known and earned of a call."""
