from softswitch.sdp.packet_time import PacketTime, choose_ptime, packet_time


def test_ptime_is_between_10_and_60_in_steps_of_10() -> None:
    assert {choose_ptime(p, m) for p in range(200) for m in range(200)} == {10, 20, 30, 40, 50, 60}


def test_who_asks_for_a_packet_time_gets_no_other() -> None:
    assert packet_time(30, 0) == PacketTime(30, (30, 30))
    assert packet_time(30, 0, wish=50) == PacketTime(30, (30, 30))


def test_our_wish_counts_where_the_peer_has_none() -> None:
    assert packet_time(0, 0, wish=40) == PacketTime(40, (40, 40))
    assert packet_time(25, 0, wish=40) == PacketTime(40, (40, 40))


def test_nobody_gets_more_than_it_takes() -> None:
    assert packet_time(60, 40) == PacketTime(40, (40, 40))
    assert packet_time(0, 25, wish=60) == PacketTime(20, (20, 20))


def test_without_a_wish_packets_go_on_as_they_come() -> None:
    assert packet_time(0, 0) == PacketTime(20, (0, 0))
    assert packet_time(25, 0) == PacketTime(20, (0, 0))
    assert packet_time(0, 9999) == PacketTime(20, (0, 0))


def test_without_a_wish_only_what_is_too_long_is_packed_anew() -> None:
    assert packet_time(0, 15) == PacketTime(10, (0, 15))
    assert packet_time(0, 40) == PacketTime(20, (0, 40))
