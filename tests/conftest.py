"""Fixtures for every test: a database. And the collector left out where it finds nothing.

Thousands of modules and tests are made while pytest collects, and live as long as it does: a look
at them each time some hundred objects are new is a fifth of the time that this takes.
"""

import gc

from tests.support.database import database, dsn

__all__ = ["database", "dsn"]


def pytest_configure() -> None:
    """Collect tests without the collector."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Have the collector look only at what the tests make from now on."""
    gc.freeze()
    gc.enable()
