"""What the demonstration leaves, judged by tools that nobody here wrote; each of them must also say no."""

import base64
import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.journey import CommandLine
from tests.support.judges import (
    SIGNATURE,
    XML,
    Kept,
    Tamper,
    bid_signature,
    bid_timestamp,
    document_digests,
    flipped,
    other_bit,
    other_name,
    package_archive,
    receipt_signature,
    receipt_timestamp,
    rewritten,
    sealed_digest,
    signed_archive,
    spoiled_wrap,
    stub_signature,
    tender_archive,
)

ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One demonstration for all judges."""
    folder = tmp_path_factory.mktemp("demonstration")
    done = CommandLine(folder).start("demo", "--keep", folder / "kept", "--json")
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-2000:]
    return folder / "kept"


@pytest.fixture
def kept(demonstration: Path, tmp_path: Path) -> Kept:
    """A copy that may be tampered with."""
    shutil.copytree(demonstration, tmp_path / "kept", ignore=shutil.ignore_patterns("sandbox", "token*"))
    (tmp_path / "work").mkdir()
    return Kept(tmp_path / "kept", tmp_path / "kept" / "trust", tmp_path / "work")


def tender_signature(kept: Kept) -> bool:
    evidence = kept.folder / "evidence"
    return kept.signature_holds(evidence / "tender.p7s", evidence / "tender.json")


def second_lock(kept: Kept) -> tuple[Path, Path]:
    """The certificate of the second lock, and its key as openssl takes it."""
    keys, key = kept.folder / "keys", kept.work / "key.pem"
    kept.told(
        *("openssl", "pkcs12", "-in", keys / "second-lock-encrypt.pfx", "-nocerts", "-nodes"),
        *("-passin", f"file:{keys / 'pin.txt'}", "-out", key),
    )
    return keys / "second-lock-encrypt.pem", key


def wrapped_secret(kept: Kept) -> bool:
    return kept.opens_wrap(1, *second_lock(kept))


def sealed_bid(kept: Kept) -> bool:
    return kept.opens_sealed(*second_lock(kept))


def receipt_pdf(kept: Kept) -> bool:
    """qpdf finds its structure whole, pdftotext the number of the receipt in it."""
    bid = kept.folder / "bid"
    number = json.loads((bid / "receipt.json").read_bytes())["receipt_no"]
    if not kept.asks("qpdf", "--check", bid / "receipt.pdf"):
        return False
    text = subprocess.run(["pdftotext", str(bid / "receipt.pdf"), "-"], capture_output=True, check=True)
    return str(number).encode() in text.stdout


def evidence_script(kept: Kept) -> bool:
    return kept.asks("bash", kept.folder / "evidence" / "verify.sh", kept.ca, kept.identity)


def asic_container(kept: Kept) -> bool:
    """EN 319 162-1 as a stranger reads it: zipfile, ElementTree and hashlib."""
    with zipfile.ZipFile(kept.folder / "bid" / "bid.asice") as archive:
        names = archive.namelist()
        first = archive.infolist()[0]
        manifest = ElementTree.fromstring(archive.read("META-INF/ASiCManifest.xml"))  # noqa: S314 - our own
        signature = manifest.find(f"{ASIC}SigReference")
        assert signature is not None
        referenced = {}
        for reference in manifest.iter(f"{ASIC}DataObjectReference"):
            method, value = reference.find(f"{DSIG}DigestMethod"), reference.find(f"{DSIG}DigestValue")
            assert method is not None
            assert method.get("Algorithm") == "http://www.w3.org/2001/04/xmlenc#sha256"
            assert value is not None
            referenced[reference.get("URI")] = base64.b64decode(value.text or "")
        actual = {
            name: hashlib.sha256(archive.read(name)).digest()
            for name in names
            if name != "mimetype" and not name.startswith("META-INF/")
        }
        return (
            (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
            and archive.read("mimetype") == b"application/vnd.etsi.asic-e+zip"
            and signature.get("URI") in names
            and referenced == actual
        )


def cut_short(name: str) -> Tamper:
    """Take the last bytes of a file away."""

    def tamper(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-200])

    return tamper


JUDGES = [
    (tender_signature, flipped("evidence/tender.json")),
    (stub_signature, flipped("bid/bid.stub", b'"sealed_sha256":"', 3)),
    (receipt_signature, flipped("bid/receipt.p7s", b'"received_at":"', 3)),
    (receipt_timestamp, flipped("bid/receipt.p7s", b'"received_at":"', 3)),
    (bid_signature, rewritten(XML, other_name)),
    (bid_timestamp, rewritten(SIGNATURE, other_bit)),
    (package_archive, flipped("bid/bid.zip")),
    (signed_archive, flipped("bid/bid.asice")),
    (tender_archive, flipped("bid/tender.tender")),
    (document_digests, flipped("bid/parts/technical/*.pdf")),
    (wrapped_secret, spoiled_wrap(1)),
    (sealed_bid, flipped("bid/bid.sealed")),
    (sealed_digest, flipped("bid/bid.sealed")),
    (receipt_pdf, cut_short("bid/receipt.pdf")),
    (evidence_script, flipped("evidence/chain.jsonl")),
    (asic_container, rewritten("manifest.json", other_bit)),
]


@pytest.mark.parametrize(("judge", "tamper"), JUDGES, ids=[judge.__name__ for judge, _ in JUDGES])
def test_a_stock_tool_says_yes_and_after_tampering_no(
    kept: Kept, judge: Callable[[Kept], bool], tamper: Tamper
) -> None:
    assert judge(kept)
    shutil.rmtree(kept.work)
    kept.work.mkdir()
    tamper(kept.folder)
    assert not judge(kept)
