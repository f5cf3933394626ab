"""The sandbox's seal maker (制章者): electronic seals for practice, by a certificate of its authority."""

import secrets
from datetime import datetime
from pathlib import Path

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.pdf_picture import read_picture
from bidclient.crypto.pdf_places import SealKind
from bidclient.crypto.ses import COMPANY_SEAL, PERSON_SEAL, make_seal
from bidclient.errors import CertificateUnfit
from bidclient.formats import atomic
from bidclient.sandbox.pki import open_authority
from bidclient.sandbox.seal_image import SealImage, draw_seal, png


def write_practice_seal(
    data: Path, signer: Certificate, name: str, code: str, kind: SealKind, out: Path, now: datetime
) -> SealImage:
    """A DER SESeal (GB/T 38540) with the practice picture, for this SM2 certificate, as long as it lasts.

    `data` is the sandbox's folder. Raises CertificateUnfit for another kind of certificate, BadValue,
    DiskProblem.
    """
    if signer.key_algorithm != "sm2":
        raise CertificateUnfit(signer.holder, f"an electronic seal is for SM2, not {signer.key_algorithm}")
    drawing = draw_seal(name, code, kind)
    picture = read_picture(png(drawing), drawing.width, name)
    maker = open_authority(data).seal_maker
    seal_kind = COMPANY_SEAL if kind in ("company", "cross-page") else PERSON_SEAL
    valid = max(now, signer.not_before), signer.not_after
    made = make_seal(name, picture, [signer], maker, valid, secrets.token_hex(16), seal_kind)
    atomic.write(out, made)
    return SealImage(str(out), drawing.width, drawing.height)
