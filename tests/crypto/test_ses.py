"""Electronic seals by GB/T 38540: the structure is the standard's, and nothing in them can be exchanged.

No other program that reads SES_Signature was to be had: BouncyCastle judges the bare SM2 signatures, and a
reader of DER that knows nothing of our structures judges their shape.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import core, parser

from bidclient.crypto import ses, sm
from bidclient.crypto.pdf_container import one_by_one
from bidclient.crypto.pdf_places import Place, Strip
from bidclient.crypto.pdf_signature import Signing, seal_pdf
from bidclient.crypto.pdf_verify import PdfSignature, find_signatures
from bidclient.crypto.ses_forms import DIGESTS, CertificateList, ESeal, SealSignature
from bidclient.crypto.timestamp import stamp_by, verify_token
from bidclient.errors import BadCertificate, BadFormat, BadSignature, KeyRefused
from tests.support.bids import make_pdf
from tests.support.bouncycastle import BouncyCastle, Disagrees
from tests.support.pdf_seals import pdfsig_accepts, picture, qpdf_accepts, seal
from tests.support.pki import NAME, NOW, Authority, InMemoryKey, openssl_tsa
from tests.support.sm2_pki import Sm2Authority, Sm2InMemoryKey

YEAR = (NOW, NOW + timedelta(days=365))
DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def maker(sm2_authority: Sm2Authority) -> Sm2InMemoryKey:
    return sm2_authority.issue("signing", name="演示制章单位")


@pytest.fixture(scope="module")
def made(maker: Sm2InMemoryKey, sm2_signer: Sm2InMemoryKey) -> bytes:
    return ses.make_seal(NAME, picture(), [sm2_signer.certificate], maker, YEAR, "620000000001")


@pytest.fixture(scope="module")
def eseal(made: bytes) -> ses.ElectronicSeal:
    return ses.read_seal(made, "seal")


@pytest.fixture(scope="module")
def signature(eseal: ses.ElectronicSeal, sm2_signer: Sm2InMemoryKey) -> bytes:
    container = ses.container(sm2_signer, eseal, NOW)
    return one_by_one(container.make(DIGEST), container.sign)


def children(data: bytes) -> list[tuple[int, int, bytes, bytes]]:
    """Class, tag, whole element and content of the elements in a constructed one."""
    found, rest = [], parser.parse(data)[4]
    while rest:
        class_, _, tag, header, content, trailer = parser.parse(rest)
        found.append((class_, tag, header + content + trailer, content))
        rest = rest[len(header + content + trailer) :]
    return found


def tags(data: bytes) -> list[int]:
    return [tag for _, tag, _, _ in children(data)]


def test_a_seal_tells_what_was_put_into_it(eseal: ses.ElectronicSeal, maker: Sm2InMemoryKey) -> None:
    assert (eseal.id, eseal.name, eseal.maker) == ("620000000001", NAME, maker.certificate)
    assert (eseal.valid_start, eseal.valid_end) == YEAR
    assert eseal.picture.data == picture().data
    assert (eseal.picture.width_mm, eseal.picture.height_mm) == (42, 42)


def test_the_shape_is_that_of_the_standard(
    signature: bytes,
    made: bytes,
    bouncycastle: BouncyCastle,
    sm2_signer: Sm2InMemoryKey,
    maker: Sm2InMemoryKey,
) -> None:
    """SES_Signature tag by tag, and BouncyCastle on both signatures."""
    to_sign, cert, algorithm, value = children(signature)
    assert [to_sign[1], cert[1], algorithm[1], value[1]] == [16, 4, 6, 3]
    assert tags(to_sign[2]) == [2, 16, 24, 3, 22]
    version, embedded, _, data_hash, _ = children(to_sign[2])
    assert core.Integer.load(version[2]).native == 4
    assert data_hash[3] == b"\0" + DIGEST
    assert embedded[2] == made
    info, maker_cert, seal_algorithm, seal_value = children(made)
    assert [info[1], maker_cert[1], seal_algorithm[1], seal_value[1]] == [16, 4, 6, 3]
    assert tags(info[2]) == [16, 22, 16, 16]
    header, _, property_, picture_ = children(info[2])
    assert tags(header[2]) == [22, 2, 22]
    assert children(header[2])[0][3] == b"ES"
    assert tags(property_[2]) == [2, 12, 2, 16, 24, 24, 24]
    assert tags(picture_[2]) == [22, 4, 2, 2]
    sm2_sign_with_sm3 = bytes.fromhex("06082a811ccf55018375")
    assert algorithm[2] == seal_algorithm[2] == sm2_sign_with_sm3
    assert cert[3] == sm2_signer.certificate.der
    bouncycastle.verify(sm2_signer.certificate.sm2_point, to_sign[2], value[3][1:])
    bouncycastle.verify(maker.certificate.sm2_point, info[2], seal_value[3][1:])
    with pytest.raises(Disagrees):
        bouncycastle.verify(sm2_signer.certificate.sm2_point, to_sign[2] + b"\0", value[3][1:])


def test_a_seal_signature_verifies(signature: bytes, sm2_signer: Sm2InMemoryKey) -> None:
    signed = ses.verify_ses(signature, DIGEST, "seal")
    assert (signed.signer, signed.signing_time, signed.timestamp) == (sm2_signer.certificate, NOW, None)
    with pytest.raises(BadSignature, match="not what was signed"):
        ses.verify_ses(signature, bytes(32), "seal")


def test_no_byte_can_be_flipped(signature: bytes, made: bytes, maker: Sm2InMemoryKey) -> None:
    # Besides: the octet that counts the unused bits of the signature's BIT STRING, and the tag before.
    unused = signature.rindex(b"\x00\x30")
    for at in (*range(0, len(signature), 23), unused, unused - 2):
        spoilt = bytearray(signature)
        spoilt[at] ^= 1
        with pytest.raises((BadSignature, BadFormat, BadCertificate)):
            ses.verify_ses(bytes(spoilt), DIGEST, "seal")
    for at in range(0, len(made), 23):
        spoilt = bytearray(made)
        spoilt[at] ^= 1
        try:
            found = ses.read_seal(bytes(spoilt), "seal").maker
        except (BadSignature, BadFormat, BadCertificate):
            continue
        # The maker's certificate stands beside what the maker signs; its chain no longer holds.
        assert found != maker.certificate


def test_a_seal_is_only_for_its_signer_and_its_time(
    eseal: ses.ElectronicSeal, sm2_authority: Sm2Authority, sm2_signer: Sm2InMemoryKey, signer: InMemoryKey
) -> None:
    with pytest.raises(BadSignature, match="not for the certificate"):
        ses.container(sm2_authority.issue("signing"), eseal, NOW)
    with pytest.raises(BadSignature, match="not valid at"):
        ses.container(sm2_signer, eseal, NOW - timedelta(days=1))
    with pytest.raises(BadSignature, match="not valid at"):
        ses.container(sm2_signer, eseal, NOW + timedelta(days=366))
    with pytest.raises(KeyRefused):
        ses.container(signer, eseal, NOW)


def test_another_signer_cannot_wear_the_seal(
    signature: bytes, sm2_authority: Sm2Authority, eseal: ses.ElectronicSeal
) -> None:
    """A signature by another certificate over a right TBS_Sign with somebody's seal inside."""
    other = sm2_authority.issue("signing")
    parsed = SealSignature.load(signature)
    parsed["cert"] = other.certificate.der
    parsed["signature"] = other.key.sign(parsed["to_sign"].dump())
    with pytest.raises(BadSignature, match="not for the certificate"):
        ses.verify_ses(parsed.dump(force=True), DIGEST, "seal")
    encryption = sm2_authority.issue("encryption")
    parsed["cert"] = encryption.certificate.der
    with pytest.raises(BadSignature, match="not for signatures"):
        ses.verify_ses(parsed.dump(force=True), DIGEST, "seal")
    assert eseal.name == NAME


def test_seals_that_list_whole_certificates_are_read(
    made: bytes, maker: Sm2InMemoryKey, sm2_signer: Sm2InMemoryKey
) -> None:
    parsed = ESeal.load(made)
    info = parsed["e_seal_info"]
    assert info["property"]["cert_list_type"].native == DIGESTS
    assert info["property"]["cert_list"][0]["value"].native == sm.sm3(sm2_signer.certificate.der)
    info["property"]["cert_list_type"] = 1
    info["property"]["cert_list"] = CertificateList([sm2_signer.certificate.der])
    parsed["signed_value"] = maker.key.sign(info.dump(force=True))
    whole = ses.read_seal(parsed.dump(force=True), "seal")
    whole.check_signer(sm2_signer.certificate, NOW, "seal")
    with pytest.raises(BadSignature):
        whole.check_signer(maker.certificate, NOW, "seal")


def replaced(made: bytes, maker: Sm2InMemoryKey, old: bytes, new: bytes) -> bytes:
    """The seal with other bytes of the same length in it, which its maker has signed."""
    assert made.count(old) == 1
    parsed = ESeal.load(made.replace(old, new))
    parsed["signed_value"] = maker.key.sign(parsed["e_seal_info"].dump())
    return bytes(parsed.dump())


def test_a_list_that_is_none_is_a_bad_seal_and_no_crash(
    made: bytes, maker: Sm2InMemoryKey, sm2_signer: Sm2InMemoryKey
) -> None:
    listed = ESeal.load(made)["e_seal_info"]["property"]["cert_list"].dump()
    unknown = replaced(made, maker, core.Integer(2).dump() + listed, core.Integer(3).dump() + listed)
    shapeless = replaced(made, maker, core.PrintableString("SM3").dump(), b"\x02\x03SM3")
    for odd in (unknown, shapeless):
        with pytest.raises(BadFormat):
            ses.container(sm2_signer, ses.read_seal(odd, "seal"), NOW)


def test_a_time_without_a_zone_is_refused(made: bytes, maker: Sm2InMemoryKey) -> None:
    """It would be another time on every computer, eight hours apart in China and in London."""
    ends = f"{YEAR[1]:%Y%m%d%H%M%S}"
    assert ses.read_seal(replaced(made, maker, f"{ends}Z".encode(), f"{ends}Z".encode()), "seal")
    with pytest.raises(BadFormat):
        ses.read_seal(replaced(made, maker, f"{ends}Z".encode(), f"{ends[:-2]}.00".encode()), "seal")


def test_other_versions_and_other_files_are_refused(made: bytes, maker: Sm2InMemoryKey) -> None:
    parsed = ESeal.load(made)
    parsed["e_seal_info"]["header"]["version"] = 1
    parsed["signed_value"] = maker.key.sign(parsed["e_seal_info"].dump(force=True))
    with pytest.raises(BadFormat, match="version 1"):
        ses.read_seal(parsed.dump(force=True), "seal")
    for other in (b"", b"%PDF", maker.certificate.der, made + b"\0"):
        with pytest.raises(BadFormat):
            ses.read_seal(other, "seal")


def test_a_pdf_is_sealed_and_an_edit_is_seen(
    tmp_path: Path,
    eseal: ses.ElectronicSeal,
    sm2_signer: Sm2InMemoryKey,
    tsa: InMemoryKey,
    root: Authority,
) -> None:
    pdf = make_pdf(tmp_path / "a.pdf", ["one", "two"])
    stamp = stamp_by(openssl_tsa(tmp_path / "tsa", tsa), [root.certificate])
    signing = Signing(NAME, ses.container(sm2_signer, eseal, NOW, stamp), NOW)
    strips = seal("cross-page", *(Place(page, 1e6, 148, Strip(page, 2)) for page in (0, 1)))
    with pdf.open("r+b") as file:
        assert seal_pdf(file, [seal("company", Place(0, 130, 225)), strips], signing, pdf.name) == 1
        assert seal_pdf(file, [seal("company", Place(1, 60, 60))], signing, pdf.name) == 1
    first, second = verified(pdf)
    assert (first.whole, second.whole) == (False, True)
    assert first.seal is not None
    assert first.seal.name == NAME
    assert first.timestamp is not None
    verify_token(first.timestamp, first.signature, [root.certificate], "seal")
    assert qpdf_accepts(pdf)
    assert b"/GM.sm2seal" in pdf.read_bytes()
    assert not pdfsig_accepts(pdf), "poppler has learned SES: it can become a judge"
    data = bytearray(pdf.read_bytes())
    data[data.index(b"/MediaBox") + 1] ^= 1
    pdf.write_bytes(data)
    with pytest.raises(BadSignature, match="not what was signed"):
        verified(pdf)


def verified(path: Path) -> list[PdfSignature]:
    with path.open("rb") as file:
        return [one.verify() for one in find_signatures(file, path.name)]
