"""What the media engine refuses, beyond ValueError for arguments that cannot be right."""


class PortsExhausted(Exception):
    """No port pair is free now: all are in use, resting, or held by other programs."""


class EngineNotRunning(RuntimeError):
    """The engine was not started, or was stopped."""


class PortClosed(RuntimeError):
    """The media port was closed, by itself or with its engine."""
