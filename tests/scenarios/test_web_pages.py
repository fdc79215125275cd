"""What docs/webhooks.md and docs/dni.md show is what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scenarios.test_web import Shop, shop
from tests.support.browser import Browser, Page, needs_chromium
from tests.support.ports import free_sip_port
from tests.support.program import ROOT, wait_for
from tests.support.stage import Stage

__all__ = ["shop"]

SECRET = "a-secret-of-the-page-0123456789"


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in a language."""
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.timeout(120)
def test_the_receiver_of_the_page_takes_what_the_webhook_of_the_page_sends(
    make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    port = free_sip_port()
    (program,) = blocks("webhooks.md", "python")
    path = tmp_path / "receiver.py"
    path.write_text(program)
    section = blocks("webhooks.md", "yaml")[0].replace("8090", str(port))
    stage = make_stage(sections=section, environment={"HOOK_SECRET": SECRET})
    out = tmp_path / "out"
    with out.open("wb") as written:
        receiver = subprocess.Popen(
            [sys.executable, str(path), str(port)],
            env={**os.environ, "HOOK_SECRET": SECRET},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        stage.bridge().hang_up()
        call = stage.switch.record()["call_id"]
        expected = [f"{kind} {call}" for kind in ("call.presented", "call.answered", "call.record")]
        wait_for("three lines", lambda: out.read_text().count("\n") >= 3, within=40)
        assert out.read_text().splitlines() == expected
    finally:
        receiver.kill()
        receiver.wait(10)


def run_curl(command: str, shop: Shop, token: str, **replaced: str) -> object:
    """A command of a page, as a shell runs it, on the shop's switch."""
    command = command.replace("8021", str(shop.switch.control_port))
    for old, new in replaced.items():
        command = command.replace(old, new)
    done = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "TOKEN": token, "no_proxy": "*"},
        capture_output=True, timeout=30, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_a_number_is_asked_for_as_the_page_says(shop: Shop) -> None:
    (command,) = blocks("dni.md", "sh")
    answer = run_curl(command, shop, "crm-secret-0123456789")
    assert isinstance(answer, dict)
    assert answer["owner"] == "shop"
    assert answer["parameters"] == {"keyword": "shoes", "engine": "google"}
    assert answer["number"].startswith("+1800123")
    page = json.loads(blocks("dni.md", "json")[0])
    asked = shop.ask("/allocate?pool=paid-search&key=shop-2026&keyword=shoes&engine=google")[2]
    assert set(asked) == set(page)


def test_a_result_is_posted_as_the_page_says(shop: Shop) -> None:
    number = shop.ask("/allocate?key=shop-2026&keyword=k&engine=e")[2]["number"]
    call = shop.call(number)["call_id"]
    (command,) = blocks("webhooks.md", "sh")
    token = "centre-secret-0123456789"

    def posted() -> bool:
        answer = run_curl(command, shop, token, **{"5b1f0c2e9d": call})
        return isinstance(answer, dict) and answer.get("version") == 2

    wait_for("the record is in the database", posted, within=20)


@needs_chromium
@pytest.mark.timeout(150)
def test_the_html_of_the_page_shows_the_visitors_number(shop: Shop) -> None:
    (html,) = blocks("dni.md", "html")
    shop.site.pages["/page"] = html.replace("https://calls.example.com", shop.url)

    async def look(page: Page) -> list[str]:
        await page.open(f"{shop.site.origin}/page?utm_term=lamps&utm_source=duck")
        await page.until("document.documentElement.dataset.dniNumber")
        return [
            await page.value("document.querySelector('a').textContent"),
            await page.value("document.querySelector('a').getAttribute('href')"),
        ]

    with Browser() as browser:
        text, href = browser.run(look)
    given = shop.ask("/allocate?key=shop-2026&keyword=lamps&engine=duck")[2]
    assert (text, href) == (given["formatted"], f"tel:{given['number']}")
