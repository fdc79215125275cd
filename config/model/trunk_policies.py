"""How a trunk writes numbers and identities, which header fields it gets, and when a call goes on
elsewhere. Values only."""

from dataclasses import dataclass
from typing import Literal

from config.model.expression import Template

NumberFormat = Literal["as_is", "e164", "digits", "national", "bare"]
NumberUri = Literal["sip", "phone", "tel"]
IdentityField = Literal[
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Remote-Party-ID",
    "Diversion",
    "History-Info",
    "P-Charge-Info",
]


@dataclass(frozen=True, slots=True)
class NumberRule:
    """How numbers are brought from one form into another: format, then strip, then add."""

    format: NumberFormat = "as_is"
    strip: str = ""
    """Taken from the beginning, where the number begins so."""
    add: str = ""
    """Put before it."""
    uri: NumberUri = "sip"
    """The URI it stands in: sip, sip with user=phone, or tel."""


AS_IS = NumberRule()


@dataclass(frozen=True, slots=True)
class TrunkNumbers:
    """How numbers are written towards a trunk, and read from it."""

    country: str | None = None
    """Whose national numbers; None: the switch's."""
    send_called: NumberRule = AS_IS
    """Request-URI and To of calls to the trunk."""
    send_caller: NumberRule = AS_IS
    """From, Contact and the identity fields of calls to it."""
    receive_called: NumberRule = AS_IS
    """Request-URI of calls from it."""
    receive_caller: NumberRule = AS_IS
    """The calling and the charged number of calls from it."""


@dataclass(frozen=True, slots=True)
class TrunkHeaders:
    """Header fields beside those of SIP itself."""

    passed: tuple[str, ...] = ()
    """Of the caller's INVITE, onto this trunk."""
    dropped: tuple[str, ...] = ()
    """Never sent to the trunk, and not looked at in calls from it."""
    set: tuple[tuple[str, Template], ...] = ()
    """Written into calls to it."""


@dataclass(frozen=True, slots=True)
class TrunkFailover:
    """Which failures of a trunk's calls send them on to the next destination. What is named nowhere
    is as by default."""

    go_on: frozenset[int] = frozenset()
    """Statuses; 4, 5 and 6 are whole classes."""
    stop: frozenset[int] = frozenset()
    go_on_causes: frozenset[int] = frozenset()
    """Q.850 causes that the trunk gives in a Reason."""
    stop_causes: frozenset[int] = frozenset()
    after_no_answer: bool = True
    """Whether a call that rang until our patience ended goes on."""


@dataclass(frozen=True, slots=True)
class TrunkIdentity:
    """Which fields say who calls, and by whose detour, towards a trunk."""

    write: tuple[IdentityField, ...] = ()
    """Made by the switch."""
    passed: tuple[IdentityField, ...] = ()
    """As the caller's trunk has sent them."""
