"""Hosts as text: one spelling an address, and how they are written in URIs.

RFC 3261 section 25.1 (hostport), RFC 4291 section 2.5.5.2 (IPv4-mapped IPv6 addresses). Resolves
no names: that is the transport's.
"""

import ipaddress
from urllib.parse import quote

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_SIP_PORT = 5060
# RFC 3261 section 25.1: user = 1*( unreserved / escaped / user-unreserved ).
_USER_SAFE = "-_.!~*'()&=+$,;?/"


def ip_address(host: str) -> IpAddress | None:
    """The address a host is written as, IPv4 for an IPv4-mapped one; None for a name."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def canonical_host(host: str) -> str:
    """One spelling of a host: compressed address without brackets, or the name in lower case."""
    address = ip_address(host)
    return str(address) if address is not None else host.lower().rstrip(".")


def uri_host(host: str) -> str:
    """A host as it stands in a URI: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def sip_uri(user: str, host: str, port: int) -> str:
    """A SIP URI, with the user escaped and the port left out where it is the default."""
    where = uri_host(host) if port == DEFAULT_SIP_PORT else f"{uri_host(host)}:{port}"
    if not user:
        return f"sip:{where}"
    if not (user.isascii() and user.lstrip("+").isalnum()):
        # Nearly every user is a number: nothing to escape.
        user = quote(user, safe=_USER_SAFE)
    return f"sip:{user}@{where}"
