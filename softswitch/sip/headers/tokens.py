"""Headers that are a list of tokens: Require, Supported, Unsupported, Proxy-Require, Allow.

RFC 3261 sections 20.5, 20.29, 20.32, 20.37, 20.40. It does not know which extension exists.
"""

from __future__ import annotations

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import is_token
from softswitch.sip.headers.container import Headers


def parse_tokens(headers: Headers, name: str) -> tuple[str, ...]:
    """Read all tokens of a header in order; an absent or empty header has none."""
    tokens = tuple([token for token in headers.get_list(name) if token])
    for token in tokens:
        if not is_token(token):
            raise ParseError(f"bad-{name.lower()}", detail=f"{token[:60]!r}")
    return tokens
