"""Folds the events of a call into its one record.

The record is a plain JSON object (one line of records.jsonl). Durations come from the monotonic
clock, times of day from UTC. A call is at any moment in one of three phases once it is answered or
dialling: `ivr`, `ring`, `talk`. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from softswitch.call.events import (
    AnswerGiven,
    AttributesSet,
    BeepHeard,
    CallAnswered,
    CallBridged,
    CallEnded,
    CallerIdStored,
    CallEvent,
    CallPaid,
    CallPresented,
    CallRated,
    CallUnbridged,
    CampaignChosen,
    CapReached,
    ClipSaved,
    DecisionMade,
    DestinationsChosen,
    DigitPressed,
    FaxHeard,
    FaxRelayEnded,
    KeywordHeard,
    LegAnswered,
    LegEnded,
    LegOriginated,
    LegRedirected,
    LegReplaced,
    LookupAnswered,
    MachineJudged,
    NodeEntered,
    QualityMeasured,
    RecordingFailed,
    RecordingSaved,
    SpeechUnheard,
    TalkMeasured,
    TranscriptAdded,
    TransferAwaited,
    TransferEnded,
    TransferReceived,
    TransferRefused,
    TransferRequested,
    VariableSet,
)
from softswitch.switchboard.blank_record import (
    RECORD_VERSION,
    called_leg,
    calling_leg,
    presented_facts,
)
from softswitch.switchboard.entries import (
    TransferBegun,
    end_transfer,
    fax_entry,
    keyword_entry,
    rating_entry,
    saved_entry,
    transfer_entry,
    utc_text,
    without,
)

CALLING = "a"
"""Leg of the caller."""

__all__ = ["RECORDED", "RECORD_VERSION", "RecordBuilder", "utc_text"]

MAX_KEYS = 100
"""Keys kept in a record; a caller that leans on the keypad does not make it grow without end."""

MAX_PATH = 200
"""Nodes kept in a record's path."""

MAX_DECISIONS = 500
"""Decisions kept, and entries of each other list: a treatment that goes round does not make a
record grow without end."""


MAX_FAX_TONES = 20
"""Fax tones kept: each leg is told of three at most."""

MAX_TRANSFERS = 50
"""Transfers kept, refused ones too, and phones that took one leg over: a phone that asks again and
again does not make a record grow without end."""

MAX_TRANSCRIPT = 5000
"""Stretches of speech kept: more than four hours of talk have."""


class RecordBuilder:
    """Collects one call's facts; `record` is complete after its CallEnded."""

    __slots__ = ("_clock", "_legs", "_phase", "_ringing", "_seconds", "_since", "record")

    def __init__(self, event: CallPresented) -> None:
        leg = calling_leg(event)
        self._clock = self._since = event.clock
        self._phase = ""
        self._ringing: set[str] = set()
        self._seconds = {"ivr": 0.0, "ring": 0.0, "talk": 0.0}
        self._legs: dict[str, dict[str, Any]] = {event.leg: leg}
        self.record: dict[str, Any] = presented_facts(event)
        self.record["legs"] = [leg]

    def add(self, event: CallEvent) -> None:
        """Fold one event in; events that say nothing to the record pass by."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _enter(self, phase: str, clock: float) -> None:
        if self._phase:
            self._seconds[self._phase] += clock - self._since
        self._phase, self._since = phase, clock

    def _on_answered(self, event: CallAnswered) -> None:
        self.record["answered_at"] = utc_text(event.at)
        leg = self._legs[event.leg]
        leg["answered_at"] = self.record["answered_at"]
        leg["codec"] = event.codec
        self._ringing.discard(event.leg)
        if not self._phase or (self._phase == "ring" and not self._ringing):
            self._enter("ivr", event.clock)

    def _on_node(self, event: NodeEntered) -> None:
        path = self.record["path"]
        if len(path) < MAX_PATH:
            path.append(event.node)

    def _on_digit(self, event: DigitPressed) -> None:
        keys = self.record["keys"]
        if event.leg == "a" and self._phase != "talk" and len(keys) < MAX_KEYS:
            keys.append(event.digit)

    def _on_originated(self, event: LegOriginated) -> None:
        known = self._legs.get(event.leg)
        if known is not None:
            known.update(called_leg(event), side=known["side"])
        else:
            self._legs[event.leg] = leg = called_leg(event)
            self.record["legs"].append(leg)
        self._ringing.add(event.leg)
        if self._phase != "talk":
            self._enter("ring", event.clock)

    def _on_leg_answered(self, event: LegAnswered) -> None:
        leg = self._legs[event.leg]
        leg["answered_at"] = utc_text(event.at)
        leg["codec"] = event.codec

    def _on_bridged(self, event: CallBridged) -> None:
        self._ringing.clear()
        self._enter("talk", event.clock)

    def _on_unbridged(self, event: CallUnbridged) -> None:
        self._enter("ring" if self._ringing else "ivr", event.clock)

    def _on_leg_ended(self, event: LegEnded) -> None:
        leg = self._legs[event.leg]
        leg["status"] = event.status
        leg["q850"] = event.q850
        if leg["answered_at"] and event.codec is not None:
            leg["codec"] = event.codec
        if event.srtp is not None:
            leg["srtp"] = event.srtp
        if event.detail is not None:
            leg["detail"] = event.detail
        leg["packets"] = event.quality.packets
        leg["lost"] = event.quality.lost
        leg["jitter_ms"] = event.quality.jitter_ms
        if event.leg == CALLING:
            # What the called party does after that is nobody's waiting.
            self._enter("", event.clock)
        elif event.leg in self._ringing:
            self._ringing.discard(event.leg)
            if not self._ringing and self._phase == "ring":
                self._enter("ivr" if self.record["answered_at"] else "", event.clock)

    # What was decided, answered and earned.

    def _keep(self, name: str, entry: Any) -> None:
        entries = self.record[name]
        if len(entries) < MAX_DECISIONS:
            entries.append(entry)

    def _on_decision(self, event: DecisionMade) -> None:
        self._keep("decisions", event.facts())

    def _on_attributes(self, event: AttributesSet) -> None:
        self.record["attributes"] = dict(event.values)

    def _on_answer(self, event: AnswerGiven) -> None:
        answer = {"value": event.value, "secret": True} if event.secret else event.value
        self.record["answers"][event.node] = answer

    def _on_variable(self, event: VariableSet) -> None:
        self.record["variables"][event.name] = event.value

    def _on_lookup(self, event: LookupAnswered) -> None:
        self._keep("lookups", {**event.facts(), "seconds": round(event.seconds, 3)})

    def _on_destinations(self, event: DestinationsChosen) -> None:
        self._keep("destinations", event.facts())

    def _on_campaign(self, event: CampaignChosen) -> None:
        self.record["distributed_from"] = self.record["campaign"]
        self.record["campaign"] = event.campaign

    def _on_cap(self, event: CapReached) -> None:
        self._keep("caps", event.facts())

    def _on_rated(self, event: CallRated) -> None:
        rating = self.record["rating"] or {"history": []}
        if len(rating["history"]) < MAX_DECISIONS:
            rating["history"].append(rating_entry(event))
        now = {"rating": event.rating, "score": event.score}
        self.record["rating"] = {**now, "history": rating["history"]}

    def _on_paid(self, event: CallPaid) -> None:
        self.record["payout"] = {
            "amount": event.amount,
            "currency": event.currency,
            "rules": [dict(rule) for rule in event.rules],
        }

    # What was heard.

    def _on_keyword(self, event: KeywordHeard) -> None:
        self._keep("keywords", keyword_entry(event))

    def _on_clip(self, event: ClipSaved) -> None:
        if not event.ok:
            for keyword in self.record["keywords"]:
                if keyword["clip"] == event.path:
                    keyword["clip"] = None

    def _on_transcript(self, event: TranscriptAdded) -> None:
        transcript = self.record["transcript"]
        if len(transcript) < MAX_TRANSCRIPT:
            transcript.append(without(event.facts(), "leg"))

    def _on_unheard(self, event: SpeechUnheard) -> None:
        self._keep("unheard", event.facts())

    def _on_fax(self, event: FaxHeard) -> None:
        tones = self.record["fax"]
        if len(tones) < MAX_FAX_TONES:
            tones.append(fax_entry(event))

    def _on_fax_relay(self, event: FaxRelayEnded) -> None:
        relays = self.record.setdefault("fax_relays", [])
        if len(relays) < MAX_DECISIONS:
            relays.append({"at": utc_text(event.at), **event.facts()})

    def _on_machine(self, event: MachineJudged) -> None:
        before = self.record["machine"]
        beep = before is not None and before["leg"] == event.leg and before["beep"]
        self.record["machine"] = {**event.facts(), "beep": beep}

    def _on_beep(self, event: BeepHeard) -> None:
        machine = self.record["machine"]
        if machine is not None and machine["leg"] == event.leg:
            machine["beep"] = True

    def _on_saved(self, event: RecordingSaved) -> None:
        self._keep("recordings", saved_entry(event))

    def _on_recording_failed(self, event: RecordingFailed) -> None:
        self._keep("recordings", {**event.facts()})

    def _on_quality(self, event: QualityMeasured) -> None:
        if event.last:
            self._legs[event.leg].update(mos=event.mos, mos_far=event.mos_far)

    def _on_talk(self, event: TalkMeasured) -> None:
        self._legs[event.leg].update(without(event.facts(), "leg"))

    def _on_caller_id(self, event: CallerIdStored) -> None:
        self._legs[event.leg]["caller_id"] = event.caller_id

    # Who was moved, by whom. What never happens on a call has no place in its record.

    def _on_transfer(self, event: TransferBegun) -> None:
        transfers = self.record.setdefault("transfers", [])
        if len(transfers) < MAX_TRANSFERS:
            transfers.append(transfer_entry(event))

    def _on_transfer_ended(self, event: TransferEnded) -> None:
        end_transfer(self.record.get("transfers", []), event)

    def _on_replaced(self, event: LegReplaced) -> None:
        entry = {"at": utc_text(event.at), "sip_call_id": event.sip_call_id, "by": event.by}
        replaced = self._legs[event.leg].setdefault("replaced", [])
        if len(replaced) < MAX_TRANSFERS:
            replaced.append(entry)

    def _on_redirected(self, event: LegRedirected) -> None:
        entry = without(event.facts(), "leg")
        self._legs[event.leg].setdefault("redirected", []).append(entry)

    def _on_ended(self, event: CallEnded) -> None:
        self._enter("", event.clock)
        record = self.record
        record["ended_at"] = utc_text(event.at)
        record["keywords"].sort(key=lambda keyword: keyword["start"])
        for phase, seconds in self._seconds.items():
            record[f"{phase}_seconds"] = round(seconds, 3)
        record["total_seconds"] = round(event.clock - self._clock, 3)
        record["ended_by"] = event.ended_by
        record["cause"] = event.cause


_HANDLERS: Mapping[type, Callable[[RecordBuilder, Any], None]] = {
    CallAnswered: RecordBuilder._on_answered,
    NodeEntered: RecordBuilder._on_node,
    DigitPressed: RecordBuilder._on_digit,
    LegOriginated: RecordBuilder._on_originated,
    LegAnswered: RecordBuilder._on_leg_answered,
    CallBridged: RecordBuilder._on_bridged,
    CallUnbridged: RecordBuilder._on_unbridged,
    LegEnded: RecordBuilder._on_leg_ended,
    DecisionMade: RecordBuilder._on_decision,
    AttributesSet: RecordBuilder._on_attributes,
    AnswerGiven: RecordBuilder._on_answer,
    VariableSet: RecordBuilder._on_variable,
    LookupAnswered: RecordBuilder._on_lookup,
    DestinationsChosen: RecordBuilder._on_destinations,
    CampaignChosen: RecordBuilder._on_campaign,
    CapReached: RecordBuilder._on_cap,
    CallRated: RecordBuilder._on_rated,
    CallPaid: RecordBuilder._on_paid,
    CallerIdStored: RecordBuilder._on_caller_id,
    KeywordHeard: RecordBuilder._on_keyword,
    ClipSaved: RecordBuilder._on_clip,
    TranscriptAdded: RecordBuilder._on_transcript,
    SpeechUnheard: RecordBuilder._on_unheard,
    FaxHeard: RecordBuilder._on_fax,
    FaxRelayEnded: RecordBuilder._on_fax_relay,
    MachineJudged: RecordBuilder._on_machine,
    BeepHeard: RecordBuilder._on_beep,
    RecordingSaved: RecordBuilder._on_saved,
    RecordingFailed: RecordBuilder._on_recording_failed,
    QualityMeasured: RecordBuilder._on_quality,
    TalkMeasured: RecordBuilder._on_talk,
    TransferRequested: RecordBuilder._on_transfer,
    TransferAwaited: RecordBuilder._on_transfer,
    TransferReceived: RecordBuilder._on_transfer,
    TransferRefused: RecordBuilder._on_transfer,
    TransferEnded: RecordBuilder._on_transfer_ended,
    LegReplaced: RecordBuilder._on_replaced,
    LegRedirected: RecordBuilder._on_redirected,
    CallEnded: RecordBuilder._on_ended,
}

RECORDED = frozenset(_HANDLERS)
"""Events that say something to the record."""
