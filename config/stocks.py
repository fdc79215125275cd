"""The section stocks, and the lists of numbers that stocks and pools have.

Numbers are read here as they are written; `config.numbers` makes live numbers of a pool's,
`config.number_files` reads CSV files, and both see doubles among all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config import hints
from config.document import Scalar, Sequence, Table, Tree
from config.kinds import (
    LINE,
    MAX_VALUE,
    NAME,
    PHONE_NUMBER,
    list_of,
    mapping_of,
)
from config.model import (
    NOTHING,
    Location,
)
from config.parameters import PARAMETERS
from config.reading import (
    Key,
    MissingError,
    Reading,
    Section,
    keys_of,
    read_fields,
    scalar,
    section_kind,
)

MAX_INLINE = 100_000
"""Numbers in a list; more stand better in a file."""
MAX_ATTRIBUTES = 20
"""What a request can ask for of a number: each is compared for each free number."""


def _attribute(text: str) -> str:
    if not 0 < len(text) <= MAX_VALUE:
        raise ValueError
    return text


ATTRIBUTES = mapping_of(
    scalar("text", _attribute), most=MAX_ATTRIBUTES, noun="attribute", name=NAME
)


# The numbers of a pool or stock.


@dataclass(frozen=True, slots=True)
class Item:
    """A number of a pool or stock as it is written, or a file of them."""

    number: str | None
    """E.164. None: a file."""
    file: str | None
    location: Location
    parameters: Mapping[str, str] | None = None
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    overflow: bool = False
    """Whether it is the pool's overflow number."""


class ItemKeys:
    """Keys of a number in a list."""

    NUMBER = Key("number", PHONE_NUMBER, "The number.", example="+1 800 123 1111")
    FILE = Key(
        "file",
        LINE,
        "Instead of a number: a CSV file of them, relative to the configuration's folder.",
        example="numbers.csv",
    )
    PARAMETERS = Key(
        "parameters",
        PARAMETERS,
        "In a pool: its binding, which stays. Without it the number is bound when it is asked for.",
        otherwise="none",
        example="{website: one, location: footer, path: home}",
    )
    ATTRIBUTES = Key(
        "attributes",
        ATTRIBUTES,
        "What a request can ask for. `area_code` and `toll_free` (yes or no) are filled in.",
        otherwise="none",
        example="{vanity: FANS}",
    )


ITEM = Section(
    "a number in a list",
    "A number of a pool or stock, or a CSV file of numbers. Columns of a file are `number`, "
    "`attribute.NAME`, and in a pool its parameters.",
    keys_of(ItemKeys),
    short="the number alone",
    short_schema=hints.SCALAR,
    example="numbers:\n  - +1 800 123 1111\n"
    "  - {number: +1 800 123 3267, attributes: {vanity: FANS}}\n  - {file: numbers.csv}",
)


def _read_item(tree: Tree, reading: Reading) -> Item:
    if isinstance(tree, Scalar):
        return Item(PHONE_NUMBER.read(tree, reading), None, tree.location)
    keys = ItemKeys
    fields = read_fields(tree, ITEM, reading)
    number, file = fields.get(keys.NUMBER), fields.get(keys.FILE)
    fields.need_good(keys.NUMBER, keys.FILE, keys.PARAMETERS)
    if (number is None) == (file is None):
        message = "this is either a number or a file"
        reading.problems.add(tree.location, message, 'write "number" or "file"')
        raise MissingError(ITEM.name)
    for key in (keys.PARAMETERS, keys.ATTRIBUTES):
        if file is not None and key in fields:
            message = f"{key.name}: those of a file stand in its columns"
            reading.problems.add(fields.place(key), message)
    return Item(
        number,
        file,
        fields.place(keys.NUMBER if file is None else keys.FILE),
        fields.get(keys.PARAMETERS),
        fields.get(keys.ATTRIBUTES) or NOTHING,
    )


ITEMS = list_of(section_kind(ITEM, _read_item), most=MAX_INLINE, doubles=True)


# Stocks.


class StockKeys:
    """Keys of a stock."""

    NUMBERS = Key(
        "numbers",
        ITEMS,
        "Its numbers.",
        required=True,
        example="[+1 800 123 7777, {file: stock.csv}]",
    )


STOCK = Section(
    "a stock",
    "Numbers that several pools share: they take from it when they grow and give idle ones back. "
    "A number is live only while a pool has it.",
    keys_of(StockKeys),
    short="its numbers alone",
    short_schema=ITEMS.schema,
    example="stocks:\n  main: {numbers: [+1 800 123 7777, +1 800 123 8888]}\n"
    "  large: {file: stock.csv}",
)


def read_stock(tree: Tree, reading: Reading) -> tuple[Item, ...]:
    """The numbers of one stock as they are written; none when there is a mistake."""
    if isinstance(tree, Table) and ItemKeys.FILE.name in tree.entries:
        tree = Sequence(tree.file, tree.mark, [tree])
    if not isinstance(tree, Table):
        tree = Table(tree.file, tree.mark, {StockKeys.NUMBERS.name: tree})
    try:
        return read_fields(tree, STOCK, reading)[StockKeys.NUMBERS]
    except MissingError:
        return ()
