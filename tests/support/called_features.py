"""The features that SIPp tries as the caller, and the switch that it calls.

One configuration has a trunk for each kind of caller, and a number, a campaign and a trunk for each
kind of called side. It does not know what must come of a call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

from tests.support.faulty_path import FaultyPath, Towards
from tests.support.feature_calls import BEHIND_TLS, HOST, Feature, Stand, next_media_port
from tests.support.ports import free_sip_port
from tests.support.program import wait_for
from tests.support.sipp import Sipp

CALLED = "127.0.0.2"
NETWORK, CUSTOMER = "127.0.0.21", "127.0.0.22"
# Proxies that say whose a call is: by a header field, a parameter of the URI, the second Via.
BY_FIELD, BY_URI, BY_VIA = "127.0.0.23", "127.0.0.26", "127.0.0.27"
# The called sides: scenario, and how long it pauses.
CALLED_SIDES = {
    "basic": ("uas_basic", 300),
    "late": ("uas_answers_late", 300),
    "held": ("uas_held", 300),
    "ringing": ("uas_no_answer", 300),
    "busy": ("uas_busy", 300),
    "stays": ("uas_hangs_up", 4000),
    "leaves": ("uas_hangs_up", 700),
    "early": ("uas_early_media", 300),
}
BASIC, LATE, HELD, RINGING, BUSY, STAYS, LEAVES, EARLY = (f"10000{n}" for n in range(1, 9))
MENU, THIRD = "200001", "+16025551234"

CONFIGURATION = f"""
switch:
  listen: ${{SOFTSWITCH_SIP:-127.0.0.1:5060}}
  rtp_ports: ${{SOFTSWITCH_RTP:-20000-29999}}
  control: ${{SOFTSWITCH_CONTROL:-127.0.0.1:8021}}
  data: ${{SOFTSWITCH_DATA:-./var}}
  database: ${{SOFTSWITCH_DATABASE:-}}
  without_synthesiser: chime
  tls: {{certificate: ../certificate.pem, key: ../key.pem, listen: "127.0.0.1:@tls@"}}
trunks:
  network:
    address: "{NETWORK}:5060"
    sources: [{BEHIND_TLS}]
    trusted: true
    transfers: allow
  customer: {{address: "{CUSTOMER}:5060", inbound_auth: {{user: them, password: theirs}}}}
  proxied: {{address: "192.0.2.45:5060", behind: {{proxies: [{BY_FIELD}], header: X-Trunk}}}}
  marked: {{address: "192.0.2.46:5060", behind: {{proxies: [{BY_URI}], parameter: trunk}}}}
  passed: {{address: "192.0.2.44:5060", behind: {{proxies: [{BY_VIA}], via: true}}}}
@trunks@
originate: {{to: ["+1602555*"], per_minute: 1000, at_once: 100}}
numbers:
  {MENU}: {{campaign: menu, as_is: true}}
@numbers@
campaigns:
  menu: {{treatment: menu, trunk: basic}}
@campaigns@
treatments:
  through: [connect: called]
  moved: [connect: {{to: [{{number: called, trunk: stays}}]}}]
  menu:
    - menu:
        prompt: {{tone: chime}}
        timeout: 5 s
        choices: {{1: [connect: "{THIRD}"], 2: hang_up}}
"""


def configuration(ports: Mapping[str, int], tls_port: int) -> str:
    """A number, a campaign and a trunk for each called side."""
    lines: dict[str, list[str]] = {"@trunks@": [], "@numbers@": [], "@campaigns@": []}
    for number, (name, port) in enumerate(ports.items(), 1):
        # A far end that answers late is not asked again when the caller has changed its mind.
        hold = "local" if name == "late" else "pass"
        lines["@trunks@"].append(f'  {name}: {{address: "{CALLED}:{port}", hold: {hold}}}')
        lines["@numbers@"].append(f"  10000{number}: {{campaign: {name}, as_is: true}}")
        # Whom a REFER names leaves by the campaign's trunk; there it is waited for the hang-up.
        through = (
            "{treatment: moved, trunk: basic}"
            if name == "stays"
            else (f"{{treatment: through, trunk: {name}}}")
        )
        lines["@campaigns@"].append(f"  {name}: {through}")
    text = CONFIGURATION.replace("@tls@", str(tls_port))
    for place, made in lines.items():
        text = text.replace(place, "\n".join(made))
    return text


def md5_alone(data: bytes, towards: Towards) -> bytes:
    """SIPp reads the first challenge, and can only do with MD5."""
    if towards == "switch":
        return data
    lines = data.split(b"\r\n")
    return b"\r\n".join(
        one
        for one in lines
        if not (one.lower().startswith(b"www-authenticate") and b"SHA-256" in one)
    )


def marked_in_the_uri(data: bytes, towards: Towards) -> bytes:
    """What a proxy does that names the trunk there."""
    mark = b";trunk=marked SIP/2.0\r\n"
    return data.replace(b" SIP/2.0\r\n", mark, 1) if towards == "switch" else data


@contextmanager
def consulted(stand: Stand, call_id: str) -> Iterator[dict[str, str]]:
    """Another call of the caller, to somebody it wants to hand the first one to."""
    port = free_sip_port(HOST)
    with (
        FaultyPath(switch=stand.switch.address, far=(HOST, port), host=NETWORK) as path,
        Sipp(
            stand.directory,
            "uac_waits_for_bye.xml",
            remote=path.address,
            port=port,
            service=BASIC,
            timeout=30,
            extra=("-cid_str", f"{call_id}consulted-%u-%p@%s"),
            media_port=next_media_port(),
        ) as caller,
    ):
        wait_for("an answer", lambda: path.count("ACK") > 0, within=10)
        (answer, *_) = [one.data.decode() for one in path.passed if one.name == "200 INVITE"]
        told = {
            line.partition(":")[0].lower(): line.partition(":")[2].strip()
            for line in answer.split("\r\n")
        }
        to_tag, from_tag = (told[name].partition(";tag=")[2] for name in ("to", "from"))
        dialog = f"{told['call-id']};to-tag={to_tag};from-tag={from_tag}"
        yield {"replaces": quote(dialog, safe="")}
        caller.wait()


FEATURES = [
    Feature(
        "plain", "uac_plain", BASIC,
        ("INVITE", "100 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"), ("180 INVITE",),
        over_streams=True,
    ),
    Feature("busy", "uac_busy", BUSY, ("486 INVITE", "ACK"), over_streams=True),
    Feature("hung up on", "uac_waits_for_bye", LEAVES, ("<BYE", "200 BYE"), over_streams=True),
    Feature("early media", "uac_early_media", EARLY, ("INVITE",), ("183 INVITE",)),
    Feature(
        "reliable 180", "uac_reliable", BASIC,
        ("INVITE", "180 INVITE", "PRACK", "200 PRACK", "200 INVITE", "ACK"),
        never_late=("200 PRACK",), over_streams=True,
    ),
    Feature(
        "reliable 183", "uac_reliable", LATE,
        ("183 INVITE", "PRACK/2", "PRACK/3", "200 PRACK/2", "200 PRACK/3"),
        never_late=("200 PRACK/2",),
    ),
    Feature("100rel supported", "uac_supports_reliable", BASIC, (), ("180 INVITE",)),
    Feature(
        "UPDATE", "uac_update", HELD,
        ("UPDATE/2", "200 UPDATE/2", "UPDATE/3", "200 UPDATE/3"), over_streams=True,
    ),
    Feature(
        "early UPDATE", "uac_update_early", LATE,
        ("183 INVITE", "200 PRACK/3", "UPDATE/4", "200 UPDATE/4", "200 INVITE"), over_streams=True,
    ),
    Feature(
        "session timer", "uac_session_timer", BASIC,
        ("200 INVITE/1", "UPDATE", "200 UPDATE", "INVITE/3", "200 INVITE/3", "ACK/3"),
        over_streams=True,
    ),
    Feature(
        "session too short", "uac_session_short", BASIC,
        ("422 INVITE", "ACK/1", "INVITE/2", "200 INVITE/2"),
    ),
    Feature(
        "hold", "uac_hold", HELD,
        ("INVITE/2", "200 INVITE/2", "ACK/2", "INVITE/3", "200 INVITE/3"), over_streams=True,
    ),
    Feature("delayed offer", "uac_delayed_offer", BASIC, ("INVITE", "200 INVITE", "ACK")),
    Feature(
        "REFER", "uac_refers", STAYS,
        ("REFER", "202 REFER", "NOTIFY", "200 NOTIFY", "NOTIFY#2", "200 NOTIFY#2", "<BYE"),
        over_streams=True,
    ),
    Feature(
        "REFER with Replaces", "uac_refers_attended", STAYS, ("REFER", "NOTIFY", "NOTIFY#2"),
        prepare=consulted, calls=2,
    ),
    Feature(
        "INFO", "uac_info_key", MENU, ("INFO/2", "415 INFO/2", "INFO/3", "200 INFO/3"),
        over_streams=True,
    ),
    Feature(
        "others", "uac_others", BASIC,
        ("MESSAGE", "405 MESSAGE", "PUBLISH", "SUBSCRIBE", "489 SUBSCRIBE", "501 BREW"),
        over_streams=True,
    ),
    Feature(
        "others outside", "uac_others_outside", BASIC,
        ("MESSAGE", "405 MESSAGE", "489 SUBSCRIBE"), over_streams=True, calls=0,
    ),
    Feature(
        "digest", "uac_digest", BASIC,
        ("INVITE/1", "401 INVITE", "ACK/1", "INVITE/2", "200 INVITE/2", "ACK/2"),
        caller=CUSTOMER, change=md5_alone, extra=("-auth_uri", f"{BASIC}@{HOST}"),
    ),
    Feature(
        "behind a proxy", "uac_behind_proxy", BASIC, ("INVITE", "200 INVITE", "ACK", "BYE"),
        caller=BY_FIELD,
    ),
    Feature(
        "behind a proxy, by URI", "uac_behind_proxy", BASIC, ("INVITE", "200 INVITE"),
        caller=BY_URI, change=marked_in_the_uri,
    ),
    Feature(
        "behind a proxy, by Via", "uac_behind_proxy", BASIC, ("INVITE", "200 INVITE"),
        caller=BY_VIA,
    ),
    Feature("identity", "uac_identity", BASIC, ("INVITE",), over_streams=True),
    Feature("reason", "uac_reason", BASIC, ("BYE",)),
    Feature(
        "CANCEL at once", "uac_gives_up", RINGING,
        ("100 INVITE", "CANCEL", "200 CANCEL", "487 INVITE", "ACK"), never_late=("200 CANCEL",),
        hold_ms=1, over_streams=True,
    ),
    Feature(
        "CANCEL in ringing", "uac_gives_up", RINGING,
        ("CANCEL", "200 CANCEL", "487 INVITE", "ACK"), never_late=("200 CANCEL",), hold_ms=300,
    ),
    Feature(
        "CANCEL in early media", "uac_gives_up", LATE,
        ("CANCEL", "200 CANCEL", "487 INVITE", "ACK"), never_late=("200 CANCEL",), hold_ms=300,
    ),
]  # fmt: skip
# Half of the shortest session interval there may be, 45 s, has to pass in these.
SLOW_FEATURES = [
    Feature(
        "refreshed by UPDATE", "uac_session_refreshed", BASIC, ("UPDATE", "200 UPDATE"), timeout=70
    ),
    Feature(
        "refreshed by INVITE", "uac_session_reinvited", BASIC,
        ("<INVITE", "200 INVITE#2", "<ACK"), timeout=70,
    ),
]  # fmt: skip
