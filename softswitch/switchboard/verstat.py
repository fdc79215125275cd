"""Writes `verstat` into what an INVITE says of its caller (3GPP TS 24.229 section 7.2A.20): a
parameter of the number, in P-Asserted-Identity where there is one, else in From."""

from __future__ import annotations

import dataclasses

import msgspec

from softswitch.call.dial_request import DialRequest
from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import split_commas
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.parameters import Parameters
from softswitch.sip.uri import Uri

__all__ = ["with_verstat"]

ASSERTED = "p-asserted-identity"


def with_verstat(request: DialRequest, verstat: str) -> DialRequest:
    """The same with the result in it; as it is where it has no number to carry that."""
    if all(name.lower() != ASSERTED for name, _ in request.headers):
        return msgspec.structs.replace(request, from_header=_said(request.from_header, verstat))
    headers = tuple(
        (name, ", ".join(_said(one, verstat) for one in split_commas(value)))
        if name.lower() == ASSERTED
        else (name, value)
        for name, value in request.headers
    )
    return msgspec.structs.replace(request, headers=headers)


def _said(value: str, verstat: str) -> str:
    try:
        address = NameAddress.parse(value)
    except ParseError:
        return value
    return str(msgspec.structs.replace(address, uri=_uri_with(address.uri, verstat)))


def _uri_with(uri: Uri, verstat: str) -> Uri:
    if not uri.is_sip:
        return dataclasses.replace(uri, parameters=uri.parameters.with_("verstat", verstat))
    if not uri.user:
        return uri
    # RFC 3261 section 19.1.6: in a sip URI the parameters of the number stand behind the user.
    number, _, _ = uri.user.partition(";")
    kept = uri.user_parameters.with_("verstat", verstat)
    return dataclasses.replace(uri, user=f"{number}{_bare(kept)}")


def _bare(parameters: Parameters) -> str:
    return "".join(
        f";{name}" if value is None else f";{name}={value}" for name, value in parameters.items()
    )
