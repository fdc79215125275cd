"""How the switch is told which PostgreSQL it uses: a word, or a connection string.

Only the form is checked: whether a server answers there is found out when the switch starts, and
again whenever it was away. https://www.postgresql.org/docs/current/libpq-connect.html, section
"Connection URIs". Knows no key.
"""

import re
from urllib.parse import SplitResult, urlsplit

from config.addresses import host
from config.errors import did_you_mean
from config.reading import RefusedError, scalar, shorten

WORDS = ("embedded", "off")
MAX_DSN = 2000
"""Characters of a connection string."""

_SCHEMES = ("postgresql", "postgres")
_NOT_IN_A_DSN = re.compile(r"[\x00-\x20\x7f]")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAYS = 'embedded, off, or a connection string such as "postgresql://user@host:5432/name"'


def _database(text: str) -> str:
    word = text.strip().lower()
    if word in WORDS:
        return word
    if "://" not in text:
        message = f'expected {_SAYS}, not "{shorten(text)}"'
        raise RefusedError(message, suggestion=did_you_mean(text, WORDS))
    problem = _dsn_problem(text)
    if problem is not None:
        # The text itself is not shown: a password may stand in it.
        raise RefusedError(f"the connection string {problem}")
    return text


def _dsn_problem(text: str) -> str | None:
    if len(text) > MAX_DSN:
        return f"is longer than {MAX_DSN} characters"
    if _NOT_IN_A_DSN.search(text):
        return "has a space in it; write %20"
    if _ESCAPE.search(text):
        return "has a % that no two hexadecimal digits follow; write %25"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "has brackets that enclose no IPv6 address"
    if parts.scheme not in _SCHEMES:
        return f'begins with "{shorten(parts.scheme)}://", not postgresql://'
    if parts.fragment:
        return "has a # in it; write %23"
    return next(filter(None, map(_host_problem, _hosts(parts))), None)


def _hosts(parts: SplitResult) -> list[str]:
    """Host and port of each server; several may be named."""
    return parts.netloc.rpartition("@")[2].split(",")


def _host_problem(text: str) -> str | None:
    name, port = text, ""
    if ":" in text.rpartition("]")[2]:
        name, _, port = text.rpartition(":")
    if port and (not port.isascii() or not port.isdigit() or not 1 <= int(port[:6]) <= 65535):
        return f'has the port "{shorten(port)}", which is none'
    if not name or name.lower().startswith("%2f"):
        return None  # the local server's socket
    try:
        host(name)
    except ValueError:
        return f'has the host "{shorten(name)}", which is none'
    return None


DATABASE = scalar(_SAYS, _database)
