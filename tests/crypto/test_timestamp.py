import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms as cms_asn1
from asn1crypto import core, tsp
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme
from bidclient.crypto.timestamp import (
    Stamp,
    fail_over,
    response_token,
    stamp_by,
    timestamp_request,
    verify_token,
)
from bidclient.errors import BadTimestamp, BidError, TimestampUnreachable, UnknownIssuer, Unreachable
from bidclient.stages.evidence import lacks_trust
from tests.crypto.conftest import Judge
from tests.support.pki import NOW, Authority, InMemoryKey, openssl_tsa

DATA = b"signature value"
DIGEST = hashlib.sha256(DATA).digest()
Transport = Callable[[bytes], bytes]


@pytest.fixture(scope="session")
def transport(tmp_path_factory: pytest.TempPathFactory, tsa: InMemoryKey) -> Transport:
    return openssl_tsa(tmp_path_factory.mktemp("tsa"), tsa)


@pytest.fixture(scope="session")
def stamp(transport: Transport, root: Authority) -> Stamp:
    return stamp_by(transport, [root.certificate])


@pytest.fixture(scope="session")
def token(stamp: Stamp) -> bytes:
    return stamp(DATA)


def test_a_token_gives_its_time(token: bytes, root: Authority) -> None:
    at = verify_token(token, DATA, [root.certificate], "x")
    assert at.tzinfo is UTC
    said = tsp.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed["gen_time"].native
    assert at == said


def test_openssl_verifies_the_token_and_not_another_digest(
    token: bytes, root: Authority, stranger: Authority, tsa: InMemoryKey, openssl: Judge, tmp_path: Path
) -> None:
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "ca.pem").write_bytes(root.certificate.pem)
    (tmp_path / "other.pem").write_bytes(stranger.certificate.pem)
    (tmp_path / "between.pem").write_bytes(tsa.chain[0].pem)
    verify = "ts -verify -token_in -in token -untrusted between.pem"
    assert openssl(f"{verify} -CAfile ca.pem -digest {DIGEST.hex()}").returncode == 0
    assert openssl(f"{verify} -CAfile ca.pem -digest {bytes(32).hex()}").returncode != 0
    assert openssl(f"{verify} -CAfile other.pem -digest {DIGEST.hex()}").returncode != 0
    (tmp_path / "token").write_bytes(token[:-1] + bytes([token[-1] ^ 1]))
    assert openssl(f"{verify} -CAfile ca.pem -digest {DIGEST.hex()}").returncode != 0


def test_openssl_reads_our_request(openssl: Judge, tmp_path: Path) -> None:
    (tmp_path / "q").write_bytes(timestamp_request(DATA, 0xABCDEF))
    text = openssl("ts -query -in q -text").stdout.decode()
    assert "Hash Algorithm: sha256" in text
    assert "Nonce: 0xABCDEF" in text
    assert "Certificate required: yes" in text


def test_a_timestamped_signature_satisfies_openssl_and_us(
    signer: InMemoryKey, stamp: Stamp, root: Authority, openssl: Judge, tmp_path: Path
) -> None:
    (tmp_path / "content").write_bytes(b"content")
    (tmp_path / "ca.pem").write_bytes(root.certificate.pem)
    data = cms.sign_detached(b"content", signer, NOW, stamp)
    (tmp_path / "s.p7s").write_bytes(data)
    verify = "cms -verify -cades -binary -inform DER -purpose any -CAfile ca.pem -in s.p7s -out out"
    assert openssl(f"{verify} -content content").returncode == 0
    signed = cms.verify_detached(data, b"content", "x")
    assert signed.timestamp is not None
    at = verify_token(signed.timestamp, signed.signature, [root.certificate], "x")
    assert at > NOW - timedelta(days=1500)
    with pytest.raises(BadTimestamp):
        verify_token(signed.timestamp, b"content", [root.certificate], "x")


def test_other_data_or_another_anchor_is_refused(token: bytes, root: Authority, stranger: Authority) -> None:
    for data, anchors in (
        (bytes(32), [root.certificate]),
        (DATA, [stranger.certificate]),
        (DATA, []),
        (b"", [root.certificate]),
    ):
        with pytest.raises(BadTimestamp):
            verify_token(token, data, anchors, "x")


def test_an_unknown_root_is_told_from_a_wrong_stamp(
    token: bytes, root: Authority, stranger: Authority
) -> None:
    with pytest.raises(BadTimestamp, match="unknown issuer") as caught:
        verify_token(token, DATA, [stranger.certificate], "x")
    assert isinstance(caught.value.__cause__, UnknownIssuer)
    assert caught.value.__cause__.issuer == root.certificate.common_name
    assert lacks_trust(caught.value)
    # What is wrong whoever is trusted is called wrong.
    damaged = token[:-5] + bytes([token[-5] ^ 1]) + token[-4:]
    for content, data, anchors, reason in (
        (token, b"other", [stranger.certificate], "Mismatch"),
        (damaged, DATA, [root.certificate], "the signature does not hold"),
    ):
        with pytest.raises(BadTimestamp, match=reason) as caught:
            verify_token(content, data, anchors, "x")
        assert not lacks_trust(caught.value)
        assert "Error" not in caught.value.reason
    with pytest.raises(BadTimestamp, match="is not a root"):
        verify_token(token, DATA, [root.intermediate().certificate], "x")


def test_an_anchor_that_the_library_cannot_read_is_no_crash(token: bytes, root: Authority) -> None:
    parsed = root.certificate.asn1()
    parsed["tbs_certificate"]["version"] = 7
    with pytest.raises(BadTimestamp, match="cannot be read"):
        verify_token(token, DATA, [Certificate.from_der(parsed.dump(force=True))], "x")


def test_a_replayed_answer_is_refused(transport: Transport, root: Authority) -> None:
    old = transport(timestamp_request(DATA, 1))
    with pytest.raises(BadTimestamp, match="Nonce"):
        stamp_by(lambda _request: old, [root.certificate])(DATA)


def test_an_answer_about_another_digest_is_refused(transport: Transport, root: Authority) -> None:
    def other(request: bytes) -> bytes:
        nonce = tsp.TimeStampReq.load(request)["nonce"].native
        return transport(timestamp_request(bytes(32), nonce))

    with pytest.raises(BadTimestamp, match="Mismatch"):
        stamp_by(other, [root.certificate])(DATA)


def test_a_service_may_see_an_sm3_imprint(
    transport: Transport, stamp: Stamp, root: Authority, openssl: Judge, tmp_path: Path
) -> None:
    by_sm3 = stamp_by(transport, [root.certificate], imprints=("sm3",))
    token = by_sm3(DATA)
    assert verify_token(token, DATA, [root.certificate], "x")
    with pytest.raises(BadTimestamp):
        verify_token(token, DATA + b".", [root.certificate], "x")
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "data").write_bytes(DATA)
    digest = openssl("dgst -sm3 -r data").stdout.split()[0].decode()
    text = openssl("ts -reply -token_in -in token -text").stdout.decode()
    assert "Hash Algorithm: sm3" in text
    assert tsp.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed["message_imprint"][
        "hashed_message"
    ].native == bytes.fromhex(digest)


def test_a_service_that_takes_another_hash_than_asked_for_is_refused(
    transport: Transport, root: Authority
) -> None:
    def other(request: bytes) -> bytes:
        nonce = tsp.TimeStampReq.load(request)["nonce"].native
        return transport(timestamp_request(DATA, nonce, "sm3"))

    with pytest.raises(BadTimestamp, match="imprint is not by sha256"):
        stamp_by(other, [root.certificate])(DATA)


def test_a_refusal_says_why(transport: Transport, root: Authority) -> None:
    request = tsp.TimeStampReq.load(timestamp_request(DATA, 1))
    request["message_imprint"] = {"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": bytes(20)}
    with pytest.raises(BadTimestamp, match="refused: rejection Message digest algorithm is not supported"):
        stamp_by(lambda _request: transport(request.dump()), [root.certificate])(DATA)


def test_a_grant_without_a_token_is_refused(root: Authority) -> None:
    with pytest.raises(BadTimestamp, match="without a token"):
        stamp_by(lambda _request: bytes.fromhex("30053003020100"), [root.certificate])(DATA)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\x30\x00", bytes(300_000)])
def test_an_answer_that_is_none_is_refused(answer: bytes, root: Authority) -> None:
    with pytest.raises(BadTimestamp):
        stamp_by(lambda _request: answer, [root.certificate])(DATA)


def token_by(key: InMemoryKey, statement: bytes) -> bytes:
    """A token over a TSTInfo, signed by any key whatever its certificate says."""
    info = tsp.ContentInfo.load(cms.sign_attached(statement, key, NOW))
    info["content"]["version"] = "v3"
    info["content"]["encap_content_info"]["content_type"] = "tst_info"
    signer = info["content"]["signer_infos"][0]
    kept = [one for one in signer["signed_attrs"] if one["type"].native != "content_type"]
    attributes = cms_asn1.CMSAttributes([*kept, {"type": "content_type", "values": ["tst_info"]}])
    signer["signed_attrs"] = attributes
    message = attributes.untag().dump(force=True)
    signer["signature"] = key.sign([message], SignatureScheme.RSA_PKCS1_SHA256)[0]
    return bytes(info.dump(force=True))


def test_a_certificate_for_something_else_makes_no_timestamps(
    token: bytes, root: Authority, signer: InMemoryKey, tsa: InMemoryKey
) -> None:
    statement = bytes(tsp.ContentInfo.load(token)["content"]["encap_content_info"]["content"])
    assert verify_token(token_by(tsa, statement), DATA, [root.certificate], "x")
    with pytest.raises(BadTimestamp, match=r"EKU|purpose"):
        verify_token(token_by(signer, statement), DATA, [root.certificate], "x")


@pytest.mark.parametrize(
    ("change", "reason"), [("name", "names another"), ("nobody", "not named"), ("imprint", "imprint")]
)
def test_the_binding_to_the_certificate_and_the_digest_algorithm_is_checked(
    change: str, reason: str, token: bytes, root: Authority
) -> None:
    info = tsp.ContentInfo.load(token)
    signer = info["content"]["signer_infos"][0]
    if change == "imprint":
        wrapped = info["content"]["encap_content_info"]
        statement = wrapped["content"].parsed.copy()
        statement["message_imprint"]["hash_algorithm"] = {"algorithm": "sha512"}
        wrapped["content"] = core.ParsableOctetString(statement.dump(force=True))
    for attribute in list(signer["signed_attrs"]):
        if attribute["type"].native == "signing_certificate_v2" and change == "name":
            attribute["values"][0]["certs"][0]["cert_hash"] = bytes(32)
    if change == "nobody":
        kept = [one for one in signer["signed_attrs"] if one["type"].native != "signing_certificate_v2"]
        signer["signed_attrs"] = cms_asn1.CMSAttributes(kept)
    with pytest.raises(BadTimestamp, match=reason):
        verify_token(info.dump(force=True), DATA, [root.certificate], "x")


def test_a_service_outside_its_certificates_dates_is_refused(
    authority: Authority, root: Authority, tmp_path: Path
) -> None:
    past = datetime(2021, 1, 1, tzinfo=UTC)
    old = authority.issue("tsa", number=2, not_after=past)
    with pytest.raises(BadTimestamp):
        stamp_by(openssl_tsa(tmp_path, old), [root.certificate])(DATA)


@pytest.mark.parametrize("kind", ["p-256", "rsa-2048"])
def test_services_with_other_keys_work(kind: str, root: Authority, tmp_path: Path) -> None:
    direct = root.issue("tsa", kind, number=5)
    token = stamp_by(openssl_tsa(tmp_path, direct), [root.certificate])(DATA)
    assert verify_token(token, DATA, [root.certificate], "x").year >= 2026


def test_a_service_with_a_key_that_can_be_factored_is_refused(root: Authority, tmp_path: Path) -> None:
    """The library checks the chain, not how strong its links are."""
    weak = root.issue("tsa", "rsa-1024", number=6)
    with pytest.raises(BadTimestamp, match="weak key rsa-1024"):
        stamp_by(openssl_tsa(tmp_path, weak), [root.certificate])(DATA)


def test_the_token_of_a_response_is_the_token(transport: Transport, root: Authority) -> None:
    response = transport(timestamp_request(DATA, 7))
    assert verify_token(response_token(response, "x"), DATA, [root.certificate], "x")


# ------------------------------------------------------------------------------------------- fail-over


def unreachable(_data: bytes) -> bytes:
    raise Unreachable("tsa-1.example", "refused")


def broken(_data: bytes) -> bytes:
    raise BadTimestamp("timestamp", "garbage")


def test_fail_over_takes_the_first_that_works(stamp: Stamp, root: Authority) -> None:
    token = fail_over([unreachable, broken, stamp])(DATA)
    assert verify_token(token, DATA, [root.certificate], "x")


def test_fail_over_collects_the_reasons() -> None:
    with pytest.raises(BadTimestamp, match=r"tsa-1\.example.*garbage"):
        fail_over([unreachable, broken])(DATA)
    with pytest.raises(TimestampUnreachable, match=r"tsa-1\.example") as caught:
        fail_over([unreachable, unreachable])(DATA)
    assert caught.value.retryable
    with pytest.raises(BadTimestamp, match="no timestamp service"):
        fail_over([])(DATA)


def test_fail_over_hides_no_fault_of_the_program() -> None:
    def fault(_request: bytes) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_over([stamp_by(fault, []), unreachable])(DATA)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_flipped_bits_give_only_our_errors(data: st.DataObject, token: bytes, root: Authority) -> None:
    flipped = bytearray(token)
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        at: datetime | None = verify_token(bytes(flipped), DATA, [root.certificate], "x")
    except BidError:
        at = None
    # What no signature covers (the order of certificates, spare ones) may change; the time may not.
    assert at in (None, verify_token(token, DATA, [root.certificate], "x"))
