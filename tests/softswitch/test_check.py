from pathlib import Path

import numpy as np
import pytest

from config.loader import ConfigErrors
from media.wav import write_wav
from softswitch.check import InstalledMedia, load_checked, load_startable, warnings_of
from tests.support.certificates import certificate_until, write_certificate

CONFIGURATION = """\
trunks: {a: 192.0.2.1}
campaigns: {c: {treatment: t, ringback: %s}}
treatments:
  t:
    - play: {tone: %s}
    - play: {wav: %s}
"""


def written(folder: Path, *, ringback: str = "us", tone: str = "chime", wav: str = "a.wav") -> Path:
    path = folder / "test.yaml"
    path.write_text(CONFIGURATION % (ringback, tone, wav))
    write_wav(folder / "a.wav", np.zeros(800, np.int16))
    (folder / "bad.wav").write_bytes(b"RIFF\x04\x00\x00\x00WAVE")
    return path


def complaints(path: Path) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load_checked(path, {})
    return [str(error) for error in caught.value.errors]


def test_what_the_media_rooms_know_is_good(tmp_path: Path) -> None:
    assert load_checked(written(tmp_path), {}).campaigns["c"].ringback == "us"
    for tone in ("busy", "ringback", "reorder", "dial", "chime"):
        load_checked(written(tmp_path, tone=tone), {})


def test_what_they_do_not_know_is_told(tmp_path: Path) -> None:
    found = complaints(written(tmp_path, ringback="xx", tone="buzy", wav="bad.wav"))
    assert [one.partition(":")[2].partition(": ")[0] for one in found] == ["2:41", "5:20", "6:19"]
    assert "bad.wav: the file has no format chunk" in found[2]


def test_the_default_tones_exist() -> None:
    assert "us" in InstalledMedia.tone_plans


@pytest.mark.parametrize("path", sorted(Path("config/examples").rglob("*.yaml")), ids=str)
def test_the_examples_are_good(path: Path) -> None:
    load_checked(path, {})


TRUNKS = "trunks: {a: 192.0.2.1}\n"
TLS = {
    "switch": "switch: {{tls: {{certificate: {certificate}, key: {key}}}}}\n",
    "control": "control: {{tls: {{certificate: {certificate}, key: {key}}}}}\n",
    "web": "web: {{listen: '127.0.0.1:8022', tls: {{certificate: {certificate}, key: {key}}}}}\n",
}


@pytest.mark.parametrize("section", TLS)
def test_a_switch_does_not_start_with_certificates_that_are_none(
    tmp_path: Path, section: str
) -> None:
    certificate, key = write_certificate(tmp_path)
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("no PEM")
    path = tmp_path / "tls.yaml"
    for shown, with_key, says in (
        (certificate, key, None),
        (tmp_path / "gone.pem", key, "gone.pem: No such file or directory"),
        (certificate, tmp_path / "gone.key", "gone.key: No such file or directory"),
        (no_pem, key, str(no_pem)),
        (certificate, no_pem, str(no_pem)),
    ):
        path.write_text(TRUNKS + TLS[section].format(certificate=shown, key=with_key))
        load_checked(path, {})
        if says is None:
            load_startable(path, {})
            continue
        with pytest.raises(ConfigErrors) as caught:
            load_startable(path, {})
        (error,) = caught.value.errors
        assert error.message.startswith(f"{section}: tls: ")
        assert says in error.message
        # Where a pair does not fit, it may be either.
        names = ["key"] if "gone.key" in says else ["certificate"]
        if no_pem in (shown, with_key):
            names = ["certificate", "key"]
        line = path.read_text().splitlines()[1]
        assert error.line == 2
        assert error.column in {line.index(f"{name}: ") + len(name) + 3 for name in names}
        assert f"{names[0]} " in error.message or f"{names[-1]} " in error.message


SRTP = "trunks: {a: 192.0.2.1, b: {address: '192.0.2.2%s', srtp: %s}}\n"


def test_encryption_without_its_library_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "srtp.yaml"
    path.write_text(SRTP % ("", "optional"))
    monkeypatch.setattr("softswitch.check.has_srtp", lambda: True)
    load_startable(path, {})
    monkeypatch.setattr("softswitch.check.has_srtp", lambda: False)
    load_checked(path, {})
    with pytest.raises(ConfigErrors) as caught:
        load_startable(path, {})
    (error,) = caught.value.errors
    assert 'trunk "b": srtp: libsrtp2 is not installed' in str(error)
    assert str(error).startswith(f"{path}:1:")
    path.write_text(SRTP % ("", "off"))
    load_startable(path, {})


def test_opus_without_its_library_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "opus.yaml"
    path.write_text("trunks: {a: 192.0.2.1, b: {address: 192.0.2.2, codecs: [opus, PCMU]}}\n")
    load_startable(path, {})
    monkeypatch.setattr("softswitch.check.has_opus", lambda: False)
    load_checked(path, {})
    with pytest.raises(ConfigErrors) as caught:
        load_startable(path, {})
    (error,) = caught.value.errors
    assert 'trunk "b": codecs: opus: libopus is not installed' in str(error)


@pytest.mark.parametrize(
    ("transport", "policy", "warned"),
    [
        ("", "required", True),
        (";transport=tcp", "optional", True),
        (";transport=tls", "required", False),
        ("", "off", False),
    ],
)
def test_keys_over_signalling_that_anybody_can_read_are_warned_of(
    tmp_path: Path, transport: str, policy: str, warned: bool
) -> None:
    path = tmp_path / "srtp.yaml"
    tls = "switch: {tls: {certificate: a.pem, key: b.pem}}\n"
    path.write_text(tls + SRTP % (transport, policy))
    found = list(warnings_of(load_checked(path, {})))
    assert len(found) == warned
    assert all('trunk "b": srtp: the keys go over' in one for one in found)


@pytest.mark.parametrize(
    ("fax", "policy", "warned"),
    [
        ("true", "required", True),
        ("offer", "required", True),
        ("false", "required", False),
        ("true", "optional", False),
    ],
)
def test_fax_that_encryption_forbids_is_warned_of(
    tmp_path: Path, fax: str, policy: str, warned: bool
) -> None:
    path = tmp_path / "fax.yaml"
    path.write_text(
        "switch: {tls: {certificate: a.pem, key: b.pem}}\ntrunks:\n  b:\n"
        f"    address: 192.0.2.2;transport=tls\n    srtp: {policy}\n    t38: {fax}\n"
    )
    found = list(warnings_of(load_checked(path, {})))
    assert len(found) == warned
    assert all(one.startswith(f'{path}:6:10: trunk "b": t38: with srtp') for one in found)


@pytest.mark.parametrize(
    ("times", "warned"),
    [
        ("held_no_media_time: 50 s", True),
        ("no_media_time: 1 h", True),
        ("held_no_media_time: 60 s", False),
        ("no_media_time: off", False),
        ("held_no_media_time: off", False),
    ],
)
def test_held_calls_that_end_sooner_than_others_are_warned_of(
    tmp_path: Path, times: str, warned: bool
) -> None:
    path = tmp_path / "held.yaml"
    path.write_text(f"switch: {{{times}}}\n" + TRUNKS)
    found = list(warnings_of(load_checked(path, {})))
    assert len(found) == warned
    assert all("held_no_media_time" in one and "less than no_media_time" in one for one in found)


@pytest.mark.parametrize(
    ("days", "warning"),
    [(31, None), (6.9, "switch: certificate {} ends in 7 days"), (-1, "certificate {} has ended")],
)
def test_a_certificate_that_ends_soon_is_a_warning(
    tmp_path: Path, days: float, warning: str | None
) -> None:
    certificate, key = write_certificate(tmp_path)
    certificate.write_text(certificate_until(days))
    path = written(tmp_path)
    tls = f"switch: {{tls: {{certificate: {certificate}, key: {key}}}}}\n"
    path.write_text(tls + path.read_text())
    found = list(warnings_of(load_checked(path, {})))
    assert len(found) == (warning is not None)
    assert all(one.endswith(str(warning).format(certificate)) for one in found)
    assert all(one.startswith(f"{path}:1:{tls.index(str(certificate)) + 1}: ") for one in found)


def test_transfers_to_nobody_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "switch.yaml"
    text = """
trunks: {agents: {address: "192.0.2.1:5060", transfers: allow}}
numbers: {"100001": {campaign: direct, as_is: true}}
campaigns: {direct: direct}
treatments: {direct: [connect: called]}
"""
    path.write_text(text)
    (found,) = warnings_of(load_checked(path, {}))
    assert 'trunk "agents": transfers' in found
    assert "originate" in found
    path.write_text(text + 'originate: {to: ["+1602*"]}\n')
    assert list(warnings_of(load_checked(path, {}))) == []


CAMPAIGN = """
numbers: {"100001": {campaign: direct, as_is: true}}
campaigns: {direct: {treatment: direct%s}}
treatments: {direct: [connect: called]}
"""


@pytest.mark.parametrize(
    ("trunk", "campaign", "warned"),
    [
        ("", ", max_spend_per_hour: 5", True),
        (", cost: 0.01", ", max_spend_per_hour: 5", False),
        ("", ", max_spend_per_hour: 5, payout: {base: 5.00}", False),
        ("", "", False),
    ],
)
def test_a_limit_that_nothing_counts_towards_is_warned_of(
    tmp_path: Path, trunk: str, campaign: str, warned: bool
) -> None:
    path = tmp_path / "switch.yaml"
    path.write_text(f"trunks: {{a: {{address: 192.0.2.1{trunk}}}}}\n" + CAMPAIGN % campaign)
    found = list(warnings_of(load_checked(path, {})))
    assert len(found) == warned
    assert all(one.startswith(f"{path}:4:") and "max_spend_per_hour" in one for one in found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sources: [0.0.0.0/0]", "sources: 0.0.0.0/0: whoever calls"),
        ("sources: [192.0.2.0/24, '::/0']", "sources: ::/0: whoever calls"),
        ("sources: [192.0.2.0/24]", None),
        ("sources: [0.0.0.0/0], inbound_auth: {user: a, password: b}", None),
        ("behind: {proxies: [0.0.0.0/0], header: X-Trunk}", "behind: proxies: 0.0.0.0/0: whoever"),
    ],
)
def test_a_trunk_that_everybody_is_taken_for_is_warned_of(
    tmp_path: Path, text: str, says: str | None
) -> None:
    path = tmp_path / "switch.yaml"
    path.write_text(f"trunks: {{a: {{address: 192.0.2.1, {text}}}}}\n")
    found = list(warnings_of(load_checked(path, {})))
    assert len(found) == (says is not None)
    assert all(one.startswith(f"{path}:1:") and str(says) in one for one in found)


HOOK = "webhooks:\n  crm: {url: 'http://h/', events: [call.ended, %s]}\n"


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("call.recrod", 'did you mean "call.record"?'),
        ("'cals.*'", "control.md lists them"),
        ("zzz", "control.md lists them"),
    ],
)
def test_a_webhook_of_events_that_there_are_none_of_is_told(
    tmp_path: Path, pattern: str, hint: str
) -> None:
    path = tmp_path / "hooks.yaml"
    path.write_text(TRUNKS + HOOK % pattern)
    with pytest.raises(ConfigErrors) as caught:
        load_startable(path, {})
    (error,) = map(str, caught.value.errors)
    assert f'3:35: webhook "crm": events: there are no events {pattern.strip(chr(39))}' in error
    assert hint in error
    # Commands that only need to know where the data are do not care.
    load_checked(path, {})


@pytest.mark.parametrize("pattern", ["call.record", "'call.*'", "'*'", "cap.reached"])
def test_a_webhook_of_events_that_there_are_is_good(tmp_path: Path, pattern: str) -> None:
    path = tmp_path / "hooks.yaml"
    path.write_text(TRUNKS + HOOK % pattern)
    assert load_startable(path, {}).webhooks["crm"].events[0] == "call.ended"
