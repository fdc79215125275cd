"""What a walk comes by: destinations, decisions and notes, and how people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from config.model import Ask, Connect, Menu, Node, Play, Prompt

__all__ = ["RouteDecision", "RouteDestination", "RouteNote", "Step", "describe", "shown"]


class RouteDestination(msgspec.Struct, frozen=True, omit_defaults=True):
    """One destination the treatment may dial, and by which steps it comes there."""

    before_treatment: ClassVar[bool] = False
    path: tuple[str, ...]
    """Names of steps and keys pressed, the connect last."""
    number: str
    uri: str
    trunk: str
    next_hop: str
    """Where the INVITE is sent: host:port;transport."""
    caller_id: str
    ring_seconds: float
    shown_as: str = ""
    """From, where the trunk has a form of its own for numbers or fields that say who calls."""
    fields: tuple[str, ...] = ()
    """Those fields, as far as they do not depend on what the caller's INVITE says."""
    headers: tuple[str, ...] = ()
    """Fields that `headers: set` of the trunk writes."""
    signed: bool = False
    """Whether our word for the caller goes with it."""
    srtp: str = ""
    """optional or required, where its sound would be encrypted."""

    def fact(self) -> tuple[str, str]:
        """Its line."""
        sent = ""
        if self.shown_as:
            sent = f", sent as {'; '.join((self.uri, f'From: {self.shown_as}', *self.fields))}"
        return "destination", (
            f"{self.number} by trunk {self.trunk} ({self.next_hop}), caller id {self.caller_id}, "
            f"rings {self.ring_seconds:g} s, at {' > '.join(self.path)}{sent}{self._more()}"
        )

    def _more(self) -> str:
        told = [f"with {'; '.join(self.headers)}"] if self.headers else []
        told += ["signed"] if self.signed else []
        told += [f"srtp {self.srtp}"] if self.srtp else []
        return "".join(f", {one}" for one in told)


class RouteDecision(msgspec.Struct, frozen=True):
    """An expression or table that was asked, with what it rests on."""

    path: tuple[str, ...]
    about: str
    rule: str
    expression: str
    inputs: dict[str, Any]
    result: Any

    @property
    def before_treatment(self) -> bool:
        """Whether it decides which treatment it is."""
        return not self.path

    def fact(self) -> tuple[str, str]:
        """Its line."""
        inputs = ", ".join(f"{name} = {shown(value)}" for name, value in self.inputs.items())
        if inputs == f"{self.expression} = {shown(self.result)}":
            inputs = ""  # a function that was asked by itself
        given = f" ({inputs})" if inputs else ""
        where = f", at {' > '.join(self.path)}" if self.path else ""
        return "decision", (
            f"{self.about} of {self.rule}: {self.expression} is {shown(self.result)}{given}{where}"
        )


class RouteNote(msgspec.Struct, frozen=True):
    """Something taken for granted, or done without a decision."""

    before_treatment: ClassVar[bool] = False
    path: tuple[str, ...]
    text: str

    def fact(self) -> tuple[str, str]:
        """Its line."""
        return "note", f"{self.text}, at {' > '.join(self.path)}"


Step = RouteDestination | RouteDecision | RouteNote


def shown(value: Any) -> str:
    """A value for people."""
    if isinstance(value, Mapping):
        if set(value) == {"number"}:
            return str(value["number"])
        return ", ".join(f"{name} {shown(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return " ".join(shown(one) for one in value) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "unknown" if value is None else str(value)


def describe(node: Node) -> str:
    """The first step, and what the caller hears of it."""
    if isinstance(node, Play | Menu | Ask):
        return f"{node.name}: {_prompt(node.prompt)}"
    if isinstance(node, Connect) and node.prompt is not None:
        return f"{node.name}: {_prompt(node.prompt)}"
    if isinstance(node, Connect):
        return f"{node.name}: not answered before the destination answers"
    return node.name


def _prompt(prompt: Prompt) -> str:
    text = prompt.template.text if prompt.template is not None else prompt.text
    if text is not None:
        return f'"{" ".join(text.split())}"'
    return str(prompt.wav) if prompt.wav is not None else f"tone {prompt.tone}"
