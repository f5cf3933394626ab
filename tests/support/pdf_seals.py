"""Seals for tests, and the stock tools that judge sealed PDF files."""

import io
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.pdf_container import pades
from bidclient.crypto.pdf_picture import SealPicture, read_picture
from bidclient.crypto.pdf_places import Place, SealKind
from bidclient.crypto.pdf_signature import Seal, Signing, seal_pdf
from bidclient.crypto.private_key import PrivateKey
from bidclient.crypto.timestamp import Stamp
from tests.support.pki import NOW

_RANGES = re.compile(rb"/ByteRange ?\[ ?(\d+) (\d+) (\d+) (\d+)")


@cache
def picture(width_mm: float = 42) -> SealPicture:
    """A red ring."""
    image = Image.new("RGBA", (120, 120))
    ImageDraw.Draw(image).ellipse((2, 2, 117, 117), outline=(210, 0, 0, 255), width=6)
    out = io.BytesIO()
    image.save(out, "PNG")
    return read_picture(out.getvalue(), width_mm, "seal")


def seal(kind: SealKind, *places: Place) -> Seal:
    """The ring at these places."""
    return Seal(kind, picture(), places)


def put_on(path: Path, seals: Sequence[Seal], key: PrivateKey, stamp: Stamp | None = None) -> int:
    """Seal the file at `path` in place, at NOW; how many signatures that took."""
    with path.open("r+b") as file:
        return seal_pdf(file, seals, Signing(key.certificate.common_name, pades(key, stamp), NOW), path.name)


# ------------------------------------------------------------------------------------------------- judges


def pdfsig_accepts(path: Path) -> bool:
    """poppler: every signature is valid, the last covers the whole file; its exit code says nothing."""
    done = subprocess.run(
        ["pdfsig", "-nocert", path], capture_output=True, text=True, check=False, timeout=60
    )
    said = re.findall(r"Signature Validation: (.*)", done.stdout)
    covered = re.findall(r"(Not total|Total) document signed", done.stdout)
    return bool(said) and set(said) == {"Signature is Valid."} and covered[-1] == "Total"


def pyhanko_accepts(path: Path, root: Certificate) -> bool:
    """pyHanko: intact, trusted, and nothing but permitted changes behind every signature."""
    trust = ValidationContext(trust_roots=[root.asn1()], allow_fetching=False)
    with path.open("rb") as file:
        try:
            found = PdfFileReader(file).embedded_signatures
            return bool(found) and all(validate_pdf_signature(one, trust).bottom_line for one in found)
        except (PdfError, ValueError):
            return False


def openssl_accepts(path: Path, root: Certificate, number: int = -1) -> bool:
    """openssl cms over what the byte range of one signature cuts out, which must reach to the file's end."""
    data = path.read_bytes()
    start, length, start2, length2 = map(int, _RANGES.findall(data)[number])
    if number == -1 and start2 + length2 != len(data):
        return False
    content, cms, ca = (path.with_suffix(suffix) for suffix in (".content", ".cms", ".ca"))
    content.write_bytes(data[start : start + length] + data[start2 : start2 + length2])
    cms.write_bytes(bytes.fromhex(data[start + length + 1 : start2 - 1].decode("ascii")))
    ca.write_bytes(root.pem)
    command: list[str | Path] = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", cms]
    command += ["-content", content, "-CAfile", ca, "-purpose", "any", "-attime", str(int(NOW.timestamp()))]
    done = subprocess.run([*command, "-out", "/dev/null"], capture_output=True, check=False, timeout=60)
    return done.returncode == 0


def qpdf_accepts(path: Path) -> bool:
    """qpdf finds a sound structure, with exit code 0 and without a warning."""
    return subprocess.run(["qpdf", "--check", path], capture_output=True, check=False).returncode == 0


def ink(path: Path, page: int, box_mm: tuple[float, float, float, float]) -> int:
    """How many red pixels pdftoppm paints on a page (from 0) inside a box in mm from its left and top."""
    prefix, number = path.with_suffix(""), str(page + 1)
    command: list[str | Path] = ["pdftoppm", "-cropbox", "-r", "50.8", "-f", number, "-l", number]
    command += ["-singlefile", "-png", path, prefix]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    left, top, right, bottom = (round(2 * side) for side in box_mm)
    with Image.open(prefix.with_suffix(".png")) as image:
        pixels = image.convert("RGB").crop((left, top, right, bottom)).tobytes()
    return sum(r > 150 and g < 90 for r, g in zip(pixels[0::3], pixels[1::3], strict=True))
