"""Stock tools open a sealed bid: openssl for the secret, a short shell script for all of it."""

import subprocess
from pathlib import Path

import pytest

from bidclient import resource
from bidclient.crypto import recovery
from bidclient.crypto.private_key import PrivateKey
from bidclient.crypto.recovery import new_code as new_recovery_code
from bidclient.errors import BadEnvelope, WrongSecret
from bidclient.formats import bseal
from bidclient.formats.bseal import read_frame
from bidclient.formats.wraps import Recipient, unwrap_secret, wrap_secret
from bidclient.stages.sealed import Sealed
from bidclient.stages.sealing import seal
from bidclient.stages.stub import make_stub
from tests.support.pki import NOW, Authority
from tests.support.sealing import Keys, make_bid, make_keys, make_tender

CODE = new_recovery_code()


@pytest.fixture(scope="module")
def keys() -> Keys:
    return make_keys(Authority.root())


@pytest.fixture
def sealed(tmp_path: Path, keys: Keys) -> Sealed:
    """bid.sealed with bid.stub beside it, and the keys as PEM."""
    tender = make_tender(keys, 2)
    bid = make_bid(tmp_path / "bid", tender, keys, [1_500_000, 40_000])
    recipients = (*keys.bidder, Recipient("second-lock", keys.second.certificate))
    made = seal(bid, tender, recipients, tmp_path / "bid.sealed", recovery_code=CODE, chunk=65536)
    (tmp_path / "bid.stub").write_bytes(make_stub(made, bid, keys.signing, NOW))
    for name, key in (("bidder", keys.encryption), ("second", keys.second), ("other", keys.tenderer)):
        (tmp_path / f"{name}.key").write_bytes(key.pem)
        (tmp_path / f"{name}.pem").write_bytes(key.certificate.pem)
    (tmp_path / "ca.pem").write_bytes(Authority.root().certificate.pem)
    return made


def decrypt(folder: Path, envelope: bytes, name: str) -> bytes | None:
    """The content of a wrap by `openssl cms -decrypt`; None when it refuses."""
    (folder / "wrap.der").write_bytes(envelope)
    command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "wrap.der"]
    command += ["-recip", f"{name}.pem", "-inkey", f"{name}.key"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def test_openssl_recovers_the_eighty_bytes(sealed: Sealed, keys: Keys, tmp_path: Path) -> None:
    frame = read_frame(sealed.path)
    secret = bytes(unwrap_secret(frame, keys.encryption))
    found = {
        str(wrap.role): envelope for wrap, envelope in zip(sealed.header.wraps, frame.wraps, strict=True)
    }
    for name, role in (("bidder", "bidder"), ("second", "second-lock")):
        content = decrypt(tmp_path, found[role], name)
        assert content is not None
        assert content[:40] == b"BIDCS1\0\0" + secret
        assert content[72:] == bytes(8)
        assert len(content) == 80
        assert decrypt(tmp_path, found[role], "other") != content
    assert recovery.unwrap(found["recovery"], CODE, frame.header.salt_bytes)[8:40] == secret


def verify(folder: Path, out: str, name: str = "bidder", *more: str) -> subprocess.CompletedProcess[str]:
    """The script on bid.sealed, bid.stub and a key."""
    script = str(resource.find("verify/verify-sealed.sh"))
    command = ["bash", script, "bid.sealed", "bid.stub", f"{name}.pem", f"{name}.key", out, *more]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_script_opens_a_real_bid(sealed: Sealed, tmp_path: Path) -> None:
    done = verify(tmp_path, "out", "bidder", "ca.pem")
    assert done.returncode == 0, done.stderr
    assert "ok  signature of the bid" in done.stdout
    assert (tmp_path / "out/bid.asice").read_bytes() == (tmp_path / "bid/bid.asice").read_bytes()
    names = sorted(path.name for path in (tmp_path / "out/bid/parts/technical").iterdir())
    assert names == ["d000.pdf", "第001份.pdf"]
    assert verify(tmp_path, "second-out", "second").returncode == 0


def test_the_script_fails_on_what_is_wrong(sealed: Sealed, keys: Keys, tmp_path: Path) -> None:
    good = sealed.path.read_bytes()
    frame = read_frame(sealed.path)
    places = {
        "magic": 0,
        "salt": good.index(sealed.header.salt.encode()),
        "wrap": len(frame.prefix) - 32 - 100,
        "commitment": len(frame.prefix) - 1,
        "padding": frame.payload_offset - 1,
        "chunk": frame.payload_offset + 70000,
        "tag": len(good) - 1,
    }
    for name, place in places.items():
        sealed.path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        done = verify(tmp_path, f"out-{name}")
        assert done.returncode != 0, name
        assert "FAILED" in done.stderr
    for name, data in (("short", good[:-1]), ("long", good + b"\0")):
        sealed.path.write_bytes(data)
        assert verify(tmp_path, f"out-{name}").returncode != 0
    sealed.path.write_bytes(good)
    assert "wrapped to this certificate" in verify(tmp_path, "out-other", "other").stderr
    stub = tmp_path / "bid.stub"
    whole = stub.read_bytes()
    place = whole.index(sealed.file_root.encode())
    stub.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert "signature of the stub" in verify(tmp_path, "out-stub").stderr
    stub.write_bytes(whole)
    assert verify(tmp_path, "out-good").returncode == 0


def test_the_script_fails_under_another_authority(sealed: Sealed, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Authority.root("另一个根", number=1009).certificate.pem)
    done = verify(tmp_path, "out", "bidder", "ca.pem")
    assert done.returncode != 0
    assert "signature of the stub" in done.stderr


class Altered:
    """A key that unwraps something else than was wrapped, as a hostile wrap would make it."""

    def __init__(self, key: PrivateKey, content: bytes) -> None:
        self.certificate, self.chain, self.sign = key.certificate, key.chain, key.sign
        self._content = content

    def unwrap(self, envelope: bytes) -> bytes:
        return self._content


def test_what_comes_out_of_a_wrap_must_belong_to_this_bid(sealed: Sealed, keys: Keys) -> None:
    frame = read_frame(sealed.path)
    content = keys.encryption.unwrap(frame.wraps[0])
    assert unwrap_secret(frame, Altered(keys.encryption, content)) == content[8:40]
    for wrong in (
        content[:-1],
        content + b"\0",
        b"",
        b"\0" * 80,
        content[:40] + bytes(32) + content[72:],
        content[:72] + b"\0\0\0\0\0\0\0\1",
    ):
        with pytest.raises(BadEnvelope):
            unwrap_secret(frame, Altered(keys.encryption, wrong))
    with pytest.raises(WrongSecret):
        unwrap_secret(frame, Altered(keys.encryption, content[:8] + bytes(32) + content[40:]))


def test_a_second_lock_with_another_secret_is_found_out(sealed: Sealed, keys: Keys) -> None:
    """A bidder who wraps one secret to one key and another secret to another has only one that opens."""
    header = bseal.read_frame(sealed.path).header
    one, two = bytearray(b"1" * 32), bytearray(b"2" * 32)
    first = Recipient("bidder", keys.encryption.certificate)
    second = Recipient("second-lock", keys.second.certificate)
    honest, wraps = wrap_secret(header, (first, second), None, None, one)
    _, others = wrap_secret(header, (first, second), None, None, two)
    assert len(others[1]) == len(wraps[1])
    frame, _ = bseal.new_frame(honest, (wraps[0], others[1]), one)
    assert unwrap_secret(frame, keys.encryption) == one
    with pytest.raises(WrongSecret):
        unwrap_secret(frame, keys.second)
