"""What the demonstration leaves, judged by tools that nobody here wrote; each of them must also say no."""

import base64
import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from asn1crypto import cms

from bidclient.formats.bseal import read_frame
from tests.support.journey import ROOT, CommandLine

ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
SECRET_LENGTH = 80


@dataclass(frozen=True)
class Kept:
    """A copy of what `bidclient demo --keep` has left, and room to work in."""

    folder: Path
    work: Path

    @property
    def ca(self) -> str:
        """The root that is trusted."""
        return str(self.folder / "trust" / "ca.pem")

    def asks(self, *command: str | Path) -> bool:
        """Whether a tool is content."""
        done = subprocess.run(
            list(map(str, command)), cwd=self.work, capture_output=True, check=False, timeout=60
        )
        return done.returncode == 0

    def signature_holds(self, signature: Path, content: Path | None = None) -> bool:
        """`openssl cms -verify` with the chain to the root."""
        detached = () if content is None else ("-content", content)
        trust = ["-CAfile", self.ca, "-purpose", "any", "-out", "signed"]
        return self.asks(
            "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, *detached, *trust
        )

    def unpacked(self) -> Path:
        """bid.asice as files, unpacked by Python so that unzip's verdict is its own matter."""
        target = self.work / "unpacked"
        with zipfile.ZipFile(self.folder / "bid" / "bid.asice") as archive:
            archive.extractall(target)
        return target


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
    return Kept(tmp_path / "kept", tmp_path / "work")


def tender_signature(kept: Kept) -> bool:
    evidence = kept.folder / "evidence"
    return kept.signature_holds(evidence / "tender.p7s", evidence / "tender.json")


def stub_signature(kept: Kept) -> bool:
    return kept.signature_holds(kept.folder / "bid" / "bid.stub")


def receipt_signature(kept: Kept) -> bool:
    return kept.signature_holds(kept.folder / "bid" / "receipt.p7s")


def receipt_timestamp(kept: Kept) -> bool:
    bid = kept.folder / "bid"
    return kept.asks(
        *("openssl", "ts", "-verify", "-in", bid / "receipt.tsr", "-data", bid / "receipt.p7s"),
        *("-CAfile", kept.ca),
    )


def bid_signature(kept: Kept) -> bool:
    meta = kept.unpacked() / "META-INF"
    return kept.signature_holds(meta / "signature001.p7s", meta / "ASiCManifest.xml")


def bid_timestamp(kept: Kept) -> bool:
    """The token is an attribute of the signature; what it stamps is the signature's value."""
    signature = (kept.unpacked() / "META-INF" / "signature001.p7s").read_bytes()
    signer = cms.ContentInfo.load(signature)["content"]["signer_infos"][0]
    (token,) = [
        one["values"][0]
        for one in signer["unsigned_attrs"]
        if one["type"].native == "signature_time_stamp_token"
    ]
    (kept.work / "token.der").write_bytes(token.dump())
    (kept.work / "value").write_bytes(signer["signature"].native)
    return kept.asks(
        *("openssl", "ts", "-verify", "-token_in", "-in", "token.der", "-data", "value", "-CAfile", kept.ca)
    )


def package_archive(kept: Kept) -> bool:
    return kept.asks("unzip", "-tq", kept.folder / "bid" / "bid.zip")


def signed_archive(kept: Kept) -> bool:
    return kept.asks("unzip", "-tq", kept.folder / "bid" / "bid.asice")


def tender_archive(kept: Kept) -> bool:
    return kept.asks("unzip", "-tq", kept.folder / "bid" / "tender.tender")


def document_digests(kept: Kept) -> bool:
    with zipfile.ZipFile(kept.folder / "bid" / "bid.zip") as archive:
        archive.extract("manifest-sha256.txt", kept.work)
        archive.extract("manifest.json", kept.work)
    shutil.copytree(kept.folder / "bid" / "parts", kept.work / "parts")
    return kept.asks("sha256sum", "--quiet", "--strict", "-c", "manifest-sha256.txt")


def wrapped_secret(kept: Kept) -> bool:
    """`openssl cms -decrypt` with the second lock's key gives a secret of ours."""
    keys = kept.folder / "keys"
    certificate, sealed = keys / "second-lock-encrypt.pem", kept.folder / "bid" / "bid.sealed"
    (kept.work / "wrap.der").write_bytes(read_frame(sealed).wraps[1])
    taken = kept.asks(
        *("openssl", "pkcs12", "-in", keys / "second-lock-encrypt.pfx", "-nocerts", "-nodes"),
        *("-passin", f"file:{keys / 'pin.txt'}", "-out", "key.pem"),
    )
    opened = taken and kept.asks(
        *("openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "wrap.der", "-out", "secret"),
        *("-recip", certificate, "-inkey", "key.pem"),
    )
    secret = (kept.work / "secret").read_bytes() if opened else b""
    return len(secret) == SECRET_LENGTH and secret.startswith(b"BIDCS1\0\0")


def sealed_bid(kept: Kept) -> bool:
    """The whole sealed bid, opened by bash, openssl and unzip."""
    keys, bid = kept.folder / "keys", kept.folder / "bid"
    subprocess.run(
        [
            *("openssl", "pkcs12", "-in", str(keys / "second-lock-encrypt.pfx"), "-nocerts", "-nodes"),
            *("-passin", f"file:{keys / 'pin.txt'}", "-out", str(kept.work / "key.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return kept.asks(
        *("bash", ROOT / "resources" / "verify" / "verify-sealed.sh", bid / "bid.sealed", bid / "bid.stub"),
        *(keys / "second-lock-encrypt.pem", "key.pem", "opened", kept.ca),
    )


def receipt_pdf(kept: Kept) -> bool:
    """qpdf finds its structure whole, pdftotext the number of the receipt in it."""
    bid = kept.folder / "bid"
    number = json.loads((bid / "receipt.json").read_bytes())["receipt_no"]
    if not kept.asks("qpdf", "--check", bid / "receipt.pdf"):
        return False
    text = subprocess.run(["pdftotext", str(bid / "receipt.pdf"), "-"], capture_output=True, check=True)
    return str(number).encode() in text.stdout


def evidence_script(kept: Kept) -> bool:
    return kept.asks("bash", kept.folder / "evidence" / "verify.sh", kept.ca)


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


def flipped(name: str, find: bytes = b"", beyond: int = 0) -> Callable[[Path], None]:
    """Change one bit of a file: so far behind `find`, or behind its middle."""

    def tamper(folder: Path) -> None:
        (path,) = folder.glob(name)
        content = bytearray(path.read_bytes())
        place = content.index(find) + len(find) if find else len(content) // 2
        content[place + beyond] ^= 1
        path.write_bytes(content)

    return tamper


def cut_short(name: str) -> Callable[[Path], None]:
    """Take the last bytes of a file away."""

    def tamper(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-200])

    return tamper


def rewritten(entry: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Another content of one entry of bid.asice, in an archive that is whole."""

    def tamper(folder: Path) -> None:
        path = folder / "bid" / "bid.asice"
        with zipfile.ZipFile(path) as archive:
            contents = {info.filename: archive.read(info) for info in archive.infolist()}
        contents[entry] = change(contents[entry])
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)

    return tamper


def spoiled_wrap(folder: Path) -> None:
    """The last byte of what was wrapped for the second lock."""
    path = folder / "bid" / "bid.sealed"
    content, wrap = path.read_bytes(), read_frame(path).wraps[1]
    path.write_bytes(content.replace(wrap, wrap[:-1] + bytes([wrap[-1] ^ 1])))


def other_bit(content: bytes) -> bytes:
    """One bit in the middle turned over."""
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


SIGNATURE, XML = "META-INF/signature001.p7s", "META-INF/ASiCManifest.xml"
JUDGES = [
    (tender_signature, flipped("evidence/tender.json")),
    (stub_signature, flipped("bid/bid.stub", b'"sealed_sha256":"', 3)),
    (receipt_signature, flipped("bid/receipt.p7s", b'"received_at":"', 3)),
    (receipt_timestamp, flipped("bid/receipt.p7s", b'"received_at":"', 3)),
    (bid_signature, rewritten(XML, lambda content: content.replace(b"SigReference", b"SigReferencf"))),
    (bid_timestamp, rewritten(SIGNATURE, other_bit)),
    (package_archive, flipped("bid/bid.zip")),
    (signed_archive, flipped("bid/bid.asice")),
    (tender_archive, flipped("bid/tender.tender")),
    (document_digests, flipped("bid/parts/technical/*.pdf")),
    (wrapped_secret, spoiled_wrap),
    (sealed_bid, flipped("bid/bid.sealed")),
    (receipt_pdf, cut_short("bid/receipt.pdf")),
    (evidence_script, flipped("evidence/chain.jsonl")),
    (asic_container, rewritten("manifest.json", other_bit)),
]


@pytest.mark.parametrize(("judge", "tamper"), JUDGES, ids=[judge.__name__ for judge, _ in JUDGES])
def test_a_stock_tool_says_yes_and_after_tampering_no(
    kept: Kept, judge: Callable[[Kept], bool], tamper: Callable[[Path], None]
) -> None:
    assert judge(kept)
    shutil.rmtree(kept.work)
    kept.work.mkdir()
    tamper(kept.folder)
    assert not judge(kept)


def test_the_bytes_that_were_sealed_are_those_of_the_receipt(kept: Kept) -> None:
    told = subprocess.run(
        ["sha256sum", str(kept.folder / "bid" / "bid.sealed")], capture_output=True, check=True
    )
    receipt = json.loads((kept.folder / "bid" / "receipt.json").read_bytes())
    assert told.stdout.split()[0].decode() == receipt["sealed_sha256"]
    flipped("bid/bid.sealed")(kept.folder)
    again = subprocess.run(
        ["sha256sum", str(kept.folder / "bid" / "bid.sealed")], capture_output=True, check=True
    )
    assert again.stdout.split()[0].decode() != receipt["sealed_sha256"]
