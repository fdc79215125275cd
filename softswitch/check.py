"""Loads a configuration with everything checked that can be without taking a call.

`config.loader` stands below the media rooms and cannot ask them; this gives it what they know:
which tones and tone plans there are, and whether a WAV file can be played. Whoever wants to know
whether a switch could start with it has the certificates tried, too; commands that only need its
data folder do not, and may not be allowed to read keys. The kinds of events stand above, too.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.errors import Problems, did_you_mean
from config.loader import load
from config.model import Configuration, ControlTls, Location, SwitchTls
from media.tones import TONE_NAMES, TONE_PLANS
from media.wav import WavError, read_wav
from rtp.engine import has_opus, has_srtp

__all__ = ["InstalledMedia", "load_checked", "load_startable", "warnings_of"]


class InstalledMedia:
    """What the media rooms know (`config.reading.MediaKnowledge`)."""

    tone_plans = frozenset(TONE_PLANS)
    tones = frozenset({"chime", *TONE_NAMES})

    def wav_problem(self, path: Path) -> str | None:
        """Why a file cannot be played, or None when it can."""
        try:
            read_wav(path)
        except WavError as error:
            return str(error)
        return None


def load_checked(path: Path | str, environment: Mapping[str, str]) -> Configuration:
    """Load a file; raises config.loader.ConfigErrors with everything that is wrong."""
    return load(path, environment, media=InstalledMedia())


def load_startable(path: Path | str, environment: Mapping[str, str]) -> Configuration:
    """Load a file that a switch is to start with, here and as who we are; raises ConfigErrors."""
    configuration = load_checked(path, environment)
    problems = Problems()
    for place, problem in _certificate_problems(configuration):
        problems.add(place, problem)
    _add_srtp_problem(configuration, problems)
    _add_opus_problem(configuration, problems)
    _add_unknown_events(configuration, problems)
    problems.raise_if_any()
    return configuration


def warnings_of(configuration: Configuration) -> Iterator[str]:
    """What can be used as it is, and is hardly what was meant; each with its place."""
    for trunk in configuration.trunks.values():
        if trunk.srtp != "off" and trunk.transport not in ("tls", "wss"):
            yield (
                f'{trunk.location}: trunk "{trunk.name}": srtp: the keys go over '
                f"{trunk.transport.upper()} for everybody on the way to read (transport=tls hides "
                "them)"
            )
    yield from _fax_that_is_refused(configuration)
    yield from _held_for_less(configuration)
    yield from _whole_internet(configuration)
    yield from _limits_of_nothing(configuration)
    yield from _transfers_to_nobody(configuration)
    yield from _ending_certificates(configuration)


def _fax_that_is_refused(configuration: Configuration) -> Iterator[str]:
    """Trunks that say yes to fax and want everything encrypted, which its datagrams are not."""
    for trunk in configuration.trunks.values():
        if trunk.t38 and trunk.srtp == "required":
            yield (
                f'{trunk.places.get("t38", trunk.location)}: trunk "{trunk.name}": t38: with srtp: '
                "required every offer of fax is refused (488): T.38 is not encrypted"
            )


def _held_for_less(configuration: Configuration) -> Iterator[str]:
    """Held calls that end of silence before others do, though nobody need send in them."""
    switch = configuration.switch
    silence, held = switch.no_media_seconds, switch.held_no_media_seconds
    if held is not None and silence is not None and held < silence:
        yield (
            f"{switch.held_no_media_place}: switch: held_no_media_time: {held:g} s is less than "
            f"no_media_time ({silence:g} s): held calls end sooner than others"
        )


def _whole_internet(configuration: Configuration) -> Iterator[str]:
    """Trunks that everybody is taken for, by their address alone."""
    for trunk in configuration.trunks.values():
        behind = () if trunk.behind is None else trunk.behind.proxies
        # Whoever shows the password of `inbound_auth` is no stranger, from wherever.
        sources = () if trunk.inbound_auth is not None else trunk.sources
        for key, networks, says in (
            ("sources", sources, "whoever calls is taken for this trunk"),
            ("behind: proxies", behind, "whoever calls may say that it is this trunk"),
        ):
            for network in networks:
                if network.endswith("/0"):
                    yield f'{trunk.location}: trunk "{trunk.name}": {key}: {network}: {says}'


def _limits_of_nothing(configuration: Configuration) -> Iterator[str]:
    """Campaigns that may spend so much, where calls cost nothing and nothing is paid out."""
    if any(trunk.cost is not None for trunk in configuration.trunks.values()):
        return
    for campaign in configuration.campaigns.values():
        if campaign.max_spend_per_hour is not None and campaign.payout is None:
            yield (
                f'{campaign.location}: campaign "{campaign.name}": max_spend_per_hour: no trunk '
                "has a `cost`, and nothing is paid out: it is never reached"
            )


def _transfers_to_nobody(configuration: Configuration) -> Iterator[str]:
    """Trunks that may send calls elsewhere, where nobody is listed who may be called."""
    if configuration.originate is not None or any(
        campaign.originate is not None for campaign in configuration.campaigns.values()
    ):
        return
    for trunk in configuration.trunks.values():
        if trunk.transfers == "allow":
            yield (
                f'{trunk.location}: trunk "{trunk.name}": transfers: only calls that are there '
                "already are joined; `originate` lists nobody who may be called"
            )


def _ending_certificates(configuration: Configuration) -> Iterator[str]:
    from softswitch.certificates import WARN_DAYS, certificates_of, days_left

    for one in certificates_of(configuration):
        days = days_left(one, time.time())
        if days <= WARN_DAYS:
            when = f"ends in {days:.0f} days" if days > 0 else "has ended"
            place = _certificate_place(configuration, one.section)
            yield f"{place}: {one.section}: certificate {one.path} {when}"


def _certificate_place(configuration: Configuration, section: str) -> Location:
    """Where the certificate of a section stands."""
    web = configuration.web
    settings = {
        "switch": configuration.switch.tls,
        "control": configuration.control.tls,
        "web": None if web is None else web.tls,
        "stir": configuration.stir.signing,
    }[section]
    assert settings is not None, "it has a certificate"
    return settings.places["certificate"]


def _add_srtp_problem(configuration: Configuration, problems: Problems) -> None:
    """One line, at the first trunk that wants it."""
    wanted = [trunk for trunk in configuration.trunks.values() if trunk.srtp != "off"]
    if wanted and not has_srtp():
        problems.add(
            wanted[0].location,
            f'trunk "{wanted[0].name}": srtp: libsrtp2 is not installed',
            "Debian has it as libsrtp2-1",
        )


def _add_opus_problem(configuration: Configuration, problems: Problems) -> None:
    """One line, at the first trunk that wants it."""
    wanted = [trunk for trunk in configuration.trunks.values() if "opus" in trunk.codecs]
    if wanted and not has_opus():
        problems.add(
            wanted[0].location,
            f'trunk "{wanted[0].name}": codecs: opus: libopus is not installed',
            "Debian has it as libopus0",
        )


def _add_unknown_events(configuration: Configuration, problems: Problems) -> None:
    """Webhooks that would never be told of anything: a slip of the pen."""
    if not configuration.webhooks:
        return
    from softswitch.control.subscriptions import event_kinds, unknown_kind

    for webhook in configuration.webhooks.values():
        for pattern in webhook.events:
            if unknown_kind((pattern,)) is not None:
                problems.add(
                    webhook.events_place,
                    f'webhook "{webhook.name}": events: there are no events {pattern}',
                    did_you_mean(pattern, sorted(event_kinds())) or "control.md lists them",
                )


Problem = tuple[Location, str]


def _certificate_problems(configuration: Configuration) -> Iterator[Problem]:
    switch, control, web = configuration.switch, configuration.control, configuration.web
    if switch.tls is not None:
        yield from _sip_problem(switch.tls)
    yield from _stir_problem(configuration)
    if control.tls is not None:
        yield from _http_problem(control.tls, "control")
    if web is not None and web.tls is not None:
        yield from _http_problem(web.tls, "web")


def _sip_problem(tls: SwitchTls) -> Iterator[Problem]:
    from softswitch.certificates import tls_files
    from softswitch.transport.tls import Tls, TlsUnusable

    try:
        Tls(tls_files(tls))
    except TlsUnusable as error:
        files = {"certificate": tls.certificate, "key": tls.key, "authorities": tls.authorities}
        _, place = _blamed(str(error), files, tls.places)
        yield place, f"switch: {error}"


def _stir_problem(configuration: Configuration) -> Iterator[Problem]:
    from softswitch.stir.errors import StirUnusable
    from softswitch.stir.ready import made_ready
    from softswitch.stir.replays import Replays

    try:
        made_ready(configuration, Replays())
    except StirUnusable as error:
        stir = configuration.stir
        files = {"authorities": stir.authorities, "certificates": stir.certificates}
        places = dict(stir.places)
        if stir.signing is not None:
            files |= {"sign: key": stir.signing.key, "sign: certificate": stir.signing.certificate}
            places |= {f"sign: {name}": place for name, place in stir.signing.places.items()}
        name, place = _blamed(str(error), files, places)
        yield place, f"stir: {name}: {error}" if name else str(error)


def _http_problem(tls: ControlTls, section: str) -> Iterator[Problem]:
    from softswitch.control.opening import ControlUnusable, context_of

    try:
        context_of(tls, section)
    except ControlUnusable as error:
        files = {"certificate": tls.certificate, "key": tls.key}
        _, place = _blamed(str(error), files, tls.places)
        yield place, str(error)


def _blamed(
    message: str, files: Mapping[str, Path | None], places: Mapping[str, Location]
) -> tuple[str, Location]:
    """The key whose file a message names first, and its place; none and the first place where it
    names no file."""
    found = [
        (message.index(str(path)), -len(str(path)), name)
        for name, path in files.items()
        if path is not None and str(path) in message
    ]
    if not found:
        return "", next(iter(places.values()))
    name = min(found)[2]
    return name, places[name]
