import socket

import pytest

from softswitch.transport.endpoint import (
    BindError,
    Endpoint,
    bind_all,
    is_address,
    is_wildcard,
)


def close(bound: list[tuple[Endpoint, socket.socket]]) -> None:
    for _, opened in bound:
        opened.close()


def test_port_zero_gives_udp_and_tcp_one_number() -> None:
    bound = bind_all([Endpoint("udp", "127.0.0.1", 0), Endpoint("tcp", "127.0.0.1", 0)])
    try:
        (udp, _), (tcp, _) = bound
        assert udp.port == tcp.port != 0
    finally:
        close(bound)


def test_sockets_do_not_block_and_are_not_inherited() -> None:
    bound = bind_all([Endpoint("udp", "127.0.0.1", 0), Endpoint("tcp", "127.0.0.1", 0)])
    try:
        assert all(not opened.getblocking() for _, opened in bound)
        assert all(not opened.get_inheritable() for _, opened in bound)
    finally:
        close(bound)


def test_the_receive_buffer_is_raised() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        usual = plain.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    bound = bind_all([Endpoint("udp", "127.0.0.1", 0)])
    try:
        assert bound[0][1].getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= usual
    finally:
        close(bound)


def test_an_ipv6_listener_leaves_ipv4_alone() -> None:
    bound = bind_all([Endpoint("udp", "::1", 0)])
    try:
        assert bound[0][1].getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
        assert str(bound[0][0]) == f"udp:[::1]:{bound[0][0].port}"
    finally:
        close(bound)


def test_a_taken_port_is_named_and_nothing_stays_bound() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        taken = holder.getsockname()[1]
        with pytest.raises(
            BindError, match=rf"cannot listen at udp:127\.0\.0\.1:{taken}: .+in use"
        ):
            bind_all([Endpoint("tcp", "127.0.0.1", taken), Endpoint("udp", "127.0.0.1", taken)])
    again = bind_all([Endpoint("tcp", "127.0.0.1", taken)])
    close(again)


def test_a_taken_port_is_reported_even_when_another_port_was_free_to_choose() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        taken = holder.getsockname()[1]
        with pytest.raises(BindError):
            bind_all([Endpoint("tcp", "127.0.0.1", 0), Endpoint("udp", "127.0.0.1", taken)])


@pytest.mark.parametrize("host", ["192.0.2.77", "no-such-host.invalid", "a..b"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(BindError, match="cannot listen at udp:"):
        bind_all([Endpoint("udp", host, 0)])


@pytest.mark.parametrize(
    ("host", "address", "wildcard"),
    [
        ("127.0.0.1", True, False),
        ("::1", True, False),
        ("fe80::1%lo", True, False),
        ("0.0.0.0", True, True),
        ("::", True, True),
        ("localhost", False, False),
        ("", False, False),
    ],
)
def test_addresses_and_wildcards(host: str, address: bool, wildcard: bool) -> None:
    assert is_address(host) is address
    assert is_wildcard(host) is wildcard
