"""One PDF on the disk and its seals: which are there, which are wanting, and putting them on."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import pypdfium2

from bidclient.checks.pdf import opened_pdf
from bidclient.checks.seal_places import seal_places
from bidclient.checks.seals import COMPANY_KINDS, SealJudge
from bidclient.crypto import ses
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.pdf_container import Container, Steps, pades
from bidclient.crypto.pdf_picture import SealPicture
from bidclient.crypto.pdf_places import Place, SealKind
from bidclient.crypto.pdf_signature import Seal, Signing, sealing_steps, signatures_needed
from bidclient.crypto.pdf_verify import find_signatures
from bidclient.crypto.private_key import PrivateKey, usual_scheme
from bidclient.crypto.revocation import Revocation
from bidclient.crypto.timestamp import Stamp
from bidclient.desk.connection import Clock
from bidclient.desk.seal_order import SealOrder
from bidclient.desk.seal_panel import panel, picture_file
from bidclient.errors import BadDocument, BadSignature, IntegrityProblem, KeyRefused
from bidclient.formats import atomic
from bidclient.formats.content import read_limited
from bidclient.formats.stored_zip import open_archive
from bidclient.stages.tender import SealPosition

_BLOCK = 1024 * 1024
_SEAL_LIMIT = 16 * 1024 * 1024
_UNSEEN = SealPicture(b"", 1, 1)
"""Stands in for a picture where only the number of signatures matters."""


def wanting(file: Path, positions: Sequence[SealPosition], judge: SealJudge) -> tuple[SealPosition, ...]:
    """The positions whose kind of seal is not on the file yet; a seal to which `judge` objects is none.

    Raises BadSignature when a signature of ours is broken, BadDocument, FileProblem, Sm2Missing.
    """
    there: set[str] = set()
    with open_archive(file) as content:
        for one in find_signatures(content, file.name):
            if one.kinds:
                rule, _ = judge.objection(one.kinds, one.verify())
                there.update(() if rule else one.kinds)
    return tuple(one for one in positions if one.kind not in there)


def needed(file: Path, positions: Sequence[SealPosition], judge: SealJudge) -> int:
    """How many signatures the wanting seals take. Raises as `wanting`."""
    left = wanting(file, positions, judge)
    if not left:
        return 0
    seals = [Seal(position.kind, _UNSEEN, places) for position, places in _placed(file, left)]
    with open_archive(file) as content:
        return len(signatures_needed(content, seals, file.name))


def grew_from(file: Path, size: int, sha256: str) -> bool:
    """Whether the file is one of that size and hex digest, with nothing but good signatures behind it."""
    digest = hashlib.sha256()
    with open_archive(file) as content:
        rest = size
        while rest and (block := content.read(min(_BLOCK, rest))):
            digest.update(block)
            rest -= len(block)
        if rest or digest.hexdigest() != sha256:
            return False
        try:
            _check(content, file.name)
        except (IntegrityProblem, BadDocument):
            return False
    return True


class Sealer:
    """An unlocked key that seals files."""

    def __init__(
        self,
        key: PrivateKey,
        stamp: Stamp | None,
        order: SealOrder,
        now: Clock,
        revocation: Revocation | None = None,
    ) -> None:
        """`revocation` makes it PAdES-B-LT; an electronic seal has no place for it.

        Raises KeyRefused, FileProblem, BadDocument, and for an electronic seal as ses.read_seal.
        """
        self._key = key
        self._revocation = revocation if order.electronic_seal is None else None
        self._stamp = stamp
        self._order = order
        self._now = now
        self._pictures: dict[SealKind, SealPicture] = {}
        self._seal = None
        if order.electronic_seal is not None:
            content = read_limited(order.electronic_seal, _SEAL_LIMIT)
            self._seal = ses.read_seal(content, order.electronic_seal.name)
        elif key.certificate.key_algorithm == "sm2":
            raise KeyRefused(
                "sign", "an SM2 key seals with an electronic seal (--seal FILE), and none is given"
            )

    @property
    def certificate(self) -> Certificate:
        """Who seals."""
        return self._key.certificate

    def sign(self, messages: Sequence[bytes]) -> list[bytes]:
        """One signature for each message that `steps` has stopped with, by one use of the key.

        Raises KeyProblem, and for a phone NetworkProblem, BadFormat, Cancelled.
        """
        usual = usual_scheme(self._key.certificate)
        return self._key.sign(messages, usual)

    def steps(self, file: Path, positions: Sequence[SealPosition], keep: Callable[[], str]) -> Steps[str]:
        """Replace the file by one with these seals, stopping for each signature.

        `keep` is called just before the file is replaced; what it returns comes back. Until then the new file
        lies beside it; closed in between, or on an error, the file is as it was. Raises BadDocument,
        BadSignature, FileProblem, DiskProblem, BadTimestamp, NetworkProblem.
        """
        seals = [Seal(one.kind, self._picture(one.kind), places) for one, places in _placed(file, positions)]
        at = self._now()
        signing = Signing(self._key.certificate.common_name, self._container(), at, self._revocation)
        with opened_pdf(file) as document:
            pages = len(document)
        with atomic.replacing(file) as new:
            with open_archive(file) as old:
                shutil.copyfileobj(old, new, _BLOCK)
            yield from sealing_steps(new, seals, signing, file.name)
            new.flush()
            _check(new, file.name)
            _check_with_pdfium(new, pages, file.name)
            return keep()

    def _container(self) -> Container:
        if self._seal is None:
            return pades(self._key, self._stamp)
        return ses.container(self._key, self._seal, self._now(), self._stamp)

    def _picture(self, kind: SealKind) -> SealPicture:
        if kind not in self._pictures:
            self._pictures[kind] = self._new_picture(kind)
        return self._pictures[kind]

    def _new_picture(self, kind: SealKind) -> SealPicture:
        # The company's picture is no seal of a person: those have their own, or a plain panel.
        companys = kind in COMPANY_KINDS
        path = self._order.pictures.get(kind, self._order.picture if companys else None)
        if path is not None:
            return picture_file(path, kind)
        if self._seal is not None and companys:
            return self._seal.picture
        return panel(kind, self._key.certificate.common_name, self._now())


def _placed(file: Path, positions: Sequence[SealPosition]) -> list[tuple[SealPosition, tuple[Place, ...]]]:
    """With strips last: the first place becomes the signature's own widget, which people click on."""
    ordered = sorted(positions, key=lambda position: position.kind == "cross-page")
    return seal_places(file, ordered)


def _check(content: BinaryIO, name: str) -> None:
    """Raises BadSignature unless all signatures hold and one covers the whole file."""
    signatures = [one.verify() for one in find_signatures(content, name)]
    if sum(one.whole for one in signatures) != 1:
        raise BadSignature(name, "no signature covers the whole file")


def _check_with_pdfium(content: BinaryIO, pages: int, name: str) -> None:
    """A second program must find the same pages, and the signature: raises BadDocument."""
    content.seek(0)
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise BadDocument(name, f"cannot be opened after sealing: {error}") from error
    try:
        if len(document) != pages or pypdfium2.raw.FPDF_GetSignatureCount(document) < 1:
            raise BadDocument(name, "pages or signature lost in sealing")
    finally:
        document.close()
