"""A laboratory whose agents may ask for transfers, and what they say and hear of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from config.model import OriginateRules
from ringpool.lookup import NumberTable
from softswitch.routing.trunks import TrunkTable
from softswitch.sip import events
from softswitch.sip.dialog import Dialog
from softswitch.switchboard.guards import Guards
from softswitch.switchboard.heeding import Heeding
from softswitch.switchboard.switchboard import Snapshot
from softswitch.switchboard.transfers import Transfers
from tests.support.laboratory import DIRECT, SWITCH, Laboratory, laboratory
from tests.support.treated import answer

RULES = OriginateRules(to=("+1602555*", "sip:*@192.0.2.2"), never=("+16025559*",), per_minute=30)
THIRD = "+16025550177"


class Referring:
    """A switch, and parties that refer each other through it."""

    def __init__(self, lab: Laboratory, rules: OriginateRules | None = RULES) -> None:
        self.lab = lab
        self.steered: set[str] = set()
        configuration = self.configuration = replace(lab.configuration, originate=rules)
        lab.switchboard.snapshot = Snapshot(
            configuration, NumberTable(configuration), TrunkTable(configuration)
        )
        lab.switchboard.means.heeding = Heeding(lab.services.events)
        guards = Guards(lambda: configuration, lab.switchboard.calls, now=lab.loop.time)
        self.desk = Transfers(lab.switchboard, guards, self.steered)
        lab.services.transfers = self.desk

    def bridge(self, number: str = DIRECT) -> tuple[Dialog, Dialog]:
        """A bridged call: the caller's dialog and the agent's, as they have them."""
        lab = self.lab
        lab.caller.invite(number)
        lab.settle()
        lab.callee.answer()
        lab.settle()
        assert lab.caller.dialog is not None
        assert lab.callee.dialog is not None
        return lab.caller.dialog, lab.callee.dialog

    def refer(
        self,
        by: Dialog,
        to: str = f"sip:{THIRD}@{SWITCH}",
        *,
        headers: tuple[tuple[str, str], ...] = (),
        settle: bool = True,
    ) -> None:
        """A party asks that the one it talks to be moved."""
        by.refer(to, referred_by=f"sip:agent@{SWITCH}", headers=headers, now=self.lab.loop.time())
        self.flush(settle=settle)

    def consult(self, number: str = DIRECT) -> tuple[Dialog, Dialog]:
        """The agent calls somebody through the switch, who answers: the agent's dialog, and the
        other's."""
        lab = self.lab
        lab.callee.invite(number)
        lab.settle()
        place = len(lab.callee.calls) - 1
        before = len(lab.callee.dialogs)
        answer(lab, place)
        other, mine = lab.callee.dialogs[before : before + 2]
        return mine, other

    def replacing(self, dialog: Dialog) -> str:
        """Where an attended transfer leads: to whom a phone has this dialog with."""
        return f"sip:{THIRD}@{SWITCH}?Replaces={quote(replaces(dialog), safe='')}"

    def flush(self, *, settle: bool = True) -> None:
        """Have sent what the phones want to send."""
        self.lab.caller.pump.flush()
        self.lab.callee.pump.flush()
        if settle:
            self.lab.settle()

    def told(self, by: Dialog) -> list[str]:
        """What a party heard of its REFER: statuses, and why it heard no more."""
        found = []
        for event in (*self.lab.caller.events, *self.lab.callee.events):
            if isinstance(event, events.ReferProgressed) and event.dialog is by:
                found.append(f"{event.status}")
            elif isinstance(event, events.ReferEnded) and event.dialog is by:
                found.append(f"{event.status} {event.why}")
        return found


def replaces(dialog: Dialog) -> str:
    """How a phone names one of its dialogs to whom it has it with (RFC 3891 section 3)."""
    return f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"


@contextmanager
def referring(
    folder: Path, *, allow: bool = True, rules: OriginateRules | None = RULES
) -> Iterator[Referring]:
    """What every call must leave behind is asserted at the end."""
    more = "transfers: allow, redirects: follow" if allow else ""
    with laboratory(folder, carrier=more, agents=more) as lab:
        bench = Referring(lab, rules)
        yield bench
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()
