"""What the demonstration leaves, judged by tools that nobody here wrote; each of them must also say no."""

import base64
import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.demonstration import KEPT
from tests.support.judges import (
    EVERY_BID,
    Judge,
    Kept,
    Tamper,
    flipped,
    other_bit,
    rewritten,
    spoiled_wrap,
)

ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture
def kept(demonstration: Path, tmp_path: Path) -> Kept:
    """A copy that may be tampered with."""
    shutil.copytree(
        demonstration / KEPT, tmp_path / "kept", ignore=shutil.ignore_patterns("sandbox", "token*")
    )
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


JUDGES: list[tuple[Judge, Tamper]] = [
    *EVERY_BID,
    (tender_signature, flipped("evidence/tender.json")),
    (wrapped_secret, spoiled_wrap(1)),
    (sealed_bid, flipped("bid/bid.sealed")),
    (receipt_pdf, cut_short("bid/receipt.pdf")),
    (evidence_script, flipped("evidence/chain.jsonl")),
    (asic_container, rewritten("manifest.json", other_bit)),
]


@pytest.mark.parametrize(("judge", "tamper"), JUDGES, ids=[judge.__name__ for judge, _ in JUDGES])
def test_a_stock_tool_says_yes_and_after_tampering_no(kept: Kept, judge: Judge, tamper: Tamper) -> None:
    assert judge(kept)
    shutil.rmtree(kept.work)
    kept.work.mkdir()
    tamper(kept.folder)
    assert not judge(kept)
