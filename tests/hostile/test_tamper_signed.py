"""A signed bid whose parts were exchanged, so that everything but the signature fits again."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from bidclient.crypto import cms
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadArchive, BadManifest, BadSignature, BidError, CertificateUnfit, Mismatch
from bidclient.formats import asic, canonical
from bidclient.formats.asic import manifest_name, signature_name
from bidclient.stages.draft import ClauseLink, PricedItem
from bidclient.stages.package import DIGESTS_NAME, MANIFEST_NAME, Manifest, digest_list, read_package
from bidclient.stages.signed import SignedBid, add_signature, read_signed, sign, verify_signed
from tests.hostile.conftest import Vault
from tests.support.pki import NOW, Authority
from tests.support.tampering import entries_of, with_entries

FIRST, SECOND = "parts/technical/d000.pdf", "parts/technical/第001份.pdf"


def check(path: Path, vault: Vault) -> SignedBid:
    """The whole verification, as the platform does it after the opening."""
    anchors = [vault.root.certificate]
    return verify_signed(read_signed(path), anchors, anchors, NOW)


def retold(files: dict[str, bytes], key: PrivateKey | None, **changes: object) -> None:
    """Change the manifest and everything that is computed from it; with `key` sign the result anew."""
    manifest = msgspec.json.decode(files[MANIFEST_NAME], type=Manifest)
    manifest = msgspec.structs.replace(manifest, **changes)
    data = canonical.dumps(manifest)
    files[MANIFEST_NAME], files[DIGESTS_NAME] = data, digest_list(manifest, data)
    named = [(name, hashlib.sha256(files[name]).digest()) for name in (MANIFEST_NAME, DIGESTS_NAME)]
    named += [(document.path, bytes.fromhex(document.sha256)) for document in manifest.documents]
    references = [(name, asic.media_type(name), digest) for name, digest in named]
    files[manifest_name(1)] = asic.asic_manifest(signature_name(1), references)
    if key is not None:
        files[signature_name(1)] = cms.sign_detached(files[manifest_name(1)], key, NOW)


def test_the_untouched_bid_verifies_also_when_it_was_taken_apart(vault: Vault, tmp_path: Path) -> None:
    again = with_entries(vault.signed.path, tmp_path / "bid.asice", lambda files: retold(files, None))
    assert again.read_bytes() == vault.signed.path.read_bytes()
    assert check(again, vault).manifest == vault.signed.manifest


def test_two_documents_of_one_size_cannot_change_places(vault: Vault, tmp_path: Path) -> None:
    def swap(files: dict[str, bytes]) -> None:
        files[FIRST], files[SECOND] = files[SECOND], files[FIRST]

    with pytest.raises(BadManifest) as caught:
        check(with_entries(vault.signed.path, tmp_path / "bid.asice", swap), vault)
    assert caught.value.document == FIRST


MANIFEST_LIES: dict[str, object] = {
    "format": "bidclient/other",
    "version": 2,
    "form": {"price": "1"},
    "prices": (PricedItem("1", 1, 1),),
    "documents": (),
    "clause_links": (ClauseLink("quality", "technical", "d000.pdf", 1),),
    "creation_code": "OTHER",
    "salt": "00" * 32,
    "client": "other",
    "draft_sha256": "00" * 32,
    "created_at": "2020-01-01T00:00:00.000+08:00",
    "edited_at": "2020-01-01T00:00:00.000+08:00",
}


@pytest.mark.parametrize("field", Manifest.__struct_fields__)
def test_every_field_of_the_manifest_is_signed(vault: Vault, tmp_path: Path, field: str) -> None:
    manifest = vault.signed.manifest
    lies = MANIFEST_LIES | {
        "tender": msgspec.structs.replace(manifest.tender, tender_version=2, sha256="00" * 32),
        "bidder": msgspec.structs.replace(manifest.bidder, name="对手公司"),
        "device": msgspec.structs.replace(manifest.device, mac="02:00:00:00:00:02"),
    }
    changed = with_entries(
        vault.signed.path, tmp_path / "bid.asice", lambda files: retold(files, None, **{field: lies[field]})
    )
    assert changed.read_bytes() != vault.signed.path.read_bytes()
    with pytest.raises(BidError) as caught:
        check(changed, vault)
    assert caught.value.exit_code == 5


def test_only_the_bidder_signs_first(vault: Vault, tmp_path: Path) -> None:
    rival = vault.root.issue("signing", number=1, name="对手公司", uscc="91110000600037342J")
    changed = with_entries(vault.signed.path, tmp_path / "bid.asice", lambda files: retold(files, rival))
    read_signed(changed)
    with pytest.raises(Mismatch) as caught:
        check(changed, vault)
    assert caught.value.field == "bidder.uscc"


def test_a_certificate_of_the_bidders_name_from_elsewhere_is_a_stranger(vault: Vault, tmp_path: Path) -> None:
    twin = Authority.root("别家根证书", 1002).issue("signing", number=1)
    assert twin.certificate.uscc == vault.keys.signing.certificate.uscc
    changed = with_entries(vault.signed.path, tmp_path / "bid.asice", lambda files: retold(files, twin))
    with pytest.raises(BidError) as caught:
        check(changed, vault)
    assert caught.value.code == "E-UNKNOWN-ISSUER"


def test_the_bidders_encryption_key_signs_no_bid(vault: Vault, tmp_path: Path) -> None:
    encryption = vault.root.issue("encryption", number=2)
    changed = with_entries(vault.signed.path, tmp_path / "bid.asice", lambda files: retold(files, encryption))
    with pytest.raises(BadSignature) as caught:
        read_signed(changed)
    assert "not for signatures" in caught.value.reason
    package = read_package(vault.signed.path.with_name("bid.zip"))
    with pytest.raises(CertificateUnfit):
        sign(package, encryption, None, NOW, tmp_path / "other.asice")


def test_a_manifest_changed_behind_its_checksum_is_not_signed(vault: Vault, tmp_path: Path) -> None:
    """CRC-32 can be made to come out the same: what is signed is compared with what was read by SHA-256."""
    path = tmp_path / "bid.zip"
    path.write_bytes(vault.signed.path.with_name("bid.zip").read_bytes())
    package = read_package(path)
    other = msgspec.structs.replace(package.manifest, creation_code="D" * 32)
    # The attacker's file has taken the place of the one that was shown, headers and CRCs fit.
    with_entries(path, tmp_path / "theirs.zip", lambda files: _repack(files, other))
    (tmp_path / "theirs.zip").replace(path)
    forged = read_package(path)
    shown = type(package)(path, package.manifest, package.manifest_sha256, forged.entries)
    with pytest.raises(BadArchive) as caught:
        sign(shown, vault.keys.signing, None, NOW, tmp_path / "bid.asice")
    assert caught.value.reason == "changed since it was read"
    assert not (tmp_path / "bid.asice").exists()


def _repack(files: dict[str, bytes], manifest: Manifest) -> None:
    data = canonical.dumps(manifest)
    files[MANIFEST_NAME], files[DIGESTS_NAME] = data, digest_list(manifest, data)


def test_the_first_signature_cannot_be_taken_away_from_under_the_second(vault: Vault, tmp_path: Path) -> None:
    second = vault.root.issue("signing", "p-256", 5, name="法定代表人", uscc=None)
    both = add_signature(vault.signed, second, None, NOW, tmp_path / "both.asice")
    assert len(both.signatures) == 2

    def promote(files: dict[str, bytes]) -> None:
        files[manifest_name(1)], files[signature_name(1)] = (
            files.pop(manifest_name(2)),
            files.pop(signature_name(2)),
        )

    with pytest.raises(BadSignature):
        read_signed(with_entries(both.path, tmp_path / "bid.asice", promote))
    names = list(entries_of(both.path))
    assert names[-4:] == [manifest_name(1), signature_name(1), manifest_name(2), signature_name(2)]
