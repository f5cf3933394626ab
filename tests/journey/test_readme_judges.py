"""The README's block of stock tools, run as it stands: a reader's first check must work, and can fail."""

import hashlib
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from bidclient.crypto.cms import sign_attached
from bidclient.formats import canonical
from bidclient.formats.instant import parse_instant
from bidclient.keys.soft import SoftKey
from bidclient.sandbox import tsa
from bidclient.sandbox.certificates import Issuer, issued, key_of_pem, new_key, subject_name
from bidclient.sandbox.clock import machine_time
from bidclient.sandbox.pki import CENTRE_USCC, issue_bidder, open_authority
from bidclient.stages.chain import Event, genesis, next_head
from bidclient.stages.opened import ReleaseStatement
from bidclient.stages.submitted import read_receipt, read_statement
from tests.support.journey import ROOT


def block() -> str:
    """The shell commands under "Verify with stock tools"."""
    _, _, after = (ROOT / "README.md").read_text("utf-8").partition("## Verify with stock tools")
    _, fence, rest = after.partition("\n```sh\n")
    commands, end, _ = rest.partition("\n```\n")
    assert fence
    assert end
    return commands


def copied(demonstration: Path, to: Path) -> Path:
    """Another checkout with what the demo left, to be spoilt."""
    (to / "build").mkdir()
    (to / "resources").symlink_to(ROOT / "resources")
    folder = to / "build" / "demo"
    shutil.copytree(
        demonstration / "build" / "demo", folder, ignore=shutil.ignore_patterns("sandbox", "tokens")
    )
    return folder


def run_block(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block()],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_block_passes_on_what_the_demo_leaves(demonstration: Path) -> None:
    done = run_block(demonstration / "build" / "demo")
    assert done.returncode == 0, done.stderr
    assert "all hold" in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "bid/tender.tender",
        "bid/bid.zip",
        "bid/bid.asice",
        "bid/bid.stub",
        "bid/bid.sealed",
        "bid/receipt.p7s",
        "bid/receipt.tsr",
        "evidence/chain.jsonl",
        "evidence/readout.json",
        "evidence/release.p7s",
        "evidence/journal.jsonl",
    ],
)
def test_the_block_fails_when_one_bit_is_changed(demonstration: Path, tmp_path: Path, name: str) -> None:
    folder = copied(demonstration, tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 0x01
    (folder / name).write_bytes(content)
    assert run_block(folder).returncode != 0


def judged(folder: Path, *trusted: str) -> subprocess.CompletedProcess[str]:
    """evidence/verify.sh with these files of trust/."""
    return subprocess.run(
        ["bash", folder / "evidence" / "verify.sh", *(folder / "trust" / name for name in trusted)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_receipt_that_the_bidder_signed_itself_is_refused(demonstration: Path, tmp_path: Path) -> None:
    """Its certificate is of the network's root, its time-stamp is true: only the signer is the wrong one."""
    folder, sandbox = copied(demonstration, tmp_path), demonstration / "build" / "demo" / "sandbox"
    true = read_receipt((folder / "bid" / "receipt.p7s").read_bytes())
    received = parse_instant(true.receipt.received_at)
    bidder = issue_bidder(sandbox, "甘肃砚岭路桥建设有限公司", true.receipt.bidder)
    forged = sign_attached(canonical.dumps(true.receipt), bidder.signer(), received)
    stamped = tsa.stamp(hashlib.sha256(forged).digest(), open_authority(sandbox).stamping, received)
    for stem in ("bid/receipt", "evidence/receipt-001"):
        (folder / f"{stem}.p7s").write_bytes(forged)
        (folder / f"{stem}.tsr").write_bytes(stamped)
    # Whoever knows the root alone cannot tell, and is told so.
    by_root = judged(folder, "ca.pem")
    assert by_root.returncode == 2, by_root.stdout
    assert "cannot tell" in by_root.stdout
    by_identity = judged(folder, "ca.pem", "identity.pem")
    assert by_identity.returncode == 1
    assert by_identity.stdout.splitlines()[-1] == "FAILED: receipt-001.p7s"
    done = run_block(folder)
    assert done.returncode != 0
    assert "signer certificate not found" in done.stderr


def test_old_evidence_is_judged_at_its_own_time(demonstration: Path, tmp_path: Path) -> None:
    """The certificate of the time-stamping service has ended since."""
    folder, data = copied(demonstration, tmp_path), demonstration / "build" / "demo" / "sandbox"
    root, start = open_authority(data).root.certificate, machine_time() - timedelta(hours=23)
    authority = Issuer(
        x509.load_der_x509_certificate(root.der).subject,
        key_of_pem((data / "keys" / "ca.key").read_bytes(), root),
    )
    name, key = subject_name("模拟时间戳服务", CENTRE_USCC, "ended"), new_key("p-256")
    ended = issued(name, key, "stamp", authority, start, start + timedelta(hours=1))
    receipt = (folder / "evidence" / "receipt-001.p7s").read_bytes()
    stamped = tsa.stamp(hashlib.sha256(receipt).digest(), SoftKey(key, ended, (root,)), start)
    (folder / "evidence" / "receipt-001.tsr").write_bytes(stamped)
    done = judged(folder, "ca.pem", "identity.pem")
    assert done.returncode == 0, done.stdout


def test_a_chain_that_was_made_anew_is_refused(demonstration: Path, tmp_path: Path) -> None:
    """Every link fits the one before it; but the network has signed other heads."""
    folder = copied(demonstration, tmp_path)
    path = folder / "evidence" / "chain.jsonl"
    events = [msgspec.json.decode(line, type=Event) for line in path.read_bytes().splitlines()]
    head, lines = genesis(opening_of(folder)), []
    for event in events:
        data = event.data | {"total": 99} if event.type == "list-announced" else event.data
        made = msgspec.structs.replace(event, prev=head, data=data)
        head = next_head(head, made)
        lines.append(canonical.dumps(made) + b"\n")
    path.write_bytes(b"".join(lines))
    done = judged(folder, "ca.pem", "identity.pem")
    assert done.returncode == 1
    assert "FAILED: chain at acknowledged event" in done.stdout


def opening_of(folder: Path) -> str:
    """The opening that the bid took part in."""
    statement, _ = read_statement((folder / "evidence" / "release.p7s").read_bytes(), ReleaseStatement)
    return statement.opening
