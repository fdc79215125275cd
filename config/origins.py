"""Origins of web pages (RFC 6454), as a browser tells them and an operator lists them."""

import re

from config.kinds import list_of
from config.reading import RefusedError, scalar

__all__ = ["ORIGINS", "plain_origin"]

MAX_ORIGINS = 200
"""In one list: looked through for each request."""
ANY_ORIGIN = "*"

_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?\Z|https?://\[[0-9a-f:.]+\]"
                     r"(?::[0-9]{1,5})?\Z")  # fmt: skip


_DEFAULT_PORTS = (("https://", ":443"), ("http://", ":80"))


def plain_origin(text: str) -> str:
    """An origin as browsers write it (RFC 6454 section 6.2): in lower case, without the port that
    its scheme has anyway."""
    text = text.lower()
    for scheme, port in _DEFAULT_PORTS:
        if text.startswith(scheme):
            return text.removesuffix(port)
    return text


def _origin(text: str) -> str:
    if text == ANY_ORIGIN:
        return text
    if text.endswith("/"):
        raise RefusedError("an origin has no path", suggestion=f'"{text.rstrip("/")}"')
    if not _ORIGIN.match(text.lower()):
        raise ValueError(text)
    return plain_origin(text)


ORIGINS = list_of(
    scalar('an origin such as "https://shop.example.com", or "*" for any', _origin),
    most=MAX_ORIGINS,
)
