"""The page of certificates: pairs, verdicts, and the bids that hang on them."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from bidclient.desk import Desk, build
from bidclient.desk.certificates import HeldCertificate
from bidclient.errors import FileProblem, UnknownIssuer
from bidclient.formats.instant import parse_instant
from bidclient.keys.soft import SoftSource
from bidclient.network.clock import system_now
from bidclient.sandbox.pki import BidderKeys, issue_bidder
from bidclient.stages.tender import read_tender
from tests.support.certomancer_pki import PublicAuthority, public_authority
from tests.support.desks import PIN, Bidder
from tests.support.pki import Authority, InMemoryKey


@pytest.fixture(scope="session")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicAuthority]:
    """An authority of another province, with its own OCSP service."""
    with public_authority(tmp_path_factory.mktemp("province"), system_now()) as authority:
        yield authority


@contextmanager
def desk_with(
    bidder: Bidder, files: Sequence[Path], trust: Sequence[Path] = (), ahead: timedelta = timedelta(0)
) -> Iterator[Desk]:
    """A desk that sees these key files besides the bidder's own, and trusts these roots besides its own."""
    network = bidder.settings.network
    assert network is not None
    network = msgspec.structs.replace(network, trust=(*network.trust, *map(str, trust)))
    paths = (*map(Path, bidder.settings.pfx_files), *files)
    settings = msgspec.structs.replace(bidder.settings, network=network)
    with build(settings, now=lambda: system_now() + ahead, sources=(SoftSource(paths),)) as desk:
        yield desk


def of(held: Sequence[HeldCertificate], sha256: str) -> HeldCertificate:
    return next(one for one in held if one.sha256 == sha256)


def written(folder: Path, keys: BidderKeys, name: str) -> tuple[Path, Path]:
    return keys.write(folder, name, PIN)


def shown_only(folder: Path, name: str, *certificates: bytes) -> Path:
    """A key file that is seen by the certificates beside it; nobody unlocks it."""
    path = folder / f"{name}.key"
    path.write_bytes(b"")
    path.with_suffix(".pem").write_bytes(b"".join(certificates))
    return path


def test_a_double_certificate_is_shown_as_one(bidder: Bidder, tmp_path: Path) -> None:
    other = bidder.sandbox.issue("国密示范有限公司", "91629999TBX000028U", "sm2")
    with desk_with(bidder, written(tmp_path / "sm2", other, "sm2")) as desk:
        page = desk.certificates.page()
    assert [one.uses for one in page.certificates] == [("sign",), ("decrypt",)] * 2
    signing = of(page.certificates, bidder.keys.signing_cert.sha256)
    assert (signing.pair, signing.suite) == (bidder.keys.encryption_cert.sha256, "intl")
    assert of(page.certificates, signing.pair or "").pair == signing.sha256
    assert (signing.uscc, signing.owner) == (
        bidder.keys.signing_cert.uscc,
        bidder.keys.signing_cert.organization,
    )
    assert signing.place == "company-sign.pfx"
    gm = of(page.certificates, other.encryption_cert.sha256)
    assert (gm.suite, gm.pair, gm.algorithm) == ("gm", other.signing_cert.sha256, "sm2")
    for one in page.certificates:
        verdicts = (one.dates.verdict, one.chain.verdict, one.revocation.verdict)
        assert verdicts == ("valid", "valid", "valid"), one
        assert one.bids == ()
    assert (page.orphans, page.unread, page.clock_off) == ((), (), False)
    assert abs(page.clock_ahead or 99) < 5


def test_authorities_of_several_provinces_are_recognised_and_a_strange_one_is_named(
    bidder: Bidder, tmp_path: Path, province: PublicAuthority
) -> None:
    root, ca = tmp_path / "province.pem", province.certificate("ca").pem
    chosen = Authority.root("bidclient sandbox 乙省 RSA", 1003)
    root.write_bytes(chosen.certificate.pem)
    rsa = chosen.issue("signing", number=4)
    files = (
        shown_only(tmp_path, "rsa", rsa.certificate.pem),
        shown_only(tmp_path, "strange", province.certificate("company").pem, ca),
    )
    sm2 = written(tmp_path / "sm2", bidder.sandbox.issue("国密", "91629999TBX000028U", "sm2"), "sm2")
    with desk_with(bidder, (*files, *sm2), (root,)) as desk:
        page = desk.certificates.page()
    recognised = of(page.certificates, rsa.certificate.sha256)
    assert (recognised.chain.verdict, recognised.chain.reason) == ("valid", "bidclient sandbox 乙省 RSA")
    assert recognised.revocation.verdict == "cannot-tell"
    assert sum(one.chain.verdict == "valid" for one in page.certificates) == 5
    strange = of(page.certificates, province.certificate("company").sha256)
    assert strange.chain.verdict == strange.revocation.verdict == "cannot-tell"
    assert province.certificate("root").common_name in strange.chain.reason
    for known in ("bidclient sandbox root", "bidclient sandbox SM2 root", "bidclient sandbox 乙省 RSA"):
        assert known in strange.chain.reason


def test_the_error_about_an_unknown_authority_names_it_and_those_that_are_known(
    bidder: Bidder, tmp_path: Path
) -> None:
    folder = bidder.drafted()
    assert bidder.settings.network is not None
    (tmp_path / "root.pem").write_bytes(Authority.root("bidclient sandbox 乙省 RSA", 1003).certificate.pem)
    network = msgspec.structs.replace(bidder.settings.network, trust=(str(tmp_path / "root.pem"),))
    settings = msgspec.structs.replace(bidder.settings, network=network)
    with (
        build(settings, sources=()) as desk,
        pytest.raises(UnknownIssuer) as caught,
    ):
        desk.preparing.new(folder / "tender.tender", tmp_path / "new")
    signer = read_tender(folder / "tender.tender").signer
    assert caught.value.issuer == signer.issuer_common_name
    assert "bidclient sandbox 乙省 RSA" in caught.value.known


def test_dates_and_a_wrong_clock_are_told(bidder: Bidder) -> None:
    with desk_with(bidder, (), ahead=timedelta(days=3000)) as desk:
        page = desk.certificates.page()
    assert page.clock_off
    assert (page.clock_ahead or 0) > 86400 * 2999
    for one in page.certificates:
        assert (one.dates.verdict, one.dates.reason) == ("invalid", "expired")
        assert one.chain.verdict == "valid"
        assert one.revocation.verdict == "cannot-tell"
    with desk_with(bidder, (), ahead=timedelta(days=-30)) as desk:
        assert {one.dates.reason for one in desk.certificates.page().certificates} == {"not yet valid"}


def test_without_a_network_nothing_is_claimed(bidder: Bidder) -> None:
    files = tuple(map(Path, bidder.settings.pfx_files))
    settings = msgspec.structs.replace(bidder.settings, network=None)
    with build(settings, sources=(SoftSource(files),)) as desk:
        page = desk.certificates.page()
    assert page.clock_ahead is None
    assert {one.chain.verdict for one in page.certificates} == {"cannot-tell"}
    assert {one.revocation.verdict for one in page.certificates} == {"cannot-tell"}


# --------------------------------------------------------------------------------------- renewal guard


def test_a_sealed_bid_is_listed_with_both_halves_until_it_is_opened(bidder: Bidder) -> None:
    folder = bidder.sealed()
    page = bidder.desk.certificates.page(folder.parent)
    for one in page.certificates:
        (bid,) = one.bids
        assert (bid.bid, bid.submitted, bid.ends) == (str(folder), False, "in-time")
        assert bidder.keys.encryption_cert.sha256 in bid.locks
    # The folder of the settings, and a bid folder itself, will do as well.
    settings = msgspec.structs.replace(bidder.settings, bids=str(folder.parent))
    sources = (SoftSource(tuple(map(Path, settings.pfx_files))),)
    with build(settings, sources=sources) as desk:
        for again in (desk.certificates.page(), desk.certificates.page(folder)):
            assert [one.bids for one in again.certificates] == [one.bids for one in page.certificates]
    (folder / "opening").mkdir()
    (folder / "opening" / "acknowledgement-release.p7s").write_bytes(b"")
    assert all(one.bids == () for one in bidder.desk.certificates.page(folder).certificates)


def test_a_renewed_certificate_is_told_from_the_one_that_opens_the_bid(
    bidder: Bidder, tmp_path: Path
) -> None:
    folder = bidder.sealed()
    certificate = bidder.keys.signing_cert
    renewed = bidder.sandbox.issue(certificate.organization, certificate.uscc or "")
    files = written(tmp_path / "renewed", renewed, "renewed")
    with desk_with(bidder, files) as desk:
        page = desk.certificates.page(folder)
        assert of(page.certificates, renewed.encryption_cert.sha256).bids == ()
        assert len(of(page.certificates, bidder.keys.encryption_cert.sha256).bids) == 1
        assert page.orphans == ()
    settings = bidder.settings
    with build(settings, sources=(SoftSource(files),)) as desk:
        (orphan,) = desk.certificates.page(folder).orphans
        assert orphan.locks == (bidder.keys.encryption_cert.sha256,)


def test_the_end_of_a_certificate_is_compared_with_the_opening(bidder: Bidder, tmp_path: Path) -> None:
    folder = bidder.signed()
    certificate = bidder.keys.signing_cert

    def ends(days: float) -> tuple[str, tuple[str, ...]]:
        until = _end_of_opening(folder) + timedelta(days=days)
        short = issue_bidder(
            bidder.sandbox.data, certificate.organization, certificate.uscc or "", "p-256", until
        )
        files = written(tmp_path / f"short{days}", short, "short")
        settings = msgspec.structs.replace(bidder.settings, pfx_files=tuple(map(str, files)))
        copy = tmp_path / f"bid{days}"
        shutil.copytree(folder, copy)
        with build(settings, sources=(SoftSource(files),)) as desk:
            done = desk.sealing.seal(copy, None, bidder.ask)
            (bid,) = desk.certificates.page(copy).certificates[1].bids
        return bid.ends, tuple(finding.rule for finding in done.warnings)

    assert ends(1) == ("within-margin", ("CRT-006",))
    assert ends(20) == ("in-time", ("CRT-005",))
    assert ends(60) == ("in-time", ())


def _end_of_opening(folder: Path) -> datetime:
    tender = read_tender(folder / "tender.tender").tender
    return parse_instant(tender.opening_at) + timedelta(minutes=tender.decrypt_minutes)


def test_a_folder_that_cannot_be_read_is_named_and_hides_nothing(bidder: Bidder) -> None:
    folder = bidder.sealed()
    broken = folder.parent / "broken"
    broken.mkdir()
    (broken / "tender.tender").write_bytes(b"no tender")
    (broken / "bid.stub").write_bytes(b"no stub")
    page = bidder.desk.certificates.page(folder.parent)
    assert page.unread == (str(broken),)
    assert all(len(one.bids) == 1 for one in page.certificates)
    with pytest.raises(FileProblem):
        bidder.desk.certificates.page(folder / "bid.stub")


def test_a_key_for_both_uses_is_no_half(bidder: Bidder, tmp_path: Path) -> None:
    both = _both()
    with desk_with(bidder, (shown_only(tmp_path, "both", both.certificate.pem),)) as desk:
        held = of(desk.certificates.page().certificates, both.certificate.sha256)
    assert (held.uses, held.pair) == (("sign", "decrypt"), None)


def _both() -> InMemoryKey:
    return Authority.root("bidclient sandbox 乙省 RSA", 1003).issue("server", number=5)
