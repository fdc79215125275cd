"""The section trunks: carriers and gateways.

That a trunk is not the switch itself is checked by `config.references`.
"""

from config import spend
from config.addresses import SOURCE, TRUNK_ADDRESS, HostPort, is_address
from config.document import Scalar, Tree
from config.header_names import HEADER_NAME, SIGNED_FIELDS
from config.kinds import (
    BOOLEAN,
    NAME,
    duration,
    integer,
    list_of,
    one_of,
)
from config.model import (
    CodecName,
    Hold,
    Oversize,
    Trunk,
    TrunkHeaders,
    TrunkRegistration,
    TrunkVouching,
)
from config.reading import (
    Fields,
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    note,
    read_fields,
)
from config.trunk_dialogs import KEYS, OFFERS, SILENCE_CHECK
from config.trunk_failover import FAILOVER_KIND
from config.trunk_fax import T38
from config.trunk_headers import HEADERS_KIND
from config.trunk_identity import IDENTITY_KIND
from config.trunk_logins import LOGIN_KIND, PEER_KIND, REGISTER_KIND
from config.trunk_numbers import NUMBERS_KIND
from config.trunk_probes import PROBE_KIND
from config.trunk_proxies import BEHIND_KIND
from config.trunk_responses import RESPONSES_FROM
from config.trunk_reuse import CONNECTION_REUSE
from config.trunk_sound import CODECS, COMFORT_NOISE, PTIME
from config.trunk_srtp import RTCP_MUX, SRTP
from config.trunk_transfers import REDIRECTS, TRANSFERS
from config.trunk_vouching import VOUCHING_KIND

_CODECS: tuple[CodecName, ...] = ("PCMU", "PCMA")
"""By default."""
_OVERSIZES: tuple[Oversize, ...] = ("tcp", "udp")
_HOLDS: tuple[Hold, ...] = ("pass", "local")


class TrunkKeys:
    """Keys of a trunk."""

    ADDRESS = Key(
        "address",
        TRUNK_ADDRESS,
        "The carrier: calls come from this host (any port) and go to this host and port. With ws "
        "and wss there is no port: the peer connects.",
        required=True,
        example="${SOFTSWITCH_TRUNK:-127.0.0.1:5080}",
    )
    SOURCES = Key(
        "sources",
        list_of(SOURCE, most=100),
        "Further hosts and networks calls may come from.",
        otherwise="none",
        example="[192.0.2.7, 198.51.100.0/24]",
    )
    TRUSTED = Key(
        "trusted",
        BOOLEAN,
        "Whether its P-Asserted-Identity, Remote-Party-ID and P-Charge-Info are believed, and it "
        "is told who a private caller is, in the fields of `caller_identity`.",
        default="false",
        example="true",
    )
    MAX_CALLS = Key(
        "max_calls",
        integer(1, 100_000),
        "Legs at once on this trunk, incoming and outgoing together.",
        otherwise="no limit",
        example="200",
    )
    CALLS_PER_SECOND = Key(
        "calls_per_second",
        integer(1, 10_000),
        "New calls a second from the trunk, and as many to it. Callers beyond it get 503 with "
        "Retry-After; a call to it goes to the next destination.",
        otherwise="no limit",
        example="20",
    )
    PASS_HEADERS = Key(
        "pass_headers",
        list_of(HEADER_NAME, most=50),
        "Header fields of an incoming INVITE that are passed on to this trunk. All others stop at "
        "the switch.",
        otherwise="none",
        example="[X-Click-Id]",
    )
    HOLD = Key(
        "hold",
        one_of(_HOLDS),
        "A hold by the other party is passed on to this trunk, or kept within the switch.",
        default="pass",
        example="local",
    )
    CODECS = CODECS
    OUTBOUND_AUTH = Key(
        "outbound_auth",
        LOGIN_KIND,
        "What the carrier's challenges are answered with.",
        otherwise="a challenge is a refusal",
        example="{user: switch-1, password: '${CARRIER_PASSWORD}'}",
    )
    INBOUND_AUTH = Key(
        "inbound_auth",
        PEER_KIND,
        "What calls from the trunk must show. Who shows it is known by it, from whichever address.",
        otherwise="its address is enough",
        example="{user: carrier-1, password: '${TRUNK_PASSWORD}'}",
    )
    REGISTER = Key(
        "register",
        REGISTER_KIND,
        "Registration with the carrier.",
        otherwise="none: the carrier knows where the switch is",
        example="{expires: 10 min}",
    )
    BEHIND = Key(
        "behind",
        BEHIND_KIND,
        "The proxies that the trunk's calls come through.",
        otherwise="calls come from its own addresses",
        example="{proxies: [10.0.0.5], header: X-Trunk}",
    )
    PROBE = Key(
        "probe",
        PROBE_KIND,
        "OPTIONS that ask whether it is there.",
        otherwise="none: it is taken to be there",
        example="{every: 10 s, misses: 2}",
    )
    NO_RESPONSE_TIME = Key(
        "no_response_time",
        duration("1 s", "32 s"),
        "How long a server of the trunk may say nothing at all to an INVITE, not even 100, until "
        "the next one is called.",
        otherwise="32 s (Timer B)",
        example="3 s",
    )
    OVERSIZE = Key(
        "oversize",
        one_of(_OVERSIZES),
        "How an INVITE of more than 1300 bytes goes to a trunk called by UDP: by TCP, and by UDP "
        "where nobody takes that, or by UDP at once.",
        default="tcp",
        example="udp",
    )
    SESSION_EXPIRES = Key(
        "session_expires",
        duration("90 s", "24 h"),
        "The session timer (RFC 4028) that calls to the trunk ask for: a far end that is gone is "
        "noticed within this time. One that the trunk asks for is always kept.",
        otherwise="none is asked for",
        example="30 min",
    )
    PTIME = PTIME
    COMFORT_NOISE = COMFORT_NOISE
    SRTP = SRTP
    RTCP_MUX = RTCP_MUX
    T38 = T38
    TRANSFERS = TRANSFERS
    REDIRECTS = REDIRECTS
    RESPONSES_FROM = RESPONSES_FROM
    OFFERS = OFFERS
    KEYS = KEYS
    SILENCE_CHECK = SILENCE_CHECK
    CONNECTION_REUSE = CONNECTION_REUSE
    NUMBERS = Key(
        "numbers",
        NUMBERS_KIND,
        "How the trunk writes numbers.",
        otherwise="as the switch has them",
        example="{send: {called: national, caller: e164}}",
    )
    HEADERS = Key(
        "headers",
        HEADERS_KIND,
        "Header fields that are passed on, left out, and written.",
        otherwise="those of `pass_headers` are passed on",
        example='{pass: [X-Click-Id], set: {X-Campaign: "{campaign}"}}',
    )
    FAILOVER = Key(
        "failover",
        FAILOVER_KIND,
        "Which failures lead on to the next destination.",
        otherwise="all 3xx, 4xx and 5xx but 486 and 487",
        example="{go_on: [486], stop: [404]}",
    )
    CALLER_IDENTITY = Key(
        "caller_identity",
        IDENTITY_KIND,
        "Which fields beside From tell the trunk who calls.",
        otherwise="Privacy alone, where the caller wishes it",
        example="{write: [P-Asserted-Identity]}",
    )
    IDENTITY = Key(
        "identity",
        VOUCHING_KIND,
        "What signatures of its calls are worth, and what is signed towards it.",
        otherwise="they are not looked at, and nothing is signed",
        example="{verify: true, failed: refuse}",
    )

    COST = spend.COST
    LISTEN = Key(
        "listen",
        NAME,
        "The listener of the switch that calls to the trunk leave by.",
        otherwise="the first with its transport and kind of address",
        example="carriers",
    )


def _is_by_name(where: HostPort) -> bool:
    """RFC 3263 section 4.2: a name without a port is looked up for its servers; who connects to us
    by WebSocket has none."""
    return not (where.explicit or is_address(where.host) or where.transport in ("ws", "wss"))


def _registration(fields: Fields, reading: Reading) -> TrunkRegistration | None:
    """A registration names a user, or takes that of the credentials."""
    keys = TrunkKeys
    register = fields.get(keys.REGISTER)
    if register is None or register.user or fields.get(keys.OUTBOUND_AUTH):
        return register
    if not fields.refused(keys.OUTBOUND_AUTH):
        reading.problems.add(
            fields.place(keys.REGISTER), "register: whom?", "say user, or outbound_auth"
        )
    return None


def _vouching(fields: Fields, reading: Reading) -> TrunkVouching | None:
    """Only a trusted carrier's word on callers is ever believed."""
    keys = TrunkKeys
    found = fields.get(keys.IDENTITY)
    untrusted = not (fields[keys.TRUSTED] or fields.refused(keys.TRUSTED))
    if found is not None and found.believe and untrusted:
        reading.problems.add(
            fields.place(keys.IDENTITY),
            "identity: believe: true: the trunk is not trusted",
            "set trusted: true",
        )
    return found


def _headers(fields: Fields, reading: Reading) -> TrunkHeaders | None:
    """What signatures stand in is written by whoever signs, or by nobody."""
    keys = TrunkKeys
    found, vouching = fields.get(keys.HEADERS), fields.get(keys.IDENTITY)
    if vouching is None or not (vouching.sign or vouching.pass_on):
        return found
    by_headers = () if found is None else (*found.passed, *(name for name, _ in found.set))
    for key, names in (
        (keys.HEADERS, by_headers),
        (keys.PASS_HEADERS, fields.get(keys.PASS_HEADERS) or ()),
    ):
        for name in names:
            if name.lower() in SIGNED_FIELDS:
                reading.problems.add(
                    fields.place(key),
                    f"{key.name}: {name} is written by the switch, which signs calls to the trunk "
                    "or passes signatures on to it (identity)",
                )
    return found


TRUNK = Section(
    "a trunk",
    "A carrier or gateway. Calls from any other host are refused with 403.",
    keys_of(TrunkKeys),
    short="its address alone",
    example="trunks:\n  carrier: 192.0.2.1:5060",
)


def read_trunk(name: str, tree: Tree, reading: Reading) -> Trunk | None:
    """One trunk: its settings, or its address alone."""
    keys = TrunkKeys
    if isinstance(tree, Scalar):
        try:
            found = TRUNK_ADDRESS.read(tree, reading)
        except RefusedError as error:
            note(reading, error, tree, name)
            return None
        return Trunk(
            name,
            found.host,
            found.port,
            found.transport,
            by_name=_is_by_name(found),
            any_transport=_is_by_name(found) and not found.told,
            location=tree.location,
        )
    try:
        fields = read_fields(tree, TRUNK, reading)
        where = fields[keys.ADDRESS]
    except MissingError:
        return None
    return Trunk(
        name=name,
        host=where.host,
        port=where.port,
        transport=where.transport,
        by_name=_is_by_name(where),
        any_transport=_is_by_name(where) and not where.told,
        no_response_seconds=fields.get(keys.NO_RESPONSE_TIME),
        sources=fields.get(keys.SOURCES) or (),
        trusted=fields[keys.TRUSTED],
        max_calls=fields.get(keys.MAX_CALLS),
        pass_headers=fields.get(keys.PASS_HEADERS) or (),
        hold=fields[keys.HOLD],
        codecs=fields.get(keys.CODECS) or _CODECS,
        outbound_auth=fields.get(keys.OUTBOUND_AUTH),
        inbound_auth=fields.get(keys.INBOUND_AUTH),
        register=_registration(fields, reading),
        behind=fields.get(keys.BEHIND),
        calls_per_second=fields.get(keys.CALLS_PER_SECOND),
        probe=fields.get(keys.PROBE),
        session_expires=fields.get(keys.SESSION_EXPIRES),
        silence_check_seconds=fields[keys.SILENCE_CHECK].value,
        oversize=fields[keys.OVERSIZE],
        ptime_ms=fields.get(keys.PTIME),
        comfort_noise=fields[keys.COMFORT_NOISE],
        srtp=fields[keys.SRTP],
        rtcp_mux=fields[keys.RTCP_MUX],
        t38=fields[keys.T38],
        numbers=fields.get(keys.NUMBERS),
        headers=_headers(fields, reading),
        failover=fields.get(keys.FAILOVER),
        caller_identity=fields.get(keys.CALLER_IDENTITY),
        transfers=fields[keys.TRANSFERS],
        redirects=fields[keys.REDIRECTS],
        responses_from=fields[keys.RESPONSES_FROM],
        offers=fields[keys.OFFERS],
        keys=fields[keys.KEYS],
        connection_reuse=fields[keys.CONNECTION_REUSE],
        identity=_vouching(fields, reading),
        cost=fields.get(keys.COST),
        listen=fields.get(keys.LISTEN),
        location=fields.place(keys.ADDRESS),
        places=fields.places(keys.CONNECTION_REUSE, keys.T38),
    )
