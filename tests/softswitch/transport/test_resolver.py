import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from softswitch.transport import resolver as module
from softswitch.transport.names import Addresses
from softswitch.transport.resolver import NameNotResolved, NameUnknown, Resolver, asking


class Names:
    """A name service that counts its questions."""

    def __init__(self, *answers: Sequence[str] | Addresses | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str) -> Addresses:
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Addresses) else Addresses(tuple(answer))


async def test_an_answer_is_kept() -> None:
    names = Names(["192.0.2.1", "192.0.2.1", "2001:db8::1"])
    resolver = Resolver(names)
    assert resolver.known("gateway.example") is None
    assert await resolver.resolve("gateway.example") == ("192.0.2.1", "2001:db8::1")
    assert await resolver.resolve("gateway.example") == ("192.0.2.1", "2001:db8::1")
    assert resolver.known("gateway.example") == ("192.0.2.1", "2001:db8::1")
    assert names.asked == 1


async def test_questions_at_the_same_time_are_asked_once() -> None:
    names = Names(["192.0.2.1"])
    resolver = Resolver(names)
    await asyncio.gather(*(resolver.resolve("gateway.example") for _ in range(10)))
    assert names.asked == 1


async def test_a_failure_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(OSError("no such name"), ["192.0.2.1"])
    resolver = Resolver(names)
    for _ in range(2):
        with pytest.raises(NameNotResolved, match=r"no address for 'gateway\.example'"):
            await resolver.resolve("gateway.example")
    assert names.asked == 1
    assert resolver.known("gateway.example") == ()
    monkeypatch.setattr(module, "FAILURE_SECONDS", 0.0)
    assert await resolver.resolve("gateway.example") == ("192.0.2.1",)


async def test_an_old_answer_serves_while_the_service_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(["192.0.2.1"], OSError("service down"))
    resolver = Resolver(names)
    await resolver.resolve("gateway.example")
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    assert await resolver.resolve("gateway.example") == ("192.0.2.1",)
    assert names.asked == 2
    # Not each call waits for a service that is down.
    assert await resolver.resolve("gateway.example") == ("192.0.2.1",)
    assert names.asked == 2
    monkeypatch.setattr(module, "FAILURE_SECONDS", 0.0)
    monkeypatch.setattr(module, "STALE_SECONDS", 0.0)
    with pytest.raises(NameNotResolved):
        await resolver.resolve("gateway.example")


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        (Addresses(("192.0.2.1",), 20.0), 20.0),
        (Addresses(("192.0.2.1",), 0.0), module.SHORTEST_SECONDS),
        (Addresses(("192.0.2.1",), 86400.0), module.LONGEST_SECONDS),
        (Addresses((), 20.0), 20.0),
        (Addresses((), 86400.0), module.LONGEST_NEGATIVE_SECONDS),
        (Addresses(("192.0.2.1",)), module.FRESH_SECONDS),
        (Addresses(()), module.FAILURE_SECONDS),
        (OSError("service down"), module.FAILURE_SECONDS),
    ],
)
async def test_an_answer_holds_as_long_as_it_says_within_bounds(
    answer: Addresses | Exception, holds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(answer)
    resolver = Resolver(names)
    loop = asyncio.get_running_loop()
    asked = loop.time()
    with contextlib.suppress(NameNotResolved):
        await resolver.resolve("gateway.example")
    monkeypatch.setattr(loop, "time", lambda: asked + holds - 0.001)
    assert resolver.known("gateway.example") is not None
    monkeypatch.setattr(loop, "time", lambda: asked + holds + 100.0)
    assert resolver.known("gateway.example") is None


async def test_a_name_that_is_not_there_differs_from_a_service_that_is_not() -> None:
    with pytest.raises(NameUnknown):
        await Resolver(Names(Addresses(()))).resolve("gateway.example")
    with pytest.raises(NameNotResolved) as raised:
        await Resolver(Names(OSError("service down"))).resolve("gateway.example")
    assert not isinstance(raised.value, NameUnknown)


async def test_a_name_that_is_gone_has_no_old_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(Names(["192.0.2.1"], Addresses(())))
    await resolver.resolve("gateway.example")
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    with pytest.raises(NameUnknown):
        await resolver.resolve("gateway.example")


async def test_name_servers_of_our_own_are_asked_for_names_with_dots() -> None:
    names = Names(["192.0.2.1"])
    resolver = Resolver(asking(names))
    assert await resolver.resolve("gateway.example") == ("192.0.2.1",)
    assert "127.0.0.1" in await resolver.resolve("localhost")
    assert await resolver.resolve("192.0.2.77") == ("192.0.2.77",)
    assert names.asked == 1


async def test_a_slow_service_is_given_up() -> None:
    async def never(host: str) -> Addresses:
        await asyncio.Event().wait()
        return Addresses(())

    with pytest.raises(NameNotResolved):
        await Resolver(never, deadline=0.01).resolve("gateway.example")


async def test_a_waiter_that_gives_up_leaves_the_question_to_the_others() -> None:
    release = asyncio.Event()

    async def slow(host: str) -> Addresses:
        await release.wait()
        return Addresses(("192.0.2.1",))

    resolver = Resolver(slow)
    impatient = asyncio.create_task(resolver.resolve("gateway.example"))
    patient = asyncio.create_task(resolver.resolve("gateway.example"))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    release.set()
    assert await patient == ("192.0.2.1",)


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NAMES", 2)
    resolver = Resolver(Names(["192.0.2.1"]))
    for host in ("a.example", "b.example", "c.example"):
        await resolver.resolve(host)
    assert resolver.known("a.example") is None
    assert resolver.known("c.example") == ("192.0.2.1",)


async def test_close_ends_what_still_runs() -> None:
    async def never(host: str) -> Addresses:
        await asyncio.Event().wait()
        return Addresses(())

    resolver = Resolver(never)
    waiting = asyncio.create_task(resolver.resolve("gateway.example"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await resolver.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_the_system_is_asked_and_rejects_what_is_no_name() -> None:
    assert await Resolver().resolve("127.0.0.1") == ("127.0.0.1",)
    for host in ("", "a" * 64 + ".example", "a..b"):
        with pytest.raises(NameNotResolved):
            await Resolver().resolve(host)
