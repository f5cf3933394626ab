"""Files of a rival: a PDF that no parser gets to the end of, and electronic seals that are not in order."""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from bidclient.crypto import ses
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.pdf_places import Place
from bidclient.crypto.pdf_signature import Signing, seal_pdf
from bidclient.crypto.pdf_verify import find_signatures
from bidclient.desk import build
from bidclient.errors import BadDocument, BadSignature
from bidclient.stages.evidence import Verdict
from bidclient.store.settings import NetworkSettings, Settings
from tests.support.bids import make_pdf
from tests.support.pdf_seals import picture, seal
from tests.support.pki import NAME, NOW
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

ADDRESS = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def authority() -> Sm2Authority:
    return Sm2Authority.root("sandbox 国密")


def nested(depth: int) -> bytes:
    """A PDF whose form is an array in an array in an array …"""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R/AcroForm " + b"[" * depth + b"]" * depth + b">>",
        b"<</Type/Pages/Kids[]/Count 0>>",
    )
    data, table = b"%PDF-1.7\n", b"0000000000 65535 f \n"
    for number, content in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    end = b"trailer<</Size 3/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(data)
    return data + b"xref\n0 3\n" + table + end


def test_a_pdf_without_bottom_is_a_bad_document() -> None:
    with pytest.raises(BadDocument):
        find_signatures(BytesIO(nested(5000)), "deep.pdf")


def test_an_encryption_certificate_makes_no_seals(authority: Sm2Authority) -> None:
    """Authorities keep copies of such keys: what they sign is nobody's word."""
    signer, year = authority.issue("signing"), (NOW, NOW + timedelta(days=365))
    right = ses.make_seal(NAME, picture(), [signer.certificate], authority.issue("signing"), year, "1")
    assert ses.read_seal(right, "seal").name == NAME
    wrong = ses.make_seal(NAME, picture(), [signer.certificate], authority.issue("encryption"), year, "1")
    with pytest.raises(BadSignature, match="not for signatures"):
        ses.read_seal(wrong, "seal")


def sealed_by(maker: Sm2InMemoryKey, signer: Sm2InMemoryKey, path: Path, days: int = 20) -> Path:
    """A PDF with an electronic seal by this maker that ends in so many days, signed 25 days ago."""
    at, valid = NOW - timedelta(days=25), (NOW - timedelta(days=30), NOW + timedelta(days=days))
    eseal = ses.read_seal(ses.make_seal(NAME, picture(), [signer.certificate], maker, valid, "1"), "seal")
    make_pdf(path, ["x"])
    with path.open("r+b") as file:
        signing = Signing(NAME, ses.container(signer, eseal, at), at)
        seal_pdf(file, [seal("company", Place(0, 50, 50))], signing, path.name)
    return path


def judged(path: Path, authority: Sm2Authority, *makers: Certificate) -> list[Verdict]:
    """What a desk says that trusts this authority and these makers; nobody tells it what is revoked."""
    root = path.with_suffix(".root.pem")
    root.write_bytes(authority.certificate.pem)
    named = [path.with_suffix(f".maker-{number}.pem") for number in range(len(makers))]
    for file, maker in zip(named, makers, strict=True):
        file.write_bytes(maker.pem)
    network = NetworkSettings(
        address=ADDRESS,
        kind="sandbox",
        trust=(str(root),),
        stamp_address=f"{ADDRESS}/tsa",
        seal_makers=tuple(map(str, named)),
    )
    with build(Settings(network=network), now=lambda: NOW, sources=()) as desk:
        return list(desk.verifying.verify(path).verdicts)


@pytest.mark.parametrize(("days", "verdict"), [(-20, "invalid"), (20, "valid")])
def test_a_seal_that_has_ended_is_not_brought_back_by_an_old_date(
    days: int, verdict: str, authority: Sm2Authority, tmp_path: Path
) -> None:
    signer, maker = authority.issue("signing"), authority.issue("signing", name="演示制章单位")
    path = sealed_by(maker, signer, tmp_path / "letter.pdf", days)
    assert [one.verdict for one in judged(path, authority, maker.certificate)[:2]] == ["valid", verdict]


def test_a_rival_is_no_seal_maker(authority: Sm2Authority, tmp_path: Path) -> None:
    """Any bidder's certificate has the network's roots, and could make a seal in any name."""
    maker, rival = (
        authority.issue("signing", name="演示制章单位"),
        authority.issue("signing", name="另一家公司"),
    )
    path = sealed_by(rival, rival, tmp_path / "letter.pdf")
    for makers in ((), (maker.certificate,)):
        whole, signer = judged(path, authority, *makers)
        assert (whole.verdict, signer.verdict) == ("valid", "cannot-tell")
        assert "no seal maker of the settings" in signer.reason
