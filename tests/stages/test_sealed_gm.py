"""Suite gm-1: sealed with SM4-GCM and SM3 to SM2 keys, recomputed from its parts, opened by stock tools."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from bidclient import resource
from bidclient.crypto import cms
from bidclient.crypto.sm import sm3
from bidclient.errors import BadEnvelope, BadSeal, DamagedChunk, Mismatch, WrongSecret
from bidclient.formats import canonical
from bidclient.formats.bseal import read_frame
from bidclient.formats.tally import Tally
from bidclient.formats.wraps import Recipient, combine, unwrap_secret, unwrap_with_code
from bidclient.stages import sealed as stage
from bidclient.stages.sealed import Sealed
from bidclient.stages.sealing import seal
from bidclient.stages.signed import SignedBid, read_signed, verify_signed
from bidclient.stages.stub import Stub, check_stub, make_stub, read_stub
from bidclient.stages.tender import Tender
from tests.support.pki import NOW
from tests.support.sealing import CHUNK, CODE, Keys, make_bid, make_sm2_keys, make_tender, spoil
from tests.support.sm2_pki import Sm2Authority

STEP = CHUNK + 16


@pytest.fixture(scope="module")
def sm2_root() -> Sm2Authority:
    return Sm2Authority.root()


@pytest.fixture(scope="module")
def keys(sm2_root: Sm2Authority) -> Keys:
    return make_sm2_keys(sm2_root)


@pytest.fixture(scope="module")
def tender(keys: Keys) -> Tender:
    return make_tender(keys, 2, suites=("intl-1", "gm-1"))


@pytest.fixture(scope="module")
def original(
    keys: Keys, tender: Tender, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SignedBid, Sealed, bytes]:
    """The signed bid, the sealed one and its stub."""
    folder = tmp_path_factory.mktemp("gm")
    bid = make_bid(folder, tender, keys, [9000, 30000])
    recipients = (*keys.bidder, Recipient("second-lock", keys.second.certificate))
    made = seal(bid, tender, recipients, folder / "bid.sealed", recovery_code=CODE, chunk=CHUNK)
    return bid, made, make_stub(made, bid, keys.signing, NOW)


@pytest.fixture
def sealed(original: tuple[SignedBid, Sealed, bytes], tmp_path: Path) -> Path:
    """The sealed bid where a test may spoil it."""
    return shutil.copyfile(original[1].path, tmp_path / "bid.sealed")


def test_sm2_keys_choose_the_national_suite_where_the_tender_takes_it(
    original: tuple[SignedBid, Sealed, bytes], keys: Keys, tmp_path: Path
) -> None:
    bid, made, _ = original
    assert made.header.suite == 2
    assert len(made.sm3) == 64
    for suites, number in ((("intl-1",), 1), (("gm-1",), 2)):
        other = make_tender(keys, 2, suites=suites)
        folder = tmp_path / suites[0]
        folder.mkdir()
        again = make_bid(folder, other, keys, [100, 100])
        assert seal(again, other, keys.bidder, folder / "bid.sealed").header.suite == number
    assert read_signed(bid.path).signatures[0].signer.key_algorithm == "sm2"


def test_everybody_opens_it(
    original: tuple[SignedBid, Sealed, bytes], keys: Keys, sm2_root: Sm2Authority, tmp_path: Path
) -> None:
    bid, made, _ = original
    frame = read_frame(made.path)
    secrets = [unwrap_secret(frame, key) for key in (keys.encryption, keys.second)]
    secrets.append(unwrap_with_code(frame, CODE))
    assert secrets[0] == secrets[1] == secrets[2]
    stage.unseal(made.path, secrets[0], tmp_path / "opened")
    assert (tmp_path / "opened").read_bytes() == bid.path.read_bytes()
    assert (
        stage.read_range(made.path, secrets[0], CHUNK - 5, 10) == bid.path.read_bytes()[CHUNK - 5 : CHUNK + 5]
    )
    rehearsed = stage.rehearse(made.path, keys.encryption, bid)
    assert (rehearsed.decrypted, rehearsed.file_root) == (True, made.file_root)
    assert verify_signed(read_signed(tmp_path / "opened"), [sm2_root.certificate], [], NOW)


def test_the_digests_are_those_of_the_standard_tools(original: tuple[SignedBid, Sealed, bytes]) -> None:
    made = original[1]
    data, offset = made.path.read_bytes(), read_frame(made.path).payload_offset
    said = subprocess.run(
        ["openssl", "dgst", "-sm3", "-r", made.path], capture_output=True, check=True
    ).stdout
    assert said.split()[0].decode() == made.sm3
    assert hashlib.sha256(data).hexdigest() == made.sha256
    leaves = tuple(sm3(data[at : at + STEP]) for at in range(offset, len(data), STEP))
    assert made.leaves == leaves
    assert made.file_root == sm3(sm3(data[:offset]) + b"".join(leaves)).hex()
    tally = Tally(read_frame(made.path))
    tally.update(data)
    found = tally.result()
    assert (found.sha256, found.sm3, found.file_root, found.leaves) == (
        made.sha256,
        made.sm3,
        made.file_root,
        leaves,
    )
    assert stage.read_sealed(made.path) == made


def test_the_chunks_are_plain_sm4_gcm_under_plain_hkdf(
    original: tuple[SignedBid, Sealed, bytes], keys: Keys
) -> None:
    bid, made, _ = original
    frame = read_frame(made.path)
    secret = bytes(unwrap_secret(frame, keys.encryption))
    extract = HMAC(frame.header.salt_bytes, SM3())
    extract.update(secret)
    info = b"bidseal/1|\x02|" + sm3(frame.prefix[:-32])
    material = HKDFExpand(SM3(), 60, info).derive(extract.finalize())
    key, base, commitment = material[:16], material[16:28], material[28:]
    assert commitment == frame.commitment
    payload, plain = made.path.read_bytes()[frame.payload_offset :], bid.path.read_bytes()
    for index in range(len(made.leaves)):
        number = index.to_bytes(8, "big")
        nonce = bytes(a ^ b for a, b in zip(base, bytes(4) + number, strict=True))
        chunk = payload[index * STEP : (index + 1) * STEP]
        opener = Cipher(algorithms.SM4(key), modes.GCM(nonce, chunk[-16:])).decryptor()
        opener.authenticate_additional_data(number + bytes([index == len(made.leaves) - 1]))
        text = opener.update(chunk[:-16]) + opener.finalize()
        assert text == plain[index * CHUNK : (index + 1) * CHUNK]


def test_what_is_spoilt_opens_nothing(sealed: Path, keys: Keys) -> None:
    frame = read_frame(sealed)
    secret = unwrap_secret(frame, keys.encryption)
    out = sealed.with_name("out")
    for place, error in (
        (frame.payload_offset + STEP + 7, DamagedChunk),
        (frame.size - 1, DamagedChunk),
        (frame.payload_offset - 1, BadSeal),
        (len(frame.prefix) - 1, WrongSecret),
    ):
        spoil(sealed, place)
        with pytest.raises(error):
            stage.unseal(sealed, secret, out)
        spoil(sealed, place)
    assert not out.exists()
    stage.unseal(sealed, secret, out)


def test_the_suite_is_committed_to(sealed: Path, keys: Keys) -> None:
    frame = read_frame(sealed)
    secret = unwrap_secret(frame, keys.encryption)
    header = canonical.dumps(msgspec.structs.replace(frame.header, suite=1))
    data = bytearray(sealed.read_bytes())
    place = data.index(canonical.dumps(frame.header))
    data[place : place + len(header)] = header
    sealed.write_bytes(data)
    other = read_frame(sealed)
    assert other.header.suite == 1
    with pytest.raises(BadEnvelope):
        unwrap_secret(other, keys.encryption)
    with pytest.raises(WrongSecret):
        stage.unseal(sealed, secret, sealed.with_name("out"))


def test_the_stub_names_the_file_by_both_hashes(
    original: tuple[SignedBid, Sealed, bytes], keys: Keys
) -> None:
    _, made, data = original
    found = read_stub(data)
    assert (found.stub.suite, found.stub.sealed_sm3) == ("gm-1", made.sm3)
    assert check_stub(found, made) is found
    forged = msgspec.structs.replace(found.stub, sealed_sm3="00" * 32)
    resigned = stub_of(forged, keys)
    with pytest.raises(Mismatch) as caught:
        check_stub(read_stub(resigned), made)
    assert caught.value.field == "sealed_sm3"
    for wrong in ({"sealed_sm3": ""}, {"suite": "intl-1"}):
        with pytest.raises(Mismatch):
            read_stub(stub_of(msgspec.structs.replace(found.stub, **wrong), keys))


def test_joint_control_takes_both_shares(keys: Keys, tmp_path: Path) -> None:
    tender = make_tender(keys, 1, policy="all", suites=("gm-1",))
    bid = make_bid(tmp_path, tender, keys, [5000])
    made = seal(bid, tender, keys.bidder, tmp_path / "bid.sealed", chunk=CHUNK)
    frame = read_frame(made.path)
    shares = [unwrap_secret(frame, key) for key in (keys.encryption, keys.tenderer)]
    stage.unseal(made.path, combine(*shares), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == bid.path.read_bytes()
    with pytest.raises(WrongSecret):
        stage.unseal(made.path, shares[0], tmp_path / "never")


def stub_of(stub: Stub, keys: Keys) -> bytes:
    return cms.sign_attached(canonical.dumps(stub), keys.signing, NOW)


# --------------------------------------------------------------------------------------------- stock tools


def script(folder: Path, name: str, ca: str, out: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(resource.find("verify/verify-sealed.sh")), "bid.sealed", "bid.stub"]
    command += [f"{name}.pem", f"{name}.key", out, *([ca] if ca else [])]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def desk(original: tuple[SignedBid, Sealed, bytes], sealed: Path, keys: Keys, sm2_root: Sm2Authority) -> Path:
    """bid.sealed, bid.stub, the keys and the root as PEM."""
    folder = sealed.parent
    (folder / "bid.stub").write_bytes(original[2])
    for name, key in (("bidder", keys.encryption), ("second", keys.second), ("other", keys.tenderer)):
        (folder / f"{name}.key").write_bytes(key.pem)
        (folder / f"{name}.pem").write_bytes(key.certificate.pem)
    (folder / "ca.pem").write_bytes(keys.second.certificate.pem + sm2_root.certificate.pem)
    (folder / "stranger.pem").write_bytes(Sm2Authority.root().certificate.pem)
    return folder


def test_the_script_opens_it(desk: Path, original: tuple[SignedBid, Sealed, bytes]) -> None:
    done = script(desk, "bidder", "ca.pem", "out")
    assert done.returncode == 0, done.stderr
    for line in ("sealed_sm3", "commitment", "signature of the stub", "signature of the bid"):
        assert f"ok  {line}" in done.stdout
    assert (desk / "out" / "bid.asice").read_bytes() == original[0].path.read_bytes()
    assert script(desk, "second", "", "out-second").returncode == 0


def test_the_script_fails_on_what_is_wrong(desk: Path, original: tuple[SignedBid, Sealed, bytes]) -> None:
    sealed, stub = desk / "bid.sealed", desk / "bid.stub"
    frame = read_frame(sealed)
    assert "signature of the stub" in script(desk, "bidder", "stranger.pem", "out-ca").stderr
    assert "wrapped to this certificate" in script(desk, "other", "", "out-other").stderr
    for path, place in (
        (sealed, frame.payload_offset + STEP),
        (sealed, len(frame.prefix) - 1),
        (sealed, len(frame.prefix) - 40),
        (stub, stub.read_bytes().index(original[1].sm3.encode())),
        (stub, len(original[2]) - 3),
    ):
        spoil(path, place)
        done = script(desk, "bidder", "ca.pem", f"out-{path.name}-{place}")
        assert done.returncode != 0
        assert "FAILED" in done.stderr
        spoil(path, place)
    assert script(desk, "bidder", "ca.pem", "out-good").returncode == 0
