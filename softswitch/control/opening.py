"""Opens the control socket as the configuration says: tokens, TLS, TCP and Unix."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from config.addresses import is_loopback
from config.model import Configuration, Control, ControlTls
from softswitch.control.access import Access, Token
from softswitch.control.reloading import ConfigurationRefused
from softswitch.control.server import ControlServer
from softswitch.transport.tls import TlsUnusable, load_certificate

__all__ = ["ControlDoor", "ControlUnusable", "access_of"]

logger = logging.getLogger(__name__)

CONTROL_SOCKET = "control.sock"
"""In the data folder, which only one switch has."""


class ControlUnusable(Exception):
    """The control socket cannot be opened as configured; the text is for the operator."""


def access_of(control: Control) -> Access:
    """Who may use it."""
    return Access(_tokens_of(control))


def _tokens_of(control: Control) -> list[Token]:
    return [
        Token.of(token.name, token.secret, token.roles, token.campaigns) for token in control.tokens
    ]


class ControlDoor:
    """Lets peers in as the configuration says, and as the next one does (`Follower`)."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tls: ssl.SSLContext | None = None

    async def open(self, server: ControlServer, configuration: Configuration) -> None:
        """Open all sockets there are to be; raises ControlUnusable."""
        switch, control = configuration.switch, configuration.control
        host, port = switch.control_host, switch.control_port
        self._tls = _checked(configuration)
        if self._tls is None and not is_loopback(host):
            logger.warning("control: tokens go to %s:%d in the clear, without tls", host, port)
        try:
            await server.listen(host, port, tls=self._tls)
        except OSError as error:
            raise ControlUnusable(f"control: {host}:{port}: {error.strerror or error}") from None
        if control.unix:
            await _listen_unix(server, switch.data / CONTROL_SOCKET)

    async def prepare(self, configuration: Configuration) -> None:
        """Look at tokens and certificate of the next configuration; raises ConfigurationRefused."""
        try:
            _checked(configuration)
        except ControlUnusable as error:
            raise ConfigurationRefused.because(str(error)) from None

    def use(self, configuration: Configuration) -> None:
        """Other tokens hold from now on; peers that come are shown a renewed certificate."""
        control = configuration.control
        self._access.use(_tokens_of(control))
        if self._tls is not None and control.tls is not None:
            try:
                _load(self._tls, control.tls)
            except ControlUnusable as error:
                logger.error("%s: peers are shown the one before", error)


def _checked(configuration: Configuration) -> ssl.SSLContext | None:
    host, control = configuration.switch.control_host, configuration.control
    if not (is_loopback(host) or control.tokens):
        raise ControlUnusable(f"control: {host} is no loopback address: that needs a token")
    return None if control.tls is None else context_of(control.tls)


async def _listen_unix(server: ControlServer, path: Path) -> None:
    """A path too long for a socket, or a file system that has none, does not keep the switch from
    starting: TCP is there."""
    try:
        await server.listen_unix(path)
    except OSError as error:
        logger.warning("no control socket at %s: %s", path, error)


def context_of(tls: ControlTls, section: str = "control") -> ssl.SSLContext:
    """A server's context with the certificate of a section; raises ControlUnusable."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # Some builds of OpenSSL take what is older; RFC 8996 forbids it.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, tls, section)
    return context


def _load(context: ssl.SSLContext, tls: ControlTls, section: str = "control") -> None:
    try:
        load_certificate(context, tls.certificate, tls.key)
    except TlsUnusable as error:
        raise ControlUnusable(f"{section}: {error}") from None
