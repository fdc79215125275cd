"""The folder of recordings and clips: made when the switch starts, so that one that cannot be is
known before the first call. Knows no calls and writes no file."""

from __future__ import annotations

import os
from pathlib import Path

from config.model import Campaign, Configuration
from softswitch.hearing.clips import history_of
from softswitch.hearing.taped import recordings_folder

__all__ = ["make_recordings_folder"]


def make_recordings_folder(configuration: Configuration) -> None:
    """Make the folder where something is to be written to it; raises OSError, in a sentence."""
    if not any(map(_writes, configuration.campaigns.values())):
        return
    folder = recordings_folder(configuration.switch.data, configuration.hearing.recordings)
    why = _problem(folder)
    if why:
        raise OSError(f"folder of recordings {folder}: {why}")


def _writes(campaign: Campaign) -> bool:
    return campaign.record is not None or history_of(campaign) > 0


def _problem(folder: Path) -> str:
    """Why nothing can be written to a folder; empty when it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return "" if os.access(folder, os.W_OK | os.X_OK) else "it cannot be written to"
