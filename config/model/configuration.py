"""The whole: one consistent snapshot of everything the YAML says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.model.admission import Admission
from config.model.campaign import Campaign
from config.model.control import Control
from config.model.defence import Defence
from config.model.hearing import Hearing
from config.model.http import Pixel, Web, Webhook
from config.model.numbers import Number, Pool, Stock
from config.model.originate import OriginateRules
from config.model.stir import Stir
from config.model.switch import Switch
from config.model.tables import Hours, NumberList, PlaceTable, PrefixTable, Region
from config.model.tracing import Tracing
from config.model.treatments import Treatment
from config.model.trunks import Trunk
from config.model.values import Prompt


@dataclass(frozen=True, slots=True)
class Configuration:
    """One consistent snapshot of everything the YAML says; a call keeps the one it began with."""

    switch: Switch
    trunks: Mapping[str, Trunk]
    numbers: tuple[Number, ...]
    pools: Mapping[str, Pool]
    campaigns: Mapping[str, Campaign]
    treatments: Mapping[str, Treatment]
    stocks: Mapping[str, Stock] = field(default_factory=dict)
    hours: Mapping[str, Hours] = field(default_factory=dict)
    regions: Mapping[str, Region] = field(default_factory=dict)
    lists: Mapping[str, NumberList] = field(default_factory=dict)
    tables: Mapping[str, PrefixTable] = field(default_factory=dict)
    """In the order they are asked: a column of an earlier table wins."""
    places: Mapping[str, PlaceTable] = field(default_factory=dict)
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    """What controllers play by name, beside what treatments play."""
    hearing: Hearing = field(default_factory=Hearing)
    control: Control = field(default_factory=Control)
    defence: Defence = field(default_factory=Defence)
    admission: Admission = field(default_factory=Admission)
    stir: Stir = field(default_factory=Stir)
    originate: OriginateRules | None = None
    """For all calls that are asked for. None: only what campaigns say."""
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    pixels: Mapping[str, Pixel] = field(default_factory=dict)
    web: Web | None = None
    trace: Tracing = field(default_factory=Tracing)
    source: Path = Path()
    """File it was read from."""
    version: str = ""
    """Short hash of the content and of the variables put into it."""
