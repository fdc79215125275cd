"""Reads the certificates of SIP over TLS again when the configuration is reloaded.

Its own room is `softswitch.transport.tls`; here is only who follows a reload.
"""

from __future__ import annotations

import asyncio
import logging

from config.model import Configuration, SwitchTls
from softswitch.control.reloading import ConfigurationRefused
from softswitch.transport import Tls, TlsFiles, TlsUnusable

__all__ = ["FollowingCertificates", "tls_files"]

logger = logging.getLogger(__name__)


def tls_files(tls: SwitchTls) -> TlsFiles:
    """What the transport needs of the section."""
    return TlsFiles(tls.certificate, tls.key, tls.authorities, tls.verify, tls.client_certificates)


class FollowingCertificates:
    """Follows with one pair of contexts: which files they are needs a restart, what is in them does
    not."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls

    async def prepare(self, _configuration: Configuration) -> None:
        """Whether what is in the files can be used; raises ConfigurationRefused."""
        try:
            await asyncio.to_thread(Tls, self._tls.files)
        except TlsUnusable as error:
            raise ConfigurationRefused.because(str(error)) from None

    def use(self, _configuration: Configuration) -> None:
        """Show and believe what is in the files now."""
        try:
            self._tls.reload()
        except TlsUnusable as error:
            logger.error("the certificates stay as they are: %s", error)
