"""All numbers of a configuration: of the section, of pools, of stocks, and of their files."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from config.document import Table
from config.model import Number, Pool, Stock, StockNumber
from config.number_files import FileReader, NumberFile
from config.numbers import NumberReader, TakenNumbers, attributes_of
from config.reading import Reading
from config.stocks import Item


class Directory:
    """Gathers numbers and sees that none stands twice."""

    def __init__(self, pools: Mapping[str, Pool], reading: Reading) -> None:
        self._pools = pools
        self._reading = reading
        self._taken = TakenNumbers(reading)
        self._reader = NumberReader(pools, self._taken, reading)
        self._files = FileReader(pools, self._taken, reading)
        self._numbers: list[Number] = []

    def add_section(self, section: Table) -> None:
        """The section numbers."""
        keys = section.keys
        for text, tree in section.entries.items():
            self._add(self._reader.read(keys[text], tree))

    def add_pools(self, items: Mapping[str, tuple[Item, ...]]) -> None:
        """The pools' own numbers, and their overflow numbers."""
        for name, pool in self._pools.items():
            for item in items.get(name, ()):
                if item.file is not None:
                    file = NumberFile(item.file, item.location, pool=name)
                    self._numbers.extend(self._files.numbers(file))
                else:
                    self._add(self._reader.read_item(item, pool))

    def add_files(self, files: Iterable[NumberFile]) -> None:
        """The section number_files."""
        for file in files:
            self._numbers.extend(self._files.numbers(file))

    def numbers(self) -> tuple[Number, ...]:
        """Every live number."""
        self._check_sizes()
        return tuple(self._numbers)

    def stocks(self, items: Mapping[str, tuple[Item, ...]]) -> Mapping[str, Stock]:
        """The stocks with their numbers."""
        return MappingProxyType(
            {name: Stock(name, tuple(self._stock_numbers(items[name]))) for name in items}
        )

    def _stock_numbers(self, items: tuple[Item, ...]) -> Iterable[StockNumber]:
        for item in items:
            if item.file is not None:
                yield from self._files.stock(item.file, item.location)
            elif item.parameters is not None:
                message = "parameters: a number of a stock has none until a pool takes it"
                self._reading.problems.add(item.location, message)
            elif item.number and self._taken.take(item.number, item.number, item.location):
                attributes = attributes_of(item.number, item.attributes)
                yield StockNumber(item.number, attributes, item.location)

    def _add(self, number: Number | None) -> None:
        if number is not None:
            self._numbers.append(number)

    def _check_sizes(self) -> None:
        """A pool has room for the numbers it begins with."""
        limited = {pool.name for pool in self._pools.values() if pool.maximum_size is not None}
        sizes = dict.fromkeys(limited, 0)
        for number in self._numbers if limited else ():
            if number.pool in limited and number.dynamic:
                sizes[number.pool] += 1
        for name, size in sizes.items():
            most = self._pools[name].maximum_size or 0
            if size > most:
                message = f'the pool "{name}" has {size} numbers, more than its maximum size {most}'
                self._reading.problems.add(self._pools[name].location, message)
