"""The section control: who may use the control socket, and how it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from config.model.originate import OriginateRules
from config.model.values import Location

ControlRole = Literal["read", "allocate", "results", "control", "admin"]


@dataclass(frozen=True, slots=True)
class ControlToken:
    """A secret that a peer shows, and what it may do then."""

    name: str
    secret: str = field(repr=False)
    """16-200 printable ASCII characters without spaces; never shown anywhere."""
    roles: tuple[ControlRole, ...]
    campaigns: tuple[str, ...] = ()
    """The only campaigns it sees and steers; empty: all."""
    originate: OriginateRules | None = None
    """What it may have called, within what its campaigns may. None: all of that."""


@dataclass(frozen=True, slots=True)
class ControlTls:
    """A certificate that peers on TCP are shown."""

    certificate: Path
    """PEM, with the chain behind it."""
    key: Path
    """PEM, without a password."""
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
    """Where its files stand, by their keys."""


@dataclass(frozen=True, slots=True)
class Control:
    """The control socket."""

    tokens: tuple[ControlToken, ...] = ()
    """With any, every peer on TCP shows one; without, TCP is on loopback only, and open."""
    unix: bool = True
    """Whether there is `control.sock` in the data folder, for the switch's own user."""
    tls: ControlTls | None = None
    """None: TCP goes in the clear."""
