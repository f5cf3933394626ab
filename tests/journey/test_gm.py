"""A company with SM2 keys goes the whole way in suite gm-1, also where the network itself opens with SM2."""

import subprocess
from pathlib import Path

import pytest

from bidclient.crypto.certificate import Certificate
from bidclient.formats.bseal import read_frame
from bidclient.sandbox.pki import KeyType
from bidclient.sandbox.samples import sample_bid
from bidclient.stages.signed import read_signed
from bidclient.stages.stub import read_stub
from bidclient.stages.tender import read_tender
from tests.support.desks import make_bidder
from tests.support.journey import attend, hall, strays
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize(
    ("sample", "key_type", "suites", "opens_with"),
    [
        pytest.param("construction", "sm2", (), "rsa-2048", id="both-suites"),
        pytest.param("services", "sm2", ("gm-1",), "sm2", id="joint-control-national-only"),
        pytest.param("goods", "p-256", ("gm-1",), "sm2", id="other-keys-in-the-national-suite"),
        pytest.param("goods", "sm2", ("intl-1",), "rsa-2048", id="sm2-keys-in-the-international-suite"),
    ],
)
def test_a_bid_travels_from_tender_to_opened(
    sandbox: Sandbox,
    tmp_path: Path,
    sample: str,
    key_type: KeyType,
    suites: tuple[str, ...],
    opens_with: str,
) -> None:
    bidder = make_bidder(tmp_path, sandbox, sample, key_type)
    desk, bid, key, ask = bidder.desk, bidder.bid, bidder.signing, bidder.ask
    with desk:
        lot = bidder.lot(*suites)
        bidder.sealed(lot)
        opening = Certificate.from_pem(read_tender(bid / "tender.tender").tender.opening_certificate.encode())
        assert opening.key_algorithm == opens_with
        (signature,) = read_signed(bid / "bid.asice").signatures
        assert (signature.signer.key_algorithm, signature.timestamp is None) == (key_type, False)
        wanted = "intl-1" if suites == ("intl-1",) else "gm-1"
        stub = read_stub((bid / "bid.stub").read_bytes()).stub
        assert (stub.suite, stub.sealed_sm3 != "") == (wanted, wanted == "gm-1")
        assert read_frame(bid / "bid.sealed").header.algorithms.name == wanted
        with hall(sandbox, lot, bid / "tender.tender") as room:
            desk.submitting.submit(bid, key, ask)
            confirmed = attend(bidder, room, lambda: desk.opening.release(bid, key, ask))
            assert room.state == "closed"
        assert confirmed.own_row.price_fen == sample_bid(sample).total_fen
        assert {row.state for row in confirmed.readout.rows} == {"opened"}
        evidence = tmp_path / "evidence"
        desk.evidence.export(bid, evidence)
        assert desk.evidence.verify(evidence, sandbox.trust).holds
        assert desk.verifying.verify(bid).holds
    assert strays(tmp_path) == []
    roots = sandbox.trust / "roots.pem"
    judged = stock_tools(evidence, roots, sandbox.trust)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    for name in ("bid.stub", "finalize-001.p7s", "confirm.p7s"):
        data = bytearray((evidence / name).read_bytes())
        data[-3] ^= 1
        (evidence / name).write_bytes(data)
        assert stock_tools(evidence, roots, sandbox.trust).returncode != 0
        data[-3] ^= 1
        (evidence / name).write_bytes(data)
    if key_type == "sm2":
        assert stock_tools(evidence, sandbox.trust / "ca.pem", sandbox.trust).returncode != 0


def stock_tools(evidence: Path, roots: Path, trust: Path) -> subprocess.CompletedProcess[str]:
    """What verify.sh says."""
    command = ["bash", "verify.sh", str(roots), str(trust / "identity.pem")]
    return subprocess.run(command, cwd=evidence, capture_output=True, text=True, check=False)
