"""The seals in a PDF file, found and verified one by one; whom to trust is for the caller to say."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import SEEK_END
from typing import Any, BinaryIO, Literal

from asn1crypto.core import Void
from pyhanko.pdf_utils.generic import DictionaryObject, IndirectObject, StreamObject
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import check_ess_certid
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.generic_cms import validate_sig_integrity
from pyhanko.sign.validation.status import SignatureCoverageLevel

from bidclient.crypto import ses
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.pdf_container import PADES
from bidclient.crypto.pdf_signature import APPLICATION, PDF_ERRORS, REASON
from bidclient.crypto.revocation import Revocation
from bidclient.crypto.signed_parts import TOKEN
from bidclient.errors import BadDocument, BadSignature

Form = Literal["cms", "ses", "unknown"]
_FORMS: dict[str, Form] = {PADES: "cms", "/adbe.pkcs7.detached": "cms", ses.SUB_FILTER: "ses"}
_DIGESTS = frozenset({"sha256", "sha384", "sha512"})
_SHORTEST_RSA = 2048
_MOST_REVOCATION = 512 * 1024
"""Bytes of revocation data, as they lie in the file, that are unpacked: a bomb must not get far."""
_TAIL = 4096
"""How far from the end the last %%EOF may lie; readers look for it in the last 1024 bytes."""
_WHITE = b"\0\t\n\f\r "
_GM_NAMES = bytes.fromhex("2a811ccf55")
"""1.2.156.10197: a CMS of GM/T 0010 inside a PDF, about which no two programs agree."""


@dataclass(frozen=True)
class PdfSignature:
    """A signature that holds: what it covers was not changed, and afterwards only signatures were added.

    Chains and the timestamp are NOT checked: see certificate.verify_chain, timestamp.verify_token.
    """

    signer: Certificate
    chain: tuple[Certificate, ...]
    signing_time: datetime | None
    """What the signer claims, UTC."""
    signature: bytes
    timestamp: bytes | None
    """The DER TimeStampToken over `signature`."""
    whole: bool
    """Nothing at all stands behind what is signed."""
    seal: ses.ElectronicSeal | None
    """The electronic seal inside a seal signature (SES)."""


@dataclass(frozen=True)
class FoundSignature:
    """A signature field that is filled in; nothing of it is proven."""

    field: str
    form: Form
    sub_filter: str
    kinds: tuple[str, ...]
    """The kinds of seals that it shows, when it says that it is of ours."""
    _reader: PdfFileReader
    _place: IndirectObject
    _what: str

    def verify(self) -> PdfSignature:
        """The signature, when it holds. Raises BadSignature, BadFormat, BadCertificate, Sm2Missing."""
        what = f"{self._what} {self.field}"
        with _verifying(what):
            if self.form == "cms":
                return _verified_cms(
                    EmbeddedPdfSignature(self._reader, self._place.get_object(), self.field), what
                )
            if self.form == "ses":
                return _verified_ses(_Covered(self._reader, self._place.get_object(), self.field), what)
        raise BadSignature(what, f"a kind of signature that is not read here: {self.sub_filter}")


def find_signatures(file: BinaryIO, what: str) -> tuple[FoundSignature, ...]:
    """The signatures in a PDF in the order of the form, none verified; `file` stays open for `verify`.

    Raises BadDocument for a file that cannot be read.
    """
    try:
        reader = PdfFileReader(file)
        fields = list(enumerate_sig_fields(reader, filled_status=True))
        return tuple(_found(reader, name, value.get_object(), place, what) for name, value, place in fields)
    except PDF_ERRORS as error:
        raise BadDocument(what, f"damaged structure: {type(error).__name__}: {error}") from error


def embedded_revocation(file: BinaryIO) -> Revocation:
    """What a PDF carries to show that its signers were good (DSS, EN 319 142-1 §5.4.2); none of it is proven.

    What cannot be read counts as if it were not there: the signatures do not cover it.
    """
    found: dict[str, list[bytes]] = {"/OCSPs": [], "/CRLs": []}
    room = _MOST_REVOCATION
    with suppress(*PDF_ERRORS):
        store = PdfFileReader(file).root["/DSS"]
        for name, answers in found.items():
            for place in store[name] if name in store else ():  # noqa: SIM401 - as in _found
                stream = place.get_object()
                if not isinstance(stream, StreamObject) or len(stream.encoded_data) > room:
                    break
                room -= len(stream.encoded_data)
                answers.append(bytes(stream.data))
    return Revocation((), tuple(found["/OCSPs"]), tuple(found["/CRLs"]))


def _found(
    reader: PdfFileReader, name: str, dictionary: DictionaryObject, place: IndirectObject, what: str
) -> FoundSignature:
    sub_filter = str(dictionary.get("/SubFilter", ""))
    # Not get(): it does not follow references.
    build = dictionary["/Prop_Build"] if "/Prop_Build" in dictionary else {}  # noqa: SIM401
    application = build["/App"].get("/Name") if "/App" in build else None
    reason = str(dictionary.get("/Reason", ""))
    ours = application == f"/{APPLICATION}" and reason.startswith(REASON)
    kinds = tuple(reason.removeprefix(REASON).split()) if ours else ()
    form = _FORMS.get(sub_filter, "unknown")
    if form == "cms" and _GM_NAMES in _contents(dictionary):
        form = "unknown"
    return FoundSignature(name, form, sub_filter, kinds, reader, place, what)


def _contents(dictionary: DictionaryObject) -> bytes:
    return bytes(dictionary.raw_get("/Contents").original_bytes)


class _Covered(EmbeddedPdfSignature):
    """What pyHanko knows about coverage and later changes, for contents that are no CMS."""

    def __init__(self, reader: PdfFileReader, field: DictionaryObject, name: str) -> None:
        self.reader = reader
        self.sig_field = field
        self.fq_name = name
        place = self.sig_field.raw_get("/V")
        self.sig_object = place.get_object()
        self.byte_range = self.sig_object.raw_get("/ByteRange")
        self.pkcs7_content = _contents(self.sig_object)
        self.signed_revision = reader.xrefs.get_last_change(place.reference)
        self.coverage = None
        self.external_md_algorithm = "sm3"
        self.external_digests = {}
        self._docmdp = self._fieldmdp = None
        self._docmdp_queried = self._fieldmdp_queried = False


def _verified_cms(found: EmbeddedPdfSignature, what: str) -> PdfSignature:
    whole = _check_coverage(found, what)
    _unpadded(found.pkcs7_content)
    info, signer = found.signer_info, Certificate.from_der(found.signer_cert.dump())
    if found.md_algorithm not in _DIGESTS:
        raise BadSignature(what, f"a digest by {found.md_algorithm}")
    kind, _, bits = signer.key_algorithm.partition("-")
    if kind == "rsa" and int(bits) < _SHORTEST_RSA:
        raise BadSignature(what, f"an RSA key of {bits} bits")
    _check_signer(signer, what)
    _check_named(info, found.signer_cert, what)
    intact, valid = validate_sig_integrity(info, found.signer_cert, "data", found.compute_digest())
    if not intact:
        raise BadSignature(what, "the content is not what was signed")
    if not valid:
        raise BadSignature(what, "the signature is wrong")
    stamps = [one["values"][0].dump() for one in _attributes(info["unsigned_attrs"], TOKEN)]
    return PdfSignature(
        signer=signer,
        chain=tuple(Certificate.from_der(one.dump()) for one in found.other_embedded_certs),
        signing_time=_utc(found.self_reported_timestamp),
        signature=bytes(info["signature"].native),
        timestamp=stamps[0] if stamps else None,
        whole=whole,
        seal=None,
    )


def _verified_ses(found: _Covered, what: str) -> PdfSignature:
    whole = _check_coverage(found, what)
    content = _unpadded(found.pkcs7_content)
    signed = ses.verify_ses(content, found.compute_digest(), what)
    return PdfSignature(
        signer=signed.signer,
        chain=(),
        signing_time=signed.signing_time,
        signature=signed.signature,
        timestamp=signed.timestamp,
        whole=whole,
        seal=signed.seal,
    )


def _check_coverage(found: EmbeddedPdfSignature, what: str) -> bool:
    """Whether the whole file is signed. Raises BadSignature when what follows is more than signatures."""
    found.compute_integrity_info()
    summary = found.summarise_integrity_info()
    coverage: SignatureCoverageLevel = summary["coverage"]
    if coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        raise BadSignature(what, "it does not cover the file as it was when it was signed")
    if isinstance(summary["diff_result"], SuspiciousModification):
        raise BadSignature(what, f"the file was edited after it was sealed ({summary['diff_result']})")
    if not summary["docmdp_ok"]:
        raise BadSignature(what, "the file was changed more than its author permits")
    if coverage is SignatureCoverageLevel.ENTIRE_FILE:
        return True
    if _loose_end(found.reader.stream):
        raise BadSignature(what, "bytes stand behind the end of the document, which no signature covers")
    return False


def _loose_end(file: Any) -> bool:
    """Whether more than white space stands behind the last %%EOF (ISO 32000-1 §7.5.5).

    No later revision explains it, so pyHanko compares it with nothing; programs that repair a file read it.
    """
    file.seek(0, SEEK_END)
    file.seek(max(0, file.tell() - _TAIL))
    return bool(file.read(_TAIL).rpartition(b"%%EOF")[2].strip(_WHITE))


def _check_signer(signer: Certificate, what: str) -> None:
    if not signer.can_sign:
        raise BadSignature(what, "the signer's certificate is not for signatures")


def _check_named(info: Any, certificate: Any, what: str) -> None:
    """Where the signature names its certificate (RFC 5035), it must be the one inside."""
    for name in ("signing_certificate_v2", "signing_certificate"):
        for attribute in _attributes(info["signed_attrs"], name):
            if not check_ess_certid(certificate, attribute["values"][0]["certs"][0]):
                raise BadSignature(what, "the signature names another certificate")


def _attributes(attributes: Any, name: str) -> list[Any]:
    # Asking for `.native` would turn whole timestamp tokens into Python objects, a second for each file.
    return [] if isinstance(attributes, Void) else [one for one in attributes if one["type"].native == name]


def _unpadded(content: bytes) -> bytes:
    """The DER element at the start of /Contents, which is filled up with zeros."""
    length, octets = content[1], 0
    if length >= 0x80:
        octets = length & 0x7F
        length = int.from_bytes(content[2 : 2 + octets], "big")
    end = 2 + octets + length
    if content[end:].strip(b"\0"):
        raise ValueError("more than zeros behind the signature")
    return content[:end]


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)


@contextmanager
def _verifying(what: str) -> Iterator[None]:
    """Turn what pyHanko and asn1crypto raise over an odd signature into BadSignature."""
    try:
        yield
    except PDF_ERRORS as error:
        raise BadSignature(what, f"malformed ({type(error).__name__}: {error})") from error
