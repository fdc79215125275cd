"""Parts of the switch that another configuration is made ready for and told to. Part of the
composition root: implement `softswitch.control.reloading.Follower`."""

from __future__ import annotations

import logging

from config.model import Configuration
from media.speech.recognition.engines import RecogniserError
from softswitch.control.reloading import ConfigurationRefused
from softswitch.hearing.folder import make_recordings_folder
from softswitch.hearing.listening import Listening
from softswitch.log import EventLog

__all__ = ["FollowingEars", "FollowingLog"]


class FollowingEars:
    """Has speech understood and recordings written that no configuration wanted before."""

    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    async def prepare(self, configuration: Configuration) -> None:
        """Load the recogniser, make the folder; raises ConfigurationRefused."""
        try:
            make_recordings_folder(configuration)
            await self._listening.prepare(configuration)
        except (OSError, RecogniserError) as error:
            raise ConfigurationRefused.because(str(error)) from None

    def use(self, configuration: Configuration) -> None:
        """Each call is heard as the configuration says that it has."""


class FollowingLog:
    """Logs from the level on that the file says. One that was set live stays until the file says
    another."""

    def __init__(self, event_log: EventLog, configuration: Configuration) -> None:
        self._event_log = event_log
        self._level = configuration.switch.log_level

    async def prepare(self, configuration: Configuration) -> None:
        """There is nothing to be made ready."""

    def use(self, configuration: Configuration) -> None:
        """Take the level."""
        level = configuration.switch.log_level
        if level != self._level:
            self._level = level
            logging.getLogger().setLevel(level.upper())
            self._event_log.set_level(level)
