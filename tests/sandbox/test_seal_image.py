"""Practice seals: drawn the same as picture and as drawing, never without the mark, and made for SM2 keys."""

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bidclient.crypto.pdf_picture import read_picture
from bidclient.crypto.pdf_places import SealKind
from bidclient.crypto.ses import read_seal
from bidclient.errors import BadDocument, BadValue, CertificateUnfit
from bidclient.network.clock import system_now
from bidclient.sandbox.pki import create_authority, issue_bidder
from bidclient.sandbox.seal_image import MARK, draw_seal, png, svg, write_seal_image
from bidclient.sandbox.seal_maker import write_practice_seal

NAME, CODE = "甘肃示例建设工程集团有限公司", "91110108MA0000001D"
KINDS: list[SealKind] = ["company", "legal-representative", "cost-engineer", "cross-page"]


def words(drawing: bytes) -> str:
    """The text of an SVG."""
    return "".join(ElementTree.fromstring(drawing).itertext())  # noqa: S314 - our own file


@pytest.mark.parametrize("kind", KINDS)
def test_every_seal_is_marked_as_practice(kind: SealKind) -> None:
    drawing = draw_seal("张三丰" if kind == "legal-representative" else NAME, CODE, kind)
    assert MARK in words(svg(drawing))
    assert "非真实印章" in words(svg(drawing))
    with Image.open(io.BytesIO(png(drawing))) as image:
        assert image.size == (drawing.width * 20, drawing.height * 20)
        pixels = image.convert("RGBA").tobytes()
    inked = sum(alpha > 128 for alpha in pixels[3::4])
    assert 0.05 < inked / (len(pixels) / 4) < 0.6
    assert all(
        red > green for red, green, alpha in zip(*(pixels[n::4] for n in (0, 1, 3)), strict=True) if alpha
    )


def test_name_and_code_are_there_letter_by_letter() -> None:
    said = words(svg(draw_seal(NAME, CODE)))
    assert NAME in said.replace("\n", "")
    assert CODE in said.replace("\n", "")
    assert len(png(draw_seal(NAME, CODE))) < 48 * 1024, "a token signs the seal with the picture inside"


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=50), st.sampled_from([CODE, "", "\x00", "&<", "9" * 50]), st.sampled_from(KINDS))
def test_any_name_is_drawn_or_refused(name: str, code: str, kind: SealKind) -> None:
    try:
        drawing = draw_seal(name or NAME, code, kind)
    except BadValue:
        return
    assert MARK in words(svg(drawing))


def test_files_are_written_by_their_name(tmp_path: Path) -> None:
    write_seal_image(NAME, CODE, "company", tmp_path / "a.svg")
    write_seal_image(NAME, CODE, "company", tmp_path / "a.PNG")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(BadValue):
        write_seal_image(NAME, CODE, "company", tmp_path / "a.gif")


def test_a_drawing_is_refused_where_a_picture_is_wanted() -> None:
    """Nothing here draws SVG: whoever seals with one is told what will do."""
    with pytest.raises(BadDocument) as refused:
        read_picture(svg(draw_seal(NAME, CODE)), 42, "seal.svg")
    assert refused.value.document == "seal.svg"
    assert "PNG" in refused.value.reason
    assert "JPEG" in refused.value.reason


def test_the_sandbox_makes_an_electronic_seal(tmp_path: Path) -> None:
    now = system_now()
    create_authority(tmp_path, now)
    signer = issue_bidder(tmp_path, NAME, CODE, "sm2").signing_cert
    write_practice_seal(tmp_path, signer, NAME, CODE, "company", tmp_path / "a.esl", now)
    seal = read_seal((tmp_path / "a.esl").read_bytes(), "a.esl")
    seal.check_signer(signer, now, "a.esl")
    assert seal.name == NAME
    assert "非真实" in seal.maker.common_name
    other = issue_bidder(tmp_path, NAME, CODE).signing_cert
    with pytest.raises(CertificateUnfit):
        write_practice_seal(tmp_path, other, NAME, CODE, "company", tmp_path / "b.esl", now)
