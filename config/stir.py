"""The section stir: whose signatures of callers are believed, and what the switch signs with.

What is in the files is looked at by `softswitch.stir`; what a trunk does with it is in
`config.trunk_vouching`.
"""

import re
from collections.abc import Mapping
from typing import Literal

from config.document import Scalar, Tree
from config.errors import Problems
from config.kinds import BOOLEAN, FILE, FOLDER, duration, list_of, one_of
from config.model import Attestation, Fetching, Signing, Stir, Trunk
from config.reading import (
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    scalar,
    section_kind,
)

__all__ = ["FETCH", "SIGN", "STIR", "check_vouching", "read_stir"]

MAX_HOSTS = 100
"""That may be asked for certificates; there are some tens of authorities in a country."""
"""Looked through for each certificate that is fetched."""
MAX_BEGINNINGS = 1000
"""Blocks of numbers of one operator."""

Attested = Literal["A", "B", "C", "off"]
_ATTESTED: tuple[Attested, ...] = ("A", "B", "C", "off")

_URL = re.compile(r"https://[A-Za-z0-9.\-]+(?::[0-9]{1,5})?/[!#-;=?-\[\]_a-z~]{1,400}\Z")
_HOST = re.compile(r"(?:\*\.)?(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{1,63}(?::[0-9]{1,5})?\Z")
_BEGINNING = re.compile(r"\+[1-9][0-9]{0,14}\Z")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def _url(text: str) -> str:
    if not _URL.match(text):
        raise ValueError
    return text


def _host(text: str) -> str:
    if not _HOST.match(text):
        raise ValueError
    return text.lower()


def _beginning(text: str) -> str:
    if not _BEGINNING.match(text):
        raise ValueError
    return text


def _uuid(text: str) -> str:
    if not _UUID.match(text.lower()):
        raise ValueError
    return text.lower()


class SignKeys:
    """Keys of what is signed with."""

    KEY = Key(
        "key",
        FILE,
        "File of the private key (PEM, P-256, without a password).",
        required=True,
        example="/etc/softswitch/stir.key",
    )
    CERTIFICATE = Key(
        "certificate",
        FILE,
        "File of its certificate, with the chain behind it (PEM): to see that it is the key's, and "
        "has not ended.",
        required=True,
        example="/etc/softswitch/stir.pem",
    )
    X5U = Key(
        "x5u",
        scalar("an https URL", _url),
        "Where others find that certificate.",
        required=True,
        example="https://certs.example.com/ours.pem",
    )
    OURS = Key(
        "ours",
        one_of(_ATTESTED),
        "How calls are attested that show a number of ours: one that is live here, or begins as "
        "`numbers` say, unless it is a caller who says so. `off`: they are not signed.",
        default="A",
        example="A",
    )
    OTHERS = Key(
        "others",
        one_of(_ATTESTED),
        "How calls are attested that show another number, such as a caller's own.",
        default="C",
        example="B",
    )
    NUMBERS = Key(
        "numbers",
        list_of(scalar("the beginning of numbers in E.164", _beginning), most=MAX_BEGINNINGS),
        "Beginnings of further numbers that are ours to show.",
        otherwise="none",
        example="['+1602555']",
    )
    ORIGID = Key(
        "origid",
        scalar("a UUID", _uuid),
        "What stands for where calls come from.",
        otherwise="a UUID for each trunk that calls come in by, made of `x5u` and its name",
        example="123e4567-e89b-12d3-a456-426655440000",
    )


SIGN = Section(
    "stir sign",
    "What calls out are signed with, to trunks that have `identity: {sign: true}`.",
    keys_of(SignKeys),
    example=(
        "sign: {key: /etc/softswitch/stir.key, certificate: /etc/softswitch/stir.pem, "
        "x5u: 'https://certs.example.com/ours.pem'}"
    ),
)


class FetchKeys:
    """Keys of fetching certificates."""

    HOSTS = Key(
        "hosts",
        list_of(scalar("a host, or *. and what hosts end in", _host), most=MAX_HOSTS),
        "The only hosts that are asked, with a port where it is not 443. Calls choose the URL: "
        "nothing else is fetched.",
        required=True,
        example="[certs.example.org, '*.sti-ca.example']",
    )
    WAIT = Key(
        "wait",
        duration("0 s", "3 s"),
        "How long a call waits for a certificate that was not known. It is fetched all the same, "
        "for the calls behind it.",
        default="1 s",
        example="500 ms",
    )


FETCH = Section(
    "stir fetch",
    "Certificates that calls name and nobody knows here are fetched by HTTPS, and kept in the "
    "folder `certificates`.",
    keys_of(FetchKeys),
    example="fetch: {hosts: [certs.example.org]}",
)


def _read_sign(tree: Tree, reading: Reading) -> Signing:
    if isinstance(tree, Scalar):
        raise RefusedError("expected key, certificate and x5u")
    keys = SignKeys
    fields = read_fields(tree, SIGN, reading)
    return Signing(
        key=fields[keys.KEY],
        certificate=fields[keys.CERTIFICATE],
        x5u=fields[keys.X5U],
        ours=_attestation(fields[keys.OURS]),
        others=_attestation(fields[keys.OTHERS]),
        numbers=fields.get(keys.NUMBERS) or (),
        origid=fields.get(keys.ORIGID),
        places=fields.places(keys.KEY, keys.CERTIFICATE),
    )


def _attestation(word: Attested) -> Attestation | None:
    return None if word == "off" else word


def _read_fetch(tree: Tree, reading: Reading) -> Fetching:
    if isinstance(tree, Scalar):
        raise RefusedError("expected the hosts that may be asked")
    fields = read_fields(tree, FETCH, reading)
    return Fetching(fields[FetchKeys.HOSTS], fields[FetchKeys.WAIT])


class StirKeys:
    """Keys of the section `stir`."""

    AUTHORITIES = Key(
        "authorities",
        FILE,
        "File of the authorities whose certificates are believed (PEM). Needed to verify calls.",
        otherwise="nobody is believed",
        example="/etc/softswitch/stir-authorities.pem",
    )
    CERTIFICATES = Key(
        "certificates",
        FOLDER,
        "Folder of the certificates that calls name by their URL: `HOST/PATH`, as `wget -x` leaves "
        "them. It is read again when the configuration is reloaded.",
        otherwise="no certificate is known",
        example="/var/lib/softswitch/stir",
    )
    FRESHNESS = Key(
        "freshness",
        duration("5 s", "10 min"),
        "How old a signature may be, and how far ahead of our clock.",
        default="60 s",
        example="30 s",
    )
    TN_AUTH_LIST = Key(
        "tn_auth_list",
        BOOLEAN,
        "Whether a certificate must say whose numbers it is for (RFC 8226), and the caller's must "
        "be among them where it lists numbers.",
        default="false",
        example="true",
    )
    FETCH = Key(
        "fetch",
        section_kind(FETCH, _read_fetch),
        "Fetch certificates that are not known.",
        otherwise="nothing is fetched",
        example="{hosts: [certs.example.org]}",
    )
    SIGN = Key(
        "sign",
        section_kind(SIGN, _read_sign),
        "What calls out are signed with.",
        otherwise="nothing is signed",
        example=(
            "{key: /etc/softswitch/stir.key, certificate: /etc/softswitch/stir.pem, "
            "x5u: 'https://certs.example.com/ours.pem'}"
        ),
    )


STIR = Section(
    "stir",
    "Signatures of callers (STIR/SHAKEN): whom the switch believes, and what it signs with. Which "
    "calls that is about stands at the trunks, under `identity`. Needs the extra `stir` of the "
    "package.",
    keys_of(StirKeys),
    example="stir:\n  authorities: /etc/softswitch/stir-authorities.pem\n"
    "  certificates: /var/lib/softswitch/stir",
)


def read_stir(tree: Tree, reading: Reading) -> Stir:
    """The section; its defaults where a mistake leaves no value to take."""
    keys = StirKeys
    try:
        fields = read_fields(tree, STIR, reading)
    except MissingError:
        return Stir()
    return Stir(
        authorities=fields.get(keys.AUTHORITIES),
        certificates=fields.get(keys.CERTIFICATES),
        freshness_seconds=fields[keys.FRESHNESS],
        tn_auth_list=fields[keys.TN_AUTH_LIST],
        fetching=fields.get(keys.FETCH),
        signing=fields.get(keys.SIGN),
        places=fields.places(keys.AUTHORITIES, keys.CERTIFICATES),
    )


def check_vouching(stir: Stir, trunks: Mapping[str, Trunk], problems: Problems) -> None:
    """What trunks want verified or signed, and nobody could."""
    for trunk in trunks.values():
        identity = trunk.identity
        if identity is None:
            continue
        if identity.verify and stir.authorities is None:
            problems.add(
                trunk.location,
                f'trunk "{trunk.name}": nobody is there whose signatures are believed',
                "set authorities in the section stir",
            )
        elif identity.verify and stir.certificates is None and stir.fetching is None:
            problems.add(
                trunk.location,
                f'trunk "{trunk.name}": no certificate is known to verify its calls with',
                "set certificates, or fetch, in the section stir",
            )
        if identity.sign and stir.signing is None:
            problems.add(
                trunk.location,
                f'trunk "{trunk.name}": there is no key to sign with',
                "set sign in the section stir",
            )
