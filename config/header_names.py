"""Names and values of SIP header fields that operators may pass on or add.

RFC 3261 section 25.1 (token), section 20 (compact forms). Knows no key.
"""

import re

from config import hints
from config.document import Tree
from config.expression import TEMPLATE
from config.model import Template
from config.reading import Kind, Reading, RefusedError, scalar

_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}\Z")

# Header fields the switch writes itself on each leg, which therefore never cross the bridge.
_OWN_HEADERS = (
    "accept accept-encoding allow allow-events alert-info authorization call-id contact "
    "content-disposition content-encoding content-language content-length content-type cseq "
    "expires from max-forwards mime-version min-se p-asserted-identity p-preferred-identity "
    "privacy proxy-authenticate proxy-authorization proxy-require rack reason record-route "
    "refer-to remote-party-id replaces require route rseq server session-expires supported "
    "timestamp to unsupported user-agent via www-authenticate"
)
OWN_HEADERS = frozenset(_OWN_HEADERS.split())
_COMPACT_HEADERS = frozenset("abcdefijklmnorstuvxy")


IDENTITY_FIELDS = frozenset(("p-asserted-identity", "p-preferred-identity", "remote-party-id"))
"""Own header fields that say something to people only: they may be left out. Privacy may not."""
SIGNED_FIELDS = frozenset(("identity", "date"))
"""What the switch writes beside signatures (RFC 8224 section 4.1), on trunks that get some."""


def _header_name(reserved: str, own: frozenset[str] = OWN_HEADERS) -> Kind[str]:
    """Names but those of SIP's own header fields; `reserved` says why it is not one of those."""

    def convert(text: str) -> str:
        if not _TOKEN.match(text):
            raise ValueError
        if text.lower() in own:
            raise RefusedError(f"{text} {reserved}")
        if text.lower() in _COMPACT_HEADERS:
            raise RefusedError(f"{text} is a short form of a name of SIP's own, and {reserved}")
        return text

    return scalar("the name of a SIP header field", convert)


HEADER_NAME = _header_name("is written by the switch on each leg and cannot be passed on")
_MEANINGFUL = frozenset(
    (
        "event", "identity-info", "info-package", "join", "path", "recv-info", "refer-sub",
        "service-route", "sip-etag", "sip-if-match", "subscription-state", "target-dialog",
    )
)  # fmt: skip
"""What SIP itself would act on at the far end, although we never write it into an INVITE."""
CARRIED_NAME = _header_name("has a meaning to SIP itself", OWN_HEADERS | _MEANINGFUL)
DROPPED_NAME = _header_name("is needed by SIP, or by the caller", OWN_HEADERS - IDENTITY_FIELDS)
MARK_NAME = _header_name("is written by whoever sends the request: no mark of a proxy's")


def _read_value(tree: Tree, reading: Reading) -> Template:
    template = TEMPLATE.read(tree, reading)
    constant = "".join(part for part in template.parts if isinstance(part, str))
    if not constant.isprintable():
        raise RefusedError("a header field has one line, without control characters")
    return template


HEADER_VALUE = Kind(TEMPLATE.says, _read_value, hints.SCALAR)
