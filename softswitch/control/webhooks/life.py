"""A task of ours that ends by a mistake says so at once: nobody would be told any more."""

from __future__ import annotations

import asyncio
import logging

__all__ = ["tell_death"]

logger = logging.getLogger(__name__)


def tell_death(task: asyncio.Task[None]) -> None:
    """Log why a task has ended that was to go on; a callback of it."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        logger.error("%s has failed", task.get_name(), exc_info=error)
