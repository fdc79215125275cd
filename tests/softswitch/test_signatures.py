"""The files of the section stir, as the switch reads them at its start and at reloads."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigErrors
from softswitch.check import load_startable
from softswitch.stir.errors import StirUnusable
from softswitch.stir.ready import made_ready
from softswitch.stir.replays import Replays
from tests.support.configurations import MINIMAL, loaded
from tests.support.stir import X5U, Authority, code_list, lay_out

ROOT = Authority()
SIGNER = ROOT.signer(numbers=code_list("709J"))
TRUNKS = "trunks: {c: {address: 192.0.2.1, identity: {verify: true, sign: true}}}\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    authorities, certificates = lay_out(tmp_path, ROOT, SIGNER)
    key, certificate = tmp_path / "ours.key", tmp_path / "ours.pem"
    key.write_bytes(SIGNER.key_pem)
    certificate.write_bytes(SIGNER.pem)
    return {
        "authorities": authorities, "certificates": certificates, "key": key,
        "certificate": certificate,
    }  # fmt: skip


def section(files: dict[str, Path]) -> str:
    return (
        f"stir: {{authorities: {files['authorities']}, certificates: {files['certificates']}, "
        f"sign: {{key: {files['key']}, certificate: {files['certificate']}, x5u: '{X5U}'}}}}\n"
    )


def test_what_the_section_names_is_ready(files: dict[str, Path]) -> None:
    ready = made_ready(loaded(TRUNKS + section(files)), Replays())

    assert ready.key is not None
    assert ready.verifier is not None
    assert ready.verifier.trust.find(X5U, SIGNER.chain[0].not_valid_before_utc.timestamp() + 1)


def test_files_that_no_trunk_wants_are_not_looked_at(files: dict[str, Path]) -> None:
    files["key"].unlink()
    files["authorities"].unlink()

    ready = made_ready(loaded(MINIMAL + section(files)), Replays())

    assert (ready.key, ready.verifier) == (None, None)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("authorities", b"", "no certificates of authorities"),
        ("authorities", None, "No such file"),
        ("certificates", None, "no such folder"),
        ("key", b"nonsense", "no private key"),
        ("key", None, "No such file"),
        ("key", Authority().signer().key_pem, "not the certificate of"),
        ("certificate", b"nonsense", "no certificate"),
        ("certificate", None, "No such file"),
    ],
)
def test_files_that_cannot_be_used_are_told_before_a_call_comes(
    tmp_path: Path, files: dict[str, Path], name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        files[name].write_bytes(content)
    elif files[name].is_dir():
        files[name].rename(tmp_path / "elsewhere")
    else:
        files[name].unlink()
    path = tmp_path / "switch.yaml"
    path.write_text(TRUNKS + REST + section(files))

    with pytest.raises(ConfigErrors) as caught:
        load_startable(path, {})

    (told,) = caught.value.errors
    assert says in told.message
    assert str(files[name]) in told.message
    assert "PRIVATE" not in told.message


REST = """
numbers: {100: {campaign: x, as_is: true}}
campaigns: {x: {treatment: t, trunk: c}}
treatments: {t: [connect: called]}
"""


def test_a_file_that_is_too_long_is_no_certificate(files: dict[str, Path]) -> None:
    place = files["certificates"] / "a.example" / "long.pem"
    place.parent.mkdir()
    place.write_bytes(b"x" * 70_000)

    with pytest.raises(StirUnusable, match="longer than"):
        made_ready(loaded(TRUNKS + section(files)), Replays())


def test_without_its_package_the_section_says_what_to_install(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("softswitch.stir.keys"):
            raise ImportError(name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(StirUnusable, match=r"pip install 'softswitch\[stir\]'"):
        made_ready(loaded(TRUNKS + section(files)), Replays())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("authorities", "stir: authorities: "),
        ("key", "stir: sign: key: "),
        ("certificate", "stir: sign: certificate: "),
    ],
)
def test_a_file_that_cannot_be_used_is_told_where_its_key_stands(
    files: dict[str, Path], tmp_path: Path, name: str, told: str
) -> None:
    files[name].unlink()
    path = tmp_path / "switch.yaml"
    text = section(files)
    path.write_text(TRUNKS + text)

    with pytest.raises(ConfigErrors) as caught:
        load_startable(path, {})

    (error,) = caught.value.errors
    assert (error.line, error.column) == (2, text.index(f"{name}: ") + len(name) + 3)
    assert error.message == f"{told}{files[name]}: No such file or directory"
