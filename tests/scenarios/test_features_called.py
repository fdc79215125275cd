"""Each feature of SIP with SIPp as the caller: once as it should be, and once for each message that
matters with that message lost, and with it doubled; by TCP and TLS. One switch serves all of them
at the same time. What `make test` has of them says tests.support.slim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.called_features import (
    CALLED,
    CALLED_SIDES,
    FEATURES,
    SLOW_FEATURES,
    THIRD,
    configuration,
)
from tests.support.certificates import write_certificate
from tests.support.feature_calls import (
    Case,
    Ran,
    Runs,
    Stand,
    next_media_port,
    run_cases,
)
from tests.support.ports import free_rtp_range, free_sip_port
from tests.support.program import Record, Switch, leg
from tests.support.sipp import Sipp, needs_sipp
from tests.support.slim import slim

pytestmark = [needs_sipp, pytest.mark.timeout(300)]

CASES = slim(feature.cases() for feature in FEATURES)
SLOW_CASES = [case for feature in SLOW_FEATURES for case in feature.cases()]
LATE_CASES = [case for feature in FEATURES for case in feature.late_cases()]


# What must be true of each, beside what its scenario and its path have seen.


def key_counts_once(ran: Ran) -> None:
    assert record_of(ran)["keys"] == ["1"]


def moved(ran: Ran) -> None:
    assert [(one["ok"], one["to"]) for one in record_of(ran)["transfers"]] == [(True, THIRD)]
    assert ran.path is None or ran.path.said("NOTIFY", b"SIP/2.0 200")


def handed_over(ran: Ran) -> None:
    over, gone = sorted(ran.records, key=lambda record: str(record["cause"]))
    assert (over["cause"], gone["cause"]) == ("hung_up", "transferred")
    assert over["ended_by"] == "called"
    assert [one["ok"] for one in over["transfers"]] == [True]
    assert ran.path is not None
    assert ran.path.said("NOTIFY", b"SIP/2.0 200")


def everything_is_told(ran: Ran) -> None:
    record = record_of(ran)
    told = record["signalling"]
    assert record["caller"] == "+16025550123"
    assert told["private"] is True
    assert [one["reason"] for one in told["diversions"]] == ["user-busy"]
    assert [one["index"] for one in told["history"]] == ["1", "1.1"]
    assert "6025550888" in told["charge_number"]
    assert (told["jip"], told["line_info"], told["user_agent"]) == ("602555", "62", "gateway/1")


def cause_is_told(ran: Ran) -> None:
    assert leg(record_of(ran), "calling")["q850"] == 27


def cancelled(ran: Ran) -> None:
    record = record_of(ran)
    assert record["cause"] == "cancelled"
    assert record["answered_at"] is None
    assert leg(record, "calling")["q850"] == 31


def acknowledged(ran: Ran) -> None:
    assert ran.path is None or ran.path.count("200 PRACK") > 0


def is_of(trunk: str) -> Callable[[Ran], None]:
    def check(ran: Ran) -> None:
        assert leg(record_of(ran), "calling")["trunk"] == trunk

    return check


CHECKS: dict[str, Callable[[Ran], None]] = {
    "reliable 180": acknowledged,
    "reliable 183": acknowledged,
    "INFO": key_counts_once,
    "REFER": moved,
    "REFER with Replaces": handed_over,
    "identity": everything_is_told,
    "reason": cause_is_told,
    "CANCEL at once": cancelled,
    "CANCEL in ringing": cancelled,
    "CANCEL in early media": cancelled,
    "digest": is_of("customer"),
    "behind a proxy": is_of("proxied"),
    "behind a proxy, by URI": is_of("marked"),
    "behind a proxy, by Via": is_of("passed"),
}
# Who ends the call, where it is not the caller.
ENDED_BY = {
    "busy": "called",
    "hung up on": "called",
    "REFER": "called",
}


def record_of(ran: Ran) -> Record:
    (record,) = ran.records
    return record


def cases_of(item: pytest.Item, path: Path) -> list[Case]:
    """The case that a test of this module is about."""
    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("case") if callspec is not None and item.path == path else None
    return [case] if isinstance(case, Case) else []


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Runs]:
    """What became of each case that is asked for."""
    directory = tmp_path_factory.mktemp("features")
    wanted = [case for item in request.session.items for case in cases_of(item, request.path)]
    with ExitStack() as stack:
        sides = {
            name: stack.enter_context(
                Sipp(
                    directory, f"{scenario}.xml", hold_ms=pause, host=CALLED, timeout=280,
                    media_port=next_media_port(CALLED),
                )
            )
            for name, (scenario, pause) in CALLED_SIDES.items()
        }  # fmt: skip
        write_certificate(directory)
        file, tls_port = directory / "switch.yaml", free_sip_port()
        file.write_text(configuration({name: side.port for name, side in sides.items()}, tls_port))
        with Switch(directory / "run", file, rtp=free_rtp_range(400)) as switch:
            finished = run_cases(Stand(switch, directory, tls_port), wanted)
        yield finished
        for side in sides.values():
            side.stop()


def check(ran: Ran) -> None:
    feature = ran.case.feature.name
    assert not ran.problem, ran.shown()
    if ran.path is not None:
        ran.path.assert_faults_happened()
    assert len(ran.records) == ran.case.feature.calls, ran.shown()
    if feature in CHECKS:
        CHECKS[feature](ran)
    if ran.case.feature.calls == 1:
        assert record_of(ran)["ended_by"] == ENDED_BY.get(feature, "calling"), ran.shown()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_feature_works_for_a_caller(runs: Runs, case: Case) -> None:
    check(runs.ran[case])


@pytest.mark.full
@pytest.mark.parametrize("case", LATE_CASES, ids=str)
def test_a_feature_works_for_a_caller_when_a_message_is_late(runs: Runs, case: Case) -> None:
    check(runs.ran[case])


@pytest.mark.full
@pytest.mark.parametrize("case", SLOW_CASES, ids=str)
def test_a_session_is_refreshed_for_a_caller(runs: Runs, case: Case) -> None:
    check(runs.ran[case])


@pytest.mark.parametrize("_of", ["these", pytest.param("all others", marks=pytest.mark.full)])
def test_no_call_is_left_and_each_has_its_record(runs: Runs, _of: str) -> None:
    assert runs.calls_left == 0
    assert runs.records == runs.presented
