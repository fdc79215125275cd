"""The methods of the control socket: what each is called, takes, gives, and who may call it.

A method is a coroutine with two typed values, its parameters and its result; everything else (the
check of parameters, the right to call, the schema in the documentation) follows from its entry
here. Parameters are strict: a key that is not known is an error, as in the configuration.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import msgspec
import msgspec.inspect

from softswitch.control.access import Role
from softswitch.control.errors import ControlError, ErrorCode

if TYPE_CHECKING:
    from softswitch.control.session import Caller

__all__ = ["Catalogue", "Method", "Params"]

P = TypeVar("P", bound="Params")
R = TypeVar("R")


_ABOUT_KEYS = (ErrorCode.KEY_REUSED, ErrorCode.TIMED_OUT)


_NO_WORD = re.compile(
    r"Invalid enum value .* - at `\$\.(?P<name>[a-z_]+)(?:\[[^.`]*\])?`\Z", re.DOTALL
)
"""What msgspec says of a parameter that is one of several words; itself it names none."""


class Params(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of the parameters of all methods."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method."""

    name: str
    role: Role
    params: type[Params]
    result: Any
    """Its type."""
    run: Callable[[Any, Any, Any], Awaitable[Any]]
    """Takes the desk, the caller and the parameters."""
    about: str
    """What it does, from its docstring."""
    errors: tuple[ErrorCode, ...]
    """Beside those that every method may give."""
    idempotent_by_key: bool
    """Whether its parameters have `idempotency_key`: said again, it does nothing again."""

    def read(self, params: dict[str, Any] | list[Any]) -> Params:
        """Check parameters; raises ControlError."""
        if isinstance(params, list):
            names = self.params.__struct_fields__
            if len(params) > len(names):
                raise ControlError(
                    ErrorCode.INVALID_PARAMS, f"{self.name} takes {len(names)} parameters"
                )
            params = dict(zip(names, params, strict=False))
        try:
            return msgspec.convert(params, self.params)
        except msgspec.ValidationError as error:
            message = f"{error}{self._words_for(str(error))}"
            raise ControlError(ErrorCode.INVALID_PARAMS, message) from None

    def _words_for(self, message: str) -> str:
        """The words that a parameter may be, where one was none of them."""
        told = _NO_WORD.match(message)
        if told is None:
            return ""
        kind = next(
            (one.type for one in _fields_of(self.params) if one.encode_name == told["name"]), None
        )
        words = ", ".join(str(word) for word in _words_in(kind))
        return f": expected one of {words}" if words else ""


class Catalogue:
    """Methods by name, in the order of the documentation."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    def method(
        self, name: str, *, role: Role, errors: tuple[ErrorCode, ...] = ()
    ) -> Callable[[Callable[[Any, Caller, P], Awaitable[R]]], Callable[..., Awaitable[R]]]:
        """Enter a coroutine `(desk, caller, params) -> result` under a name."""

        def enter(run: Callable[[Any, Caller, P], Awaitable[R]]) -> Callable[..., Awaitable[R]]:
            hints = get_type_hints(run, _names_of(run))
            params = hints["params"]
            keyed = "idempotency_key" in params.__struct_fields__
            if name in self._methods:
                raise ValueError(f"{name} is there already")
            self._methods[name] = Method(
                name,
                role,
                params,
                hints["return"],
                run,
                inspect.getdoc(run) or "",
                tuple(dict.fromkeys((*errors, *(_ABOUT_KEYS if keyed else ())))),
                keyed,
            )
            return run

        return enter

    def find(self, name: str) -> Method:
        """A method by its name; raises ControlError."""
        method = self._methods.get(name)
        if method is None:
            raise ControlError(ErrorCode.METHOD_NOT_FOUND, f"there is no method {name[:100]}")
        return method

    def __iter__(self) -> Iterator[Method]:
        return iter(self._methods.values())

    def include(self, other: Catalogue) -> None:
        """Enter all methods of another catalogue."""
        for method in other:
            if method.name in self._methods:
                raise ValueError(f"{method.name} is there already")
            self._methods[method.name] = method


def _fields_of(params: type[Params]) -> tuple[msgspec.inspect.Field, ...]:
    kind = msgspec.inspect.type_info(params)
    return kind.fields if isinstance(kind, msgspec.inspect.StructType) else ()


def _words_in(kind: msgspec.inspect.Type | None) -> tuple[str | int, ...]:
    """Of a literal, or a list of them, or one that may be left out."""
    if isinstance(kind, msgspec.inspect.LiteralType):
        return tuple(kind.values)
    if isinstance(kind, msgspec.inspect.CollectionType):
        return _words_in(kind.item_type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return tuple(word for one in kind.types for word in _words_in(one))
    return ()


def _names_of(run: Callable[..., Any]) -> dict[str, Any]:
    """What annotations may name: the module's own names, and those only types need."""
    from softswitch.control.session import Caller

    return {**getattr(run, "__globals__", {}), "Caller": Caller}
