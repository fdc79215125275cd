"""Digest by the letter of RFC 7616, for phones of tests; shares nothing with the switch."""

from __future__ import annotations

import hashlib
import re

from tests.support.phone import Phone
from tests.support.sip_text import Message

_HASH = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def fields(value: str) -> dict[str, str]:
    """The parameters of a challenge or of its answer."""
    found = re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', value.partition(" ")[2])
    return {name: quoted or bare for name, quoted, bare in found}


def response(
    shown: dict[str, str], *, user: str, password: str, method: str, uri: str, algorithm: str
) -> str:
    """What the response must be."""

    def digest(text: str) -> str:
        return _HASH[algorithm](text.encode()).hexdigest()

    first = digest(f"{user}:{shown['realm']}:{password}")
    second = digest(f"{method}:{uri}")
    middle = f"{shown['nonce']}:{shown['nc']}:{shown['cnonce']}:{shown['qop']}"
    return digest(f"{first}:{middle}:{second}")


def answer(
    challenge: Message, *, user: str, password: str, method: str, uri: str, algorithm: str = "MD5"
) -> str:
    """The value of Authorization that answers a 401."""
    asked = next(
        one
        for one in map(fields, challenge.all("www-authenticate"))
        if one.get("algorithm", "MD5") == algorithm
    )
    shown = {"realm": asked["realm"], "nonce": asked["nonce"]}
    shown |= {"nc": "00000001", "cnonce": "c0ffee", "qop": "auth"}
    right = response(
        shown, user=user, password=password, method=method, uri=uri, algorithm=algorithm
    )
    quoted = {**shown, "username": user, "uri": uri, "response": right}
    bare = {"nc", "qop"}
    parts = [f"{k}={v}" if k in bare else f'{k}="{v}"' for k, v in quoted.items()]
    return f"Digest {', '.join(parts)}, algorithm={algorithm}"


class Carrier(Phone):
    """A phone that challenges what it gets, and takes registrations."""

    user_name, password, realm = "switch-1", "s3cret word", "carrier.example"

    def __init__(self, *, algorithm: str = "SHA-256", challenges: frozenset[str]) -> None:
        self.algorithm = algorithm
        self.challenges = challenges
        """Methods that need credentials."""
        self.registered: list[Message] = []
        self.refused: list[str] = []
        self.probe_status = 200
        super().__init__(user="carrier")

    def _take_request(self, message: Message, peer: tuple[str, int]) -> None:
        method = message.method or ""
        if method in self.challenges and not self._shows(message):
            asks = (
                f'Digest realm="{self.realm}", nonce="{message.branch}", qop="auth", '
                f"algorithm={self.algorithm}"
            )
            self._reply(message, 401, peer, [("WWW-Authenticate", asks)])
        elif method == "REGISTER":
            self.registered.append(message)
            headers = [("Contact", message.get("contact")), ("Expires", message.get("expires"))]
            self._reply(message, 200, peer, headers)
        elif method == "OPTIONS":
            self.strays.append(message)
            if self.probe_status:
                self._reply(message, self.probe_status, peer, [])
        else:
            super()._take_request(message, peer)

    def _reply(
        self, message: Message, status: int, peer: tuple[str, int], headers: list[tuple[str, str]]
    ) -> None:
        self.send(self.response(message, status, b"", headers, tag="carrier"), peer)

    def _shows(self, message: Message) -> bool:
        value = message.get("authorization")
        if not value:
            return False
        shown = fields(value)
        right = response(
            shown, user=self.user_name, password=self.password, method=message.method or "",
            uri=shown["uri"], algorithm=self.algorithm,
        )  # fmt: skip
        if shown["response"] != right or shown["username"] != self.user_name:
            self.refused.append(value)
            return False
        return True
