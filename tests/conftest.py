"""Fixtures for every test: a database."""

from tests.support.database import database, dsn

__all__ = ["database", "dsn"]
