"""PFX files: what lies beside them, what is in them, and what happens when the two differ."""

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509 import load_der_x509_certificate
from hypothesis import given, settings
from hypothesis import strategies as st

from bidclient.ask import Nobody
from bidclient.crypto.private_key import WrapScheme
from bidclient.errors import BadEnvelope, BidError, FileProblem, KeyRefused, TokenSwapped
from bidclient.keys.soft import SoftKey, SoftSource
from tests.support.pki import Authority, InMemoryKey
from tests.support.softhsm import PIN, Judge, write_pfx


@pytest.fixture
def pfx(tmp_path: Path, pairs: dict[str, list[InMemoryKey]]) -> Path:
    return write_pfx(tmp_path / "公司 key.pfx", pairs["p-256"][0])


def test_the_id_is_the_path_and_the_fingerprint(pfx: Path) -> None:
    (key,) = SoftSource([pfx]).keys()
    assert key.id == f"{pfx}:{key.certificate.sha256[:8]}"
    assert (key.source, key.module, key.token_serial) == ("pfx", "", "")
    assert pfx.name in key.label


@pytest.mark.parametrize("suffix", [".pem", ".crt", ".cer"])
@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_the_certificate_beside_may_have_each_usual_name_and_form(pfx: Path, suffix: str, form: str) -> None:
    (before,) = SoftSource([pfx]).keys()
    pfx.with_suffix(".pem").unlink()
    certificate = before.certificate
    pfx.with_suffix(suffix).write_bytes(certificate.pem if form == "PEM" else certificate.der)
    assert SoftSource([pfx]).keys() == [before]


def test_a_file_without_its_certificate_is_not_listed_and_logged(
    pfx: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pfx.with_suffix(".pem").unlink()
    assert SoftSource([pfx]).keys() == []
    assert pfx.name in caplog.text


@pytest.mark.parametrize("content", [b"", b"not a certificate"])
def test_a_broken_certificate_beside_hides_only_its_own_file(
    pfx: Path, content: bytes, pairs: dict[str, list[InMemoryKey]]
) -> None:
    other = write_pfx(pfx.with_name("other.pfx"), pairs["p-256"][1])
    pfx.with_suffix(".pem").write_bytes(content)
    assert [key.token_label for key in SoftSource([pfx, other]).keys()] == ["other.pfx"]  # noqa: SIM118


def test_a_certificate_of_another_key_beside_is_found_out(
    pfx: Path, pairs: dict[str, list[InMemoryKey]]
) -> None:
    pfx.with_suffix(".pem").write_bytes(pairs["p-256"][1].certificate.pem)
    source = SoftSource([pfx])
    with pytest.raises(TokenSwapped) as caught, source.unlock(source.keys()[0], Nobody(PIN)):
        pass
    assert caught.value.wanted == pairs["p-256"][1].certificate.sha256
    assert caught.value.found == pairs["p-256"][0].certificate.sha256


@pytest.mark.parametrize("same", [True, False])
def test_a_file_with_nothing_but_a_key_is_compared_by_the_key(
    pfx: Path, same: bool, pairs: dict[str, list[InMemoryKey]]
) -> None:
    key = pairs["p-256"][0 if same else 1].key
    data = pkcs12.serialize_key_and_certificates(None, key, None, None, BestAvailableEncryption(PIN))
    pfx.write_bytes(data)
    source = SoftSource([pfx])
    unlocking = source.unlock(source.keys()[0], Nobody(PIN))
    if same:
        with unlocking as unlocked:
            assert unlocked.certificate == pairs["p-256"][0].certificate
    else:
        with pytest.raises(TokenSwapped), unlocking:
            pass


def test_a_file_without_a_key_is_refused(pfx: Path) -> None:
    issuer = load_der_x509_certificate(Authority.root().certificate.der)
    pfx.write_bytes(
        pkcs12.serialize_key_and_certificates(None, None, None, [issuer], BestAvailableEncryption(PIN))
    )
    source = SoftSource([pfx])
    with pytest.raises(KeyRefused), source.unlock(source.keys()[0], Nobody(PIN)):
        pass


def test_a_file_that_went_away_or_is_no_pfx_says_so(pfx: Path) -> None:
    source = SoftSource([pfx])
    (key,) = source.keys()
    pfx.write_bytes(b"something else")
    with pytest.raises(FileProblem, match="PKCS#12"), source.unlock(key, Nobody(PIN)):
        pass
    pfx.unlink()
    with pytest.raises(FileProblem), source.unlock(key, Nobody(PIN)):
        pass
    assert source.keys() == []


def test_a_huge_file_is_not_read(pfx: Path) -> None:
    source = SoftSource([pfx])
    (key,) = source.keys()
    with pfx.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(FileProblem, match="more than"), source.unlock(key, Nobody(PIN)):
        pass


def test_a_pfx_of_openssl_opens(tmp_path: Path, openssl: Judge, pairs: dict[str, list[InMemoryKey]]) -> None:
    owner = pairs["rsa-2048"][0]
    (tmp_path / "key.pem").write_bytes(owner.pem)
    (tmp_path / "made.pem").write_bytes(owner.certificate.pem)
    # A password in an argument is fine for a key of a test.
    made: subprocess.CompletedProcess[bytes] = openssl(
        "pkcs12", "-export", "-inkey", "key.pem", "-in", "made.pem", "-out", "made.pfx",
        "-passout", f"pass:{PIN.decode()}",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    source = SoftSource([tmp_path / "made.pfx"])
    with source.unlock(source.keys()[0], Nobody(PIN)) as key:
        assert key.certificate == owner.certificate


@settings(max_examples=40, deadline=None)
@given(place=st.integers(0), flip=st.integers(1, 255))
def test_a_damaged_file_is_an_error_of_ours_or_still_right(
    tmp_path_factory: pytest.TempPathFactory, pfx_folder: Path, place: int, flip: int
) -> None:
    good = pfx_folder / "p-256-signing.pfx"
    folder = tmp_path_factory.mktemp("damaged")
    data = bytearray(good.read_bytes())
    data[place % len(data)] ^= flip
    (folder / good.name).write_bytes(data)
    (folder / "p-256-signing.pem").write_bytes(good.with_suffix(".pem").read_bytes())
    source = SoftSource([folder / good.name])
    (info,) = source.keys()
    with suppress(BidError), source.unlock(info, Nobody(PIN)) as key:
        assert key.certificate == info.certificate


def test_an_rsa_key_agrees_on_nothing_and_an_ec_key_decrypts_nothing(
    pairs: dict[str, list[InMemoryKey]],
) -> None:
    rsa, ec = (SoftKey(pairs[kind][1].key, pairs[kind][1].certificate) for kind in ("rsa-2048", "p-256"))
    with pytest.raises(BadEnvelope):
        rsa.agree(b"\x04" + bytes(64))
    with pytest.raises(BadEnvelope):
        ec.decrypt(bytes(256), WrapScheme.RSA_PKCS1)
    with pytest.raises(BadEnvelope):
        ec.agree(b"\x04" + bytes(64))
