"""The section admission."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Admission:
    """When the switch as a whole takes no further call: callers get 503 with Retry-After."""

    calls_per_second: int | None = None
    """New calls a second from all trunks together. 1-100000; None: no limit. Default None."""
    free_ports: int = 0
    """Pairs of media ports below which no caller is taken. 0-10000, default 0."""
    loop_lag_seconds: float | None = 0.5
    """How late the event loop may be, for a second. 10 ms to 10 s, default 500 ms; None: as it
    likes."""
    backlog: bool = True
    """Whether callers are refused while datagrams pile up before the switch. Default true."""
