"""The SRTP of tests against the vectors of RFC 3711 appendix B, FIPS 197 and RFC 2202."""

import pytest

from tests.support.srtp import Aes, Direction, NotAuthentic, derive, key_stream

MASTER_KEY = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
MASTER_SALT = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")


def test_a_block_is_that_of_fips_197() -> None:
    key = bytes(range(16))
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert Aes(key).block(block).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


def test_a_key_stream_is_that_of_appendix_b_2() -> None:
    aes = Aes(bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"))
    start = int("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000", 16)
    assert key_stream(aes, start, 48).hex() == (
        "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
        "41e95b3bb0a2e8dd477901e4fca894c0"
    )
    assert key_stream(aes, start + 0xFEFF, 48).hex() == (
        "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae"
        "6a2cc3787889374fbeb4c81b17ba6c44"
    )


def test_keys_are_derived_as_in_appendix_b_3() -> None:
    assert derive(MASTER_KEY, MASTER_SALT, 0, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derive(MASTER_KEY, MASTER_SALT, 2, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert derive(MASTER_KEY, MASTER_SALT, 1, 94).hex() == (
        "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
        "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25"
        "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"
    )


def test_a_sealed_packet_is_that_of_the_vector_others_test_with() -> None:
    packet = bytes.fromhex("800f1234decafbadcafebabe") + bytes([0xAB] * 16)
    sealed = Direction("AES_CM_128_HMAC_SHA1_80", MASTER_KEY + MASTER_SALT).seal(packet)
    assert sealed[12:].hex() == "4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"])
def test_what_was_sealed_opens_with_the_same_key_alone(suite: str) -> None:
    key = MASTER_KEY + MASTER_SALT
    packet = bytes.fromhex("800f1234decafbadcafebabe") + bytes([0xAB] * 16)
    sealed = Direction(suite, key).seal(packet)
    assert Direction(suite, key).open(sealed) == packet
    with pytest.raises(NotAuthentic):
        Direction(suite, bytes(30)).open(sealed)
    report = bytes.fromhex("81c8000bcafebabe") + bytes(40)
    sealed = Direction(suite, key).seal_rtcp(report)
    assert Direction(suite, key).open_rtcp(sealed) == report
