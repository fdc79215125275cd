"""Key presses as events over real sockets; the many cases of loss are in the C tests."""

import select

from rtp.engine import DigitEnded, DigitReceived, Engine, EngineEvent, MediaPort, PlaybackEnded
from tests.rtp.engine.conftest import MakeEngine
from tests.rtp.engine.peer import Peer, agree, call, until


def keys(engine: Engine, count: int) -> list[DigitReceived | DigitEnded]:
    """Waits on the event descriptor, as an event loop does."""
    found: list[DigitReceived | DigitEnded] = []
    while len(found) < count:
        assert select.select([engine.event_fd], [], [], 10)[0], found
        events = engine.next_events()
        found += [event for event in events if isinstance(event, DigitReceived | DigitEnded)]
    return found


def test_a_press_is_told_at_its_first_packet_and_again_at_its_end(engine: Engine) -> None:
    with call(engine) as (first, _, one, _two):
        one.press("5")
        began, ended = keys(engine, 2)
        assert isinstance(began, DigitReceived)
        assert isinstance(ended, DigitEnded)
        assert (began.leg, began.digit, began.duration_ms) == (first.leg, "5", 20)
        assert (ended.leg, ended.digit, ended.duration_ms) == (first.leg, "5", 80)
        assert began.timestamp == ended.timestamp
        assert first.statistics().digits_received == 1


def test_all_sixteen_keys(engine: Engine) -> None:
    with call(engine) as (_, _, one, _two):
        for key in "0123456789*#ABCD":
            one.press(key)
            one.send(b"\xff" * 160)
        told = [event.digit for event in keys(engine, 32) if isinstance(event, DigitReceived)]
        assert "".join(told) == "0123456789*#ABCD"


def test_lost_ends_are_made_up_for_by_time(engine: Engine) -> None:
    with call(engine) as (_, _, one, _two):
        one.press("9", ends=0)
        began, ended = keys(engine, 2)
        assert isinstance(ended, DigitEnded)
        assert (began.digit, ended.duration_ms) == ("9", 60)


def test_digits_are_sent_to_a_peer_and_told_by_another_engine(
    engine: Engine, make_engine: MakeEngine
) -> None:
    other = make_engine()
    speaker, ear = engine.open_port(), other.open_port()
    silent = Peer()
    agree(speaker, silent)
    agree(ear, silent)
    speaker.set_remote("127.0.0.1", ear.rtp_port)
    ear.set_remote("127.0.0.1", speaker.rtp_port)
    speaker.send_digits("42#", duration_ms=60, gap_ms=40)
    told = keys(other, 6)
    assert [event.digit for event in told if isinstance(event, DigitReceived)] == list("42#")
    assert {event.duration_ms for event in told if isinstance(event, DigitEnded)} == {60}
    until(lambda: speaker.statistics().digits_sent == 3)
    silent.close()


def test_events_of_a_closed_leg_are_not_told(engine: Engine) -> None:
    with call(engine) as (first, _, one, _two):
        one.press("1")
        until(lambda: first.statistics().digits_received)
        first.close()
        assert engine.next_events() == []


def wait_for_packets(port: MediaPort, count: int) -> None:
    until(lambda: port.statistics().packets_received == count)


def test_a_flood_of_digits_leaves_room_for_other_events(engine: Engine) -> None:
    with call(engine) as (first, _, one, _two):
        pressed = 0
        while not engine.counters.events_lost:
            for _ in range(100):
                one.press("1", updates=0, ends=1)
            pressed += 100
            assert pressed < 10000
            wait_for_packets(first, pressed)
        playback = first.play(engine.load_prompt(bytes(320)))
        until(lambda: first.statistics().packets_sent >= 1)
        told: list[EngineEvent] = []
        while PlaybackEnded(first.leg, playback, True) not in told:
            told += until(engine.next_events)
        digits = [event for event in told if isinstance(event, DigitReceived | DigitEnded)]
        assert len(digits) + engine.counters.events_lost == 2 * pressed
