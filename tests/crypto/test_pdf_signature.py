"""Seals on PDF files: what we put on, stock tools accept; what is changed afterwards, they refuse."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.validation.dss import DocumentSecurityStore

from bidclient.checks.pdf import preflight
from bidclient.crypto.pdf_container import pades
from bidclient.crypto.pdf_places import PageFrame, Place, Strip
from bidclient.crypto.pdf_signature import Signing, seal_pdf, signatures_needed
from bidclient.crypto.pdf_verify import PdfSignature, find_signatures
from bidclient.crypto.private_key import SignatureScheme
from bidclient.crypto.revocation import Revocation
from bidclient.crypto.timestamp import stamp_by, verify_token
from bidclient.errors import BadDocument, BadSignature, KeyRefused, TokenRemoved
from tests.checks.test_pdf import hybrid
from tests.support.bids import make_pdf
from tests.support.pdf_seals import (
    ink,
    openssl_accepts,
    pdfsig_accepts,
    picture,
    put_on,
    pyhanko_accepts,
    qpdf_accepts,
    seal,
)
from tests.support.pki import NOW, Authority, InMemoryKey, openssl_tsa
from tests.support.sm2_pki import Sm2InMemoryKey

COMPANY = seal("company", Place(0, 130, 225))


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return make_pdf(tmp_path / "投标函.pdf", ["page one", "page two", "page three"])


def verified(path: Path) -> list[PdfSignature]:
    with path.open("rb") as file:
        return [one.verify() for one in find_signatures(file, path.name)]


def changed(path: Path, at: int) -> Path:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    out = path.with_name("changed.pdf")
    out.write_bytes(data)
    return out


@pytest.mark.parametrize("kind", ["rsa-2048", "rsa-3072", "p-256"])
def test_every_judge_accepts_a_seal_and_refuses_one_flipped_byte(
    pdf: Path, authority: Authority, root: Authority, kind: str
) -> None:
    before = pdf.read_bytes()
    key = authority.issue("signing", kind)
    assert put_on(pdf, [COMPANY], key) == 1
    assert pdf.read_bytes().startswith(before)
    (one,) = verified(pdf)
    assert (one.signer, one.whole, one.signing_time) == (key.certificate, True, NOW)
    assert pdfsig_accepts(pdf)
    assert pyhanko_accepts(pdf, root.certificate)
    assert openssl_accepts(pdf, root.certificate)
    assert qpdf_accepts(pdf)
    spoilt = changed(pdf, before.index(b"/MediaBox") + 1)
    with pytest.raises(BadSignature, match="not what was signed"):
        verified(spoilt)
    assert not pdfsig_accepts(spoilt)
    assert not pyhanko_accepts(spoilt, root.certificate)
    assert not openssl_accepts(spoilt, root.certificate)
    broken = changed(pdf, len(pdf.read_bytes()) - 12)
    assert not qpdf_accepts(broken)


def test_the_timestamp_covers_the_signature(
    pdf: Path, tmp_path: Path, signer: InMemoryKey, tsa: InMemoryKey, root: Authority
) -> None:
    put_on(pdf, [COMPANY], signer, stamp_by(openssl_tsa(tmp_path / "tsa", tsa), [root.certificate]))
    (one,) = verified(pdf)
    assert one.timestamp is not None
    verify_token(one.timestamp, one.signature, [root.certificate], "seal")
    assert pyhanko_accepts(pdf, root.certificate)
    assert pdfsig_accepts(pdf)


def test_several_sign_one_after_the_other(pdf: Path, authority: Authority, root: Authority) -> None:
    first, second = authority.issue("signing"), authority.issue("signing", "p-256", name="王法人", uscc=None)
    everywhere = seal("cross-page", *(Place(page, 1e6, 148, Strip(page, 3)) for page in range(3)))
    assert put_on(pdf, [COMPANY, everywhere], first) == 1
    # Annotations are not permitted behind a signature: the second signer signs each of two places.
    assert put_on(pdf, [seal("legal-representative", Place(0, 160, 240), Place(2, 160, 240))], second) == 2
    assert [one.whole for one in verified(pdf)] == [False, False, True]
    assert pdfsig_accepts(pdf)
    assert pyhanko_accepts(pdf, root.certificate)
    assert all(openssl_accepts(pdf, root.certificate, number) for number in (0, 1, -1))
    assert qpdf_accepts(pdf)
    with pytest.raises(BadDocument, match="must come before"):
        put_on(pdf, [everywhere], second)
    with pdf.open("rb") as file:
        kinds = [one.kinds for one in find_signatures(file, pdf.name)]
    assert kinds == [("company", "cross-page"), ("legal-representative",), ("legal-representative",)]


def test_an_edit_behind_the_seal_is_seen(pdf: Path, signer: InMemoryKey) -> None:
    put_on(pdf, [COMPANY], signer)
    with pdf.open("r+b") as file:
        writer = IncrementalPdfFileWriter(file)
        page, _ = writer.find_page_for_modification(0)
        page.get_object()[generic.pdf_name("/Rotate")] = generic.NumberObject(90)
        writer.mark_update(page)
        writer.write_in_place()
    with pytest.raises(BadSignature, match="edited after it was sealed"):
        verified(pdf)
    pypdf.PdfWriter(clone_from=io.BytesIO(pdf.read_bytes())).write(pdf)
    with pytest.raises(BadSignature):
        verified(pdf)


def test_bytes_behind_the_end_are_no_later_signature(pdf: Path, signer: InMemoryKey) -> None:
    put_on(pdf, [COMPANY], signer)
    sealed = pdf.read_bytes()
    pdf.write_bytes(sealed + b"\r\n\n")
    assert [one.whole for one in verified(pdf)] == [False]
    for more in (b"x", b"\n1 0 obj (unsigned) endobj\n"):
        pdf.write_bytes(sealed + more)
        with pytest.raises(BadSignature, match="behind the end"):
            verified(pdf)


def test_what_the_signature_leaves_out_must_be_zeros(pdf: Path, signer: InMemoryKey) -> None:
    put_on(pdf, [COMPANY], signer)
    data = pdf.read_bytes()
    start = int(re.findall(rb"/ByteRange ?\[ ?\d+ \d+ (\d+)", data)[0])
    with pytest.raises(BadSignature, match="zeros"):
        verified(changed(pdf, start - 2))


def test_the_cross_page_seal_lies_in_strips_along_the_right_edge(pdf: Path, signer: InMemoryKey) -> None:
    strips = seal("cross-page", *(Place(page, 1e6, 148, Strip(page, 3)) for page in range(3)))
    put_on(pdf, [strips], signer)
    for page in range(3):
        assert ink(pdf, page, (195, 126, 210, 170)) > 50
        assert ink(pdf, page, (0, 0, 190, 297)) == 0


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_seal_is_where_a_person_expects_it_on_a_turned_page(
    pdf: Path, signer: InMemoryKey, rotation: int
) -> None:
    writer = pypdf.PdfWriter(clone_from=pdf)
    for turned in writer.pages:
        turned.rotate(rotation)
        turned.cropbox = pypdf.generic.RectangleObject((30, 40, 560, 800))
    writer.write(pdf)
    put_on(pdf, [seal("company", Place(0, 60, 70), Place(1, 60, 70))], signer)
    for page in (0, 1):
        # A ring of 42 mm: ink on its left and its right, none in the middle and none elsewhere.
        assert ink(pdf, page, (37, 60, 45, 80)) > 20
        assert ink(pdf, page, (75, 60, 83, 80)) > 20
        assert ink(pdf, page, (50, 60, 70, 80)) == 0
        assert ink(pdf, page, (0, 95, 180, 180)) == 0
    assert len(verified(pdf)) == 1


def test_the_frame_of_a_page_leads_there_and_back() -> None:
    for rotation in (0, 90, 180, 270):
        frame = PageFrame(10, 20, 310, 620, rotation)
        assert frame.to_mm(*frame.to_points(12, 34)) == pytest.approx((12, 34))
        left, bottom, right, top = frame.box(-5, 1e6, 20, 30)
        assert left >= 10 - 1e-6
        assert bottom >= 20 - 1e-6
        assert right <= 310 + 1e-6
        assert top <= 620 + 1e-6


def test_revocation_data_lie_in_the_same_revision(
    pdf: Path, authority: Authority, root: Authority, signer: InMemoryKey
) -> None:
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.x509.subject)
        .last_update(NOW)
        .next_update(NOW.replace(year=2027))
        .sign(authority.key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    revocation = Revocation((authority.certificate,), crls=(made,))
    with pdf.open("r+b") as file:
        seal_pdf(file, [COMPANY], Signing("x", pades(signer), NOW, revocation), pdf.name)
    assert verified(pdf)[0].whole
    assert pdfsig_accepts(pdf)
    with pdf.open("rb") as file:
        store = DocumentSecurityStore.read_dss(PdfFileReader(file))
        assert [one.get_object().data for one in store.crls] == [made]
        assert [one.dump() for one in store.load_certs()] == [authority.certificate.der]
    assert pyhanko_accepts(pdf, root.certificate)


def test_a_signature_that_needs_more_room_gets_it_once(pdf: Path, signer: InMemoryKey) -> None:
    usual = pades(signer)
    tight = replace(usual, room=1500)
    with pdf.open("r+b") as file:
        assert seal_pdf(file, [COMPANY], Signing("x", tight, NOW), pdf.name) == 1
    assert pdfsig_accepts(pdf)
    size = pdf.stat().st_size
    hopeless = replace(usual, room=100)
    with pdf.open("r+b") as file, pytest.raises(BadDocument, match="takes more"):
        seal_pdf(file, [seal("legal-representative", Place(0, 9, 9))], Signing("x", hopeless, NOW), pdf.name)
    assert pdf.stat().st_size == size


def test_a_key_that_fails_leaves_the_file_as_it_was(pdf: Path, signer: InMemoryKey) -> None:
    before = pdf.read_bytes()

    def fails(_messages: object) -> list[bytes]:
        raise TokenRemoved("lock")

    with pdf.open("r+b") as file, pytest.raises(TokenRemoved):
        seal_pdf(file, [COMPANY], Signing("x", replace(pades(signer), sign=fails), NOW), "x")
    assert pdf.read_bytes() == before


def test_one_signature_asks_the_key_once(pdf: Path, signer: InMemoryKey) -> None:
    asked: list[int] = []

    class Counting(InMemoryKey):
        def sign(self, messages: object, scheme: SignatureScheme) -> list[bytes]:
            assert isinstance(messages, list)
            asked.append(len(messages))
            return super().sign(messages, scheme)

    put_on(pdf, [COMPANY], Counting(signer.key, signer.certificate, signer.chain))
    assert asked == [1]


def test_pades_is_not_for_sm2(sm2_signer: Sm2InMemoryKey) -> None:
    with pytest.raises(KeyRefused, match="SM2"):
        pades(sm2_signer)


# ------------------------------------------------------------------------------------------------ odd files


def _certified(data: bytes, level: fields.MDPPerm, key: InMemoryKey, folder: Path) -> bytes:
    (folder / "key.pem").write_bytes(key.pem)
    (folder / "cert.pem").write_bytes(key.certificate.pem)
    author = SimpleSigner.load(str(folder / "key.pem"), str(folder / "cert.pem"))
    assert author is not None
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    meta = signers.PdfSignatureMetadata(field_name="Author", certify=True, docmdp_permissions=level)
    signed: io.BytesIO = signers.sign_pdf(writer, meta, signer=author)
    return signed.getvalue()


def _encrypted(data: bytes) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt("", "owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _xfa(data: bytes) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    form = pypdf.generic.DictionaryObject()
    form[pypdf.generic.NameObject("/XFA")] = pypdf.generic.ArrayObject()
    writer.root_object[pypdf.generic.NameObject("/AcroForm")] = form
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


ODD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", "damaged structure"),
    "text": (lambda data: b"hello", "damaged structure"),
    "cut": (lambda data: data[: len(data) // 2], "damaged structure"),
    "encrypted": (_encrypted, "encrypted"),
    "hybrid": (hybrid, "hybrid"),
    "a dynamic form": (_xfa, "XFA"),
    "no pages": (lambda data: data.replace(b"/Kids", b"/Kidz"), "damaged structure"),
    "no box": (lambda data: data.replace(b"/MediaBox", b"/MediaBux"), "damaged structure"),
}


@pytest.mark.parametrize(("change", "reason"), ODD.values(), ids=ODD.keys())
def test_an_odd_file_is_refused_and_left_alone(
    pdf: Path, signer: InMemoryKey, change: Callable[[bytes], bytes], reason: str
) -> None:
    content = change(pdf.read_bytes())
    pdf.write_bytes(content)
    with pytest.raises(BadDocument, match=reason):
        put_on(pdf, [COMPANY], signer)
    assert pdf.read_bytes() == content


@pytest.mark.parametrize("level", list(fields.MDPPerm))
def test_a_certified_file_takes_no_seal(
    pdf: Path, tmp_path: Path, signer: InMemoryKey, level: fields.MDPPerm
) -> None:
    pdf.write_bytes(_certified(pdf.read_bytes(), level, signer, tmp_path))
    with pdf.open("rb") as file, pytest.raises(BadDocument, match="certified"):
        signatures_needed(file, [COMPANY], pdf.name)
    assert len(verified(pdf)) == 1
    assert "certified" in preflight(pdf).unsealable


def test_a_page_that_is_not_there_and_a_modern_file(pdf: Path, signer: InMemoryKey) -> None:
    with pytest.raises(BadDocument):
        put_on(pdf, [seal("company", Place(7, 10, 10))], signer)
    writer = pypdf.PdfWriter(clone_from=pdf)
    writer.compress_identical_objects()
    writer.write(pdf)
    put_on(pdf, [COMPANY], signer)
    assert pdfsig_accepts(pdf)
    assert picture().height_mm == 42
