"""Electronic seals on PDF files: a visible signature, appended to the file as a revision of its own.

One signature may show its seals in many places. The first is the signature field's own widget, the others are
stamp annotations of the same revision, so the signature covers them like everything before it. After a first
signature validators accept no annotations but further signatures: a later signer gets one for each place.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from asn1crypto import crl, ocsp
from cryptography.exceptions import UnsupportedAlgorithm
from pyhanko.pdf_utils.generic import IndirectObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import BuildProps, PreparedByteRangeDigest, SignatureObject
from pyhanko.sign.validation import read_certification_data
from pyhanko.sign.validation.dss import DocumentSecurityStore

from bidclient.crypto.pdf_appearance import Drawing, page_frame, page_references
from bidclient.crypto.pdf_container import PADES, Container, Steps, one_by_one
from bidclient.crypto.pdf_picture import SealPicture
from bidclient.crypto.pdf_places import PageFrame, Place, SealKind
from bidclient.crypto.revocation import Revocation
from bidclient.errors import NotSealable

REASON = "电子签章 "
"""/Reason of our signatures: this and the kinds of the seals, by which they are known again."""
APPLICATION = "bidclient"
FIELD = "bidclient-seal-"

# What a broken file makes pyHanko stumble over beside its own errors.
PDF_ERRORS = (
    PdfError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    AssertionError,
    OverflowError,
    RecursionError,
    UnsupportedAlgorithm,
)
_TRIES = 2


@dataclass(frozen=True)
class Seal:
    """A picture and the places where it goes."""

    kind: SealKind
    picture: SealPicture
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Signing:
    """Who signs, how, and when by the signer's own clock."""

    name: str
    container: Container
    at: datetime
    revocation: Revocation | None = None


def signatures_needed(file: BinaryIO, seals: Sequence[Seal], what: str) -> tuple[tuple[Seal, ...], ...]:
    """The seals of each signature that `seal_pdf` would make, in order.

    Raises NotSealable when the file cannot be sealed: encrypted, hybrid, damaged, certified, or sealed
    already where a cross-page seal is wanted.
    """
    with _reading(what):
        return _rounds(PdfFileReader(file), seals, what)


def seal_pdf(file: BinaryIO, seals: Sequence[Seal], signing: Signing, what: str) -> int:
    """Append the signatures to the PDF in `file`, which is open for reading and writing; how many there are.

    The bytes that were there are not touched. On an error the file is as long as before. Raises NotSealable
    as `signatures_needed`, KeyProblem, BadTimestamp, NetworkProblem.
    """
    return one_by_one(sealing_steps(file, seals, signing, what), signing.container.sign)


def sealing_steps(file: BinaryIO, seals: Sequence[Seal], signing: Signing, what: str) -> Steps[int]:
    """The same, stopping for each signature; closed between two steps, the file is as before."""
    with _reading(what):
        rounds = _rounds(PdfFileReader(file), seals, what)
    with ExitStack() as undo:
        undo.callback(file.truncate, file.seek(0, 2))
        for group in rounds:
            yield from _append(file, group, signing, what)
        undo.pop_all()
    return len(rounds)


def _rounds(reader: PdfFileReader, seals: Sequence[Seal], what: str) -> tuple[tuple[Seal, ...], ...]:
    if reader.encrypted:
        raise NotSealable(what, "encrypted")
    if reader.xrefs.hybrid_xrefs_present:
        raise NotSealable(what, "hybrid cross-reference: readers may see different content")
    if "/AcroForm" in reader.root and "/XFA" in reader.root["/AcroForm"]:
        raise NotSealable(what, "an XFA form cannot be sealed")
    if read_certification_data(reader) is not None:
        # Whatever the author permits, it is not new visible fields.
        raise NotSealable(what, "certified: no visible seal may be added")
    if not _is_sealed(reader):
        return (tuple(seals),)
    if any(place.strip for seal in seals for place in seal.places):
        raise NotSealable(what, "a cross-page seal must come before all other signatures")
    single = (Seal(seal.kind, seal.picture, (place,)) for seal in seals for place in seal.places)
    return tuple((one,) for one in single)


def _is_sealed(reader: PdfFileReader) -> bool:
    return any(True for _ in enumerate_sig_fields(reader, filled_status=True))


def _append(file: BinaryIO, seals: Sequence[Seal], signing: Signing, what: str) -> Steps[None]:
    """One revision with one signature; a container that does not fit gets twice the room, once."""
    before = file.seek(0, 2)
    room = signing.container.room
    for _ in range(_TRIES):
        with _reading(what):
            prepared = _prepared(file, seals, signing, room)
        made = yield from signing.container.make(prepared.document_digest)
        if len(made) <= room:
            prepared.fill_with_cms(file, made)
            return
        file.truncate(before)
        room *= 2
    raise NotSealable(what, f"the signature takes more than {room // 2} bytes")


def _prepared(file: BinaryIO, seals: Sequence[Seal], signing: Signing, room: int) -> PreparedByteRangeDigest:
    """The revision is in the file, with `room` bytes for its signature; what is in memory goes."""
    container = signing.container
    writer = IncrementalPdfFileWriter(file)
    field, rest = _first_place(writer, seals)
    for drawing, page, frame, place in rest:
        drawing.stamp(page, frame, place, signing.name)
    if signing.revocation is not None:
        _add_revocation(writer, signing.revocation)
    if container.sub_filter == PADES:
        writer.register_extension(ESIC_EXTENSION_1)
    embedding = PdfCMSEmbedder(new_field_spec=field.spec).write_cms(field.spec.sig_field_name, writer)
    annotation = next(embedding).get_object()
    annotation[pdf_name("/AP")] = field.appearance
    embedding.send(SigObjSetup(sig_placeholder=_signature_object(seals, signing, room)))
    prepared: PreparedByteRangeDigest
    prepared, _ = embedding.send(SigIOSetup(md_algorithm=container.digest, in_place=True))
    return prepared


_Drawn = tuple[Drawing, IndirectObject, PageFrame, Place]


@dataclass(frozen=True)
class _Field:
    spec: SigFieldSpec
    appearance: object


def _first_place(writer: IncrementalPdfFileWriter, seals: Sequence[Seal]) -> tuple[_Field, list[_Drawn]]:
    """The signature field at the first place, and the drawings for all the others."""
    pages = page_references(writer.root)
    drawn: list[_Drawn] = []
    for seal in seals:
        drawing = Drawing(writer, seal.picture)
        for place in seal.places:
            page = pages[place.page]
            drawn.append((drawing, page, page_frame(page.get_object()), place))
    (drawing, _, frame, place), *rest = drawn
    taken = {name for name, _, _ in enumerate_sig_fields(writer)}
    name = next(f"{FIELD}{number}" for number in range(1, len(taken) + 2) if f"{FIELD}{number}" not in taken)
    left, bottom, right, top = map(round, drawing.box(frame, place))
    spec = SigFieldSpec(name, on_page=place.page, box=(left, bottom, right, top))
    return _Field(spec, drawing.appearance(frame, place)), rest


def _signature_object(seals: Sequence[Seal], signing: Signing, room: int) -> SignatureObject:
    kinds = " ".join(dict.fromkeys(seal.kind for seal in seals))
    made = SignatureObject(
        timestamp=signing.at,
        name=signing.name,
        reason=REASON + kinds,
        app_build_props=BuildProps(name=APPLICATION),
        bytes_reserved=2 * room,
    )
    made[pdf_name("/SubFilter")] = pdf_name(signing.container.sub_filter)
    return made


def _add_revocation(writer: IncrementalPdfFileWriter, revocation: Revocation) -> None:
    """Into the same revision: the signature covers it, and the file ends with the signature."""
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[one.asn1() for one in revocation.certificates],
        ocsps=[ocsp.OCSPResponse.load(one) for one in revocation.ocsp_responses],
        crls=[crl.CertificateList.load(one) for one in revocation.crls],
    )


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Turn what pyHanko raises over a file that is odd into NotSealable."""
    try:
        yield
    except PDF_ERRORS as error:
        raise NotSealable(what, f"damaged structure: {type(error).__name__}: {error}") from error
