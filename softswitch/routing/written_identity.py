"""Which header fields tell a trunk who calls, and by whose detour, beside From and Privacy.

RFC 3325 (P-Asserted-Identity, P-Preferred-Identity), draft-ietf-sip-privacy-04 (Remote-Party-ID),
RFC 5806 (Diversion), RFC 7044 (History-Info), RFC 8496 (P-Charge-Info). Section 7 of RFC 3325: who
wishes to be private is not told to a peer that is not trusted. What is passed on is read and
written anew, so that nothing but these values gets through. Knows no call: it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import msgspec

from config.model import IdentityField, Trunk, TrunkNumbers
from softswitch.routing.number_forms import caller_uri, received_number, sent_number
from softswitch.sip.headers.asserted_identity import (
    parse_asserted_identities,
    parse_preferred_identities,
)
from softswitch.sip.headers.charge_info import ChargeInfo
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.diversion import Diversion
from softswitch.sip.headers.history_info import HistoryInfo
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.remote_party_id import RemotePartyId
from softswitch.sip.identity import telephone_number
from softswitch.sip.uri import Uri

__all__ = ["CallIdentity", "identity_fields"]

MAX_PASSED = 10
"""Values of one field passed on: a call with more detours is going round, and the INVITE has to
stay below what a datagram holds."""

Header = tuple[str, str]


class CallIdentity(msgspec.Struct, frozen=True):
    """What is known of a call's caller when one of its outbound legs begins."""

    shown: str
    """The caller as From shows it (`"Pat" <sip:...>`); empty: nobody is shown."""
    true: str
    """The same where the caller wishes to be private: for trusted trunks only. Else empty."""
    private: bool
    """Whether the caller wishes it."""
    is_callers: bool
    """Whether what is shown is the caller's own number, not one that stands for it."""
    called: str
    """The number whose call is sent on; empty where none was called: the call is ours."""
    uri: str
    """Request-URI of the leg."""
    received: tuple[Header, ...] = ()
    """Identity fields of the caller's INVITE."""
    believed: bool = False
    """Whether they come from a trusted trunk."""
    numbers: TrunkNumbers | None = None
    """How that trunk writes numbers."""


def identity_fields(
    trunk: Trunk, call: CallIdentity, *, home: str, host: str
) -> tuple[Header, ...]:
    """The fields that a trunk gets; `home` is the switch's country, `host` its own."""
    policy = trunk.caller_identity
    if policy is None or not (policy.write or policy.passed):
        return ()
    writer = _Writer(trunk, call, home, host)
    return tuple(
        [
            (name, value)
            for name, values in _MAKERS.items()
            if name in policy.write or name in policy.passed
            for value in values(writer, name in policy.write, name in policy.passed)
            if value.isprintable()
        ]
    )


class _Writer:
    """The fields of one leg."""

    def __init__(self, trunk: Trunk, call: CallIdentity, home: str, host: str) -> None:
        self._trunk = trunk
        self._call = call
        self._home = home
        self._host = host
        self._hides = call.private and call.is_callers
        """Whether who is shown wishes to be private: a number of ours does not."""
        self._received = Headers()
        for name, value in call.received:
            self._received.fields.setdefault(name, []).append(value)

    # Who calls.

    def asserted(self, write: bool, passed: bool) -> Sequence[str]:
        """P-Asserted-Identity."""
        return self._callers(write, parse_asserted_identities(self._received) if passed else ())

    def preferred(self, write: bool, passed: bool) -> Sequence[str]:
        """P-Preferred-Identity."""
        return self._callers(write, parse_preferred_identities(self._received) if passed else ())

    def remote_party(self, write: bool, passed: bool) -> Sequence[str]:
        """Remote-Party-ID."""
        parties = RemotePartyId.parse_all(self._received) if passed else ()
        privacy = "full" if self._hides else "off"
        return self._callers(
            write,
            [party.address for party in parties if party.party == "calling"],
            f";party=calling;screen=yes;privacy={privacy}",
        )

    def charged(self, _write: bool, _passed: bool) -> Sequence[str]:
        """P-Charge-Info."""
        charge = ChargeInfo.find(self._received)
        return self._callers(False, [] if charge is None else [charge.address])

    def _callers(
        self, write: bool, received: Sequence[NameAddress], parameters: str = ""
    ) -> Sequence[str]:
        """What was received, where it may be told; else what we write."""
        call = self._call
        tellable = self._trunk.trusted or not self._hides
        if received and call.believed and call.is_callers and tellable:
            return [str(self._in_form(one)) for one in received[:MAX_PASSED]]
        who = call.true if self._hides else call.shown
        return [f"{who}{parameters}"] if write and who and tellable else ()

    # How it came here.

    def diversions(self, write: bool, passed: bool) -> Sequence[str]:
        """Diversion; the latest stands first (RFC 5806 section 4.1)."""
        values = []
        if write and self._call.called:
            _, uri = caller_uri(self._call.called, self._trunk, self._home, self._host)
            values.append(f"<{uri}>;reason=unconditional;counter=1")
        if passed:
            entries = Diversion.parse_all(self._received)
            shown = [one for one in entries if self._trunk.trusted or not one.is_private]
            values += [str(self._in_form(one.address)) for one in shown[:MAX_PASSED]]
        return values

    def history(self, write: bool, passed: bool) -> Sequence[str]:
        """History-Info, the oldest first; the last entry is the target of this leg."""
        entries = list(self._history()) if passed else []
        values = [str(self._in_form(one.address)) for one in entries]
        if not (write and self._call.called):
            return values
        index = next((one.index for one in reversed(entries) if one.index), "")
        if not index:
            index = str(len(values) + 1)
            _, uri = caller_uri(self._call.called, self._trunk, self._home, self._host)
            values.append(f"<{uri}>;index={index}")
        # RFC 7044 section 10.3: "mp" says that the target was mapped from that of an earlier entry;
        # 302 is RFC 4458's word for a call that is sent on in any case.
        values.append(f"<{_with_cause(self._call.uri)}>;index={index}.1;mp={index}")
        return values

    def _history(self) -> Iterator[HistoryInfo]:
        """The entries that the trunk may see; section 10.1: a private call's are nobody's."""
        if self._trunk.trusted or not self._call.private:
            for entry in HistoryInfo.parse_all(self._received)[:MAX_PASSED]:
                if self._trunk.trusted or not entry.is_private:
                    yield entry

    # Forms.

    def _in_form(self, address: NameAddress) -> NameAddress:
        """A received address with its number in the trunk's form."""
        numbers, received = self._trunk.numbers, self._call.numbers
        number = telephone_number(address.uri)
        if not number or (numbers is None and received is None):
            return address
        if received is not None:
            number = received_number(number, received.receive_caller, received.country)
        if numbers is not None:
            country = numbers.country or self._home
            number = sent_number(number, numbers.send_caller, country, self._home)
        return msgspec.structs.replace(address, uri=self._with_number(address.uri, number))

    def _with_number(self, uri: Uri, number: str) -> Uri:
        if uri.scheme == "tel" and not number.startswith("+"):
            # RFC 3966 section 5.1.5: it would need a context, which nobody has given.
            return Uri("sip", user=number, host=self._host)
        _, semicolon, parameters = (uri.user or "").partition(";")
        return replace(uri, user=f"{number}{semicolon}{parameters}")


def _with_cause(uri: str) -> str:
    return uri if uri.startswith("tel:") else f"{uri};cause=302"


_Maker = Callable[[_Writer, bool, bool], Sequence[str]]
_MAKERS: dict[IdentityField, _Maker] = {
    "P-Asserted-Identity": _Writer.asserted,
    "P-Preferred-Identity": _Writer.preferred,
    "Remote-Party-ID": _Writer.remote_party,
    "P-Charge-Info": _Writer.charged,
    "Diversion": _Writer.diversions,
    "History-Info": _Writer.history,
}
