"""Starting, stopping, closing in any order, and arguments that cannot be right."""

import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from rtp.engine import Engine, EngineNotRunning, MediaPort, PortClosed, Prompt
from tests.rtp.engine.conftest import MakeEngine
from tests.rtp.engine.peer import FRAME, Peer, agree, call, until
from tests.support.ports import free_rtp_range


def threads() -> list[str]:
    names = (path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))
    return sorted(name for name in names if name.startswith("rtp-shard"))


def test_threads_run_between_start_and_stop() -> None:
    first_port, last_port = free_rtp_range(8)
    engine = Engine(first_port=first_port, last_port=last_port, threads=2)
    assert not engine.is_running
    engine.start()
    until(lambda: threads() == ["rtp-shard-0", "rtp-shard-1"])
    engine.stop()
    assert threads() == []
    engine.stop()
    with pytest.raises(RuntimeError):
        engine.start()


def test_a_port_needs_a_running_engine() -> None:
    engine = Engine()
    with pytest.raises(EngineNotRunning):
        engine.open_port()
    engine.start()
    engine.stop()
    with pytest.raises(EngineNotRunning):
        engine.open_port()


def test_stopping_with_traffic_and_prompts_keeps_the_last_statistics(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    with call(engine) as (first, second, one, two):
        stopped = threading.Event()

        def flood() -> None:
            while not stopped.is_set():
                one.send(b"a" * FRAME)
                two.send(b"b" * FRAME)

        flooding = threading.Thread(target=flood)
        flooding.start()
        try:
            second.play(engine.load_prompt(bytes(64000)), repeat=True)
            until(lambda: first.statistics().packets_received > 50)
            engine.stop()
        finally:
            stopped.set()
            flooding.join()
        assert first.statistics().packets_received > 50
        assert first.closed
        assert first.last_received_ns is not None
        assert first.close() == first.statistics()
        assert engine.next_events() == []
        with pytest.raises(PortClosed):
            second.stop_playback()


def test_objects_can_go_in_any_order() -> None:
    for order in range(4):
        first_port, last_port = free_rtp_range(8)
        engine = Engine(first_port=first_port, last_port=last_port)
        engine.start()
        port = engine.open_port()
        other = engine.open_port(beside=port)
        prompt = engine.load_prompt(bytes(16000))
        port.play(prompt, repeat=True)
        other.hears([port])
        if order == 0:
            del engine, port, other, prompt
        elif order == 1:
            del prompt, engine
            port.close()
        elif order == 2:
            port.close()
            del port, prompt
            engine.stop()
            other.close()
        else:
            engine.stop()
            del engine
            port.close()
        gc.collect()
    until(lambda: gc.collect() >= 0 and threads() == [])


def test_a_closed_port_refuses_verbs_and_keeps_its_statistics(engine: Engine) -> None:
    with call(engine) as (first, second, one, two):
        one.send(b"a" * FRAME)
        two.receive()
        last = first.close()
        assert last.packets_received == 1
        assert first.close() == first.statistics() == last
        verbs: list[Any] = [
            lambda: first.set_remote("127.0.0.1", 4000),
            lambda: first.set_codecs(send="PCMU", send_payload_type=0, receive={0: "PCMU"}),
            lambda: first.set_direction(send=True, receive=True),
            lambda: first.hears([]),
            lambda: first.play(engine.load_prompt(b"ab")),
            first.stop_playback,
            lambda: first.send_digits("1"),
            lambda: first.tap(True),
            lambda: second.hears([first]),
        ]
        for verb in verbs:
            with pytest.raises(PortClosed):
                verb()


def test_legs_of_different_engines_cannot_hear_each_other(
    engine: Engine, make_engine: MakeEngine
) -> None:
    other = make_engine(threads=2)
    one = other.open_port()
    for sources in ([engine.open_port()], [other.open_port(), engine.open_port()]):
        with pytest.raises(ValueError, match="one engine"):
            one.hears(sources)
    with pytest.raises(ValueError, match="another engine"):
        engine.open_port(beside=one)


@pytest.mark.parametrize(
    "options",
    [
        {"host": "localhost"},
        {"host": "127.0.0.1\0"},
        {"host": 4},
        {"first_port": 0},
        {"last_port": 65536},
        {"first_port": 30000, "last_port": 30000},
        {"first_port": 30001, "last_port": 30002},
        {"first_port": "a"},
        {"threads": 0},
        {"threads": 65},
        {"rest_seconds": -1},
        {"dscp": 64},
        {"tap_bytes": -1},
    ],
)
def test_an_engine_with_bad_settings_is_not_made(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Engine(**options)


def bad_verbs(port: MediaPort, engine: Engine) -> list[Any]:
    agreed: dict[str, Any] = {"send": "PCMU", "send_payload_type": 0, "receive": {0: "PCMU"}}
    return [
        lambda: port.set_remote("localhost", 4000),
        lambda: port.set_remote("::1", 4000),
        lambda: port.set_remote("127.0.0.1", 0),
        lambda: port.set_remote("127.0.0.1", 65536),
        lambda: port.set_remote("127.0.0.1", 4000, 0),
        lambda: port.set_codecs(**{**agreed, "send": "GSM"}),
        lambda: port.set_codecs(**{**agreed, "send": "CN"}),
        lambda: port.set_codecs(**{**agreed, "send_payload_type": 128}),
        lambda: port.set_codecs(**{**agreed, "send_payload_type": -1}),
        lambda: port.set_codecs(**{**agreed, "receive": {128: "PCMU"}}),
        lambda: port.set_codecs(**{**agreed, "receive": {0: "GSM"}}),
        lambda: port.set_codecs(**agreed, ptime_ms=9),
        lambda: port.set_codecs(**agreed, ptime_ms=61),
        lambda: port.set_codecs(**agreed, digit_payload_type=200),
        lambda: port.set_codecs(**agreed, untouched_ms=(0, 1001)),
        lambda: port.set_codecs(**agreed, untouched_ms=(-1, 0)),
        lambda: port.hears([port, engine]),  # type: ignore[list-item]  # on purpose
        lambda: port.hears([engine]),  # type: ignore[list-item]  # on purpose
        lambda: port.send_digits("1"),
        lambda: port.send_digits(""),
        lambda: port.send_digits("12x"),
        lambda: port.send_digits("é"),
        lambda: port.send_digits("1" * 65),
        lambda: engine.load_prompt(b""),
        lambda: engine.load_prompt(b"abc"),
    ]


def test_bad_arguments_raise_value_error_and_change_nothing(engine: Engine) -> None:
    port = engine.open_port()
    for verb in bad_verbs(port, engine):
        with pytest.raises(ValueError):
            verb()
    peer = Peer(port)
    agree(port, peer)
    for wrong in ({"duration_ms": 0}, {"gap_ms": 9000}):
        with pytest.raises(ValueError, match="_ms"):
            port.send_digits("1", **wrong)
    peer.send(b"a" * FRAME)
    until(lambda: port.statistics().packets_received == 1)
    peer.close()


def test_ports_and_prompts_are_made_by_the_engine_alone() -> None:
    for kind in (MediaPort, Prompt):
        with pytest.raises(TypeError):
            kind()


def test_a_leg_may_hear_itself(engine: Engine) -> None:
    port = engine.open_port()
    peer = Peer(port)
    port.hears([port])
    agree(port, peer)
    peer.send(b"echo" * 40)
    assert peer.receive().payload == b"echo" * 40
    peer.close()


def test_everything_a_peer_can_send_is_survived(engine: Engine) -> None:
    with call(engine) as (first, _, one, two):
        one.send(b"a" * FRAME)
        two.receive()
        for length in (0, 1, 11, 12, 13, 1511, 1513, 2048, 2049, 9000, 65000):
            one.send_raw(b"\x80\x00" + bytes(length)[2:])
        one.send_raw(b"")
        # The last ones are too long, and the reader may be in the middle of them.
        until(lambda: first.statistics().dropped.get("too_long", 0) >= 5)
        dropped = first.statistics().dropped
        assert dropped["too_long"] == 5
        one.send(b"b" * FRAME)
        until(lambda: any(packet.payload == b"b" * FRAME for packet in two.waiting()))


def test_held_commands_are_announced_once_and_obeyed_after_the_kick(
    make_engine: MakeEngine,
) -> None:
    announced: list[int] = []
    engine = make_engine(when_commanded=lambda: announced.append(len(announced)))
    with call(engine) as (_, second, _, two):
        assert announced == [0]  # once for all that the set-up of two legs asked
        engine.kick()
        prompt = engine.load_prompt(bytes(3200))
        second.play(prompt)
        second.stop_playback()
        second.play(prompt)
        assert announced == [0, 1]
        engine.kick()
        assert len(two.receive().payload) == FRAME
        engine.kick()  # with nothing held: nothing
    assert announced == [0, 1, 2]


def test_a_packet_finds_held_commands_obeyed(make_engine: MakeEngine) -> None:
    engine = make_engine(when_commanded=lambda: None)
    with call(engine) as (_, _, one, two):
        one.send(b"x" * FRAME)
        assert two.receive().payload == b"x" * FRAME


def test_a_kick_of_a_stopped_engine_does_nothing(make_engine: MakeEngine) -> None:
    engine = make_engine(when_commanded=lambda: None)
    engine.open_port()
    engine.stop()
    engine.kick()
