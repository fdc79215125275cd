"""Opens the control socket as the configuration says: tokens, TLS, TCP and Unix."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from config.addresses import is_loopback
from config.model import Configuration, Control, ControlTls
from softswitch.control.access import Access, Token
from softswitch.control.server import ControlServer

__all__ = ["ControlUnusable", "access_of", "listen"]

logger = logging.getLogger(__name__)

CONTROL_SOCKET = "control.sock"
"""In the data folder, which only one switch has."""


class ControlUnusable(Exception):
    """The control socket cannot be opened as configured; the text is for the operator."""


def access_of(control: Control) -> Access:
    """Who may use it."""
    return Access(
        Token.of(token.name, token.secret, token.roles, token.campaigns) for token in control.tokens
    )


async def listen(server: ControlServer, configuration: Configuration) -> None:
    """Open all sockets there are to be; raises ControlUnusable."""
    switch, control = configuration.switch, configuration.control
    host, port = switch.control_host, switch.control_port
    tls = None if control.tls is None else context_of(control.tls)
    if not is_loopback(host):
        if not control.tokens:
            raise ControlUnusable(f"control: {host} is no loopback address: that needs a token")
        if tls is None:
            logger.warning("control: tokens go to %s:%d in the clear, without tls", host, port)
    try:
        await server.listen(host, port, tls=tls)
    except OSError as error:
        raise ControlUnusable(f"control: {host}:{port}: {error.strerror or error}") from None
    if control.unix:
        await _listen_unix(server, switch.data / CONTROL_SOCKET)


async def _listen_unix(server: ControlServer, path: Path) -> None:
    """A path too long for a socket, or a file system that has none, does not keep the switch from
    starting: TCP is there."""
    try:
        await server.listen_unix(path)
    except OSError as error:
        logger.warning("no control socket at %s: %s", path, error)


def context_of(tls: ControlTls) -> ssl.SSLContext:
    """A server's context with the certificate; raises ControlUnusable."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # Some builds of OpenSSL take what is older; RFC 8996 forbids it.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for what, path in (("certificate", tls.certificate), ("key", tls.key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise ControlUnusable(f"control: tls: {what} {path}: {error.strerror}") from None
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise ControlUnusable(
            f"control: tls: {tls.certificate} and {tls.key} cannot be used: {why}"
        ) from None
    return context


def _no_password() -> str:
    """Called for a key that is locked; OpenSSL would ask on the terminal."""
    raise ValueError("the key has a password")
