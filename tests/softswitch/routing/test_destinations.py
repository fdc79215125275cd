import pytest

from config.model import Campaign, Destination, Trunk
from softswitch.routing.destinations import DialAddress, destination_trunk, dial_address
from softswitch.sip.flow import Flow
from tests.support.configurations import loaded

UDP = Trunk("a", "192.0.2.1", 5080)
TCP = Trunk("b", "2001:db8::1", 5060, "tcp")


@pytest.mark.parametrize(
    ("destination", "trunk", "expected"),
    [
        (
            Destination("number", "+16025551234"),
            UDP,
            DialAddress(
                "sip:+16025551234@192.0.2.1:5080", "+16025551234", Flow("udp", "192.0.2.1", 5080)
            ),
        ),
        (
            Destination("called"),
            TCP,
            DialAddress("sip:100001@[2001:db8::1]", "100001", Flow("tcp", "2001:db8::1", 5060)),
        ),
        (
            Destination("uri", "sip:agent@pbx.example.org"),
            UDP,
            DialAddress("sip:agent@pbx.example.org", "agent", Flow("udp", "pbx.example.org", 5060)),
        ),
        (
            Destination("uri", "sip:agent@[::1]:5070;transport=TCP"),
            UDP,
            DialAddress("sip:agent@[::1]:5070;transport=TCP", "agent", Flow("tcp", "::1", 5070)),
        ),
        (
            Destination("uri", "sip:agent@[::1];transport=tls"),
            UDP,
            DialAddress("sip:agent@[::1];transport=tls", "agent", Flow("tls", "::1", 5061)),
        ),
        (
            Destination("uri", "sip:pbx.example.org"),
            TCP,
            DialAddress(
                "sip:pbx.example.org", "pbx.example.org", Flow("tcp", "pbx.example.org", 5060)
            ),
        ),
        # A trunk that is named gets the request, with the URI as it is.
        (
            Destination("uri", "sip:agent@pbx.example.org", trunk="a"),
            UDP,
            DialAddress("sip:agent@pbx.example.org", "agent", Flow("udp", "192.0.2.1", 5080)),
        ),
    ],
)
def test_what_is_dialled_and_where_it_goes(
    destination: Destination, trunk: Trunk, expected: DialAddress
) -> None:
    assert dial_address(destination, trunk, called="100001") == expected


def test_the_number_called_is_kept_as_it_was_dialled() -> None:
    address = dial_address(Destination("called"), UDP, called="866 683*1950")
    assert address.uri == "sip:866%20683*1950@192.0.2.1:5080"
    assert address.number == "866 683*1950"


def test_a_destinations_trunk_goes_before_the_campaigns() -> None:
    configuration = loaded("trunks: {a: 192.0.2.1, b: 192.0.2.2}\n")
    campaign = Campaign("c", "t", trunk="a")
    chosen = [
        destination_trunk(configuration, campaign, Destination("called", trunk=name)).name
        for name in (None, "b")
    ]
    assert chosen == ["a", "b"]
