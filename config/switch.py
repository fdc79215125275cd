"""The section switch: its keys, and the value made of them.

What takes several keys to see (ports that overlap, a wildcard that peers cannot reach) is checked
here too, and whether the data folder can be one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from config.addresses import (
    HOST,
    NAME_SERVER,
    PORT_RANGE,
    WILDCARDS,
    HostPort,
    address,
    is_loopback,
    unusable,
)
from config.databases import DATABASE
from config.document import Tree
from config.errors import Problems
from config.kinds import (
    BOOLEAN,
    COUNTRY,
    CURRENCY,
    FOLDER,
    TIME_ZONE,
    duration,
    integer,
    list_of,
    one_of,
    or_off,
)
from config.listeners import LISTEN_KIND, reached
from config.model import (
    Location,
    LogFormat,
    LogLevel,
    Switch,
    SwitchListener,
    SwitchTls,
    Synthesiser,
    Transport,
    WithoutSynthesiser,
)
from config.reading import Fields, Key, MissingError, Reading, Section, keys_of, read_fields
from config.tls import SIP_TLS_KIND

_TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp")
_LOG_FORMATS: tuple[LogFormat, ...] = ("text", "json")
_LOG_LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")
_SYNTHESISERS: tuple[Synthesiser, ...] = ("auto", "hibari", "espeak-ng", "flite")
_WITHOUT_SYNTHESISER: tuple[WithoutSynthesiser, ...] = ("error", "chime")


class SwitchKeys:
    """Keys of the section `switch`."""

    LISTEN = Key(
        "listen",
        LISTEN_KIND,
        "Where SIP listens, the same port for UDP and TCP; or several listeners.",
        default="127.0.0.1:5060",
        example="${SOFTSWITCH_SIP:-127.0.0.1:5060}",
    )
    TRANSPORTS = Key(
        "transports",
        list_of(one_of(_TRANSPORTS), most=2),
        "SIP transports listened on.",
        otherwise="udp and tcp",
        example="[udp, tcp]",
    )
    TLS = Key(
        "tls",
        SIP_TLS_KIND,
        "SIP over TLS.",
        otherwise="none",
        example="{certificate: /etc/softswitch/sip.pem, key: /etc/softswitch/sip.key}",
    )
    NAME_SERVERS = Key(
        "name_servers",
        list_of(NAME_SERVER, most=8),
        "Name servers that are asked for the servers of trunks (SRV) and for the addresses of "
        "names with a dot in them (A, AAAA).",
        otherwise="the system's",
        example="[192.0.2.53]",
    )
    ADVERTISE = Key(
        "advertise",
        HOST,
        "Host written into Via, Contact and SDP: how peers reach the switch. Needed when it "
        "listens on a wildcard address (0.0.0.0 or ::), and never a wildcard itself.",
        otherwise="the host of `listen`",
        example="${SOFTSWITCH_ADVERTISE:-}",
    )
    RTP_HOST = Key(
        "rtp_host",
        HOST,
        "Address media sockets are bound to.",
        otherwise="the host of `listen`",
        example="192.0.2.10",
    )
    RTP_PORTS = Key(
        "rtp_ports",
        PORT_RANGE,
        "UDP ports for media, used in pairs of an even port (RTP) and the next odd one (RTCP); a "
        "bridged call takes two pairs. SIP's port must lie outside.",
        default="20000-29999",
        example="${SOFTSWITCH_RTP:-20000-29999}",
    )
    CONTROL = Key(
        "control",
        address(8021),
        "Where the control socket listens (TCP, and HTTP on the same port); anywhere but on "
        "loopback it needs the tokens of the section control.",
        default="127.0.0.1:8021",
        example="${SOFTSWITCH_CONTROL:-127.0.0.1:8021}",
    )
    DATA = Key(
        "data",
        FOLDER,
        "Folder of records.jsonl, the journal and the cache of prompts. One switch at a time.",
        default="./var",
        example="${SOFTSWITCH_DATA:-./var}",
    )
    DATABASE = Key(
        "database",
        DATABASE,
        "PostgreSQL for records, pools and caps: embedded is a server of our own in the data "
        "folder; off is none, for a switch without pools and caps.",
        default="embedded",
        example="${SOFTSWITCH_DATABASE:-embedded}",
    )
    CURRENCY = Key(
        "currency",
        CURRENCY,
        "Currency of amounts that name none.",
        default="USD",
        example="EUR",
    )
    TIME_ZONE = Key(
        "time_zone",
        TIME_ZONE,
        "Time zone of schedules and caps that name none.",
        default="UTC",
        example="America/Los_Angeles",
    )
    COUNTRY = Key(
        "country",
        COUNTRY,
        "Country the switch stands in: how national numbers are read.",
        default="US",
        example="US",
    )
    MAX_CALLS = Key(
        "max_calls",
        integer(1, 100_000),
        "Calls at once; a caller beyond them gets 503.",
        default="2500",
        example="1000",
    )
    MAX_CALL_TIME = Key(
        "max_call_time",
        duration("1 s", "24 h"),
        "Longest call; a campaign may set its own.",
        default="4 h",
        example="2 h",
    )
    NO_MEDIA_TIME = Key(
        "no_media_time",
        or_off(duration("5 s", "1 h")),
        "A call without RTP on any leg for so long ends (not while it is held). `silence_check` of "
        "trunks, which asks silent parties, comes before that only where it is shorter.",
        default="60 s",
        example="off",
    )
    HELD_NO_MEDIA_TIME = Key(
        "held_no_media_time",
        or_off(duration("5 s", "24 h")),
        "The same of a call that is held: none of its parties need send then. Parties that are "
        "gone are noticed before by `silence_check` of their trunks.",
        default="30 min",
        example="2 h",
    )
    GRACE_TIME = Key(
        "grace_time",
        duration("0 s", "1 h"),
        "How long calls may go on after SIGTERM before they are ended.",
        default="10 s",
        example="2 min",
    )
    ENGINE_THREADS = Key(
        "engine_threads",
        integer(0, 64),
        "Threads of the media engine; each carries thousands of legs. 0: one less than there are "
        "cores, at most 8.",
        default="0",
        example="2",
    )
    TAP = Key(
        "tap",
        BOOLEAN,
        "Whether the media of both legs is copied to the listeners inside the switch.",
        default="true",
        example="true",
    )
    LOG_FORMAT = Key(
        "log_format",
        one_of(_LOG_FORMATS),
        "Form of a log line.",
        default="text",
        example="json",
    )
    LOG_LEVEL = Key(
        "log_level",
        one_of(_LOG_LEVELS),
        "Least level that is logged.",
        default="info",
        example="debug",
    )
    SYNTHESISER = Key(
        "synthesiser",
        one_of(_SYNTHESISERS),
        "What speaks the prompts that are text; auto takes the first that is installed.",
        default="auto",
        example="espeak-ng",
    )
    WITHOUT_SYNTHESISER = Key(
        "without_synthesiser",
        one_of(_WITHOUT_SYNTHESISER),
        "When no synthesiser is installed: refuse to start, or play a chime for each text.",
        default="error",
        example="chime",
    )


SWITCH = Section(
    "switch",
    "What belongs to the process as a whole. Everything has a default.",
    keys_of(SwitchKeys),
    example="switch:\n  listen: 0.0.0.0:5060\n  advertise: 192.0.2.10",
)


def read_switch(tree: Tree, reading: Reading) -> Switch | None:
    """The section switch; None when a mistake in it leaves no value to take."""
    keys = SwitchKeys
    try:
        fields = read_fields(tree, SWITCH, reading)
    except MissingError:
        return None
    listeners, control, ports = fields[keys.LISTEN], fields[keys.CONTROL], fields[keys.RTP_PORTS]
    listen = listeners[0]
    if listen.name:
        listeners = reached(listeners, fields.get(keys.ADVERTISE), reading.problems)
        advertise = listeners[0].advertise_host
    else:
        advertise = _advertised(fields, listen, reading.problems)
    _check_hosts(fields, reading.problems)
    _check_data(fields, reading.problems)
    usual = fields.get(keys.TRANSPORTS) or _TRANSPORTS
    for one in listeners:
        _check_ports(fields, one, one.transports or usual, control, ports, reading.problems)
    _check_control(fields, control.host, reading)
    _check_listeners(fields, listeners, reading.problems)
    return Switch(
        listen_host=listen.host,
        listen_port=listen.port,
        transports=listen.transports or usual,
        listeners=listeners if listen.name else (),
        tls=_tls(fields, listen),
        name_servers=tuple((one.host, one.port) for one in fields.get(keys.NAME_SERVERS) or ()),
        advertise_host=advertise,
        rtp_host=fields.get(keys.RTP_HOST) or _media_host(listeners),
        rtp_first_port=ports[0],
        rtp_last_port=ports[1],
        control_host=control.host,
        control_port=control.port,
        data=fields[keys.DATA],
        database=fields[keys.DATABASE],
        currency=fields[keys.CURRENCY],
        time_zone=fields[keys.TIME_ZONE],
        country=fields[keys.COUNTRY],
        max_calls=fields[keys.MAX_CALLS],
        max_call_seconds=fields[keys.MAX_CALL_TIME],
        no_media_seconds=fields[keys.NO_MEDIA_TIME].value,
        held_no_media_seconds=fields[keys.HELD_NO_MEDIA_TIME].value,
        held_no_media_place=fields.place(keys.HELD_NO_MEDIA_TIME),
        grace_seconds=fields[keys.GRACE_TIME],
        engine_threads=fields[keys.ENGINE_THREADS],
        tap=fields[keys.TAP],
        log_format=fields[keys.LOG_FORMAT],
        log_level=fields[keys.LOG_LEVEL],
        synthesiser=fields[keys.SYNTHESISER],
        without_synthesiser=fields[keys.WITHOUT_SYNTHESISER],
    )


def _check_hosts(fields: Fields, problems: Problems) -> None:
    """Addresses that sockets can be bound to, and that peers can send to."""
    keys = SwitchKeys
    checked: tuple[Key[Any], ...] = (keys.LISTEN, keys.CONTROL, keys.RTP_HOST, keys.ADVERTISE)
    for key in checked:
        value = fields.get(key)
        if isinstance(value, tuple):
            # Those of a list have been looked at with it.
            value = value[0]
        host = value.host if isinstance(value, HostPort | SwitchListener) else value
        why = (
            unusable(host, wildcard=key is not keys.ADVERTISE)
            if host is not None and key in fields
            else None
        )
        if why is not None:
            problems.add(fields.place(key), f"{key.name}: {host} is {why}")


def _check_control(fields: Fields, host: str, reading: Reading) -> None:
    """Whoever can connect without a token is on this machine."""
    key = SwitchKeys.CONTROL
    asks = reading.control_tokens or is_loopback(host)
    if not (asks or fields.refused(key) or unusable(host, wildcard=True)):
        message = f"control: whoever reaches {host} could do everything"
        cure = "use a loopback address, or write tokens under control"
        reading.problems.add(fields.place(key), message, cure)


def _check_data(fields: Fields, problems: Problems) -> None:
    """A folder of that name can be made when it is not there yet."""
    folder = fields[SwitchKeys.DATA]
    place = fields.place(SwitchKeys.DATA)
    try:
        for path in (folder, *folder.parents):
            if path.exists():
                if not path.is_dir():
                    problems.add(place, f"data: {path} is a file, not a folder")
                return
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or error
        problems.add(place, f"data: {folder} cannot be used: {text}")


def _check_listeners(
    fields: Fields, listeners: tuple[SwitchListener, ...], problems: Problems
) -> None:
    """What a list of listeners needs beside itself."""
    keys = SwitchKeys
    if not listeners[0].name:
        return
    if keys.TRANSPORTS in fields:
        message = "transports: each listener of the list has its own"
        problems.add(fields.place(keys.TRANSPORTS), message)
    needs_tls = [one for one in listeners if {"tls", "wss"} & set(one.transports)]
    if needs_tls and fields.get(keys.TLS) is None and not fields.refused(keys.TLS):
        message = f'listen: "{needs_tls[0].name}" needs a certificate'
        problems.add(needs_tls[0].location, message, "set tls")


def _media_host(listeners: tuple[SwitchListener, ...]) -> str:
    """Where media is bound to that all listeners' peers send to."""
    hosts = {one.host for one in listeners}
    if len(hosts) == 1:
        return listeners[0].host
    # The wildcard of IPv6 takes what comes to addresses of both kinds.
    return "0.0.0.0" if all(":" not in host for host in hosts) else "::"


def _advertised(fields: Fields, listen: SwitchListener, problems: Problems) -> str:
    advertise = fields.get(SwitchKeys.ADVERTISE)
    if advertise is None and listen.host in WILDCARDS and not fields.refused(SwitchKeys.ADVERTISE):
        problems.add(
            fields.place(SwitchKeys.LISTEN),
            f"listen: {listen.host} listens everywhere, so peers must be told where",
            'set "advertise" (SOFTSWITCH_ADVERTISE) to the host they reach',
        )
    return advertise or listen.host


def _check_ports(
    fields: Fields,
    listen: SwitchListener,
    transports: Sequence[Transport],
    control: HostPort,
    ports: tuple[int, int],
    problems: Problems,
) -> None:
    keys = SwitchKeys
    rtp_host = fields.get(keys.RTP_HOST) or listen.host
    inside = ports[0] <= listen.port <= ports[1] and same_host(listen.host, rtp_host)
    # Of a value that was refused, and is a default's now, nothing more can be said.
    if "udp" in transports and inside and not fields.refused(keys.RTP_PORTS, keys.LISTEN):
        message = f"rtp_ports: SIP's port {listen.port} lies in {ports[0]}-{ports[1]}"
        problems.add(_first(fields, keys.RTP_PORTS, keys.LISTEN), message)
    same = listen.port == control.port and same_host(listen.host, control.host)
    if set(transports) - {"udp"} and same and not fields.refused(keys.CONTROL, keys.LISTEN):
        message = f"control: port {control.port} is SIP's already"
        problems.add(_first(fields, keys.CONTROL, keys.LISTEN), message)


def _tls(fields: Fields, listen: SwitchListener) -> SwitchTls | None:
    """TLS listens where UDP and TCP do, unless it says otherwise."""
    tls = fields.get(SwitchKeys.TLS)
    if tls is None or tls.listen_host is not None:
        return tls
    return replace(tls, listen_host=listen.host)


def _first(fields: Fields, *keys: Key[Any]) -> Location:
    """The place of the first key that was written."""
    return next((fields.place(key) for key in keys if key in fields), fields.table.location)


def same_host(one: str, other: str) -> bool:
    """Whether sockets bound to both hosts would meet."""
    return one == other or one in WILDCARDS or other in WILDCARDS
