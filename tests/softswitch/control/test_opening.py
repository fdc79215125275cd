"""The control socket is opened as configured, or the operator is told why it cannot be."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.model import Configuration, Control, ControlTls, ControlToken, Switch
from softswitch.control.catalogue import Catalogue
from softswitch.control.opening import ControlDoor, ControlUnusable, access_of, context_of
from softswitch.control.reloading import ConfigurationRefused
from softswitch.control.server import ControlServer
from tests.support.certificates import LOCKED_KEY, trusting, write_certificate

TOKEN = ControlToken("crm", "s3cret-s3cret-s3cret", ("control",), ("sale",))


def configured(folder: Path, control: Control, **switch: Any) -> Configuration:
    settings = replace(Switch(), control_port=0, data=folder, **switch)
    return Configuration(settings, {}, (), {}, {}, {}, control=control)


async def opened(configuration: Configuration) -> ControlServer:
    return (await opened_with_door(configuration))[0]


async def opened_with_door(configuration: Configuration) -> tuple[ControlServer, ControlDoor]:
    access = access_of(configuration.control)
    server = ControlServer(Catalogue(), object(), access)
    door = ControlDoor(access)
    await door.open(server, configuration)
    return server, door


def port_of(server: ControlServer) -> int:
    port: int = server._servers[0].sockets[0].getsockname()[1]
    return port


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
    writer.write(b'{"jsonrpc":"2.0","id":1,"method":"nothing"}\n')
    async with asyncio.timeout(5):
        answer = json.loads(await reader.readline())
    writer.close()
    return answer["error"]["data"]["reason"]


async def test_both_sockets_are_open_and_unix_needs_no_token(tmp_path: Path) -> None:
    server = await opened(configured(tmp_path, Control(tokens=(TOKEN,))))
    tcp = await asyncio.open_connection("127.0.0.1", port_of(server))
    unix = await asyncio.open_unix_connection(tmp_path / "control.sock")
    assert await ask(*tcp) == "not_authenticated"
    assert await ask(*unix) == "method_not_found"
    await server.close()


async def test_the_unix_socket_may_be_left_out(tmp_path: Path) -> None:
    server = await opened(configured(tmp_path, Control(unix=False)))
    assert not (tmp_path / "control.sock").exists()
    await server.close()


async def test_a_folder_without_sockets_does_not_keep_the_switch_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = await opened(configured(tmp_path / "nowhere", Control()))
    assert "no control socket at" in caplog.text
    await server.close()


async def test_tls_is_spoken_with_the_certificate(tmp_path: Path) -> None:
    tls = ControlTls(*write_certificate(tmp_path))
    server = await opened(configured(tmp_path, Control(tls=tls)))
    secure = await asyncio.open_connection("localhost", port_of(server), ssl=trusting())
    assert await ask(*secure) == "method_not_found"
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    writer.write(b'{"jsonrpc":"2.0","id":1,"method":"nothing"}\n')
    async with asyncio.timeout(5):
        assert b"jsonrpc" not in await reader.read()
    writer.close()
    await server.close()


async def test_a_certificate_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    nonsense, locked = tmp_path / "nonsense.pem", tmp_path / "locked.pem"
    nonsense.write_text("nonsense")
    locked.write_text(LOCKED_KEY)
    for tls, why in (
        (ControlTls(tmp_path / "none.pem", key), "none.pem: No such file"),
        (ControlTls(certificate, tmp_path), "Is a directory"),
        (ControlTls(nonsense, key), "cannot be used"),
        (ControlTls(certificate, nonsense), "cannot be used"),
        (ControlTls(certificate, locked), "the key has a password"),
    ):
        with pytest.raises(ControlUnusable, match=why):
            await opened(configured(tmp_path, Control(tls=tls)))


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        configuration = configured(tmp_path, Control())
        settings = replace(configuration.switch, control_port=port)
        with pytest.raises(ControlUnusable, match=f"127.0.0.1:{port}: .*in use"):
            await opened(replace(configuration, switch=settings))


async def test_nothing_but_loopback_without_a_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    everywhere = configured(tmp_path, Control(), control_host="0.0.0.0")
    with pytest.raises(ControlUnusable, match="needs a token"):
        await opened(everywhere)
    server = await opened(replace(everywhere, control=Control(tokens=(TOKEN,))))
    assert "in the clear" in caplog.text
    assert TOKEN.secret not in caplog.text
    await server.close()


def test_tokens_have_the_roles_and_campaigns_of_the_configuration() -> None:
    identity = access_of(Control(tokens=(TOKEN,))).identify(TOKEN.secret)
    assert identity is not None
    assert identity.name == "crm"
    assert identity.may("read")
    assert not identity.may("admin")
    assert identity.sees("sale")
    assert not identity.sees("other")


def test_the_context_speaks_no_old_tls(tmp_path: Path) -> None:
    context = context_of(ControlTls(*write_certificate(tmp_path)))
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_another_configuration_brings_other_tokens_and_a_renewed_certificate(
    tmp_path: Path,
) -> None:
    tls = ControlTls(*write_certificate(tmp_path))
    configuration = configured(tmp_path, Control(tokens=(TOKEN,), tls=tls))
    server, door = await opened_with_door(configuration)
    other = replace(TOKEN, name="web", secret="an0ther-an0ther-an0ther")
    renewed = tmp_path / "renewed"
    renewed.mkdir()
    fresh = Control(tokens=(other,), tls=ControlTls(*write_certificate(renewed)))
    next_one = replace(configuration, control=fresh)
    await door.prepare(next_one)
    door.use(next_one)
    assert server._access.identify(TOKEN.secret) is None
    assert server._access.identify(other.secret) is not None
    # What was shown until now is not looked at any more.
    (tmp_path / "key.pem").unlink()
    secure = await asyncio.open_connection("localhost", port_of(server), ssl=trusting())
    secure[1].close()
    await server.close()


async def test_a_configuration_that_opens_the_door_too_wide_is_refused(tmp_path: Path) -> None:
    tls = ControlTls(tmp_path / "none.pem", tmp_path / "none.key")
    server, door = await opened_with_door(configured(tmp_path, Control(unix=False)))
    for control, why in ((Control(tls=tls), "none.pem"), (Control(), "needs a token")):
        wide = configured(
            tmp_path, control, control_host="0.0.0.0" if control.tls is None else "::1"
        )
        with pytest.raises(ConfigurationRefused, match=why):
            await door.prepare(wide)
    await server.close()
