"""What can be wrong with a peer's session description: unreadable, or readable and not for us.

Both are values of the wire, never bugs: the call layer turns them into a SIP answer (488),
which RFC 3261 section 13.3.1.3 wants to have a Warning header.
"""


class ParseError(ValueError):
    """The body is not a session description (RFC 8866); the text names the line."""

    def warning(self, agent: str) -> str:
        """The value of a Warning header, in our own words alone."""
        return f'{WARN_MISCELLANEOUS} {agent} "Session description not understood"'


class NotAcceptable(Exception):
    """The description is sound, but nothing in it can be agreed on: 488 with a Warning header.

    `code` is a warn-code of RFC 3261 section 20.43 (300-399), `text` the sentence beside it.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def warning(self, agent: str) -> str:
        """The value of a Warning header: `305 192.0.2.1 "Incompatible media format"`."""
        return f'{self.code} {agent} "{self.text}"'


WARN_NETWORK_PROTOCOL = 300
WARN_ADDRESS_FORMAT = 301
WARN_TRANSPORT_PROTOCOL = 302
WARN_MEDIA_TYPE = 304
WARN_MEDIA_FORMAT = 305
WARN_MULTICAST = 330
WARN_MISCELLANEOUS = 399
