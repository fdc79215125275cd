"""What calls of our own making may be placed: whom, by which trunk, as whom, how many."""

from dataclasses import dataclass, field

from config.model.values import NOWHERE, Location


@dataclass(frozen=True, slots=True)
class OriginateRules:
    """Rules for calls that the control socket asks for; without any nobody is called."""

    to: tuple[str, ...] = ()
    """Whom: E.164 patterns (`+1602*`, `+1800555XXXX`) and `sip:USER@HOST[:PORT]`, the user `*` for
    any."""
    never: tuple[str, ...] = ()
    """Exceptions of `to`."""
    trunks: tuple[str, ...] = ()
    """Trunks that a request may name. Empty: none but the campaign's."""
    caller_ids: tuple[str, ...] = ()
    """Numbers that a request may show, patterns as in `to`. Empty: none but the campaign's."""
    per_minute: int = 60
    """Calls placed within any minute. 1-6000."""
    at_once: int = 20
    """Of them in progress. 1-10000."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)
