"""The section control: tokens of the control socket, TLS, and the Unix socket.

A secret is never shown in a message, whatever is wrong with it.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import get_args

from config.document import Scalar, Table, Tree
from config.kinds import BOOLEAN, CAMPAIGN_NAME, FILE, list_of, mapping_of, one_of, secret
from config.model import Control, ControlRole, ControlTls, ControlToken
from config.originate import ORIGINATE_KIND
from config.reading import (
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    section_kind,
)

__all__ = ["CONTROL", "CONTROL_TLS", "CONTROL_TOKEN", "read_control"]

MAX_TOKENS = 200
"""Each is compared with what a peer shows, so that time tells nothing."""
MAX_CAMPAIGNS = 1000
"""Campaigns of a token: looked up in a set for every event, kept for as long as the switch runs."""

_ROLES: tuple[ControlRole, ...] = get_args(ControlRole)
_SECRET = re.compile(r"[!-~]{16,200}\Z")
_SECRET_SAYS = "16 to 200 printable ASCII characters without spaces"
_SECRET_KIND = secret(_SECRET_SAYS, lambda text: _SECRET.match(text) is not None)


class TokenKeys:
    """Keys of a control token."""

    SECRET = Key(
        "secret",
        _SECRET_KIND,
        f"What the peer shows: {_SECRET_SAYS}. Better taken from the environment than written "
        "here.",
        required=True,
        example="${CRM_TOKEN}",
    )
    ROLES = Key(
        "roles",
        list_of(one_of(_ROLES), most=len(_ROLES)),
        "What it may do. read: look at calls, and have events sent; allocate: take numbers of "
        "pools; results: post results of calls; control: steer calls, read, and post results; "
        "admin: everything.",
        required=True,
        example="[control, allocate]",
    )
    CAMPAIGNS = Key(
        "campaigns",
        list_of(CAMPAIGN_NAME, most=MAX_CAMPAIGNS),
        "The only campaigns whose calls and events it sees and steers; for no token with the role "
        "admin, which is for the whole switch. Its `status` and `/metrics` are the whole switch's.",
        otherwise="all campaigns",
        example="[baby-fan-sale]",
    )
    ORIGINATE = Key(
        "originate",
        ORIGINATE_KIND,
        "What it may have called, within what its campaigns may.",
        otherwise="whatever they may",
        example='{to: ["+1602*"], at_once: 5}',
    )


CONTROL_TOKEN = Section(
    "a control token",
    "A secret, and what whoever shows it may do.",
    keys_of(TokenKeys),
    example="tokens:\n  crm: {secret: '${CRM_TOKEN}', roles: [control, allocate]}",
)


def _read_token(tree: Tree, reading: Reading) -> ControlToken:
    if isinstance(tree, Scalar):
        raise RefusedError("expected the settings of a control token: secret and roles")
    keys = TokenKeys
    fields = read_fields(tree, CONTROL_TOKEN, reading)
    token = ControlToken(
        name="",
        secret=fields[keys.SECRET],
        roles=fields[keys.ROLES],
        campaigns=fields.get(keys.CAMPAIGNS) or (),
        originate=fields.get(keys.ORIGINATE),
    )
    if "admin" in token.roles and token.campaigns:
        message = "campaigns: the role admin is for the whole switch, not for some campaigns"
        reading.problems.add(fields.place(keys.CAMPAIGNS), message)
    return token


_BY_NAME = mapping_of(section_kind(CONTROL_TOKEN, _read_token), most=MAX_TOKENS, noun="token")


def _read_tokens(tree: Tree, reading: Reading) -> Mapping[str, ControlToken]:
    if not isinstance(tree, Table):
        raise RefusedError(f"expected {_BY_NAME.says}")
    return _BY_NAME.read(tree, reading)


_TOKENS = Kind(_BY_NAME.says, _read_tokens, _BY_NAME.schema)


class TlsKeys:
    """Keys of `tls`."""

    CERTIFICATE = Key(
        "certificate",
        FILE,
        "File of the certificate, with the chain behind it (PEM).",
        required=True,
        example="/etc/softswitch/control.pem",
    )
    KEY = Key(
        "key",
        FILE,
        "File of its private key (PEM, without a password).",
        required=True,
        example="/etc/softswitch/control.key",
    )


CONTROL_TLS = Section(
    "control tls",
    "The certificate that peers of the control socket on TCP are shown. Both files are read at the "
    "start.",
    keys_of(TlsKeys),
    example="tls: {certificate: /etc/softswitch/control.pem, key: /etc/softswitch/control.key}",
)


def _read_tls(tree: Tree, reading: Reading) -> ControlTls:
    keys = TlsKeys
    fields = read_fields(tree, CONTROL_TLS, reading)
    places = fields.places(keys.CERTIFICATE, keys.KEY)
    return ControlTls(fields[keys.CERTIFICATE], fields[keys.KEY], places)


class ControlKeys:
    """Keys of the section `control`."""

    TOKENS = Key(
        "tokens",
        _TOKENS,
        "Tokens by name. With any, every peer on TCP has to show one, also on loopback. Without "
        "any, the control socket listens on loopback only, and whoever is on this machine may do "
        "everything.",
        otherwise="none",
        example="{crm: {secret: '${CRM_TOKEN}', roles: [control]}}",
    )
    UNIX = Key(
        "unix",
        BOOLEAN,
        "Whether there is a Unix socket `control.sock` in the data folder, too. Only the user that "
        "the switch runs as can open it, and may do everything.",
        default="true",
        example="false",
    )
    TLS = Key(
        "tls",
        section_kind(CONTROL_TLS, _read_tls),
        "Speak TLS on TCP.",
        otherwise="no TLS",
        example="{certificate: control.pem, key: control.key}",
    )


CONTROL = Section(
    "control",
    "Who may use the control socket, and how. Its TCP address is `control` of the section switch. "
    "What it understands is in control.md.",
    keys_of(ControlKeys),
    example="control:\n  tokens:\n    crm: {secret: '${CRM_TOKEN}', roles: [control, allocate]}\n"
    "    board: {secret: '${BOARD_TOKEN}', roles: [read], campaigns: [baby-fan-sale]}",
)


def read_control(tree: Tree, reading: Reading) -> Control:
    """The section control; its defaults where a mistake leaves no value to take."""
    keys = ControlKeys
    try:
        fields = read_fields(tree, CONTROL, reading)
    except MissingError:
        return Control()
    reading.control_tokens = keys.TOKENS in fields or fields.refused(keys.TOKENS)
    named = fields.get(keys.TOKENS) or MappingProxyType({})
    tokens = tuple(replace(token, name=name) for name, token in named.items())
    secrets = [token.secret for token in tokens]
    if len(set(secrets)) < len(secrets):
        reading.problems.add(fields.place(keys.TOKENS), "tokens: two have the same secret")
    return Control(tokens=tokens, unix=fields[keys.UNIX], tls=fields.get(keys.TLS))
