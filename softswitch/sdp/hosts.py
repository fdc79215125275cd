"""Where a description's sound goes: which address counts, and whether it can be reached.

RFC 8866 section 5.7 (c= lines), RFC 3264 section 8.4 (the unspecified address).
"""

from functools import lru_cache
from ipaddress import ip_address

from softswitch.sdp.description import Connection, MediaDescription, SessionDescription
from softswitch.sdp.errors import WARN_ADDRESS_FORMAT, WARN_MULTICAST, NotAcceptable

__all__ = ["connection_of", "family_of", "is_unspecified", "remote_host"]


def family_of(host: str) -> str:
    return "IP6" if ":" in host else "IP4"


def connection_of(media: MediaDescription, description: SessionDescription) -> Connection:
    """RFC 8866 section 5.7: a media-level c= line overrides the session's."""
    connection = media.connection or description.connection
    if connection is None:
        raise NotAcceptable(WARN_ADDRESS_FORMAT, "No connection address")
    return connection


def remote_host(media: MediaDescription, description: SessionDescription, family: str) -> str:
    connection = connection_of(media, description)
    address_type, is_multicast, nowhere = _classify(connection.address)
    if is_multicast:
        raise NotAcceptable(WARN_MULTICAST, "Multicast not available")
    if address_type != family and not nowhere:
        raise NotAcceptable(WARN_ADDRESS_FORMAT, "Incompatible network address formats")
    return connection.address


@lru_cache(maxsize=1024)
def _classify(address: str) -> tuple[str, bool, bool]:
    """Type ("" when it is no address of a host), is it multicast, is it unspecified.

    Bounded, because peers choose the addresses.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "", False, False
    # A zone (fe80::1%eth0) means something to its sender's host only.
    if address == "255.255.255.255" or "%" in address:
        return "", False, False
    return f"IP{parsed.version}", parsed.is_multicast, parsed.is_unspecified


def is_unspecified(host: str) -> bool:
    # RFC 3264 section 8.4: a connection address of 0.0.0.0, the old way to hold, "means that
    # neither RTP nor RTCP should be sent to the peer".
    return _classify(host)[2]
