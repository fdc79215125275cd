from collections.abc import Callable
from typing import Any

MOST_AT_ONCE: int

class Datagrams:
    def __init__(self, fd: int, flow_of: Callable[[str, int], Any]) -> None: ...
    def read(self, most: int) -> list[Any]: ...
