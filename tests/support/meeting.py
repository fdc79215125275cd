"""Two bridged calls on a bench, and phones that may be sent from one to the other (REFER with
Replaces): what each does is said by the test, or done by itself as RFC 5589 section 7 has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.model import OriginateRules
from softswitch.call.events import TransferEnded
from softswitch.sip import events
from softswitch.sip.dialog import Dialog
from softswitch.sip.flow import Flow
from softswitch.sip.headers.refer_to import ReferTo
from softswitch.sip.headers.replaces import Replaces
from softswitch.sip.invite_server import IncomingInvite
from tests.support.desk_bench import DeskBench
from tests.support.laboratory import DIRECT, HOSTS, Laboratory, Phone, laboratory
from tests.support.treated import answer


class Meeting:
    """Alice calls Bob by the first call, Dave calls Carol by the second; Alice is sent to Carol.

    Alice is at the phone `caller`, all others at the phone `callee`.
    """

    def __init__(self, lab: Laboratory, *, first: str = DIRECT, second: str = DIRECT) -> None:
        self.lab = lab
        self.desk = DeskBench(lab, originate=OriginateRules(to=("+1602*",)))
        self.first, (self.alice, self.bob) = self._bridge(lab.caller, first)
        self.second, (self.dave, self.carol) = self._bridge(lab.callee, second)
        self._obeyed: set[int] = set()

    def _bridge(self, phone: Phone, number: str) -> tuple[str, tuple[Dialog, Dialog]]:
        lab, before = self.lab, set(self.lab.switchboard.calls)
        own, called = len(phone.dialogs), len(lab.callee.dialogs)
        phone.invite(number)
        lab.settle()
        answer(lab, len(lab.callee.calls) - 1)
        (call,) = set(lab.switchboard.calls) - before
        if phone is lab.caller:
            return call, (phone.dialogs[own], lab.callee.dialogs[called])
        # The one who answers has its dialog before the one who calls hears of it.
        callee, caller = lab.callee.dialogs[called : called + 2]
        return call, (caller, callee)

    # What the switch is told.

    def begin(self, **params: Any) -> None:
        """Send Alice to Carol."""
        told = {"call": self.first, "leg": "a", "to_call": self.second, "to_leg": "b1", **params}
        self.desk.begin("call.transfer", **told)

    def outcome(self) -> Any:
        """What the method has answered: ok, status, why; or why it was refused; None: nothing."""
        if not self.desk.got:
            return None
        told = self.desk.got[-1]
        if "error" in told:
            return told["error"]["data"]["reason"]
        return tuple(told["result"][name] for name in ("ok", "status", "why"))

    # What Alice does.

    def refers(self) -> list[events.RequestReceived]:
        """The REFERs that she got."""
        return [one for one in self.lab.caller.events if isinstance(one, events.RequestReceived)]

    def respond(self, status: int, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Her answer to the REFER."""
        self.refers()[-1].transaction.respond(status, headers=headers, now=self.lab.caller.now)
        self.flush()

    def tell(self, status: int, *, last: bool, settle: bool = True) -> None:
        """Her word on it."""
        state = "terminated;reason=noresource" if last else "active;expires=60"
        self.alice.request(
            "NOTIFY",
            body=f"SIP/2.0 {status} Whatever\r\n".encode(),
            content_type="message/sipfrag",
            headers=(("Event", "refer"), ("Subscription-State", state)),
            now=self.lab.caller.now,
        )
        self.flush(settle=settle)

    def call(self) -> None:
        """She calls whom she was told to."""
        value = self.refers()[-1].request.headers.get("Refer-To") or ""
        uri = ReferTo.parse(value).address.uri
        replaces = ReferTo.parse(value).replaces
        assert replaces is not None
        phone = self.lab.caller
        phone.stack.invite(
            uri=f"sip:{uri.user}@{uri.host}",
            to_flow=Flow("udp", uri.host, uri.port or 5060),
            from_=f"<sip:alice@{HOSTS['caller']}>",
            to=f"<sip:{uri.user}@{uri.host}>",
            contact_user="alice",
            body=phone.description,
            headers=(("Replaces", str(replaces)),),
            now=phone.now,
        )
        self.flush()

    # What Carol does.

    def replacing(self) -> list[IncomingInvite]:
        """The INVITEs with Replaces that reached her."""
        return [one for one in self.lab.callee.calls if "Replaces" in one.request.headers]

    def give_up(self, *, settle: bool = True) -> None:
        """She answers Alice, and leaves the dialog that is replaced."""
        phone, invite = self.lab.callee, self.replacing()[-1]
        replaces = Replaces.parse(invite.request.headers.get("Replaces") or "")
        assert phone.stack.dialog(replaces) is self.carol
        phone.dialogs.append(invite.accept(body=phone.description, now=phone.now))
        self.carol.bye(now=phone.now)
        self.flush(settle=settle)

    def hang_up(self, dialog: Dialog, *, settle: bool = True) -> None:
        """Somebody hangs up."""
        dialog.bye(now=self.lab.loop.time())
        self.flush(settle=settle)

    # By itself.

    def obey(self, seconds: float = 12.0) -> None:
        """Both do what they are asked, when it reaches them, for so long."""
        for _ in range(int(seconds * 10)):
            for refer in self.refers():
                if self._is_new(refer):
                    self.respond(202)
                    self.tell(100, last=False)
                    self.call()
            for invite in self.replacing():
                if self._is_new(invite):
                    self.give_up()
            for one in self.lab.caller.dialogs:
                if one is not self.alice and self._is_new(one):
                    self.tell(200, last=True)
            self.lab.advance(0.1)

    def _is_new(self, thing: object) -> bool:
        is_new = id(thing) not in self._obeyed
        self._obeyed.add(id(thing))
        return is_new

    # What is seen.

    def flush(self, *, settle: bool = True) -> None:
        """Have sent what the phones want to send."""
        self.lab.caller.pump.flush()
        self.lab.callee.pump.flush()
        if settle:
            self.lab.settle()

    def told(self) -> list[tuple[str, str, bool, int, str]]:
        """The ends that were told: of which call, which leg, and what."""
        names = {self.first: "first", self.second: "second"}
        return [
            (names[event.call_id], event.leg, event.ok, event.status, event.why)
            for event in self.lab.all_events
            if isinstance(event, TransferEnded)
        ]

    def record(self, call: str) -> dict[str, Any] | None:
        """A call's record; None: it goes on."""
        return next((one for one in self.lab.all_records() if one["call_id"] == call), None)

    def ends(self) -> tuple[str | None, str | None]:
        """How the two calls ended."""
        first, second = (self.record(call) for call in (self.first, self.second))
        return _end(first), _end(second)

    @property
    def both_talk(self) -> bool:
        """Whether both calls go on as they were."""
        calls = self.lab.switchboard.calls
        return all(one in calls and calls[one].bridged for one in (self.first, self.second))


def _end(record: dict[str, Any] | None) -> str | None:
    return None if record is None else f"{record['ended_by']} {record['cause']}"


@contextmanager
def meeting(folder: Path, *, held: str = "", **numbers: str) -> Iterator[Meeting]:
    """What every call must leave behind is asserted at the end."""
    with laboratory(folder / "data", carrier="transfers: allow", agents="transfers: allow") as lab:
        lab.held |= {held} - {""}
        yield Meeting(lab, **numbers)
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()
