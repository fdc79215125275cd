import pytest

from tests.support.configurations import loaded, told

HEAD = """\
trunks: {carrier: 127.0.0.1:5080}
pools:
  ad: {parameters: [keyword], campaign: sale}
campaigns: {sale: bye}
treatments: {bye: [hang_up]}
"""


def hook(text: str) -> str:
    return f"{HEAD}webhooks:\n  crm: {{{text}}}\n"


def pixel(text: str) -> str:
    return f"{HEAD}pixels:\n  ads: {{{text}}}\n"


def test_a_webhook_needs_only_its_url() -> None:
    webhook = loaded(hook("url: 'https://crm.example.com:8443/x?y=1'")).webhooks["crm"]
    assert webhook.url == "https://crm.example.com:8443/x?y=1"
    assert webhook.events == ("call.record",)
    assert webhook.campaigns == ()
    assert webhook.secret is None
    assert webhook.max_age_seconds == 3 * 86400


def test_all_of_a_webhook() -> None:
    webhook = loaded(
        hook(
            "url: http://h/, events: ['call.*', cap.reached], campaigns: sale, "
            "secret: 0123456789abcdef, headers: {X-Key: k}, timeout: 1 s, max_age: 1 h"
        )
    ).webhooks["crm"]
    assert webhook.events == ("call.*", "cap.reached")
    assert webhook.campaigns == ("sale",)
    assert webhook.headers == (("X-Key", "k"),)
    assert "0123456789abcdef" not in repr(webhook)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("events: call.record", 'a webhook needs "url"'),
        ("url: 'ftp://h/'", "url: expected a URL that begins with http://"),
        ("url: 'http://user:pass@h/'", "url: a URL stands without name and password here"),
        ("url: 'http://224.0.0.1/'", "url: 224.0.0.1 is an address of many hosts"),
        ('url: "http://h/{caller.number}"', "url: the URL of a webhook is the same for every"),
        ("url: http://h/, events: [Call Record]", "events: expected a kind of event such as"),
        ("url: http://h/, campaigns: [sael]", 'campaigns: there is no campaign "sael"'),
        ("url: http://h/, secret: short", "secret: expected 16 to 200 printable"),
        ("url: http://h/, secret: ", '"secret" is empty'),
        ("url: http://h/, headers: {Content-Length: 1}", "Content-Length is written by the switch"),
        ("url: http://h/, max_age: 1 s", "max_age: expected a time"),
    ],
)
def test_what_a_webhook_cannot_be(text: str, complaint: str) -> None:
    (mistake,) = told(hook(text))
    assert complaint in mistake
    assert "short" not in mistake


def test_a_pixel_may_say_facts_and_what_only_a_record_knows() -> None:
    found = loaded(
        pixel(
            "url: 'http://h/p?c={call_id}&k={keyword}&s={talk_seconds}&p={payout}', "
            "when: bridged and talk_seconds > 60"
        )
    ).pixels["ads"]
    assert found.when is not None
    assert [str(part) for part in found.url.parts if not isinstance(part, str)] == [
        "call_id", "keyword", "talk_seconds", "payout",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("when: bridged", 'a pixel needs "url"'),
        ("url: 'http://{keyword}/p'", "url: expected a URL that begins with"),
        ("url: 'http://h{keyword}'", "the host of a URL is written out"),
        ("url: 'http://h/{caler.number}'", '"caler.number" is no fact'),
        ("url: 'http://h/{nothing}'", '"nothing"'),
        ("url: 'http://h/', when: talk_seconds", "when: this is a number, where a condition"),
        ("url: 'http://h/', when: ", '"when" is empty'),
        ("url: [a]", "url: expected a URL"),
    ],
)
def test_what_a_pixel_cannot_be(text: str, complaint: str) -> None:
    (mistake,) = told(pixel(text))
    assert complaint in mistake


# The listener for browsers.


def web(text: str) -> str:
    return f"{HEAD}web: {{{text}}}\n"


def test_the_listener_and_its_pools() -> None:
    section = loaded(
        web(
            "listen: 0.0.0.0, origins: ['https://Shop.example.com'], proxies: 10.0.0.0/8, "
            "pools: {ad: {key: shop-2026}}"
        )
    ).web
    assert section is not None
    assert (section.host, section.port) == ("0.0.0.0", 8022)
    assert section.pools["ad"].origins == ("https://shop.example.com",)
    assert section.proxies == ("10.0.0.0/8",)
    assert section.per_minute == 60
    assert section.results is False


def test_without_the_section_there_is_no_listener() -> None:
    assert loaded(HEAD).web is None
    assert loaded(HEAD + "web:\n").web is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("per_minute: 3", 'web needs "listen"'),
        ("listen: '224.0.0.1:80'", "listen: 224.0.0.1 is an address of many hosts"),
        ("listen: h, pools: {add: {key: shop-2026}}", 'there is no pool "add"'),
        ("listen: h, pools: {ad: {key: short}}", "key: expected 8 to 100 letters"),
        ("listen: h, pools: {ad: shop-2026}", "expected the settings of a pool for web pages"),
        ("listen: h, pools: {ad: {key: shop-2026}}", "pools: no page may ask for numbers of ad"),
        ("listen: h, origins: ['https://a/']", "an origin has no path"),
        ("listen: h, origins: [a.example.com]", "expected an origin such as"),
        ("listen: h, per_minute: 0", "per_minute: expected a whole number"),
        ("listen: h, tls: {key: a}", 'control tls needs "certificate"'),
    ],
)
def test_what_the_listener_cannot_be(text: str, complaint: str) -> None:
    mistakes = told(web(text))
    assert any(complaint in mistake for mistake in mistakes), mistakes


def test_two_pools_have_two_keys() -> None:
    text = HEAD.replace("campaigns:", "  other: {parameters: [x]}\ncampaigns:")
    pools = "pools: {ad: {key: shop-2026}, other: {key: shop-2026}}"
    (mistake,) = told(f"{text}web: {{listen: h, origins: '*', {pools}}}\n")
    assert "pools: two have the same key" in mistake
