"""Tools that nobody here wrote, asked about what a journey has left; and what spoils it for each of them."""

import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asn1crypto import cms, keys, pem

from bidclient.formats.bseal import read_frame
from tests.support.bouncycastle import BouncyCastle, Disagrees
from tests.support.journey import ROOT

SECRET_LENGTH = 80
SECRET_MAGIC = b"BIDCS1\0\0"
SIGNATURE, XML = "META-INF/signature001.p7s", "META-INF/ASiCManifest.xml"
_GM_MESSAGES = "1.2.156.10197.6.1.4.2."

Tamper = Callable[[Path], None]


@dataclass(frozen=True)
class Kept:
    """A folder with bid/, perhaps evidence/ too, the roots that are trusted, and room to work in.

    `bouncycastle` judges what is signed or wrapped with SM2, which openssl's cms cannot.
    """

    folder: Path
    trust: Path
    work: Path
    bouncycastle: BouncyCastle | None = None

    @property
    def ca(self) -> str:
        """The root that is trusted."""
        return str(self.trust / "ca.pem")

    @property
    def identity(self) -> str:
        """The certificate by which the network signs."""
        return str(self.trust / "identity.pem")

    def asks(self, *command: str | Path) -> bool:
        """Whether a tool is content."""
        done = subprocess.run(
            list(map(str, command)), cwd=self.work, capture_output=True, check=False, timeout=60
        )
        return done.returncode == 0

    def told(self, *command: str | Path) -> bytes:
        """What a tool says; it must be content."""
        return subprocess.run(
            list(map(str, command)), cwd=self.work, capture_output=True, check=True, timeout=60
        ).stdout

    def signature_holds(self, signature: Path, content: Path | None = None) -> bool:
        """`openssl cms -verify`, or BouncyCastle for a message of GM/T 0010, with the chain to the root."""
        if is_gm(signature.read_bytes()):
            assert self.bouncycastle is not None
            try:
                self.bouncycastle.verify_cms(signature, self.trust / "ca-sm2.pem", content)
            except Disagrees:
                return False
            return True
        detached = () if content is None else ("-content", content)
        trust = ["-CAfile", self.ca, "-purpose", "any", "-out", "signed"]
        return self.asks(
            "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, *detached, *trust
        )

    def opens_wrap(self, number: int, certificate: Path, key: Path) -> bool:
        """Whether `openssl cms -decrypt`, or BouncyCastle for GM/T 0010, finds a secret of ours in a wrap."""
        wrap = self.work / "wrap.der"
        wrap.write_bytes(read_frame(self.folder / "bid" / "bid.sealed").wraps[number])
        if is_gm(wrap.read_bytes()):
            assert self.bouncycastle is not None
            try:
                secret = self.bouncycastle.open_cms(wrap, private_number(key))
            except Disagrees:
                return False
        else:
            opened = self.asks(
                *("openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", wrap, "-out", "secret"),
                *("-recip", certificate, "-inkey", key),
            )
            secret = (self.work / "secret").read_bytes() if opened else b""
        return len(secret) == SECRET_LENGTH and secret.startswith(SECRET_MAGIC)

    def opens_sealed(self, certificate: Path, key: Path) -> bool:
        """Whether bash, openssl and unzip open the whole sealed bid."""
        bid, roots = self.folder / "bid", self.work / "roots.pem"
        roots.write_bytes(b"".join((self.trust / name).read_bytes() for name in ("ca.pem", "ca-sm2.pem")))
        return self.asks(
            *("bash", ROOT / "resources" / "verify" / "verify-sealed.sh", bid / "bid.sealed"),
            *(bid / "bid.stub", certificate, key, "opened", roots),
        )

    def unpacked(self) -> Path:
        """bid.asice as files, unpacked by Python so that unzip's verdict is its own matter."""
        target = self.work / "unpacked"
        with zipfile.ZipFile(self.folder / "bid" / "bid.asice") as archive:
            archive.extractall(target)
        return target


def is_gm(message: bytes) -> bool:
    """Whether a message has the names of GM/T 0010."""
    return str(cms.ContentInfo.load(message)["content_type"].dotted).startswith(_GM_MESSAGES)


def private_number(key: Path) -> bytes:
    """The private number of an elliptic curve out of unprotected PKCS #8."""
    loaded = keys.PrivateKeyInfo.load(pem.unarmor(key.read_bytes())[2])
    number: int = loaded["private_key"].parsed["private_key"].native
    return number.to_bytes(32, "big")


# ------------------------------------------------------------------------------------------------- judges


def stub_signature(kept: Kept) -> bool:
    """The stub's signature."""
    return kept.signature_holds(kept.folder / "bid" / "bid.stub")


def receipt_signature(kept: Kept) -> bool:
    """The receipt's signature."""
    return kept.signature_holds(kept.folder / "bid" / "receipt.p7s")


def receipt_timestamp(kept: Kept) -> bool:
    """The receipt's timestamp."""
    bid = kept.folder / "bid"
    return kept.asks(
        *("openssl", "ts", "-verify", "-in", bid / "receipt.tsr", "-data", bid / "receipt.p7s"),
        *("-CAfile", kept.ca),
    )


def bid_signature(kept: Kept) -> bool:
    """The signature in the container."""
    files = kept.unpacked()
    return kept.signature_holds(files / SIGNATURE, files / XML)


def bid_timestamp(kept: Kept) -> bool:
    """The token is an attribute of the signature; what it stamps is the signature's value."""
    signature = (kept.unpacked() / SIGNATURE).read_bytes()
    signed = cms.ContentInfo.load(signature)["content"]
    # asn1crypto knows nothing of the names of GM/T 0010: the form inside is the same.
    content = signed if isinstance(signed, cms.SignedData) else cms.SignedData.load(signed.dump())
    signer = content["signer_infos"][0]
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
    """unzip on the package."""
    return kept.asks("unzip", "-tq", kept.folder / "bid" / "bid.zip")


def signed_archive(kept: Kept) -> bool:
    """unzip on the container."""
    return kept.asks("unzip", "-tq", kept.folder / "bid" / "bid.asice")


def tender_archive(kept: Kept) -> bool:
    """unzip on the tender."""
    return kept.asks("unzip", "-tq", kept.folder / "bid" / "tender.tender")


def document_digests(kept: Kept) -> bool:
    """The documents beside the digests in the package."""
    with zipfile.ZipFile(kept.folder / "bid" / "bid.zip") as archive:
        archive.extract("manifest-sha256.txt", kept.work)
        archive.extract("manifest.json", kept.work)
    shutil.copytree(kept.folder / "bid" / "parts", kept.work / "parts")
    return kept.asks("sha256sum", "--quiet", "--strict", "-c", "manifest-sha256.txt")


def sealed_digest(kept: Kept) -> bool:
    """The bytes that were sealed are those of the receipt."""
    receipt = json.loads((kept.folder / "bid" / "receipt.json").read_bytes())
    told = kept.told("sha256sum", kept.folder / "bid" / "bid.sealed")
    return bool(told.split()[0].decode() == receipt["sealed_sha256"])


def readout_row(kept: Kept) -> bool:
    """The row that the network has read out says what unzip finds in our own package."""
    manifest = kept.told("unzip", "-p", kept.folder / "bid" / "bid.zip", "manifest.json")
    ours: dict[str, Any] = json.loads(manifest)
    readout = json.loads((kept.folder / "evidence" / "readout.json").read_bytes())
    (row,) = [one for one in readout["rows"] if one["bidder"] == ours["bidder"]["uscc"]]
    return bool(
        row["state"] == "opened"
        and row["form"] == ours["form"]
        and row["price_fen"] == sum(line["total_fen"] for line in ours["prices"])
        and row["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    )


# ----------------------------------------------------------------------------------------------- tampering


def flipped(name: str, find: bytes = b"", beyond: int = 0) -> Tamper:
    """Change one bit of a file: so far behind `find`, or behind its middle."""

    def tamper(folder: Path) -> None:
        (path,) = folder.glob(name)
        content = bytearray(path.read_bytes())
        place = content.index(find) + len(find) if find else len(content) // 2
        content[place + beyond] ^= 1
        path.write_bytes(content)

    return tamper


def rewritten(entry: str, change: Callable[[bytes], bytes]) -> Tamper:
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


def spoiled_wrap(number: int) -> Tamper:
    """The last byte of a wrap in the sealed bid."""

    def tamper(folder: Path) -> None:
        path = folder / "bid" / "bid.sealed"
        content, wrap = path.read_bytes(), read_frame(path).wraps[number]
        path.write_bytes(content.replace(wrap, wrap[:-1] + bytes([wrap[-1] ^ 1])))

    return tamper


def dearer(folder: Path) -> None:
    """Another price in every row that was read out."""
    path = folder / "evidence" / "readout.json"
    content = path.read_bytes()
    assert b'"price_fen":' in content
    path.write_bytes(content.replace(b'"price_fen":', b'"price_fen":1'))


def other_bit(content: bytes) -> bytes:
    """One bit in the middle turned over."""
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def other_name(content: bytes) -> bytes:
    """Another name in the container's manifest."""
    return content.replace(b"SigReference", b"SigReferencf")


Judge = Callable[[Kept], bool]
EVERY_BID: list[tuple[Judge, Tamper]] = [
    (stub_signature, flipped("bid/bid.stub", b'"sealed_sha256":"', 3)),
    (receipt_signature, flipped("bid/receipt.p7s", b'"received_at":"', 3)),
    (receipt_timestamp, flipped("bid/receipt.p7s", b'"received_at":"', 3)),
    (bid_signature, rewritten(XML, other_name)),
    (bid_timestamp, rewritten(SIGNATURE, other_bit)),
    (package_archive, flipped("bid/bid.zip")),
    (signed_archive, flipped("bid/bid.asice")),
    (tender_archive, flipped("bid/tender.tender")),
    (document_digests, flipped("bid/parts/technical/*.pdf")),
    (sealed_digest, flipped("bid/bid.sealed")),
]
"""Judges that have something to say of any bid, each with what must make it say no."""
