"""Identity: a signed statement of who calls (RFC 8224 section 4). Does not know what is signed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import is_token, split_commas, split_semicolons, unquote
from softswitch.sip.headers.container import Headers

__all__ = ["MAX_IDENTITIES", "Identity", "identities_of"]

MAX_IDENTITIES = 8
"""Values looked at: the caller's own and one a carrier that sent the call on. Each may cost the
check of a signature."""

MAX_PARAMETERS = 8
"""Three are defined."""

# An absolute URI: nothing but what can be shown, as it is told and kept as it stands.
_INFO = re.compile(r"<[!-;=?-~]+>\Z")
# Section 4: base64url characters and the two dots between the three parts, of which the first two
# may be empty.
_DIGEST = re.compile(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]+\Z")


@dataclass(frozen=True, slots=True)
class Identity:
    """One value: `HEADER.PAYLOAD.SIGNATURE;info=<https://...>;alg=ES256;ppt=shaken`."""

    digest: str
    """The PASSporT: three parts, or a signature behind two dots (compact form)."""
    info: str
    """Where its certificate is."""
    algorithm: str = "ES256"
    """Section 4: "if "alg" is not present, ES256"."""
    extension: str = ""
    """`ppt`."""

    @classmethod
    def parse(cls, value: str) -> Identity:
        """Read one value; raises ParseError."""
        digest, *parameters = split_semicolons(value)
        if not _DIGEST.match(digest) or len(parameters) > MAX_PARAMETERS:
            raise ParseError("bad-identity", detail=f"{digest[:60]!r} is no signed identity")
        found: dict[str, str] = {}
        for parameter in parameters:
            name, _, text = parameter.partition("=")
            found.setdefault(name.strip().lower(), text.strip())
        info = found.get("info", "")
        if not _INFO.match(info):
            raise ParseError("bad-identity", detail="no info parameter")
        algorithm, extension = (unquote(found.get(name, "")) for name in ("alg", "ppt"))
        if any(text and not is_token(text) for text in (algorithm, extension)):
            raise ParseError("bad-identity", detail="alg and ppt are tokens")
        return cls(digest, info[1:-1], algorithm or "ES256", extension)

    def __str__(self) -> str:
        text = f"{self.digest};info=<{self.info}>;alg={self.algorithm}"
        return f"{text};ppt={self.extension}" if self.extension else text


def identities_of(headers: Headers) -> tuple[str, ...]:
    """The values of a message as they came, the first MAX_IDENTITIES of them."""
    lines = headers.get_all("Identity")[:MAX_IDENTITIES]
    # They are written a line each; some proxies join lines by commas.
    values = [value for line in lines for value in split_commas(line)]
    return tuple(values[:MAX_IDENTITIES])
