"""Where certificates are, as signatures name them: URLs, and what they are known by here."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["host_of", "place_of"]

MAX_URL = 500
"""Characters: an INVITE has to carry it twice."""


def place_of(url: str) -> str | None:
    """HOST/PATH of an https URL, with a port that is not the usual one; None for anything else.

    RFC 8588 section 5.3.1 has certificates fetched by HTTPS.
    """
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() != "https" or not parts.hostname or not parts.path.strip("/"):
        return None
    host = parts.hostname if port in (None, 443) else f"{parts.hostname}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{host}{parts.path}{query}"


def host_of(place: str) -> str:
    """The host of a place, with its port where that is not the usual one."""
    return place.partition("/")[0]
