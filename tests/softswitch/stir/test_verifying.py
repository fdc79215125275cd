"""Signatures of callers, verified: RFC 8224 section 6.2, RFC 8588, RFC 8946."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.stir.asked import Asked
from softswitch.stir.credentials import Authorities
from softswitch.stir.passport import Party, number_party, uri_party
from softswitch.stir.replays import Replays
from softswitch.stir.trust import TrustStore
from softswitch.stir.verdict import STATUSES, Verdict
from softswitch.stir.verifying import Verifier, certificates_named
from tests.support.stir import (
    X5U,
    Authority,
    Signer,
    code_list,
    dumped,
    encoded,
    number_list,
    shaken,
)

NOW = time.time()
IAT = int(NOW)
ROOT = Authority()
CALLER, CALLED = number_party("12155551212"), number_party("12155551213")
CARRIER = ROOT.signer(numbers=code_list("709J"), days=(-300, 300))


def asked(
    *identities: str,
    caller: tuple[Party, ...] = (CALLER,),
    called: tuple[Party, ...] = (CALLED,),
    date: int | None = None,
    call_id: str = "call-1",
) -> Asked:
    return Asked(identities, caller, called, date, call_id)


def verifier(
    files: dict[str, Signer] | None = None, *, freshness: float = 60.0, tn_auth_list: bool = False
) -> Verifier:
    """One that knows the certificates of the carrier and of others, at NAME.pem."""
    signers = {"carrier": CARRIER, **(files or {})}
    known = {f"certs.example.org/{name}.pem": one.pem for name, one in signers.items()}
    store = TrustStore(Authorities([ROOT.certificate]), known)
    return Verifier(store, freshness=freshness, tn_auth_list=tn_auth_list, replays=Replays())


def verdict(question: Asked, *, by: Verifier | None = None) -> Verdict:
    return (by or verifier()).verify(question, NOW).verdict


def test_a_good_signature_passes_with_its_attestation() -> None:
    found = verifier().verify(asked(value := CARRIER.identity(shaken(iat=IAT))), NOW)

    assert found.verdict == Verdict(
        "passed",
        attestation="A",
        origid="123e4567-e89b-12d3-a456-426655440000",
        signer="709J",
        x5u=X5U,
    )
    assert found.number == "12155551212"
    assert found.identities == (value,)


@pytest.mark.parametrize("attest", ["A", "B", "C"])
def test_each_attestation_is_read(attest: str) -> None:
    assert verdict(asked(CARRIER.identity(shaken(iat=IAT, attest=attest)))).attestation == attest


def test_a_plain_token_passes_and_attests_nothing() -> None:
    payload = {"dest": {"tn": ["12155551213"]}, "iat": IAT, "orig": {"tn": "12155551212"}}

    found = verdict(asked(CARRIER.identity(payload, ppt="")))

    assert (found.result, found.attestation) == ("passed", "")


def test_a_call_without_a_signature_has_none() -> None:
    found = verdict(asked())

    assert (found.result, found.why, found.status) == ("none", "missing", 428)


def test_a_certificate_below_another_authority_of_ours_is_good() -> None:
    below = ROOT.authority("Between").signer(numbers=code_list("555X"))
    url = "https://certs.example.org/below.pem"

    found = verdict(
        asked(below.identity(shaken(iat=IAT), x5u=url)),
        by=verifier({"below": below}),
    )

    assert (found.result, found.signer) == ("passed", "555X")


# What is not good, each by one thing.


def _changed(**change: Any) -> str:
    return CARRIER.identity({**shaken(iat=IAT), **change})


def _other_key() -> str:
    return Authority("Nobody").signer().identity(shaken(iat=IAT))


def _tampered() -> str:
    head, payload, rest = CARRIER.identity(shaken(iat=IAT, attest="C")).split(".", 2)
    better = encoded(dumped(shaken(iat=IAT, attest="A"))).decode()
    assert better != payload
    return f"{head}.{better}.{rest}"


def _in_der() -> str:
    """RFC 7518 section 3.4 has R and S; libraries make DER."""
    data = CARRIER.token(shaken(iat=IAT)).rpartition(".")[0].encode()
    return _with_signature(CARRIER.key.sign(data, ec.ECDSA(hashes.SHA256())))


BAD: dict[str, tuple[Callable[[], str], str]] = {
    "the key of another": (_other_key, "bad-signature"),
    "a better attestation": (_tampered, "bad-signature"),
    "a signature of zeros": (lambda: _with_signature(bytes(64)), "bad-signature"),
    "a signature beyond the curve": (lambda: _with_signature(b"\xff" * 64), "bad-signature"),
    "a signature in DER": (_in_der, "malformed"),
    "no algorithm": (
        lambda: CARRIER.identity(shaken(iat=IAT), alg="none"),
        "unsupported-algorithm",
    ),
    "a shared secret": (
        lambda: CARRIER.identity(shaken(iat=IAT), alg="HS256"),
        "unsupported-algorithm",
    ),
    "an algorithm outside": (
        lambda: CARRIER.identity(shaken(iat=IAT)).replace("alg=ES256", "alg=none"),
        "unsupported-algorithm",
    ),
    "something critical": (
        lambda: CARRIER.identity(shaken(iat=IAT), crit=["x"]),
        "unsupported-extension",
    ),
    "another type": (lambda: CARRIER.identity(shaken(iat=IAT), typ="JWT"), "malformed"),
    "another URL inside": (
        lambda: CARRIER.identity(shaken(iat=IAT)).replace(f"<{X5U}>", "<https://a.example/b>"),
        "malformed",
    ),
    "another extension outside": (
        lambda: CARRIER.identity(shaken(iat=IAT)).replace("ppt=shaken", "ppt=div"),
        "malformed",
    ),
    "no origid": (lambda: _changed(origid=None), "malformed"),
    "no attestation": (lambda: _changed(attest=None), "malformed"),
    "rubbish": (lambda: "rubbish", "malformed"),
    "rubbish in base64": (lambda: f"AAAA.AAAA.AAAA;info=<{X5U}>", "malformed"),
    "a URL without TLS": (
        lambda: CARRIER.identity(shaken(iat=IAT), x5u="http://certs.example.org/carrier.pem"),
        "bad-certificate-url",
    ),
    "a certificate nobody knows": (
        lambda: CARRIER.identity(shaken(iat=IAT), x5u="https://certs.example.org/unknown.pem"),
        "unknown-certificate",
    ),
    "an old time": (lambda: CARRIER.identity(shaken(iat=IAT - 62)), "stale"),
    "a time to come": (lambda: CARRIER.identity(shaken(iat=IAT + 62)), "stale"),
    "the beginning of time": (lambda: CARRIER.identity(shaken(iat=0)), "stale"),
    "another caller": (lambda: CARRIER.identity(shaken("12155550000", iat=IAT)), "other-caller"),
    "another destination": (
        lambda: CARRIER.identity(shaken(dest="12155550000", iat=IAT)),
        "other-destination",
    ),
}


def _with_signature(signature: bytes) -> str:
    head, payload, _ = CARRIER.token(shaken(iat=IAT)).split(".")
    text = encoded(signature).decode()
    return f"{head}.{payload}.{text};info=<{X5U}>;alg=ES256;ppt=shaken"


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_good_fails_for_what_is_wrong_with_it(name: str) -> None:
    make, why = BAD[name]

    found = verdict(asked(make()))

    assert (found.result, found.why, found.attestation) == ("failed", why, "")
    assert found.status == STATUSES[why]


@pytest.mark.parametrize(
    ("signer", "why"),
    [
        (lambda: ROOT.signer(days=(-300, -1)), "expired-certificate"),
        (lambda: ROOT.signer(days=(1, 300)), "expired-certificate"),
        (lambda: Authority("Nobody").signer(), "untrusted-certificate"),
        (lambda: Signer(ROOT.key, [ROOT.certificate]), "unusable-certificate"),
        (lambda: ROOT.signer(numbers=b"\x30\x00"), "unusable-certificate"),
        (lambda: ROOT.signer(key=ec.generate_private_key(ec.SECP384R1())), "unusable-certificate"),
    ],
)
def test_certificates_that_are_worth_nothing(signer: Callable[[], Signer], why: str) -> None:
    made = signer()
    url = "https://certs.example.org/bad.pem"
    key = made if why != "unusable-certificate" else CARRIER

    found = verdict(asked(key.identity(shaken(iat=IAT), x5u=url)), by=verifier({"bad": made}))

    assert (found.result, found.why, found.status) == ("failed", why, 437)


def test_a_certificate_signed_by_a_carriers_is_not_believed() -> None:
    """A certificate of a carrier is no authority, whatever it signs."""
    fake = Authority("Carrier SHAKEN", key=CARRIER.key)
    victim = fake.signer("Somebody else")
    victim.chain.append(CARRIER.chain[0])
    url = "https://certs.example.org/fake.pem"

    found = verdict(
        asked(victim.identity(shaken(iat=IAT), x5u=url)),
        by=verifier({"fake": victim}),
    )

    assert found.why == "untrusted-certificate"


def test_a_file_that_is_no_certificate_is_unusable() -> None:
    store = TrustStore(Authorities([ROOT.certificate]), {"certs.example.org/carrier.pem": b"x"})
    by = Verifier(store, freshness=60, tn_auth_list=False, replays=Replays())

    assert verdict(asked(CARRIER.identity(shaken(iat=IAT))), by=by).why == "unusable-certificate"


# Whose numbers.


def test_a_certificate_for_other_numbers_is_refused_where_lists_are_wanted() -> None:
    other = ROOT.signer(numbers=number_list("12155550000"))
    own = ROOT.signer(numbers=number_list("12155551212"))
    silent = ROOT.signer()
    files = {
        "other": other,
        "own": own,
        "silent": silent,
    }

    def why(signer: Signer, name: str, *, wanted: bool) -> str:
        value = signer.identity(shaken(iat=IAT), x5u=f"https://certs.example.org/{name}.pem")
        return verdict(asked(value), by=verifier(files, tn_auth_list=wanted)).why

    assert why(other, "other", wanted=True) == "number-not-covered"
    assert why(silent, "silent", wanted=True) == "number-not-covered"
    assert why(own, "own", wanted=True) == ""
    assert why(other, "other", wanted=False) == ""


# Time.


def test_the_date_must_agree_with_the_token() -> None:
    value = CARRIER.identity(shaken(iat=IAT))

    assert verdict(asked(value, date=IAT - 30)).result == "passed"
    assert verdict(asked(value, date=IAT - 100)).why == "stale"


def test_freshness_is_the_operators() -> None:
    value = CARRIER.identity(shaken(iat=IAT - 100))

    assert verdict(asked(value), by=verifier(freshness=300)).result == "passed"


# The compact form.


def _compact(orig: str = "12155551212", dest: str = "12155551213") -> str:
    payload = {"dest": {"tn": [dest]}, "iat": IAT, "orig": {"tn": orig}}
    signature = CARRIER.token(payload, ppt="").rpartition(".")[2]
    return f"..{signature};info=<{X5U}>;alg=ES256"


def test_a_compact_token_is_made_again_of_the_request() -> None:
    found = verdict(asked(_compact(), date=IAT))

    assert (found.result, found.signer) == ("passed", "709J")


def test_a_compact_token_finds_who_is_meant_among_several() -> None:
    also = (number_party("12155550000"), CALLED)

    assert verdict(asked(_compact(), called=also, date=IAT)).result == "passed"


@pytest.mark.parametrize("date", [None, -62, 62])
def test_a_compact_token_needs_a_fresh_date(date: int | None) -> None:
    at = None if date is None else IAT + date

    assert verdict(asked(_compact(), date=at)).why == "stale"


def test_a_compact_token_of_another_call_is_not_good() -> None:
    assert verdict(asked(_compact("12155550000"), date=IAT)).why == "bad-signature"
    assert verdict(asked(_compact(), date=IAT, caller=())).why == "other-caller"


def test_shaken_has_no_compact_form() -> None:
    assert verdict(asked(f"{_compact()};ppt=shaken", date=IAT)).why == "malformed"


# Several values.


def test_one_that_is_good_is_enough() -> None:
    values = (_other_key(), "rubbish", CARRIER.identity(shaken(iat=IAT, attest="B")))

    assert verdict(asked(*values)).attestation == "B"


def test_the_best_attestation_counts() -> None:
    values = [CARRIER.identity(shaken(iat=IAT, attest=attest)) for attest in "CAB"]

    assert verdict(asked(*values)).attestation == "A"


def test_a_field_that_is_doubled_counts_once() -> None:
    value = CARRIER.identity(shaken(iat=IAT))

    assert verdict(asked(value, value)).result == "passed"


def test_extensions_that_nobody_knows_are_passed_over() -> None:
    strange = CARRIER.identity(shaken(iat=IAT), ppt="rcd")

    assert verdict(asked(strange)).why == "missing"
    assert verdict(asked(strange, CARRIER.identity(shaken(iat=IAT)))).result == "passed"


def test_the_first_that_is_wrong_is_told() -> None:
    assert verdict(asked(_other_key(), "rubbish")).why == "bad-signature"


# Copies.


def test_a_copy_with_another_call_is_not_good() -> None:
    by, value = verifier(), CARRIER.identity(shaken(iat=IAT))

    assert verdict(asked(value), by=by).result == "passed"
    assert verdict(asked(value, call_id="call-2"), by=by).why == "replayed"
    assert verdict(asked(value), by=by).result == "passed"


def test_a_copy_with_another_s_is_still_a_copy() -> None:
    """R and N - S are a good signature too, which anybody can make of R and S."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    by, value = verifier(), CARRIER.identity(shaken(iat=IAT))
    token, _, rest = value.partition(";")
    data, _, text = token.rpartition(".")
    raw = base64.urlsafe_b64decode(text + "==")
    mirrored = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    copy = f"{data}.{encoded(mirrored).decode()};{rest}"

    assert verdict(asked(copy), by=verifier()).result == "passed"
    assert verdict(asked(value), by=by).result == "passed"
    assert verdict(asked(copy, call_id="call-2"), by=by).why == "replayed"


# Calls that were sent on.


def _div(div: str, dest: str, orig: str = "12155551212") -> str:
    payload = {
        "dest": {"tn": [dest]}, "div": {"tn": div}, "iat": IAT, "orig": {"tn": orig},
    }  # fmt: skip
    return CARRIER.identity(payload, ppt="div")


def test_a_call_that_was_sent_on_passes_with_its_way() -> None:
    first = CARRIER.identity(shaken(dest="12155550001", iat=IAT))
    values = (first, _div("12155550001", "12155550002"), _div("12155550002", "12155551213"))

    found = verdict(asked(*values))

    assert found.result == "passed"
    assert found.diverted == ("12155550001", "12155550002")


def test_a_call_is_not_sent_on_by_a_gap_in_its_way() -> None:
    first = CARRIER.identity(shaken(dest="12155550001", iat=IAT))

    assert verdict(asked(first, _div("12155550009", "12155551213"))).why == "other-destination"


def test_a_way_that_nobody_signed_is_none() -> None:
    first = CARRIER.identity(shaken(dest="12155550001", iat=IAT))
    forged = Authority("Nobody").signer()
    payload = {
        "dest": {"tn": ["12155551213"]}, "div": {"tn": "12155550001"}, "iat": IAT,
        "orig": {"tn": "12155551212"},
    }  # fmt: skip

    assert verdict(asked(first, forged.identity(payload, ppt="div"))).why == "other-destination"


def test_a_way_alone_says_nothing_of_the_caller() -> None:
    assert verdict(asked(_div("12155550001", "12155551213"))).result == "failed"


def test_a_way_that_goes_round_ends() -> None:
    first = CARRIER.identity(shaken(dest="12155550001", iat=IAT))
    values = (first, _div("12155550001", "12155550002"), _div("12155550002", "12155550001"))

    assert verdict(asked(*values)).why == "other-destination"


# Addresses.


def test_uris_are_signed_too() -> None:
    caller, called = uri_party("sip:alice@example.com"), uri_party("sip:bob@example.net")
    payload = {
        "dest": {"uri": ["sip:bob@Example.net"]}, "iat": IAT,
        "orig": {"uri": "sip:alice@example.com;user=ip"},
    }  # fmt: skip

    question = asked(CARRIER.identity(payload, ppt=""), caller=(caller,), called=(called,))

    assert verdict(question).result == "passed"


def test_where_certificates_are_is_told_for_who_fetches_them() -> None:
    values = (CARRIER.identity(shaken(iat=IAT)), "rubbish", _compact(), "..AAAA;info=<x>;ppt=rcd")

    assert certificates_named(values) == (X5U,)


@settings(max_examples=60)
@given(st.data())
def test_no_change_of_a_letter_passes(data: st.DataObject) -> None:
    value = CARRIER.identity(shaken(iat=IAT))
    token = value.partition(";")[0]
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabcxyz0189-_.=; \x00\u00e9"))
    changed = value[:place] + letter + value[place + 1 :]

    found = verdict(asked(changed, date=IAT))

    assert found.result == "failed" or _same_bits(token, changed.partition(";")[0])


def _same_bits(one: str, other: str) -> bool:
    """The last letter of a part has bits that mean nothing."""

    def read(text: str) -> list[bytes] | None:
        try:
            return [base64.urlsafe_b64decode(part + "==") for part in text.split(".")]
        except ValueError:
            return None

    return read(one) == read(other)
