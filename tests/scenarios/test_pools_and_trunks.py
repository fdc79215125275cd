"""Ring pools and trunks over the control socket of the real program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.stage import Stage

MakeStage = Callable[..., Stage]

CRM, OTHER = "crm-crm-crm-crm-crm", "other-other-other-o"
SECTIONS = f"""
stocks:
  spare: {{numbers: [+1 800 123 8888]}}
control:
  tokens:
    crm: {{secret: {CRM}, roles: [allocate, read]}}
    other: {{secret: {OTHER}, roles: [allocate, read], campaigns: [menu]}}
"""
ADS = """pools:
  ads:
    parameters: [keyword]
    campaign: direct
    publisher: p9
    numbers: [888 869 5345]
    stock: spare
    maximum_size: 2
    overflow: 888 869 5399
"""


@pytest.fixture
def stage(make_stage: MakeStage, dsn: str, tmp_path: Path) -> Stage:
    made = make_stage(environment={"SOFTSWITCH_DATABASE": dsn}, sections=SECTIONS)
    path = made.switch.config
    path.write_text(path.read_text().replace("pools:\n", ADS, 1))
    with ControlPeer(made.switch.data / "control.sock") as peer:
        peer.ask("config.reload")
    return made


def peer_of(stage: Stage, token: str = CRM) -> ControlPeer:
    peer = ControlPeer(("127.0.0.1", stage.switch.control_port))
    peer.ask("auth", token=token)
    return peer


def reason(peer: ControlPeer, method: str, **params: object) -> str:
    with pytest.raises(Refused) as answer:
        peer.ask(method, **params)
    return str(answer.value.reason)


def test_numbers_are_allocated_called_and_released(stage: Stage) -> None:
    with peer_of(stage) as peer:
        fans = peer.ask("pool.allocate", pool="ads", parameters={"keyword": "fans"})
        assert (fans["number"], fans["publisher"], fans["overflow"]) == (
            "+18888695345", "p9", False,
        )  # fmt: skip
        assert fans["formatted"] == "(888) 869-5345"
        again = peer.ask("pool.allocate", pool="ads", parameters={"keyword": "fans"})
        assert (again["number"], again["step"]) == (fans["number"], "same")
        stage.bridge("+18888695345").hang_up()
        record = stage.switch.record()
        assert record["binding_id"] == fans["binding"]
        assert record["binding"]["parameters"] == {"keyword": "fans"}
        many = peer.ask(
            "pool.allocate_many",
            requests=[{"pool": "ads", "parameters": {"keyword": word}} for word in ("a", "b")],
        )["answers"]
        assert [one["number"] for one in many] == ["+18001238888", "+18888695399"]
        assert [one["why"] for one in many] == [None, "exhausted"]
        (line,) = peer.ask("pool.stats", pool="ads")["pools"]
        assert (line["numbers"], line["bound"], line["overflowed"]) == (2, 2, 1)
        peer.ask("pool.release", pool="ads", number="888 869 5345")
        peer.ask("pool.release", pool="ads", binding=many[0]["binding"])
        assert reason(peer, "pool.release", pool="ads", number="888 869 5345") == (
            "number_not_found"
        )
        assert peer.ask("pool.stats", pool="ads")["pools"][0]["bound"] == 0


def test_with_a_key_a_request_said_again_gives_what_it_gave(stage: Stage) -> None:
    with peer_of(stage) as peer:
        wanted = {"pool": "ads", "parameters": {"keyword": "x"}, "idempotency_key": "visit-1"}
        first = peer.ask("pool.allocate", **wanted)
        peer.ask("pool.release", pool="ads", binding=first["binding"])
        assert peer.ask("pool.allocate", **wanted) == first
        wanted["parameters"] = {"keyword": "y"}
        assert reason(peer, "pool.allocate", **wanted) == "key_reused"


def test_what_is_asked_wrongly_is_refused_in_a_sentence(stage: Stage) -> None:
    with peer_of(stage) as peer:
        asked = {"pool": "ads", "parameters": {}}
        with pytest.raises(Refused, match="needs a value for keyword"):
            peer.ask("pool.allocate", **asked)
        with pytest.raises(Refused, match="is no parameter of the pool"):
            peer.ask("pool.allocate", pool="ads", parameters={"keyword": "a", "colour": "b"})
        assert reason(peer, "pool.allocate", pool="none", parameters={}) == "pool_not_found"
        assert reason(peer, "pool.release", pool="ads") == "invalid_params"
        assert reason(peer, "config.reload") == "forbidden"
        assert reason(peer, "number.withdraw", number="100001") == "forbidden"


def test_a_token_of_other_campaigns_sees_no_pool_and_no_trunk(stage: Stage) -> None:
    with peer_of(stage, OTHER) as peer:
        for method in ("pool.allocate", "pool.stats"):
            params = {"parameters": {"keyword": "a"}} if method == "pool.allocate" else {}
            assert reason(peer, method, pool="ads", **params) == "pool_not_found"
        assert peer.ask("pool.stats")["total"] == 0
        assert reason(peer, "trunk.list") == "forbidden"
        assert reason(peer, "config.show", section="trunks") == "forbidden"


def test_trunks_are_listed_with_the_legs_on_them(stage: Stage) -> None:
    with peer_of(stage) as peer:
        bridge = stage.bridge()
        (line,) = peer.ask("trunk.list")["trunks"]
        assert (line["trunk"], line["legs"], line["state"]) == ("carrier", 2, "ready")
        assert line["address"] == stage.switch.trunk
        bridge.hang_up()


def test_secrets_are_not_shown(stage: Stage) -> None:
    with ControlPeer(stage.switch.data / "control.sock") as peer:
        tokens = peer.ask("config.show", section="control", name="tokens")["entries"]["tokens"]
        assert [(token["name"], token["secret"]) for token in tokens] == [
            ("crm", "***"), ("other", "***"),
        ]  # fmt: skip


def test_a_token_that_is_taken_away_cuts_its_connection(stage: Stage) -> None:
    path = stage.switch.config
    path.write_text(
        path.read_text().replace(f"    crm: {{secret: {CRM}", f"    new: {{secret: {CRM}1")
    )
    with peer_of(stage) as crm, ControlPeer(stage.switch.data / "control.sock") as admin:
        bridge = stage.bridge()
        admin.ask("config.reload")
        with pytest.raises((ConnectionError, AssertionError, Refused)):
            crm.ask("ping")
        with peer_of(stage, f"{CRM}1") as renewed:
            assert renewed.ask("call.list")["total"] == 1
        bridge.hang_up()
