"""Who an outbound leg shows as its caller.

RFC 3261 20.20 (From), RFC 3323 4.1 and RFC 3325 9.3 (a private caller goes out as
`anonymous@anonymous.invalid` with `Privacy: id`). The number of a private caller stays with us: it
is in no header that leaves, nor a digit of it. Knows no trunk policy, and does not choose a unique
number: whoever stored it with the call gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

import msgspec

from config.e164 import dialled
from softswitch.sip.addresses import DEFAULT_SIP_PORT, sip_uri
from softswitch.sip.grammar import quote

__all__ = ["ANONYMOUS", "ShownCaller", "Write", "masked", "shown_caller"]

ANONYMOUS = "anonymous"
NAMELESS = '"Anonymous" <sip:anonymous@anonymous.invalid>'

_OURS = ("fixed", "unique", "uri")
"""Kinds that say nothing of the caller: shown for a private one too."""


class ShownCaller(msgspec.Struct, frozen=True):
    """The caller as the destination sees it."""

    number: str
    """As the switch has it, for records."""
    from_header: str
    contact_user: str
    headers: tuple[tuple[str, str], ...] = ()


Write = Callable[[str], tuple[str, str]]
"""From the user that stands for a caller to the one that a trunk is told, and its URI."""


def shown_caller(
    *, kind: str, fixed: str | None, called: str, caller: str, name: str, private: bool, host: str,
    write: Write | None = None,
) -> ShownCaller:  # fmt: skip
    """The From of an outbound INVITE.

    `kind` is that of `config.model.CallerId`; `fixed` the number shown (fixed, unique), the SIP URI
    or the mask. Without it the caller itself is shown. `write` says how the trunk wants numbers.
    """
    write = write or (lambda user: (user, sip_uri(user, host, DEFAULT_SIP_PORT)))
    if kind == "uri" and fixed is not None:
        return ShownCaller(fixed, f"<{fixed}>", _user_of(fixed))
    if kind in _OURS and fixed is not None:
        return _shown(fixed, "", write)
    if kind == "called":
        return _shown(called, "", write)
    if private:
        return ShownCaller(
            ANONYMOUS,
            NAMELESS,
            ANONYMOUS,
            (("Privacy", "id"),),
        )
    if kind == "mask" and fixed is not None:
        # The name would say what the mask is there to hide.
        caller, name = masked(fixed, caller), ""
    if not caller:
        return ShownCaller(ANONYMOUS, NAMELESS, ANONYMOUS)
    return _shown(caller, name, write)


def masked(mask: str, caller: str) -> str:
    """The mask's digits, with the caller's own in the places marked X; aligned at the right.

    Empty for a caller without a number, or with one too short to have a digit in each place.
    """
    number = dialled(caller) or caller
    digits = number.lstrip("+")
    if not (digits.isascii() and digits.isdigit()):
        return ""
    shown = ""
    for place, letter in enumerate(reversed(mask), start=1):
        if letter not in "Xx":
            shown = letter + shown
        elif place <= len(digits):
            shown = digits[-place] + shown
        else:
            return ""
    return shown


def _shown(number: str, name: str, write: Write) -> ShownCaller:
    user, uri = write(_user_of(number))
    display = f"{quote(name)} " if name else ""
    return ShownCaller(number, f"{display}<{uri}>", user)


def _user_of(number: str) -> str:
    """The user that stands for a caller: a number itself, or that of a SIP URI, unescaped.

    A URI without a user names a host of the other side, which is nobody's business here.
    """
    scheme, colon, rest = number.partition(":")
    if not colon:
        return number
    user, at, _ = rest.rpartition("@")
    if scheme not in ("sip", "sips") or not at:
        return ANONYMOUS
    return unquote(user.partition(":")[0].partition(";")[0]) or ANONYMOUS
