"""Who an outbound leg shows as its caller.

RFC 3261 20.20 (From), RFC 3323 4.1 and RFC 3325 9.3 (a private caller goes out as
`anonymous@anonymous.invalid` with `Privacy: id`). The number of a private caller stays with us: it
is in no header that leaves. Knows no trunk policy.
"""

from __future__ import annotations

from urllib.parse import unquote

import msgspec

from softswitch.routing.addresses import sip_uri
from softswitch.sip.grammar import quote

__all__ = ["ShownCaller", "shown_caller"]

ANONYMOUS = "anonymous"


class ShownCaller(msgspec.Struct, frozen=True):
    """The caller as the destination sees it."""

    number: str
    from_header: str
    contact_user: str
    headers: tuple[tuple[str, str], ...] = ()


def shown_caller(
    *, kind: str, fixed: str | None, called: str, caller: str, name: str, private: bool, host: str
) -> ShownCaller:
    """The From of an outbound INVITE: the caller itself, the number it called, or a fixed
    number."""
    if kind == "fixed" and fixed is not None:
        return _shown(fixed, "", host)
    if kind == "called":
        return _shown(called, "", host)
    if private:
        return ShownCaller(
            ANONYMOUS,
            '"Anonymous" <sip:anonymous@anonymous.invalid>',
            ANONYMOUS,
            (("Privacy", "id"),),
        )
    if not caller:
        return ShownCaller(ANONYMOUS, '"Anonymous" <sip:anonymous@anonymous.invalid>', ANONYMOUS)
    return _shown(caller, name, host)


def _shown(number: str, name: str, host: str) -> ShownCaller:
    user = _user_of(number)
    display = f"{quote(name)} " if name else ""
    return ShownCaller(number, f"{display}<{sip_uri(user, host, 5060)}>", user)


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
