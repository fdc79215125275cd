"""Engines for tests, each on a free range of ports, stopped afterwards whatever happened."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rtp.engine import Engine
from tests.support.ports import free_rtp_range

MakeEngine = Callable[..., Engine]


@pytest.fixture
def make_engine() -> Iterator[MakeEngine]:
    """Starts engines; `pairs` is the size of the port range."""
    engines = []

    def make(*, pairs: int = 20, host: str = "127.0.0.1", **options: object) -> Engine:
        if "first_port" not in options:
            options["first_port"], options["last_port"] = free_rtp_range(2 * pairs)
        engine = Engine(host=host, **options)  # type: ignore[arg-type]  # passed through
        engine.start()
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.stop()


@pytest.fixture
def engine(make_engine: MakeEngine) -> Engine:
    return make_engine()


@pytest.fixture(autouse=True)
def no_descriptor_left() -> Iterator[None]:
    """What a test opens, it closes: sockets, epoll and event descriptors."""
    before = open_files()
    yield
    assert open_files() <= before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
