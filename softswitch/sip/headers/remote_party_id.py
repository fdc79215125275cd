"""Remote-Party-ID, the forerunner of P-Asserted-Identity (draft-ietf-sip-privacy-04).

Still what many gateways send. Whether it is believed depends on who sent it.
"""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.informative import parse_readable
from softswitch.sip.headers.name_address import NameAddress


@dataclass(frozen=True, slots=True)
class RemotePartyId:
    """One party of the call as the network knows it."""

    address: NameAddress

    @classmethod
    def parse(cls, value: str) -> RemotePartyId:
        """Read `"Alice" <sip:+1...@host>;party=calling;screen=yes;privacy=off`."""
        return cls(NameAddress.parse(value))

    @classmethod
    def parse_all(cls, headers: Headers) -> tuple[RemotePartyId, ...]:
        """Read every value that can be read."""
        return parse_readable(headers, "Remote-Party-ID", cls.parse)

    @property
    def party(self) -> str:
        """`calling` or `called`; in a request it is the calling one when nothing is said."""
        return (self.address.parameters.get("party") or "calling").lower()

    @property
    def is_screened(self) -> bool:
        """Whether the network verified the number."""
        return (self.address.parameters.get("screen") or "no").lower() == "yes"

    @property
    def is_private(self) -> bool:
        """Whether name or number must not be shown: `privacy=full`, `name`, `uri`, `id`."""
        privacy = (self.address.parameters.get("privacy") or "off").lower()
        return any(part.strip() not in ("", "off", "none") for part in privacy.split(","))

    def __str__(self) -> str:
        return str(self.address)
