"""Revocation at the desk: refused where it is known, a warning where it is not, and a verdict of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from bidclient.crypto.certificate import Certificate, certificates_from_pem
from bidclient.crypto.pdf_verify import embedded_revocation
from bidclient.crypto.revocation import Revocation, crl_addresses, ocsp_addresses
from bidclient.desk import Desk, build
from bidclient.desk.connection import Connections
from bidclient.desk.keychain import Keychain
from bidclient.desk.seal_order import SealOrder
from bidclient.desk.trust import Trust
from bidclient.errors import BadCertificate, CertificateRevoked, OpeningClosed, Rejected, UnprovenTime
from bidclient.keys.soft import SoftSource
from bidclient.network.clock import system_now
from bidclient.network.revocation import Revocations
from bidclient.sandbox.pki import revoke
from bidclient.stages.evidence import Verdict
from bidclient.stages.tender import read_tender
from bidclient.store.bids import BidFolder
from tests.support.desks import Bidder, make_bidder
from tests.support.pdf_seals import pdfsig_accepts
from tests.support.pki import NOW, Authority, private_key
from tests.support.sandbox import Sandbox

NOWHERE = "http://127.0.0.1:9/ocsp"


@contextmanager
def desk_of(bidder: Bidder, ahead: timedelta = timedelta(0), **network: object) -> Iterator[Desk]:
    """The bidder's desk with other settings of the network, and a computer whose clock is ahead."""
    assert bidder.settings.network is not None
    settings = msgspec.structs.replace(
        bidder.settings, network=msgspec.structs.replace(bidder.settings.network, **network)
    )
    sources = (SoftSource(tuple(map(Path, settings.pfx_files))),)
    with build(settings, now=lambda: system_now() + ahead, sources=sources) as desk:
        yield desk


def verdicts(desk: Desk, path: Path) -> dict[str, Verdict]:
    return {one.item.partition(": ")[2]: one for one in desk.verifying.verify(path).verdicts}


def noted(folder: Path, event: str) -> object:
    entry = BidFolder.open(folder).journal.latest(event)
    assert entry is not None
    return entry.data.get("warnings")


def test_a_good_certificate_is_used_without_a_word(bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    assert bidder.desk.signing.sign(folder, bidder.signing, bidder.ask).warnings == ()
    assert bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask).warnings == ()
    assert (noted(folder, "signed"), noted(folder, "sealed")) == (None, None)
    for name in ("tender.tender", "bid.asice", "bid.stub"):
        assert verdicts(bidder.desk, folder / name)["revocation"].verdict == "valid"


def test_a_revoked_certificate_is_refused_before_the_pin(bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    bidder.sandbox.fault("cert-revoked")
    with pytest.raises(CertificateRevoked) as caught:
        bidder.desk.signing.sign(folder, bidder.signing, bidder.ask)
    assert caught.value.subject == bidder.keys.signing_cert.common_name
    assert caught.value.source.endswith("/ocsp")
    assert not (folder / "bid.asice").exists()
    bidder.sandbox.fault("cert-revoked", 0)
    bidder.desk.signing.sign(folder, bidder.signing, bidder.ask)
    bidder.sandbox.fault("cert-revoked")
    with pytest.raises(CertificateRevoked):
        bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask)
    assert not (folder / "bid.sealed").exists()
    with pytest.raises(Rejected) as refused:
        bidder.desk.hall.lots("", bidder.signing, bidder.ask)
    assert refused.value.problem == "cert-revoked"


def _unsealed(bidder: Bidder, lot: str | None = None) -> tuple[Path, dict[Path, bytes]]:
    """A draft without seals, and its documents."""
    folder = bidder.drafted(lot)
    for document in bidder.offer.documents:
        bidder.desk.preparing.add(folder, document.part, [document.path], document.name)
    return folder, {path: path.read_bytes() for path in (folder / "parts").rglob("*.pdf")}


def test_seals_carry_what_their_issuers_say_about_revocation(bidder: Bidder) -> None:
    folder, before = _unsealed(bidder)
    # A timestamp's own chain would want answers, too, which are not in the file.
    done = bidder.desk.stamping.stamp(folder, bidder.signing, SealOrder(), bidder.ask, timestamp=False)
    assert (done.complete, done.warnings) == (True, ())
    roots = certificates_from_pem((bidder.sandbox.trust / "ca.pem").read_bytes())
    changed = [path for path, old in before.items() if path.read_bytes() != old]
    assert len(changed) == len([one for one in done.files if one.outcome == "sealed"]) > 0
    for path in changed:
        assert pdfsig_accepts(path)
        with path.open("rb") as file:
            (signature,) = PdfFileReader(file).embedded_signatures
            store = DocumentSecurityStore.read_dss(signature.reader)
            # Only what lies in the file may say that the signer's certificate is not revoked.
            context = store.as_validation_context(
                {"trust_roots": [one.asn1() for one in roots], "revocation_mode": "require"},
            )
            assert validate_pdf_signature(signature, context).bottom_line
            bare = ValidationContext(
                trust_roots=[one.asn1() for one in roots],
                other_certs=list(store.load_certs()),
                revocation_mode="require",
                ocsps=[],
                crls=[],
            )
            assert not validate_pdf_signature(signature, bare).bottom_line
        assert verdicts(bidder.desk, path)["seal"].verdict == "valid"


def test_a_seal_is_judged_by_what_the_issuers_say_about_revocation(lone_bidder: Bidder) -> None:
    bidder = lone_bidder
    folder, before = _unsealed(bidder, bidder.lot())
    bidder.desk.stamping.stamp(folder, bidder.signing, SealOrder(), bidder.ask)
    sealed = next(path for path, old in before.items() if path.read_bytes() != old)
    found = verdicts(bidder.desk, sealed)
    assert {one.verdict for one in found.values()} == {"valid"}
    assert "revocation" in found
    revoke(bidder.sandbox.data, bidder.keys.signing_cert, system_now() + timedelta(minutes=1))
    assert "revoked later" in verdicts(bidder.desk, sealed)["revocation"].reason
    revoke(bidder.sandbox.data, bidder.keys.signing_cert, system_now() - timedelta(days=1))
    assert verdicts(bidder.desk, sealed)["revocation"].verdict == "invalid"


def test_offline_a_seal_is_judged_by_the_answers_inside_the_file(lone_bidder: Bidder) -> None:
    bidder = lone_bidder
    folder, before = _unsealed(bidder, bidder.lot())
    bidder.desk.stamping.stamp(folder, bidder.signing, SealOrder(), bidder.ask, timestamp=False)
    sealed = next(path for path, old in before.items() if path.read_bytes() != old)
    other = folder.parent / "bare.pdf"
    other.write_bytes(sealed.read_bytes().replace(b"/DSS", b"/Dss"))
    bidder.sandbox.kill()  # type: ignore[attr-defined] # a sandbox of the test's own
    with desk_of(bidder) as desk:
        found = verdicts(desk, sealed)["revocation"]
        assert found.verdict == "valid", found
    # Without the answers inside nobody can tell; a month later they are out of date.
    with desk_of(bidder, timedelta(days=31)) as desk:
        assert verdicts(desk, sealed)["revocation"].verdict == "cannot-tell"
    with sealed.open("rb") as file:
        assert embedded_revocation(file).ocsp_responses
    with other.open("rb") as file:
        assert embedded_revocation(file) == Revocation()


def test_a_revoked_certificate_seals_nothing(bidder: Bidder) -> None:
    folder, before = _unsealed(bidder)
    bidder.sandbox.fault("cert-revoked")
    with pytest.raises(CertificateRevoked):
        bidder.desk.stamping.stamp(folder, bidder.signing, SealOrder(), bidder.ask)
    assert {path: path.read_bytes() for path in before} == before


def test_seals_are_put_on_where_revocation_cannot_be_told(bidder: Bidder) -> None:
    folder, _ = _unsealed(bidder)
    with desk_of(bidder, trust=(str(_stranger(folder.parent)),)) as desk:
        done = desk.stamping.stamp(folder, bidder.signing, SealOrder(), bidder.ask, timestamp=False)
    assert done.complete
    assert [finding.rule for finding in done.warnings] == ["CRT-008"]
    assert noted(folder, "document-sealed") == "CRT-008"


def test_what_cannot_be_told_is_a_warning_that_is_shown_and_recorded(bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    bidder.desk.signing.sign(folder, bidder.signing, bidder.ask)
    with desk_of(bidder, trust=(str(_stranger(folder.parent)),)) as desk:
        warnings = desk.sealing.seal(folder, bidder.signing, bidder.ask).warnings
    assert {finding.rule for finding in warnings} == {"CRT-008"}
    assert "bidclient sandbox root" in warnings[0].message_en
    assert "bidclient sandbox 邻省" in warnings[0].message_en
    assert noted(folder, "sealed") == "CRT-008 CRT-008"


def test_a_chain_that_is_proven_wrong_refuses_signing_and_sealing(bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    bidder.desk.signing.sign(folder, bidder.signing, bidder.ask)
    issuer = bidder.keys.chain[-1]
    # The issuer as it is called, and with its key's name, but another key: our signatures are not by it.
    forged = folder.parent / "forged.pem"
    forged.write_bytes(_under_another_key(issuer))
    with desk_of(bidder, trust=(str(forged),)) as desk:
        with pytest.raises(BadCertificate, match="bad signature"):
            desk.sealing.seal(folder, bidder.signing, bidder.ask)
        with pytest.raises(BadCertificate, match="bad signature"):
            desk.signing.co_sign(folder, bidder.signing, bidder.ask)
    assert not (folder / "bid.sealed").exists()


def _under_another_key(issuer: Certificate) -> bytes:
    old, key = x509.load_der_x509_certificate(issuer.der), private_key(issuer.key_algorithm, 1005)
    builder = x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer)
    builder = builder.public_key(key.public_key()).serial_number(old.serial_number)
    builder = builder.not_valid_before(old.not_valid_before_utc).not_valid_after(old.not_valid_after_utc)
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_an_issuer_that_has_ended_is_refused(bidder: Bidder) -> None:
    authority, later = Authority.root("bidclient sandbox 邻省", 1002), datetime(2046, 1, 1, tzinfo=UTC)
    key = authority.issue(not_after=datetime(2050, 1, 1, tzinfo=UTC))
    anchor = bidder.folder / "ended.pem"
    anchor.write_bytes(authority.certificate.pem)
    assert bidder.settings.network is not None
    network = msgspec.structs.replace(bidder.settings.network, trust=(str(anchor),))
    trust = Trust(Connections(network, Keychain(()), lambda: later), lambda: later, None)
    with pytest.raises(BadCertificate, match="expired, at issuer 1"):
        trust.require(key.certificate, ())
    (warning,) = trust.require(key.certificate, (), NOW)
    assert warning.rule == "CRT-007"


def _stranger(folder: Path) -> Path:
    """The root of an authority that nobody here has heard of."""
    path = folder / "stranger.pem"
    path.write_bytes(Authority.root("bidclient sandbox 邻省", 1002).certificate.pem)
    return path


def test_a_computer_with_a_wrong_clock_is_told_so(bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    with desk_of(bidder, timedelta(hours=-3)) as desk:
        (warning,) = desk.signing.sign(folder, bidder.signing, bidder.ask).warnings
    assert warning.rule == "CRT-009"
    assert "本机时间" in warning.message_zh


@pytest.fixture
def newcomer(tmp_path: Path, shared_sandbox: Sandbox) -> Iterator[Bidder]:
    """A company whose certificates are nobody else's, to be revoked."""
    made = make_bidder(tmp_path, shared_sandbox)
    with made.desk:
        yield made


def test_a_revocation_after_the_timestamp_leaves_the_signature_good(newcomer: Bidder) -> None:
    bidder = newcomer
    folder = bidder.sealed(bidder.lot())
    authority = bidder.sandbox.data
    revoke(authority, bidder.keys.signing_cert, system_now() + timedelta(minutes=1))
    later = verdicts(bidder.desk, folder / "bid.asice")["revocation"]
    assert later.verdict == "valid"
    assert "revoked later" in later.reason
    # The stub carries no timestamp: whoever has the key now could have written it with any date.
    stub = verdicts(bidder.desk, folder / "bid.stub")["revocation"]
    assert (stub.verdict, stub.reason.partition(":")[0]) == ("cannot-tell", "unproven-time")
    revoke(authority, bidder.keys.signing_cert, system_now() - timedelta(days=1))
    for name in ("bid.asice", "bid.stub"):
        found = verdicts(bidder.desk, folder / name)["revocation"]
        assert (found.verdict, found.reason.partition(":")[0]) == ("invalid", "revoked")
    with pytest.raises(CertificateRevoked) as caught:
        bidder.desk.signing.co_sign(folder, bidder.signing, bidder.ask)
    assert caught.value.reason == "unspecified"


def test_no_key_is_released_to_a_revoked_opening_certificate(lone_bidder: Bidder) -> None:
    bidder = lone_bidder
    folder = bidder.submitted(bidder.lot())
    with pytest.raises(OpeningClosed):
        bidder.desk.opening.release(folder, bidder.signing, bidder.ask)
    tender = read_tender(folder / "tender.tender").tender
    opening = Certificate.from_pem(tender.opening_certificate.encode())
    revoke(bidder.sandbox.data, opening, system_now())
    with pytest.raises(CertificateRevoked) as caught:
        bidder.desk.opening.release(folder, bidder.signing, bidder.ask)
    assert caught.value.subject == opening.common_name


def test_offline_the_signatures_hold_and_only_the_revocation_is_open(lone_bidder: Bidder) -> None:
    bidder = lone_bidder
    folder = bidder.signed(bidder.lot())
    bidder.sandbox.kill()  # type: ignore[attr-defined] # a sandbox of the test's own
    found = verdicts(bidder.desk, folder / "bid.asice")
    assert found["signers and timestamps"].verdict == "valid"
    assert (found["revocation"].verdict, found["revocation"].reason.partition(":")[0]) == (
        "cannot-tell",
        "unreachable",
    )
    sealed = bidder.desk.sealing.seal(folder, bidder.signing, bidder.ask)
    assert {finding.rule for finding in sealed.warnings} == {"CRT-007"}
    assert noted(folder, "sealed") == "CRT-007 CRT-007"


def test_after_a_certificate_has_ended_verify_says_what_new_says(bidder: Bidder) -> None:
    folder = bidder.signed()
    with desk_of(bidder, timedelta(days=365 * 12)) as desk:
        assert verdicts(desk, folder / "tender.tender")["signer"].verdict == "valid"
        assert verdicts(desk, folder / "bid.asice")["signers and timestamps"].verdict == "valid"
        desk.preparing.new(folder / "tender.tender", folder.parent / "again")
        # Twelve years ahead: the services' answers tell that it is the clock.
        assert verdicts(desk, folder / "bid.asice")["revocation"].verdict == "cannot-tell"


def test_a_time_that_only_the_signer_claims_brings_nothing_back(bidder: Bidder) -> None:
    """Whoever has the key of a certificate that has ended can claim an old time for a stub of today."""
    folder = bidder.submitted(bidder.lot())
    with desk_of(bidder, timedelta(days=365 * 12)) as desk:
        # The network's receipt proves the time; the name of the network is not enough without its identity.
        assert verdicts(desk, folder / "bid.stub")["signer"].verdict == "valid"
    with desk_of(bidder, timedelta(days=365 * 12), identity="") as desk:
        for name in ("bid.stub", "tender.tender"):
            found = verdicts(desk, folder / name)["signer"]
            assert (found.verdict, "E-UNPROVEN-TIME" in found.reason) == ("cannot-tell", True), name
    (folder / "receipt.tsr").unlink()
    with desk_of(bidder, timedelta(days=365 * 12)) as desk:
        found = verdicts(desk, folder / "bid.stub")["signer"]
        assert (found.verdict, "E-UNPROVEN-TIME" in found.reason) == ("cannot-tell", True)
    assert verdicts(bidder.desk, folder / "bid.stub")["signer"].verdict == "valid"


def test_a_signed_bid_without_a_timestamp_is_only_as_good_as_its_certificate(bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    bidder.desk.signing.sign(folder, bidder.signing, bidder.ask, timestamp=False)
    assert verdicts(bidder.desk, folder / "bid.asice")["signers and timestamps"].verdict == "valid"
    with desk_of(bidder, timedelta(days=365 * 12)) as desk:
        found = verdicts(desk, folder / "bid.asice")["signers and timestamps"]
        assert (found.verdict, type(found.error)) == ("cannot-tell", UnprovenTime), found


def test_unknown_roots_leave_it_open_and_are_not_called_invalid(bidder: Bidder) -> None:
    folder = bidder.signed()
    other = (str(_stranger(folder.parent)),)
    for settings in ({"stamp_trust": other}, {"trust": other, "identity": ""}):
        with desk_of(bidder, **settings) as desk:
            found = verdicts(desk, folder / "bid.asice")["signers and timestamps"]
            assert found.verdict == "cannot-tell", found
            assert "unknown issuer" in found.reason
            assert "ErrorStack" not in found.reason


def test_several_timestamp_services_in_the_settings(bidder: Bidder) -> None:
    folder = bidder.drafted()
    bidder.desk.signing.pack(folder)
    services = ("http://127.0.0.1:9/tsa", f"{bidder.sandbox.url}/nothing", f"{bidder.sandbox.url}/tsa")
    with desk_of(bidder, stamp_address=services) as desk:
        assert desk.signing.sign(folder, bidder.signing, bidder.ask).timestamped
        assert verdicts(desk, folder / "bid.asice")["signers and timestamps"].verdict == "valid"


def test_another_certificate_of_the_sandbox_names_its_services(bidder: Bidder) -> None:
    keys = bidder.sandbox.issue("示范", bidder.keys.signing_cert.uscc or "", "sm2")
    for certificate, name in ((bidder.keys.encryption_cert, "ca"), (keys.signing_cert, "ca-sm2")):
        assert ocsp_addresses(certificate) == (f"{bidder.sandbox.url}/ocsp",)
        assert crl_addresses(certificate) == (f"{bidder.sandbox.url}/crl/{name}.crl",)
        issuer = keys.chain[0] if name == "ca-sm2" else bidder.keys.chain[0]
        by_list = Revocations()._fetched(
            crl_addresses(certificate)[0], False, certificate, issuer, system_now()
        )
        assert by_list.status == Revocations().standing(certificate, issuer, system_now()).status == "good"
