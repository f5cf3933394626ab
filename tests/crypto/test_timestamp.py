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
from bidclient.crypto.private_key import SignatureScheme
from bidclient.crypto.timestamp import (
    Stamp,
    fail_over,
    response_token,
    stamp_by,
    timestamp_request,
    verify_token,
)
from bidclient.errors import BadTimestamp, BidError, Unreachable
from tests.crypto.conftest import Judge
from tests.support.pki import NOW, Authority, InMemoryKey, openssl_tsa

DIGEST = hashlib.sha256(b"signature value").digest()
Transport = Callable[[bytes], bytes]


@pytest.fixture(scope="session")
def transport(tmp_path_factory: pytest.TempPathFactory, tsa: InMemoryKey) -> Transport:
    return openssl_tsa(tmp_path_factory.mktemp("tsa"), tsa)


@pytest.fixture(scope="session")
def stamp(transport: Transport, root: Authority) -> Stamp:
    return stamp_by(transport, [root.certificate])


@pytest.fixture(scope="session")
def token(stamp: Stamp) -> bytes:
    return stamp(DIGEST)


def test_a_token_gives_its_time(token: bytes, root: Authority) -> None:
    at = verify_token(token, DIGEST, [root.certificate], "x")
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
    (tmp_path / "q").write_bytes(timestamp_request(DIGEST, 0xABCDEF))
    text = openssl("ts -query -in q -text").stdout.decode()
    assert "Hash Algorithm: sha256" in text
    assert "Nonce: 0xABCDEF" in text
    assert "Certificate required: yes" in text


def test_a_timestamped_signature_satisfies_openssl_and_us(
    signer: InMemoryKey, stamp: Stamp, root: Authority, openssl: Judge, tmp_path: Path
) -> None:
    (tmp_path / "content").write_bytes(b"content")
    (tmp_path / "ca.pem").write_bytes(root.certificate.pem)
    digest = hashlib.sha256(b"content").digest()
    data = cms.sign_detached(digest, signer, NOW, stamp)
    (tmp_path / "s.p7s").write_bytes(data)
    verify = "cms -verify -cades -binary -inform DER -purpose any -CAfile ca.pem -in s.p7s -out out"
    assert openssl(f"{verify} -content content").returncode == 0
    signed = cms.verify_detached(data, digest, "x")
    assert signed.timestamp is not None
    imprint = hashlib.sha256(signed.signature).digest()
    assert verify_token(signed.timestamp, imprint, [root.certificate], "x") > NOW - timedelta(days=1500)
    with pytest.raises(BadTimestamp):
        verify_token(signed.timestamp, digest, [root.certificate], "x")


def test_another_digest_or_anchor_is_refused(token: bytes, root: Authority, stranger: Authority) -> None:
    for digest, anchors in (
        (bytes(32), [root.certificate]),
        (DIGEST, [stranger.certificate]),
        (DIGEST, []),
        (b"", [root.certificate]),
    ):
        with pytest.raises(BadTimestamp):
            verify_token(token, digest, anchors, "x")


def test_a_replayed_answer_is_refused(transport: Transport, root: Authority) -> None:
    old = transport(timestamp_request(DIGEST, 1))
    with pytest.raises(BadTimestamp, match="Nonce"):
        stamp_by(lambda _request: old, [root.certificate])(DIGEST)


def test_an_answer_about_another_digest_is_refused(transport: Transport, root: Authority) -> None:
    def other(request: bytes) -> bytes:
        nonce = tsp.TimeStampReq.load(request)["nonce"].native
        return transport(timestamp_request(bytes(32), nonce))

    with pytest.raises(BadTimestamp, match="Mismatch"):
        stamp_by(other, [root.certificate])(DIGEST)


def test_a_refusal_says_why(transport: Transport, root: Authority) -> None:
    request = tsp.TimeStampReq.load(timestamp_request(DIGEST, 1))
    request["message_imprint"] = {"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": bytes(20)}
    with pytest.raises(BadTimestamp, match="refused: rejection Message digest algorithm is not supported"):
        stamp_by(lambda _request: transport(request.dump()), [root.certificate])(DIGEST)


def test_a_grant_without_a_token_is_refused(root: Authority) -> None:
    with pytest.raises(BadTimestamp, match="without a token"):
        stamp_by(lambda _request: bytes.fromhex("30053003020100"), [root.certificate])(DIGEST)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\x30\x00", bytes(300_000)])
def test_an_answer_that_is_none_is_refused(answer: bytes, root: Authority) -> None:
    with pytest.raises(BadTimestamp):
        stamp_by(lambda _request: answer, [root.certificate])(DIGEST)


def token_by(key: InMemoryKey, statement: bytes) -> bytes:
    """A token over a TSTInfo, signed by any key whatever its certificate says."""
    info = tsp.ContentInfo.load(cms.sign_attached(statement, key, NOW))
    info["content"]["version"] = "v3"
    info["content"]["encap_content_info"]["content_type"] = "tst_info"
    signer = info["content"]["signer_infos"][0]
    kept = [one for one in signer["signed_attrs"] if one["type"].native != "content_type"]
    attributes = cms_asn1.CMSAttributes([*kept, {"type": "content_type", "values": ["tst_info"]}])
    signer["signed_attrs"] = attributes
    digest = hashlib.sha256(attributes.untag().dump(force=True)).digest()
    signer["signature"] = key.sign([digest], SignatureScheme.RSA_PKCS1_SHA256)[0]
    return bytes(info.dump(force=True))


def test_a_certificate_for_something_else_makes_no_timestamps(
    token: bytes, root: Authority, signer: InMemoryKey, tsa: InMemoryKey
) -> None:
    statement = bytes(tsp.ContentInfo.load(token)["content"]["encap_content_info"]["content"])
    assert verify_token(token_by(tsa, statement), DIGEST, [root.certificate], "x")
    with pytest.raises(BadTimestamp, match=r"EKU|purpose"):
        verify_token(token_by(signer, statement), DIGEST, [root.certificate], "x")


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
        verify_token(info.dump(force=True), DIGEST, [root.certificate], "x")


def test_a_service_outside_its_certificates_dates_is_refused(
    authority: Authority, root: Authority, tmp_path: Path
) -> None:
    past = datetime(2021, 1, 1, tzinfo=UTC)
    old = authority.issue("tsa", number=2, not_after=past)
    with pytest.raises(BadTimestamp):
        stamp_by(openssl_tsa(tmp_path, old), [root.certificate])(DIGEST)


@pytest.mark.parametrize("kind", ["p-256", "rsa-2048"])
def test_services_with_other_keys_work(kind: str, root: Authority, tmp_path: Path) -> None:
    direct = root.issue("tsa", kind, number=5)
    token = stamp_by(openssl_tsa(tmp_path, direct), [root.certificate])(DIGEST)
    assert verify_token(token, DIGEST, [root.certificate], "x").year >= 2026


def test_the_token_of_a_response_is_the_token(transport: Transport, root: Authority) -> None:
    response = transport(timestamp_request(DIGEST, 7))
    assert verify_token(response_token(response, "x"), DIGEST, [root.certificate], "x")


# ------------------------------------------------------------------------------------------- fail-over


def unreachable(_digest: bytes) -> bytes:
    raise Unreachable("tsa-1.example", "refused")


def broken(_digest: bytes) -> bytes:
    raise BadTimestamp("timestamp", "garbage")


def test_fail_over_takes_the_first_that_works(stamp: Stamp, root: Authority) -> None:
    token = fail_over([unreachable, broken, stamp])(DIGEST)
    assert verify_token(token, DIGEST, [root.certificate], "x")


def test_fail_over_collects_the_reasons() -> None:
    with pytest.raises(BadTimestamp, match=r"tsa-1\.example.*garbage"):
        fail_over([unreachable, broken])(DIGEST)
    with pytest.raises(Unreachable, match=r"tsa-1\.example") as caught:
        fail_over([unreachable, unreachable])(DIGEST)
    assert caught.value.retryable
    with pytest.raises(BadTimestamp, match="no timestamp service"):
        fail_over([])(DIGEST)


def test_fail_over_hides_no_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        fail_over([stamp_by(lambda _request: b"", [])])(b"short")


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_flipped_bits_give_only_our_errors(data: st.DataObject, token: bytes, root: Authority) -> None:
    flipped = bytearray(token)
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        at: datetime | None = verify_token(bytes(flipped), DIGEST, [root.certificate], "x")
    except BidError:
        at = None
    # What no signature covers (the order of certificates, spare ones) may change; the time may not.
    assert at in (None, verify_token(token, DIGEST, [root.certificate], "x"))
