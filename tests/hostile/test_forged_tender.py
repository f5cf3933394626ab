"""A tender that came as a file: who signed it decides, and without a pinned network nothing is claimed."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bidclient.crypto.private_key import PrivateKey
from bidclient.desk import build
from bidclient.errors import BadCertificate, BadSignature
from bidclient.formats.instant import parse_instant
from bidclient.network.clock import system_now
from bidclient.sandbox.pki import issue_bidder
from bidclient.stages.tender import TenderPackage, read_tender, write_tender
from bidclient.store.settings import Settings
from tests.support.desks import Bidder, make_bidder
from tests.support.pki import Authority
from tests.support.sandbox import LocalSandbox, local_sandbox


@pytest.fixture
def bidder(tmp_path: Path) -> Iterator[Bidder]:
    with local_sandbox(tmp_path / "data", system_now()) as sandbox:
        made = make_bidder(tmp_path, sandbox)
        with made.desk:
            yield made


@pytest.fixture
def true(bidder: Bidder) -> TenderPackage:
    """The network's own tender of a lot, as a file."""
    assert isinstance(bidder.sandbox, LocalSandbox)
    world = bidder.sandbox.world
    return read_tender(world.tender_path(bidder.lot(), 1))


def again(
    bidder: Bidder, true: TenderPackage, key: PrivateKey | None = None, **changes: object
) -> TenderPackage:
    """The tender with changes, signed by the network itself or by `key`."""
    assert isinstance(bidder.sandbox, LocalSandbox)
    tender = msgspec.structs.replace(true.tender, files=(), **changes)
    out = bidder.folder / "again.tender"
    signer = key or bidder.sandbox.world.authority.identity
    return write_tender(tender, {}, signer, parse_instant(tender.issued_at), out)


def unpinned(bidder: Bidder) -> Settings:
    network = bidder.settings.network
    assert network is not None
    return msgspec.structs.replace(bidder.settings, network=msgspec.structs.replace(network, identity=""))


def test_the_networks_tender_is_taken_and_said_to_be_verified(bidder: Bidder, true: TenderPackage) -> None:
    status = bidder.desk.preparing.new(true.path, bidder.bid)
    assert status.tender_origin == "verified"
    assert bidder.desk.preparing.status(bidder.bid).tender_origin == "verified"


def test_a_tender_that_a_bidder_signed_starts_no_bid(bidder: Bidder, true: TenderPackage) -> None:
    rival = issue_bidder(bidder.sandbox.data, "另一家有限公司", "91629999TBX000028U", "p-256").signer()
    forged = again(bidder, true, rival)
    with pytest.raises(BadSignature, match="not by the network"):
        bidder.desk.preparing.new(forged.path, bidder.bid)
    assert not bidder.bid.exists()
    bidder.desk.preparing.new(true.path, bidder.bid)
    newer = again(bidder, true, rival, tender_version=2, replaces=true.sha256, change_summary="澄清")
    with pytest.raises(BadSignature, match="not by the network"):
        bidder.desk.preparing.import_tender(bidder.bid, newer.path)
    assert bidder.desk.preparing.status(bidder.bid).tender_version == 1


def test_a_tender_of_other_roots_starts_no_bid(bidder: Bidder, true: TenderPackage) -> None:
    stranger = Authority.root("bidclient sandbox 假冒", 1002).issue("signing", "p-256", 17, name="交易网")
    with pytest.raises(BadCertificate):
        bidder.desk.preparing.new(again(bidder, true, stranger).path, bidder.bid)


@pytest.mark.parametrize("name", ["opening_certificate", "joint_certificate"])
def test_secrets_go_to_nobody_whom_the_network_has_not_certified(
    bidder: Bidder, true: TenderPackage, name: str
) -> None:
    stranger = Authority.root("bidclient sandbox 假冒", 1002).issue("encryption", "p-256", 17, name="招标人")
    changes: dict[str, object] = {name: stranger.certificate.pem.decode()}
    if name == "joint_certificate":
        changes["policy"] = "all"
    with pytest.raises(BadCertificate):
        bidder.desk.preparing.new(again(bidder, true, None, **changes).path, bidder.bid)
    assert not bidder.bid.exists()


def test_without_a_pinned_network_nothing_is_claimed(bidder: Bidder, true: TenderPackage) -> None:
    for settings in (Settings(), unpinned(bidder)):
        folder = bidder.folder / f"bid-{settings.network is None}"
        with build(settings) as desk:
            assert desk.preparing.new(true.path, folder).tender_origin == "cannot-tell"
        # Taking it in again with everything set settles the question.
        assert bidder.desk.preparing.import_tender(folder, true.path).tender_origin == "verified"


def test_a_receipt_and_a_tender_are_the_networks_only_by_its_pinned_identity(
    bidder: Bidder, true: TenderPackage
) -> None:
    bid = bidder.submitted(bidder.lot())
    with build(unpinned(bidder)) as desk:
        for name in ("receipt.p7s", "tender.tender"):
            verdicts = desk.verifying.verify(bid / name).verdicts
            assert "cannot-tell" in {one.verdict for one in verdicts}
            assert "invalid" not in {one.verdict for one in verdicts}
    rival = issue_bidder(bidder.sandbox.data, "另一家有限公司", "91629999TBX000028U", "p-256")
    other = bidder.folder / "other.pem"
    other.write_bytes(rival.signing_cert.pem)
    network = bidder.settings.network
    assert network is not None
    pinned = msgspec.structs.replace(network, identity=str(other))
    with build(msgspec.structs.replace(bidder.settings, network=pinned)) as desk:
        for name in ("receipt.p7s", "tender.tender"):
            assert "invalid" in {one.verdict for one in desk.verifying.verify(bid / name).verdicts}
    for name in ("receipt.p7s", "tender.tender"):
        assert bidder.desk.verifying.verify(bid / name).holds
