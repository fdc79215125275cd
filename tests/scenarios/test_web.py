"""Numbers for web pages: what pages may ask, dni.js in a browser, and results posted over HTTP."""

from __future__ import annotations

import gzip
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Browser, Page, Site, needs_chromium
from tests.support.database import fresh_dsn
from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.web_receiver import Receiver

CONFIGURATION = """
switch:
  listen: ${SOFTSWITCH_SIP}
  rtp_ports: ${SOFTSWITCH_RTP}
  control: ${SOFTSWITCH_CONTROL}
  data: ${SOFTSWITCH_DATA}
  database: ${SOFTSWITCH_DATABASE}
  without_synthesiser: chime
control:
  tokens:
    crm: {secret: crm-secret-0123456789, roles: [allocate]}
    centre: {secret: centre-secret-0123456789, roles: [results]}
trunks:
  carrier: ${SOFTSWITCH_TRUNK}
pools:
  paid-search:
    kind: search
    campaign: sale
    minimum_lifetime: 10 min
    numbers: [+1 800 123 1111, +1 800 123 2222, +1 800 123 3333, +1 800 123 6666]
    overflow: +1 800 123 4444
  placement:
    parameters: [website]
    campaign: sale
    numbers: [+1 800 123 5555]
campaigns:
  sale:
    treatment: agent
    payout:
      base: [{amount: 1.00}]
      bonuses: [{name: share, when: result.amount is known, amount: 10% * result.amount}]
      maximum: 50
treatments:
  agent: [connect: +1 602 555 1234]
web:
  listen: 127.0.0.1:${WEB_PORT}
  origins: ["${SITE}"]
  per_minute: 200
  proxies: 127.0.0.1
  results: yes
  pools:
    paid-search: {key: shop-2026}
    placement: {key: other-key, origins: ["https://other.example.com"]}
pixels:
  ads:
    url: "${PIXELS}/p?call={call_id}&kw={keyword}&n={called.number}&from={caller.area_code}"
    when: binding.keyword is known
webhooks:
  crm: {url: "${PIXELS}/hook", events: [call.result]}
"""

PAGE = """<!doctype html><title>shop</title>
<p id="text">Call us: (800) 555-0100, any time. Not 800 555 01009.</p>
<p id="other">Another number: +1 800 555 0199</p>
<a id="link" href="tel:+18005550100">1-800-555-0100</a>
<span id="marked" data-dni>our number</span>
<div id="late"></div>
<script async src="%s/dni.js" data-pool="paid-search" data-key="shop-2026"
  data-parameters="keyword=query:kw|text:none; engine=query:from|referrer|text:direct"
  data-number="+1 800 555 0100"></script>
"""


class Shop:
    """A switch that gives numbers to web pages, a site, and a receiver of pixels."""

    def __init__(self, folder: Path) -> None:
        self.site = Site()
        self.pixels = Receiver()
        self.callee = Phone(user="agent")
        self.web_port = free_sip_port()
        path = folder / "switch.yaml"
        path.write_text(CONFIGURATION)
        self.switch = Switch(
            folder / "run",
            path,
            trunk=f"127.0.0.1:{self.callee.port}",
            environment={
                "SOFTSWITCH_DATABASE": fresh_dsn(),
                "WEB_PORT": str(self.web_port),
                "SITE": self.site.origin,
                "PIXELS": self.pixels.url(""),
            },
        )
        self.switch.start()
        self.caller = Phone(self.switch.address, user="+14155550100")
        self.url = f"http://127.0.0.1:{self.web_port}"
        self.site.pages["/"] = PAGE % self.url
        self.site.pages["/second"] = PAGE % self.url

    def ask(
        self,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> tuple[int, Mapping[str, str], Any]:
        """Status, header fields and JSON of an answer of the web listener."""
        return ask(self.url + path, body=body, headers=headers, method=method)

    def control(self, path: str, **options: Any) -> tuple[int, Mapping[str, str], Any]:
        """The same of the control socket's port."""
        return ask(f"http://127.0.0.1:{self.switch.control_port}{path}", **options)

    def call(self, number: str) -> dict[str, Any]:
        """The record of a call to a number that is bridged and ends."""
        before = len(self.switch.records())
        near, far = RtpEnd(), RtpEnd()
        calling = self.caller.invite(number, near.sdp())
        called = self.callee.expect_call(within=10)
        called.respond(200, far.sdp())
        called.expect("ACK")
        calling.expect(200, within=10)
        calling.ack()
        calling.bye()
        called.expect("BYE")
        near.close()
        far.close()
        return self.switch.wait_for_records(before + 1)[-1]

    def close(self, *, failed: bool) -> None:
        """Stop everything."""
        for part in (self.site, self.pixels, self.caller, self.callee):
            part.close()
        if failed:
            print(self.switch.output()[-6000:])  # noqa: T201
            self.switch.kill()
        else:
            self.switch.stop()


def ask(
    url: str,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
) -> tuple[int, Mapping[str, str], Any]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, dict(response.headers), _json(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), _json(error.read())


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    failed_before = request.session.testsfailed
    yield made
    made.close(failed=request.session.testsfailed > failed_before)


ALLOCATE = "/allocate?pool=paid-search&key=shop-2026&keyword=shoes&engine=google"


def test_a_page_gets_a_number_and_the_same_again(shop: Shop) -> None:
    status, headers, answer = shop.ask(ALLOCATE, headers={"Origin": shop.site.origin})
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == shop.site.origin
    assert headers["Vary"] == "Origin"
    assert headers["Cache-Control"] == "no-store"
    assert answer["number"].startswith("+1800123")
    assert answer["formatted"] == f"(800) 123-{answer['number'][-4:]}"
    assert answer["overflow"] is False
    assert answer["refresh"] == 300
    assert set(answer) == {
        "pool", "number", "formatted", "click_url", "overflow", "expires", "refresh",
    }  # fmt: skip
    posted = {"pool": "paid-search", "key": "shop-2026",
              "parameters": {"keyword": "shoes", "engine": "google"}}  # fmt: skip
    again = shop.ask("/allocate", body=posted, headers={"Origin": shop.site.origin})
    assert again[2]["number"] == answer["number"]


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        (ALLOCATE, "https://evil.example.com", 403),
        (ALLOCATE.replace("shop-2026", "guessed-key"), None, 403),
        ("/allocate?pool=placement&key=shop-2026&website=one", None, 403),
        ("/allocate?pool=nothing&key=shop-2026&website=one", None, 403),
        ("/allocate?key=shop-2026&keyword=shoes", None, 422),
        (ALLOCATE + "&what=else", None, 422),
        ("/allocate?" + "&".join(f"p{i}=1" for i in range(200)), None, 400),
        ("/nothing", None, 404),
        ("/control", None, 404),
        ("/metrics", None, 404),
    ],
)
def test_what_no_page_may_ask(shop: Shop, path: str, origin: str | None, status: int) -> None:
    headers = {} if origin is None else {"Origin": origin}
    answered, fields, _body = shop.ask(path, headers=headers)
    assert answered == status
    if origin is not None:
        assert "Access-Control-Allow-Origin" not in fields


def test_owner_and_publisher_are_not_a_page_to_name(shop: Shop) -> None:
    plain = shop.ask(ALLOCATE)[2]["number"]
    named = shop.ask(ALLOCATE + "&owner=me&publisher=me")[2]["number"]
    assert named == plain


def test_a_browser_is_told_whether_it_may_post(shop: Shop) -> None:
    fields = {"Origin": shop.site.origin, "Access-Control-Request-Method": "POST"}
    status, headers, _ = shop.ask("/allocate", method="OPTIONS", headers=fields)
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == shop.site.origin
    assert "POST" in headers["Access-Control-Allow-Methods"]
    fields["Origin"] = "https://evil.example.com"
    assert shop.ask("/allocate", method="OPTIONS", headers=fields)[0] == 403


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 60_000])
def test_what_is_no_request_is_answered_in_a_sentence(shop: Shop, body: bytes) -> None:
    status, _, answer = shop.ask("/allocate", body=body)
    assert status == 400
    assert answer == {"error": "expected a JSON object"}


def test_a_request_that_is_too_long_is_refused(shop: Shop) -> None:
    assert shop.ask("/allocate", body=b" " * 200_000)[0] == 413


@pytest.mark.parametrize("path", ["/allocate", "/results", "/healthz", "/nothing"])
def test_a_packed_body_is_refused_and_holds_up_nobody(shop: Shop, path: str) -> None:
    packed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(bytes(50_000_000))
    for ask_port in (shop.ask, shop.control):
        status, headers, answer = ask_port(path, body=bomb[:40_000], headers=packed)
        assert (status, list(answer)) == (415, ["error"])
        assert headers["Server"] == "softswitch"
    shop.switch.assert_no_traceback()


def test_results_that_are_too_long_are_refused_at_once(shop: Shop) -> None:
    bearer = {"Authorization": "Bearer centre-secret-0123456789"}
    for size in (60_000, 66_000, 70_000, 100_000):
        body = {"call": "no-such-call", "results": {"a": "y" * size}}
        for ask_port in (shop.ask, shop.control):
            began = time.monotonic()
            status, _, _ = ask_port("/results", body=body, headers=bearer)
            assert status == (404 if size == 60_000 else 413)
            assert time.monotonic() - began < 5


def test_a_visitor_who_asks_too_often_waits_and_others_do_not(shop: Shop) -> None:
    visitor = {"X-Forwarded-For": "1.2.3.4, 203.0.113.9", "Origin": shop.site.origin}
    status, headers, answer = shop.ask(ALLOCATE, headers=visitor)
    for _ in range(250):
        if status != 200:
            break
        status, headers, answer = shop.ask(ALLOCATE, headers=visitor)
    assert status == 429
    assert 0 < int(headers["Retry-After"]) <= 2
    assert headers["Access-Control-Allow-Origin"] == shop.site.origin
    assert answer == {"error": "too many requests"}
    assert shop.ask(ALLOCATE, headers={"X-Forwarded-For": "203.0.113.10"})[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"POST /allocate HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n",
        b"POST /allocate HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /allocate?%zz=%ff&pool=%00&key=\xff HTTP/1.1\r\nHost: h\r\n\r\n",
        b'{"jsonrpc": "2.0", "id": 1, "method": "status"}\n',
    ],
)
def test_what_is_no_http_is_answered_or_cut_off_and_disturbs_nobody(
    shop: Shop, data: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", shop.web_port), 5) as stranger:
        stranger.settimeout(5)
        try:
            stranger.sendall(data)
            answer = stranger.recv(4096)
        except ConnectionError:
            answer = b""
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert shop.ask("/healthz")[0] == shop.ask("/healthz", method="HEAD")[0] == 200
    shop.switch.assert_no_traceback()


def test_a_system_with_a_token_asks_on_the_control_port_for_any_pool(shop: Shop) -> None:
    bearer = {"Authorization": "Bearer crm-secret-0123456789"}
    asked = {"pool": "placement", "owner": "o1", "publisher": "p9", "parameters": {"website": "x"}}
    status, _, answer = shop.control("/allocate", body=asked, headers=bearer)
    assert (status, answer["number"], answer["owner"]) == (200, "+18001235555", "o1")
    assert shop.control("/allocate", body=asked)[0] == 401
    wrong = {"Authorization": "Bearer centre-secret-0123456789"}
    assert shop.control("/allocate", body=asked, headers=wrong)[0] == 403


def test_the_script_is_served_once(shop: Shop) -> None:
    status, headers, text = shop.ask("/dni.js")
    assert status == 200
    assert headers["Content-Type"].startswith("text/javascript")
    assert "allocate" in text
    again = shop.ask("/dni.js", headers={"If-None-Match": headers["ETag"]})
    assert again[0] == 304


@needs_chromium
@pytest.mark.timeout(150)
def test_the_script_shows_a_visitor_the_number_of_the_visit(shop: Shop) -> None:
    def visit(browser: Browser) -> dict[str, Any]:
        async def look(page: Page) -> dict[str, Any]:
            await page.open(f"{shop.site.origin}/?kw=boots&from=yahoo")
            await page.until("document.documentElement.dataset.dniNumber")
            seen = {"number": await page.value("document.documentElement.dataset.dniNumber")}
            for name in ("text", "other", "link", "marked"):
                seen[name] = await page.value(f"document.getElementById('{name}').textContent")
            seen["href"] = await page.value("document.getElementById('link').href")
            await page.value(
                "document.getElementById('late').innerHTML = '<b>call 800.555.0100 now</b>'"
            )
            await page.until("!document.getElementById('late').textContent.includes('0100')")
            seen["late"] = await page.value("document.getElementById('late').textContent")
            # The second page of the visit has no parameters: those of the first hold.
            await page.open(f"{shop.site.origin}/second")
            await page.until("document.documentElement.dataset.dniNumber")
            seen["second"] = await page.value("document.documentElement.dataset.dniNumber")
            return seen

        found: dict[str, Any] = browser.run(look)
        return found

    with Browser() as browser:
        seen = visit(browser)
    expected = shop.ask("/allocate?key=shop-2026&keyword=boots&engine=yahoo")[2]
    shown = expected["formatted"]
    assert seen["number"] == seen["second"] == expected["number"]
    assert seen["text"] == f"Call us: {shown}, any time. Not 800 555 01009."
    assert seen["other"] == "Another number: +1 800 555 0199"
    assert seen["link"] == seen["marked"] == shown
    assert seen["href"] == f"tel:{expected['number']}"
    assert seen["late"] == f"call {shown} now"


@needs_chromium
@pytest.mark.timeout(150)
def test_a_page_keeps_its_number_when_none_is_given(shop: Shop) -> None:
    page_text = PAGE.replace("shop-2026", "wrong-key") % shop.url
    shop.site.pages["/wrong"] = page_text
    shop.site.pages["/away"] = PAGE % "http://127.0.0.1:9"

    async def look(page: Page) -> list[str]:
        texts = []
        for path in ("/wrong", "/away"):
            await page.open(f"{shop.site.origin}{path}")
            await page.value("new Promise(done => setTimeout(done, 1000))")
            texts.append(await page.value("document.getElementById('text').textContent"))
        return texts

    with Browser() as browser:
        texts = browser.run(look)
    assert texts == ["Call us: (800) 555-0100, any time. Not 800 555 01009."] * 2


@needs_chromium
@pytest.mark.timeout(150)
def test_a_page_that_answers_each_swap_is_left_to_itself(shop: Shop) -> None:
    fighting = """<script>
      var fights = 0;
      new MutationObserver(function () {
        var mine = document.getElementById('other');
        if (mine.textContent.indexOf('0100') >= 0) return;
        fights += 1;
        mine.innerHTML = 'Call 800 555 0100, try ' + fights;
      }).observe(document.getElementById('other'),
                 {childList: true, characterData: true, subtree: true});
    </script>"""
    shop.site.pages["/fight"] = PAGE % shop.url + fighting

    async def look(page: Page) -> tuple[str, int]:
        await page.open(f"{shop.site.origin}/fight?kw=boots%0d%0aon%00sale")
        await page.until("document.documentElement.dataset.dniNumber")
        await page.value("document.getElementById('other').innerHTML = 'Call 800 555 0100'; 1")
        # It answers still, because it has given up after some rounds.
        await page.value("new Promise(done => setTimeout(done, 500))")
        number = await page.value("document.documentElement.dataset.dniNumber")
        return str(number), int(await page.value("fights"))

    with Browser() as browser:
        number, fights = browser.run(look)
    # What no name may hold in an address is left out of the parameters.
    expected = shop.ask("/allocate?key=shop-2026&keyword=boots%20on%20sale&engine=direct")[2]
    assert number == expected["number"]
    assert 1 <= fights < 5000


def test_a_call_fetches_its_pixel_and_results_make_a_new_version(shop: Shop) -> None:
    asked = {"keyword": "a & b=ü", "engine": "bing"}
    given = shop.ask("/allocate", body={"key": "shop-2026", "parameters": asked})[2]
    record = shop.call(given["number"])
    pixel = _pixel(shop, record["call_id"])
    assert pixel == (
        f"/p?call={record['call_id']}&kw=a%20%26%20b%3D%C3%BC&n=%2B{given['number'][1:]}&from=415"
    )
    posted = {"call": record["call_id"], "results": {"amount": 120.5, "sale": True}}
    bearer = {"Authorization": "Bearer centre-secret-0123456789"}
    wait_for(
        "the record is in the database",
        lambda: shop.ask("/results", body=posted, headers=bearer)[0] == 200,
        within=15,
    )
    status, _, answer = shop.control("/results", body=posted, headers=bearer)
    assert status == 200
    assert answer["version"] == 3
    assert answer["payout"]["amount"] == "13.05"
    wait_for("the result is told", lambda: len(_results(shop)) == 2, within=15)
    ids = [f"{record['call_id']}.result.{version}" for version in (2, 3)]
    assert [one["id"] for one in _results(shop)] == ids
    assert _results(shop)[1]["facts"]["results"]["sale"] is True


def _pixel(shop: Shop, call_id: str) -> str:
    def found() -> list[str]:
        return [one.path for one in shop.pixels.taken if f"call={call_id}" in one.path]

    wait_for("the pixel is fetched", lambda: bool(found()), within=15)
    time.sleep(0.3)
    (path,) = found()
    return path


def _results(shop: Shop) -> list[Any]:
    return [one.told for one in shop.pixels.taken if one.path == "/hook"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"call": "no-such-call", "results": {"sale": True}}, 404),
        ({"call": "no-such-call", "results": {}}, 422),
        ({"call": "no-such-call", "results": {"sale": [1]}}, 422),
        ({"call": "no-such-call", "results": {"a b": 1}}, 422),
        ({"call": 7, "results": {"sale": 1}}, 422),
        ({"results": {"sale": 1}}, 422),
        (b"nonsense", 400),
        (b"[" * 50_000, 400),
    ],
)
def test_results_that_cannot_be_taken_are_answered_with_a_reason(
    shop: Shop, body: object, status: int
) -> None:
    bearer = {"Authorization": "Bearer centre-secret-0123456789"}
    answered, _, answer = shop.ask("/results", body=body, headers=bearer)
    assert answered == status
    assert answer["message"]


def test_results_need_a_token_with_the_role(shop: Shop) -> None:
    body = {"call": "x", "results": {"sale": True}}
    assert shop.ask("/results", body=body)[0] == 401
    wrong = {"Authorization": "Bearer crm-secret-0123456789"}
    assert shop.ask("/results", body=body, headers=wrong)[0] == 401
    assert shop.control("/results", body=body)[0] == 401
    assert shop.control("/results", body=body, headers=wrong)[0] == 403
