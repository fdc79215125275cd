"""Calls of a laboratory that do what a test says, in the interface of treatments.

A test gives the coroutine that every call runs in place of its treatment. Far ends are the INVITEs
that reached the one phone called, by their place.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from softswitch.call.call import Call
from softswitch.call.dial_request import DialRequest
from softswitch.sip import events
from softswitch.sip.flow import Flow
from tests.support.laboratory import HOSTS, Laboratory

Script = Callable[[Call], Coroutine[Any, Any, None]]


@contextmanager
def treated(script: Script) -> Iterator[None]:
    """Every call that begins meanwhile runs the script."""
    start = Call.start

    def start_script(call: Call, _treatment: object) -> None:
        start(call, partial(script, call))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Call, "start", start_script)
        yield


def request_to(lab: Laboratory, number: str, *, ring_seconds: float = 20.0) -> DialRequest:
    """What dials a number at the phone called."""
    host = HOSTS["callee"]
    return DialRequest(
        uri=f"sip:{number}@{host}",
        to_number=number,
        from_number="100",
        from_header="<sip:100@192.0.2.9>",
        flow=Flow("udp", host, 5060),
        trunk=lab.configuration.trunks["agents"],
        ring_seconds=ring_seconds,
        contact_user="100",
    )


def requests_to(lab: Laboratory, count: int) -> tuple[DialRequest, ...]:
    """So many destinations: 501, 502 and so on."""
    return tuple(request_to(lab, str(501 + index)) for index in range(count))


def ring(lab: Laboratory, place: int, status: int = 180, *, media: bool = False) -> None:
    """A far end answers provisionally."""
    phone = lab.callee
    body = phone.description if media else b""
    phone.calls[place].provisional(status, body=body, now=phone.now)
    phone.pump.flush()
    lab.settle()


def answer(lab: Laboratory, place: int, *, settle: bool = True) -> None:
    """A far end answers."""
    phone = lab.callee
    phone.dialog = phone.calls[place].accept(body=phone.description, now=phone.now)
    phone.dialogs.append(phone.dialog)
    phone.pump.flush()
    if settle:
        lab.settle()


def refuse(lab: Laboratory, place: int, status: int, *, settle: bool = True) -> None:
    """A far end refuses."""
    lab.callee.calls[place].reject(status, now=lab.callee.now)
    lab.callee.pump.flush()
    if settle:
        lab.settle()


def goodbyes(lab: Laboratory) -> list[tuple[str, str | None]]:
    """How far ends were left, in order: CANCEL or BYE, and the reason given."""
    found = []
    for event in lab.callee.events:
        if isinstance(event, events.InviteCancelled):
            found.append(("CANCEL", event.reason))
        elif isinstance(event, events.ByeReceived):
            found.append(("BYE", event.request.headers.get("Reason")))
    return found
