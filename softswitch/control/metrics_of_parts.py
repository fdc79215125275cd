"""What Prometheus is told of parts that show a status: the spool of webhooks, queues, the web.

Each function takes what a part says of itself, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from softswitch.control.exposition import Family, counter, gauge

__all__ = ["families_of_parts"]

Status = Mapping[str, Any]


def families_of_parts(status_of: Mapping[str, Callable[[], Any]]) -> Iterator[Family]:
    """All of the parts that there are."""
    for name, families in _PARTS.items():
        tell = status_of.get(name)
        if tell is not None:
            yield from families(tell())


def _of_webhooks(status: Status) -> Iterator[Family]:
    yield gauge("softswitch_webhook_spool_bytes", "Events and records on disk for webhooks and "
                "pixels.", status["spool_bytes"])  # fmt: skip
    yield counter("softswitch_webhook_spooled_total", "What was put there.", status["spooled"])
    yield counter("softswitch_webhook_lost_bytes_total", "What was dropped from there because it "
                  "had grown to its bound.", status["lost_bytes"])  # fmt: skip
    yield counter("softswitch_webhook_missed_events_total", "Events that came too fast to be put "
                  "there.", status["missed"])  # fmt: skip
    targets = status["targets"]
    for name, about in _OF_TARGET.items():
        made = counter if name.endswith("_total") else gauge
        key = name.removesuffix("_total")
        values = {target: float(told[key]) for target, told in targets.items()}
        yield made(f"softswitch_webhook_{name}", about, values, "target")


_OF_TARGET = {
    "delivered_total": "Deliveries that were taken.",
    "failed_attempts_total": "Attempts that were not.",
    "given_up_total": "Deliveries given up: too old, or refused again and again.",
    "under_way": "Deliveries begun and not done.",
    "waiting_bytes": "Of the spool, not told yet.",
    "oldest_seconds": "Age of the oldest delivery that is not done.",
    "down": "Whether the server counts as away.",
}


def _of_store(status: Status) -> Iterator[Family]:
    yield gauge(
        "softswitch_queue_depth",
        "What waits, by queue: records for the disk, bytes of records for the database, events "
        "of control connections, calls to be counted for pools.",
        status["queues"],
        "queue",
    )
    yield gauge("softswitch_journal_open_calls", "Calls in the journal without a record.",
                status["open_calls"])  # fmt: skip


def _of_web(status: Status) -> Iterator[Family]:
    yield gauge("softswitch_web_connections", "Connections of browsers.", status["connections"])
    yield counter("softswitch_web_refused_connections_total", "Connections of browsers that were "
                  "one too many.", status["refused_connections"])  # fmt: skip
    yield counter("softswitch_allocation_answers_total", "Answers to who asks for a number over "
                  "HTTP, by status.", status["answers"], "status")  # fmt: skip


def _of_certificates(status: Status) -> Iterator[Family]:
    days = {section: float(told["days_left"]) for section, told in status.items()}
    yield gauge("softswitch_certificate_days_left", "Until a certificate of ours ends, by section.",
                days, "section")  # fmt: skip


def _of_admission(status: Status) -> Iterator[Family]:
    yield gauge("softswitch_admission_closed", "Whether no further call is taken, being too full.",
                bool(status["closed"]))  # fmt: skip
    yield counter("softswitch_admission_closings_total", "How often that began.",
                  status["times_closed"])  # fmt: skip
    yield gauge("softswitch_loop_lag_seconds", "How late the event loop came when it was looked "
                "at last.", status["loop_lag_ms"] / 1000)  # fmt: skip
    yield gauge("softswitch_receive_backlog", "Share of the room for datagrams that is full.",
                status["backlog"])  # fmt: skip


def _of_signatures(status: Status) -> Iterator[Family]:
    yield counter("softswitch_callers_verified_total", "Calls in whose callers' signatures were "
                  "looked at, by result.", status["verified"], "result")  # fmt: skip
    yield counter("softswitch_callers_unverified_total", "Those that have not passed, by why.",
                  status["why"], "why")  # fmt: skip
    yield counter("softswitch_calls_signed_total", "Calls out to trunks that want them signed, by "
                  "attestation.", status["signed"], "attestation")  # fmt: skip
    yield counter("softswitch_certificates_fetched_total", "Certificates of callers' providers "
                  "that were asked for, by outcome.", status["fetched"], "result")  # fmt: skip


_PARTS: Mapping[str, Callable[[Status], Iterator[Family]]] = {
    "admission": _of_admission,
    "webhooks": _of_webhooks,
    "queues": _of_store,
    "web": _of_web,
    "certificates": _of_certificates,
    "signatures": _of_signatures,
}
