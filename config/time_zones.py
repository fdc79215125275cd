"""Time zones as people call them: which names are one, and what is meant by the others."""

from zoneinfo import ZoneInfo, available_timezones

from config.errors import did_you_mean
from config.reading import shorten

_LOOSE = {
    **dict.fromkeys(("eastern", "et", "est", "edt"), "America/New_York"),
    **dict.fromkeys(("central", "ct", "cst", "cdt"), "America/Chicago"),
    **dict.fromkeys(("mountain", "mt", "mst", "mdt"), "America/Denver"),
    **dict.fromkeys(("pacific", "pt", "pst", "pdt"), "America/Los_Angeles"),
}
"""What people call zones, and what they mean; EST and MST are zones without daylight saving."""


def is_loose(name: str) -> bool:
    """Whether people call a zone so whose clock it does not tell."""
    return name.lower() in _LOOSE


def zone_problem(name: str) -> tuple[str, str] | None:
    """Why a name is no time zone, with a cure; None when it is one."""
    meant = _LOOSE.get(name.lower())
    if meant is not None:
        return f'"{name}" does not say whose clock it is', f"write {meant}"
    try:
        ZoneInfo(name)
    # Names of folders and files that are no zones, and names that are no paths.
    except (KeyError, ValueError, OSError):
        near = did_you_mean(name, available_timezones())
        return f'there is no time zone "{shorten(name)}"', near or "such as America/New_York or UTC"
    return None
