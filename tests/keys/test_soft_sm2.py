"""SM2 keys in files: as PEM text and as PFX, ours and OpenSSL's, under the rules of every other key."""

from contextlib import suppress
from pathlib import Path

import pytest
from asn1crypto import pem
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.ask import Nobody
from bidclient.crypto import cms
from bidclient.crypto.private_key import SignatureScheme
from bidclient.errors import (
    BadEnvelope,
    BidError,
    FileProblem,
    KeyRefused,
    PinWrong,
    TokenSwapped,
    WrongKey,
)
from bidclient.keys.probe import probe
from bidclient.keys.soft import SoftSource
from tests.support.pki import InMemoryKey
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey
from tests.support.softhsm import PIN, Judge, Typist, write_pfx

SM2 = SignatureScheme.SM2_SM3
PASSWORD = f"pass:{PIN.decode()}"  # fine in an argument for a key of a test


@pytest.fixture(scope="session")
def owner() -> Sm2InMemoryKey:
    return Sm2Authority.root().intermediate().issue("signing")


@pytest.fixture(scope="session")
def opener() -> Sm2InMemoryKey:
    return Sm2Authority.root().intermediate().issue("encryption")


def write_key(path: Path, key: Sm2InMemoryKey, password: bytes = PIN) -> Path:
    """An encrypted key as PEM text, and beside it the certificate and its chain."""
    path.write_bytes(pem.armor("ENCRYPTED PRIVATE KEY", key.key.to_pkcs8(password)))
    path.with_suffix(".pem").write_bytes(key.certificate.pem + b"".join(one.pem for one in key.chain))
    return path


@pytest.fixture(params=["key", "openssl key", "openssl pfx"])
def written(request: pytest.FixtureRequest, owner: Sm2InMemoryKey, openssl: Judge, tmp_path: Path) -> Path:
    """The same key in each kind of file."""
    if request.param == "key":
        return write_key(tmp_path / "公司 sm2.key", owner)
    plain = tmp_path / "plain"
    plain.write_bytes(owner.pem)
    path = tmp_path / ("公司 sm2.pfx" if request.param == "openssl pfx" else "公司 sm2.key")
    path.with_suffix(".pem").write_bytes(owner.certificate.pem + b"".join(one.pem for one in owner.chain))
    if path.suffix == ".pfx":
        certificate = path.with_suffix(".pem")
        made = openssl(
            "pkcs12", "-export", "-inkey", plain, "-in", certificate, "-out", path, "-passout", PASSWORD
        )
    else:
        made = openssl("pkcs8", "-topk8", "-in", plain, "-out", path, "-passout", PASSWORD)
    assert made.returncode == 0, made.stderr
    return path


def test_the_key_is_listed_and_signs(
    written: Path, owner: Sm2InMemoryKey, openssl: Judge, tmp_path: Path
) -> None:
    source, typist = SoftSource([written]), Typist(PIN)
    (info,) = source.keys()
    assert (info.id, info.can_sign) == (f"{written}:{owner.certificate.sha256[:8]}", True)
    with source.unlock(info, typist) as key:
        assert (key.certificate, key.chain) == (owner.certificate, owner.chain)
        signatures = key.sign([b"one", b"two"], SM2)
        assert probe(key, lambda: 1.0).scheme is SM2
        with pytest.raises(KeyRefused):
            key.sign([b"one"], SignatureScheme.ECDSA_SHA256)
    assert len(typist.shown) == 1
    (tmp_path / "c.pem").write_bytes(owner.certificate.pem)
    (tmp_path / "s").write_bytes(signatures[1])
    for message, right in ((b"two", True), (b"one", False)):
        (tmp_path / "m").write_bytes(message)
        judged = openssl(
            "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678",
            "-certin", "-inkey", "c.pem", "-sigfile", "s", "-in", "m",
        )  # fmt: skip
        assert (judged.returncode == 0) is right


def test_a_wrong_password_is_tried_once(written: Path) -> None:
    source, typist = SoftSource([written]), Typist(b"wrong", PIN)
    with pytest.raises(PinWrong), source.unlock(source.keys()[0], typist):
        pass
    assert len(typist.shown) == 1


def test_envelopes_open_and_damaged_ones_do_not(
    opener: Sm2InMemoryKey, owner: Sm2InMemoryKey, tmp_path: Path
) -> None:
    source = SoftSource([write_key(tmp_path / "e.key", opener)])
    envelope = cms.make_envelope(b"secret", opener.certificate)
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        assert key.unwrap(envelope) == b"secret"
        damaged = bytearray(envelope)
        damaged[envelope.index(b"\x04\x20") + 2] ^= 1
        with pytest.raises(BadEnvelope):
            key.unwrap(bytes(damaged))
        with pytest.raises(WrongKey):
            key.unwrap(cms.make_envelope(b"secret", Sm2Authority.root().issue("encryption").certificate))
        assert probe(key, lambda: 1.0).open_seconds == 0


def test_a_certificate_of_another_key_beside_is_found_out(written: Path, opener: Sm2InMemoryKey) -> None:
    written.with_suffix(".pem").write_bytes(opener.certificate.pem)
    source = SoftSource([written])
    with pytest.raises(TokenSwapped), source.unlock(source.keys()[0], Nobody(PIN)):
        pass


def test_what_is_no_encrypted_sm2_key_is_refused(
    owner: Sm2InMemoryKey, pairs: dict[str, list[InMemoryKey]], openssl: Judge, tmp_path: Path
) -> None:
    path = write_key(tmp_path / "x.key", owner)
    source = SoftSource([path])
    (info,) = source.keys()
    foreign = write_pfx(tmp_path / "p256.pfx", pairs["p-256"][0]).read_bytes()
    for content, error in (
        (b"", FileProblem),
        (b"something else", FileProblem),
        (b"-----BEGIN NOTHING", FileProblem),
        (owner.pem, KeyRefused),
        (path.read_bytes() * 2, KeyRefused),
        (foreign, KeyRefused),
    ):
        path.write_bytes(content)
        with pytest.raises(error), source.unlock(info, Nobody(PIN)):
            pass


def test_the_certificate_may_have_the_name_that_the_key_leaves_it(
    owner: Sm2InMemoryKey, tmp_path: Path
) -> None:
    path = write_key(tmp_path / "x.key", owner)
    path.with_suffix(".pem").rename(tmp_path / "x.crt")
    source = SoftSource([path.rename(tmp_path / "x.pem")])
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        assert key.sign([b"x"], SM2)


@settings(max_examples=10, deadline=None)
@given(place=st.integers(0), flip=st.integers(1, 255))
def test_a_damaged_file_is_an_error_of_ours_or_still_right(
    tmp_path_factory: pytest.TempPathFactory, owner: Sm2InMemoryKey, place: int, flip: int
) -> None:
    path = write_key(tmp_path_factory.mktemp("damaged") / "x.key", owner)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= flip
    path.write_bytes(data)
    source = SoftSource([path])
    (info,) = source.keys()
    with suppress(BidError), source.unlock(info, Nobody(PIN)) as key:
        assert key.certificate == owner.certificate
