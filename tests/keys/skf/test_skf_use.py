"""Devices with SKF (GM/T 0016) through a real library in a real key host: every layout and every use."""

from pathlib import Path

import pytest

from bidclient.ask import Nobody
from bidclient.crypto import cms, sm
from bidclient.crypto.private_key import SignatureScheme, WrapScheme
from bidclient.errors import BadEnvelope, KeyRefused
from bidclient.keys.frames import Hint
from bidclient.keys.token_key import TokenKey
from tests.support.pki import Authority
from tests.support.skf_token import LAYOUTS, Layout, MakeSkfSource, SkfDevice, listed, put, skf_device
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey
from tests.support.sm2_use import MESSAGE, PIN, SM2, keys_of, openssl_says, sign_once
from tests.support.softhsm import Judge, host_pids


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_listed_signs_and_opens_and_names_itself(
    make: MakeSkfSource,
    device: SkfDevice,
    signing: Sm2InMemoryKey,
    encryption: Sm2InMemoryKey,
    openssl: Judge,
    tmp_path: Path,
    layout: Layout,
) -> None:
    source = make(layout)
    first, second = keys_of(source)
    assert first.certificate.der == signing.certificate.der
    assert second.certificate.der == encryption.certificate.der
    assert (first.token_serial, first.token_label) == ("SKF-0001", "国密锁")
    signature = sign_once(source)
    assert openssl_says(openssl, tmp_path, signing.certificate, MESSAGE, signature)
    assert not openssl_says(openssl, tmp_path, signing.certificate, MESSAGE + b"!", signature)
    with source.unlock(second, Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        assert key.unwrap(cms.make_envelope("恢复码".encode(), encryption.certificate)) == "恢复码".encode()
        report = key.report()
    assert (report.api, report.layout) == ("skf", f"ULONG {layout[0]}, pack {layout[1]}")
    assert (report.manufacturer, report.firmware) == ("bidclient tests", "2.5")
    assert {row.name: row.number for row in report.mechanisms} == {
        "AlgSymCap": 0x403,
        "AlgAsymCap": 0x30700,
        "AlgHashCap": 7,
    }
    assert [(way.mechanism, way.form) for way in report.ways] == [(0x402, f"ULONG {layout[0]}")]
    source.close()
    assert device.open_handles == 0


@pytest.mark.parametrize("layout", [(4, 1), (8, 0)])
def test_a_device_that_says_nothing_of_itself_is_used_all_the_same(
    make: MakeSkfSource, encryption: Sm2InMemoryKey, layout: Layout
) -> None:
    """The layout is assumed then, and proven by the public key and by what opens."""
    source = make(layout, SKF_FAULT="SKF_GetDevInfo=silent")
    with source.unlock(keys_of(source)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        assert key.unwrap(cms.make_envelope(b"s", encryption.certificate)) == b"s"
        report = key.report()
    assert report.layout == "ULONG 4, pack 1 (assumed)"
    assert [way.form for way in report.ways] == [f"ULONG {layout[0]}"]


def test_without_a_public_key_the_other_width_is_tried(
    make: MakeSkfSource, encryption: Sm2InMemoryKey
) -> None:
    source = make((8, 1), SKF_FAULT="SKF_GetDevInfo=silent SKF_ExportPublicKey=0A00001D")
    with source.unlock(keys_of(source)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        assert [(row.form, bool(row.reason)) for row in key.learn().tried] == [
            ("ULONG 4", True),
            ("ULONG 4", True),
            ("ULONG 8", False),
        ]
        assert key.unwrap(cms.make_envelope(b"s", encryption.certificate)) == b"s"


def test_what_a_row_says_of_a_library_goes_before_what_it_shows(make: MakeSkfSource) -> None:
    source = make((4, 1), hint=Hint(api="skf", ulong=8, pack=0))
    with source.unlock(keys_of(source)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        report = key.report()
    assert report.layout == "ULONG 8, pack 0"
    assert [way.form for way in report.ways] == ["ULONG 4"]


@pytest.mark.parametrize("offered", ["401", "402"])
def test_a_device_with_only_one_mode_of_sm4_opens(
    make: MakeSkfSource, encryption: Sm2InMemoryKey, offered: str
) -> None:
    source = make(SKF_ALGORITHMS=offered)
    content = bytes(range(256))
    with source.unlock(keys_of(source)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        assert key.unwrap(cms.make_envelope(content, encryption.certificate)) == content
        assert [way.mechanism for way in key.learn().ways] == [int(offered, 16)]


def test_a_device_that_opens_in_no_way_is_refused_with_its_code(make: MakeSkfSource) -> None:
    source = make(SKF_ALGORITHMS="101")
    with source.unlock(keys_of(source)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        with pytest.raises(KeyRefused) as caught:
            key.open_content(sm.encrypt(key.certificate.sm2_point, bytes(16)), bytes(16), bytes(16))
    assert "SAR_NOTSUPPORTYETERR (0x0A000003)" in caught.value.reason


def test_a_tampered_envelope_is_one_error_and_the_key_works_on(
    make: MakeSkfSource, encryption: Sm2InMemoryKey
) -> None:
    source = make()
    secret, vector, block = bytes(range(16)), bytes(16), bytes(32)
    cipher = sm.encrypt(encryption.certificate.sm2_point, secret)
    with source.unlock(keys_of(source)[1], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        opened = key.open_content(cipher, vector, block)
        assert opened == cms.sm4_cbc_decrypt(secret, vector, block)
        for place in (-1, -40):
            flipped = bytearray(cipher)
            flipped[place] ^= 1
            with pytest.raises(BadEnvelope):
                key.open_content(bytes(flipped), vector, block)
        for bad in ((cipher + b"\0", vector, block), (cipher, b"", block), (cipher, vector, block[1:])):
            with pytest.raises(BadEnvelope):
                key.open_content(*bad)
        assert key.open_content(cipher, vector, block) == opened


def test_two_devices_are_told_apart(
    make: MakeSkfSource, device: SkfDevice, sm2_authority: Sm2Authority, openssl: Judge, tmp_path: Path
) -> None:
    signing = sm2_authority.issue("signing")
    other = skf_device(
        device.folder.with_name("KEY2"), "SKF-0002", signing, sm2_authority.issue("encryption")
    )
    (other.folder / "ENTERSAFE" / "pin").write_text("other-pin", "utf-8")
    source = make()
    assert [key.token_serial for key in listed(source)] == ["SKF-0001"] * 2 + ["SKF-0002"] * 2
    (wanted,) = [key for key in listed(source) if key.certificate.der == signing.certificate.der]
    with source.unlock(wanted, Nobody(b"other-pin")) as key:
        assert openssl_says(openssl, tmp_path, signing.certificate, MESSAGE, key.sign([MESSAGE], SM2)[0])
    other.unplug()
    assert [key.token_serial for key in listed(source)] == ["SKF-0001"] * 2


def test_an_rsa_container_signs_and_what_skf_cannot_do_is_refused_by_name(
    make: MakeSkfSource, device: SkfDevice, authority: Authority
) -> None:
    old = device.container("rsa")
    put(old, "sign", authority.issue("signing", "rsa-2048", name="老证书"))
    put(old, "encrypt", authority.issue("encryption", "rsa-2048", name="老加密"))
    source = make()
    named = {key.certificate.common_name: key for key in listed(source)}
    with source.unlock(named["老证书"], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        assert len(key.sign([MESSAGE], SignatureScheme.RSA_PKCS1_SHA256)[0]) == 256
        for scheme in (SignatureScheme.RSA_PSS_SHA256, SM2):
            with pytest.raises(KeyRefused, match=str(scheme)):
                key.sign([MESSAGE], scheme)
        assert key.learn().ways == ()
    with source.unlock(named["老加密"], Nobody(PIN)) as key:
        assert isinstance(key, TokenKey)
        with pytest.raises(KeyRefused, match=WrapScheme.RSA_OAEP_SHA1):
            key.unwrap(cms.make_envelope(b"s", key.certificate))
        with pytest.raises(KeyRefused, match=WrapScheme.ECDH_SHA256):
            key.agree(b"\4" + bytes(64))
        with pytest.raises(KeyRefused, match=WrapScheme.SM2):
            key.open_content(b"", bytes(16), bytes(16))


def test_the_library_is_in_the_key_host_alone_and_draws_in_nothing_to_list(
    make: MakeSkfSource, device: SkfDevice
) -> None:
    source = make()
    assert len(listed(source)) == 2
    (pid,) = host_pids(device.environment)
    ours, theirs = (Path(f"/proc/{process}/maps").read_text("utf-8") for process in ("self", pid))
    assert "libskf-4-1.so" in theirs
    assert "libskf" not in ours
    assert not any(name in theirs for name in ("PyKCS11", "cryptography"))
