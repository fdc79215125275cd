import dataclasses
from pathlib import Path

import pytest

from config.model import Switch, SwitchTls
from tests.support.configurations import MINIMAL, loaded, told


def switch(text: str, **environment: str) -> Switch:
    return loaded(f"{MINIMAL}switch:\n{text}", environment=environment).switch


def complaints(text: str) -> list[str]:
    return told(f"{MINIMAL}switch:\n{text}")


def test_without_a_section_the_defaults_are_those_of_the_model() -> None:
    assert loaded(MINIMAL).switch == Switch() == switch("")


def test_every_setting_reaches_the_model() -> None:
    text = """\
  listen: "[::1]:5070"
  transports: tcp
  advertise: sip.example.org
  rtp_host: "::1"
  rtp_ports: 30000-30999
  control: 127.0.0.2:9000
  data: /srv/data
  database: postgres://x
  currency: eur
  time_zone: Europe/Berlin
  country: gb
  max_calls: 7
  max_call_time: 1 h
  no_media_time: off
  held_no_media_time: 2 h
  grace_time: 0
  engine_threads: 2
  tap: no
  log_format: json
  log_level: debug
  synthesiser: flite
  without_synthesiser: chime
  tls: {certificate: c.pem, key: k.pem, verify: no}
  name_servers: [192.0.2.53, "[::1]:5353"]
"""
    expected = Switch(
        listen_host="::1",
        listen_port=5070,
        transports=("tcp",),
        advertise_host="sip.example.org",
        rtp_host="::1",
        rtp_first_port=30000,
        rtp_last_port=30999,
        control_host="127.0.0.2",
        control_port=9000,
        data=Path("/srv/data"),
        database="postgres://x",
        currency="EUR",
        time_zone="Europe/Berlin",
        country="GB",
        max_calls=7,
        max_call_seconds=3600.0,
        no_media_seconds=None,
        held_no_media_seconds=7200.0,
        grace_seconds=0.0,
        engine_threads=2,
        tap=False,
        log_format="json",
        log_level="debug",
        synthesiser="flite",
        without_synthesiser="chime",
        name_servers=(("192.0.2.53", 53), ("::1", 5353)),
        tls=SwitchTls(Path("c.pem"), Path("k.pem"), listen_host="::1", verify=False),
    )
    found = switch(text)
    assert found == expected
    default = Switch()
    for field in dataclasses.fields(Switch):
        if field.name == "listeners":
            continue  # test_listeners.py has them: they stand in place of one address
        assert getattr(found, field.name) != getattr(default, field.name), field.name


def test_hosts_follow_the_one_listened_on() -> None:
    found = switch("  listen: 192.0.2.10:5062\n")
    assert (found.advertise_host, found.rtp_host) == ("192.0.2.10", "192.0.2.10")


def test_an_empty_variable_leaves_the_default() -> None:
    found = switch("  advertise: ${SOFTSWITCH_ADVERTISE:-}\n  database: ${DB:-}\n", DB="")
    assert (found.advertise_host, found.database) == ("127.0.0.1", "embedded")


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_a_wildcard_needs_a_host_to_advertise(host: str) -> None:
    (complaint,) = complaints(f'  listen: "{host}:5060"\n')
    assert complaint.startswith("4:11: listen: ")
    assert "listens everywhere" in complaint
    assert "SOFTSWITCH_ADVERTISE" in complaint
    assert (
        switch(f'  listen: "{host}:5060"\n  advertise: 192.0.2.1\n').advertise_host == "192.0.2.1"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "'::'"])
def test_a_wildcard_is_never_advertised(host: str) -> None:
    (complaint,) = complaints(f"  advertise: {host}\n")
    assert "is no host that peers can reach" in complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "  listen: 127.0.0.1:20100\n",
            "4:11: rtp_ports: SIP's port 20100 lies in 20000-29999",
        ),
        (
            "  listen: 0.0.0.0:20100\n  advertise: a.example\n  rtp_host: 127.0.0.1\n",
            "4:11: rtp_ports: SIP's port 20100 lies in 20000-29999",
        ),
        (
            "  control: 127.0.0.1:5060\n",
            "4:12: control: port 5060 is SIP's already",
        ),
    ],
)
def test_ports_do_not_overlap(text: str, complaint: str) -> None:
    assert complaints(text) == [complaint]


@pytest.mark.parametrize(
    "text",
    [
        "  listen: 127.0.0.1:20100\n  rtp_host: 127.0.0.2\n",
        "  listen: 127.0.0.1:20100\n  transports: tcp\n",
        "  control: 127.0.0.1:20100\n",
        "  control: 127.0.0.2:5060\n",
        "  control: 127.0.0.1:5060\n  transports: udp\n",
    ],
)
def test_sockets_that_cannot_meet_may_have_one_port(text: str) -> None:
    assert complaints(text) == []


def test_unknown_settings_come_with_a_suggestion() -> None:
    assert complaints("  listn: 127.0.0.1\n") == [
        '4:3: "listn" is no setting of switch (did you mean "listen"?)'
    ]
    (complaint,) = complaints("  zzz: 1\n")
    assert '"zzz" is no setting of switch (settings: listen, transports,' in complaint


def test_a_setting_in_the_wrong_place_is_told_where_it_belongs() -> None:
    assert complaints("  silence_check: 5 s\n") == [
        '4:3: "silence_check" is no setting of switch (it is a setting of a trunk)'
    ]
    # What is a setting of many things says nothing.
    (complaint,) = complaints("  name: x\n")
    assert '"name" is no setting of switch (settings: ' in complaint


def test_a_switch_that_is_no_mapping_is_told() -> None:
    assert told(f"{MINIMAL}switch: [a]\n") == ["3:9: expected the settings of switch, not a list"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("  listen: '224.0.0.1:5060'\n", "listen: 224.0.0.1 is an address of many hosts"),
        ("  listen: '[ff02::1]:5060'\n", "listen: ff02::1 is an address of many hosts"),
        ("  advertise: 239.0.0.1\n", "advertise: 239.0.0.1 is an address of many hosts"),
        ("  advertise: 255.255.255.255\n", "is the address of every host"),
        ("  rtp_host: 224.0.0.1\n", "rtp_host: 224.0.0.1 is an address of many hosts"),
        ("  control: '224.0.0.1:8021'\n", "control: 224.0.0.1 is an address of many hosts"),
    ],
)
def test_an_address_of_many_hosts_is_nobodys(text: str, complaint: str) -> None:
    (found,) = complaints(text)
    assert complaint in found


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("0.0.0.0", "0.0.0.0 is no host that peers can reach"),
        ("'[::]:5060'", ":: is no host that peers can reach"),
        ("239.1.1.1", "239.1.1.1 is an address of many hosts"),
        ("{address: h, sources: [0.0.0.0]}", "0.0.0.0 is no host that peers can reach"),
    ],
)
def test_a_trunk_is_one_host(address: str, complaint: str) -> None:
    (found,) = told(f"trunks: {{a: {address}}}\n")
    assert complaint in found


def test_a_whole_network_may_be_a_source() -> None:
    assert told("trunks: {a: {address: h, sources: [0.0.0.0/0]}}\n") == []


def test_the_data_folder_is_no_file_and_lies_in_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (found,) = complaints(f"  data: {tmp_path}/file\n")
    assert found.startswith("4:9: data: ")
    assert "is a file, not a folder" in found
    (found,) = complaints(f"  data: {tmp_path}/file/deeper/still\n")
    assert "is a file, not a folder" in found
    assert complaints(f"  data: {tmp_path}/new/deeper\n") == []
    (found,) = complaints(f"  data: {'x' * 300}\n")
    assert "data: " in found


@pytest.mark.parametrize(
    "text",
    [
        "  listen: 127.0.0.1:20100\n  rtp_ports: 20000\n",
        "  listen: 0.0.0.0:5060\n  advertise: '-bad-'\n",
        "  control: 127.0.0.1:5060x\n  listen: 127.0.0.1:8021\n",
    ],
)
def test_of_a_value_that_was_refused_nothing_more_is_told(text: str) -> None:
    assert len(complaints(text)) == 1
