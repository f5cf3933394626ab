"""Preflight: good files pass with their facts, odd ones are refused when they are added."""

import hashlib
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers import SimpleSigner
from pypdf.generic import NameObject, StreamObject

from bidclient.checks.pdf import preflight
from bidclient.errors import BadDocument, FileProblem
from tests.support.bids import make_pdf, make_pki


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return make_pdf(tmp_path / "投标函.pdf", ["第一页 投标函", "第二页"], author="某某公司", title="投标函")


def encrypted(data: bytes) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt("", "owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def hybrid(data: bytes) -> bytes:
    """A second cross-reference, as a stream, beside the table: readers may choose differently."""
    start = data.index(b"xref\n0 ")
    stream = (
        b"99 0 obj\n<</Type/XRef/Size 1/W[1 2 1]/Index[0 1]/Length 4>>\nstream\n\0\0\0\0\nendstream\nendobj\n"
    )
    tail = data[start:].replace(b"/Size", b"/XRefStm %d /Size" % start)
    tail = re.sub(rb"startxref\n\d+", b"startxref\n%d" % (start + len(stream)), tail)
    return data[:start] + stream + tail


ODD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", "zero bytes"),
    "text": (lambda data: b"hello world", "no PDF header"),
    "a ZIP": (lambda data: b"PK\x03\x04" + data, "no PDF header"),
    "bytes in front": (lambda data: b"\n" + data, "no PDF header"),
    "cut in the middle": (lambda data: data[: len(data) // 2], "cut short"),
    "last line missing": (lambda data: data[:-6], "cut short"),
    "bytes behind": (lambda data: data + b"<script>", "bytes behind"),
    "startxref leads nowhere": (lambda data: re.sub(rb"startxref\n\d+", b"startxref\n7", data), "nowhere"),
    "startxref behind the end": (
        lambda data: re.sub(rb"startxref\n\d+", b"startxref\n999999", data),
        "nowhere",
    ),
    "encrypted": (encrypted, "encrypted"),
    "hybrid": (hybrid, "hybrid"),
    "no pages": (lambda data: data.replace(b"/Kids", b"/Kidz"), "damaged|pages"),
    "no catalogue": (lambda data: data.replace(b"/Root", b"/Roof"), "damaged"),
    "pages miscounted": (lambda data: data.replace(b"/Count 2", b"/Count 9"), "damaged"),
    "page not a page": (lambda data: data.replace(b"/Type /Page\n", b"/Type /Font\n", 1), "damaged"),
}


@pytest.mark.parametrize(("change", "reason"), ODD.values(), ids=ODD.keys())
def test_an_odd_file_is_refused(pdf: Path, change: Callable[[bytes], bytes], reason: str) -> None:
    pdf.write_bytes(change(pdf.read_bytes()))
    with pytest.raises(BadDocument, match=reason) as caught:
        preflight(pdf)
    assert caught.value.document == pdf.name


def test_a_good_file_tells_its_facts(pdf: Path) -> None:
    facts = preflight(pdf)
    assert (facts.pages, facts.size) == (2, pdf.stat().st_size)
    assert facts.sha256 == hashlib.sha256(pdf.read_bytes()).hexdigest()
    assert facts.signatures == 0
    assert dict(facts.properties)["Author"] == "某某公司"
    assert facts.modified == datetime(2000, 1, 1, tzinfo=UTC)
    assert facts.version.startswith("1.")


def test_a_modern_file_with_object_streams_is_good(pdf: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=pdf)
    writer.xmp_metadata = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
        b"</x:xmpmeta>"
    )
    writer.write(pdf)
    facts = preflight(pdf)
    assert facts.pages == 2
    assert "xmpmeta" in facts.xmp


def test_an_electronic_seal_is_seen(pdf: Path) -> None:
    bidder = make_pki().bidder
    (pdf.parent / "key.pem").write_bytes(bidder.pem)
    (pdf.parent / "cert.pem").write_bytes(bidder.certificate.pem)
    signer = SimpleSigner.load(str(pdf.parent / "key.pem"), str(pdf.parent / "cert.pem"))
    assert signer is not None
    sealed = pdf.parent / "sealed.pdf"
    with pdf.open("rb") as file, sealed.open("wb") as out:
        writer = IncrementalPdfFileWriter(file)
        fields.append_signature_field(writer, fields.SigFieldSpec("Seal"))
        metadata = signers.PdfSignatureMetadata(field_name="Seal")
        signers.sign_pdf(writer, metadata, signer=signer, output=out)
    assert preflight(sealed).signatures == 1


def test_other_kinds_have_no_pages(tmp_path: Path) -> None:
    (tmp_path / "清单.xml").write_bytes(b"<a/>")
    assert preflight(tmp_path / "清单.xml").pages == 0
    (tmp_path / "清单.exe").write_bytes(b"MZ")
    with pytest.raises(BadDocument, match="exe"):
        preflight(tmp_path / "清单.exe")
    with pytest.raises(FileProblem):
        preflight(tmp_path / "none.pdf")


def test_a_filter_that_nobody_knows_is_refused(pdf: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=pdf)
    metadata = StreamObject()
    metadata._data = b"packed"
    metadata[NameObject("/Filter")] = NameObject("/Strange")
    writer.root_object[NameObject("/Metadata")] = writer._add_object(metadata)
    writer.write(pdf)
    with pytest.raises(BadDocument, match="damaged file"):
        preflight(pdf)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_is_refused_or_harmless_never_a_crash(pdf: Path, data: st.DataObject) -> None:
    content = bytearray(pdf.read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    broken = pdf.with_name("broken.pdf")
    broken.write_bytes(content)
    outcome: int | str
    try:
        outcome = preflight(broken).pages
    except BadDocument as error:
        outcome = error.reason
    assert outcome
