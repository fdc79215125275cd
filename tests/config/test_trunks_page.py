"""The configurations that docs/trunks.md shows are ones that load."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.configurations import loaded

PAGE = Path(__file__).resolve().parents[2] / "docs" / "trunks.md"
REST = """
numbers: {100: {campaign: x, as_is: true}}
campaigns: {x: {treatment: t, trunk: carrier}}
treatments: {t: [connect: called]}
"""


EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_each_example_of_the_page_loads() -> None:
    for text in EXAMPLES:
        assert loaded(text if "campaigns:" in text else text + REST).trunks


def test_the_first_example_has_trunks_of_each_kind() -> None:
    text = EXAMPLES[0]
    trunks = loaded(text + REST).trunks
    assert set(trunks) == {"carrier", "registered", "behind-proxy", "customer"}
    assert trunks["registered"].transport == "tls"
    assert trunks["registered"].register is not None
    assert trunks["behind-proxy"].behind is not None


def test_the_example_of_encrypted_media_loads() -> None:
    section = PAGE.read_text().split("## Encrypted media\n")[1].split("\n## ")[0]
    (text,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    trunks = loaded(text).trunks
    assert [trunk.srtp for trunk in trunks.values()] == ["required", "optional"]
    assert trunks["carrier"].rtcp_mux


def test_the_example_of_fax_loads() -> None:
    section = PAGE.read_text().split("## Fax\n")[1].split("\n## ")[0]
    (text,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert [trunk.t38 for trunk in loaded(text).trunks.values()] == [True, True]
