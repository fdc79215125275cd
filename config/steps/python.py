"""The step python: a coroutine of the operator's own.

The module is imported while the configuration is read, so that a mistake in it is found before a
call is; modules beside the configuration's file are found too. Knows nothing of what a coroutine
may do with a call (`ivr.api`).
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.document import Scalar, Tree
from config.errors import did_you_mean
from config.model import Location, Node, PythonStep
from config.reading import Reading, RefusedError, Section, describe, shorten

_NAMED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)\Z", re.ASCII)

PYTHON = Section(
    "python",
    "Runs a coroutine of your own, `async def FUNCTION(call: TreatmentCall) -> None`, and goes on "
    "when it returns. Its module is found beside the configuration's file, or installed; it is "
    "imported when the configuration is read. An error in it is logged and the call goes on with "
    "the next step.",
    [],
    short="module:function",
    example="- python: our_treatments:greet",
)


def read_python(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """`module:function`, imported and looked at."""
    match = _NAMED.match(tree.text) if isinstance(tree, Scalar) else None
    if match is None:
        raise RefusedError(f"expected module:function, {describe(tree)}")
    module, function = match[1], match[2]
    _check(module, function, reading.folder)
    return PythonStep(name, module, function, location=location)


def _check(module: str, function: str, folder: Path) -> None:
    try:
        with _importable_from(folder):
            found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = f", which {module} needs" if error.name != module else ""
        raise RefusedError(f'there is no module "{shorten(str(error.name))}"{missing}') from None
    # The operator's module may raise anything while it is imported.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        raise RefusedError(f"{module} cannot be imported: {_told(error)}") from None
    named = getattr(found, function, None)
    if named is None:
        functions = [word for word, value in vars(found).items() if inspect.isfunction(value)]
        suggestion = did_you_mean(function, functions)
        raise RefusedError(f"{module} has no {function}", suggestion=suggestion)
    if not inspect.iscoroutinefunction(named):
        raise RefusedError(f"{module}:{function} is no coroutine (async def)")
    try:
        inspect.signature(named).bind(None)
    except TypeError:
        raise RefusedError(f"{module}:{function} must take one argument, the call") from None


@contextmanager
def _importable_from(folder: Path) -> Iterator[None]:
    """Find modules of this folder too, and first, while one is imported."""
    path = str(folder.resolve())
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if path in sys.path:
            sys.path.remove(path)


def _told(error: BaseException) -> str:
    where = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
    return shorten(f"{type(error).__name__}{where}: {error}")
