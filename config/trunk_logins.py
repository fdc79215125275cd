"""What a trunk and the switch show each other: digest credentials, and our registration.

A password is never shown in a message, whatever is wrong with it.
"""

import re

from config import hints
from config.addresses import HOST
from config.document import Scalar, Tree
from config.kinds import BOOLEAN, LINE, duration, secret
from config.model import TrunkLogin, TrunkRegistration
from config.reading import (
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    section_kind,
)

__all__ = ["LOGIN", "LOGIN_KIND", "PEER", "PEER_KIND", "REGISTER", "REGISTER_KIND"]

MAX_PASSWORD = 200
"""Characters: three times those of a hash that is written out."""
_PASSWORD = re.compile(rf"[ -~\u00a0-\U0010ffff]{{1,{MAX_PASSWORD}}}\Z")
_PASSWORD_SAYS = f"1 to {MAX_PASSWORD} printable characters"
# RFC 7616 section 3.4.2 puts a colon between user and realm: one within the user would move it.
_USER = re.compile(r"[!#-9;-\[\]-~]{1,100}\Z")


def _read_user(tree: Tree, _reading: Reading) -> str:
    if not isinstance(tree, Scalar) or not _USER.match(tree.text):
        raise RefusedError("expected a user name without spaces, quotes and colons")
    return tree.text


_USER_KIND = Kind("a user name", _read_user, hints.SCALAR)


class LoginKeys:
    """Keys of credentials."""

    USER = Key("user", _USER_KIND, "The user name.", required=True, example="switch-1")
    PASSWORD = Key(
        "password",
        secret(_PASSWORD_SAYS, lambda text: _PASSWORD.match(text) is not None),
        "The password. Better taken from the environment than written here.",
        required=True,
        example="${CARRIER_PASSWORD}",
    )
    REALM = Key(
        "realm",
        LINE,
        "The only realm that is answered.",
        otherwise="whichever the carrier asks with",
        example="carrier.example",
    )


LOGIN = Section(
    "credentials of a trunk",
    "A user and a password, shown by digest (MD5, SHA-256) when the carrier challenges a request.",
    keys_of(LoginKeys),
    example="outbound_auth: {user: switch-1, password: '${CARRIER_PASSWORD}'}",
)


class PeerKeys:
    """Keys of credentials that are asked for."""

    USER = Key(
        "user",
        _USER_KIND,
        "The user name; no two trunks have the same.",
        required=True,
        example="carrier-1",
    )
    PASSWORD = Key(
        "password",
        LoginKeys.PASSWORD.kind,
        LoginKeys.PASSWORD.about,
        required=True,
        example="${TRUNK_PASSWORD}",
    )


PEER = Section(
    "inbound_auth",
    "Calls of the trunk are challenged (SHA-256, MD5 for those who know nothing else), with nonces "
    "that are bound to the source, expire after a minute and are good once.",
    keys_of(PeerKeys),
    example="inbound_auth: {user: carrier-1, password: '${TRUNK_PASSWORD}'}",
)


def _read_login(tree: Tree, reading: Reading) -> TrunkLogin:
    if isinstance(tree, Scalar):
        raise RefusedError("expected user and password")
    keys = LoginKeys
    fields = read_fields(tree, LOGIN, reading)
    return TrunkLogin(fields[keys.USER], fields[keys.PASSWORD], fields.get(keys.REALM))


LOGIN_KIND = section_kind(LOGIN, _read_login)


def _read_peer(tree: Tree, reading: Reading) -> TrunkLogin:
    if isinstance(tree, Scalar):
        raise RefusedError("expected user and password")
    fields = read_fields(tree, PEER, reading)
    return TrunkLogin(fields[PeerKeys.USER], fields[PeerKeys.PASSWORD])


PEER_KIND = section_kind(PEER, _read_peer)


class RegisterKeys:
    """Keys of a registration."""

    USER = Key(
        "user",
        _USER_KIND,
        "The user part of the address that is registered.",
        otherwise="the user of `outbound_auth`",
        example="16025550100",
    )
    DOMAIN = Key(
        "domain",
        HOST,
        "The domain of that address, and of the registrar.",
        otherwise="the trunk's host",
        example="sip.carrier.example",
    )
    EXPIRES = Key(
        "expires",
        duration("30 s", "24 h"),
        "For how long the switch asks to be registered; it registers again in good time.",
        default="10 min",
        example="1 h",
    )


REGISTER = Section(
    "register",
    "Has the switch register with the carrier, so that its calls come here. What comes to the "
    "registered contact is known as the trunk's, from whichever address.",
    keys_of(RegisterKeys),
    short="true, for all as it is by default, or false",
    example="register: {expires: 10 min}",
)


def _read_register(tree: Tree, reading: Reading) -> TrunkRegistration | None:
    if isinstance(tree, Scalar):
        try:
            return TrunkRegistration() if BOOLEAN.read(tree, reading) else None
        except RefusedError:
            raise RefusedError("expected true, false, or the settings of a registration") from None
    keys = RegisterKeys
    fields = read_fields(tree, REGISTER, reading)
    return TrunkRegistration(fields.get(keys.USER), fields.get(keys.DOMAIN), fields[keys.EXPIRES])


REGISTER_KIND = section_kind(REGISTER, _read_register)
