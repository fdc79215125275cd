"""The CSV files that an entry of a section names: opened, or noted where their name stands."""

from collections.abc import Iterator

from config.document import Sequence, Tree
from config.reading import Fields, Key, Reading, RefusedError, note
from config.rows import Rows, open_rows


def rows_of(fields: Fields, key: Key[tuple[str, ...]], reading: Reading) -> Iterator[Rows]:
    """The rows of each file that can be read."""
    names = fields.get(key)
    for name, place in zip(names or (), _places(fields, key), strict=False):
        try:
            rows = open_rows(name, reading)
        except RefusedError as error:
            note(reading, error, place, key.name)
            continue
        yield rows


def only_rows(fields: Fields, key: Key[str], reading: Reading) -> Rows | None:
    """The rows of the one file of a key; None (and a problem) when it cannot be read."""
    try:
        return open_rows(fields[key], reading)
    except RefusedError as error:
        note(reading, error, _places(fields, key)[0], key.name)
        return None


def _places(fields: Fields, key: Key[tuple[str, ...]] | Key[str]) -> list[Tree]:
    """Where the names of files stand: in a list, or one alone."""
    tree = fields.table.entries.get(key.name)
    if isinstance(tree, Sequence):
        return tree.items
    return [fields.table if tree is None else tree]
