"""The section defence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defence:
    """How much of the switch strangers get: whoever is no trunk, proxy or registrar."""

    on: bool = True
    per_second: float = 20.0
    """Messages a second that one address may send. 1-10000, default 20."""
    burst: float = 60.0
    """Messages that it may send at once. 1-100000, default 60."""
    ban_after: int = 20
    """Vain tries within a minute that make a scanner of it. 1-100000, default 20."""
    ban_seconds: float = 600.0
    """How long a scanner gets no answer. 1 s to 168 h, default 10 min."""
