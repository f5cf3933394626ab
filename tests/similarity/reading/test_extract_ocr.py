"""Scans are read where tesseract is installed, and named as not read where it is missing or fails."""

import io
import os
import re
import subprocess
import sys
from difflib import SequenceMatcher
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from bidclient.similarity.reading.apart import Reader
from bidclient.similarity.reading.extract import extract
from bidclient.similarity.reading.limits import Limits
from bidclient.similarity.reading.ocr import Ocr
from tests.support.bids import make_pdf
from tests.support.manuals import ROOT, debian_manuals
from tests.support.pdf_files import encoded, make_scan, picture
from tests.support.word_files import make_docx

TESSERACT = Ocr.found()
PAGE = 12
needs_tesseract = pytest.mark.skipif(TESSERACT is None, reason="tesseract with chi_sim is not installed")


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """The upper part of a page of a real manual as a picture, and its text."""
    with pypdfium2.PdfDocument(debian_manuals() / "maint-guide.pdf") as pdf:
        page = pdf[PAGE - 1]
        width, height = page.get_size()
        page.set_cropbox(0, height * 0.6, width, height)
        text = page.get_textpage().get_text_bounded()
        return encoded(page.render(scale=200 / 72, grayscale=True).to_pil(), "PNG"), text


def plain(text: str) -> str:
    return re.sub(r"\s", "", text)


def program(path: Path, script: str) -> Ocr:
    """A program in the place of tesseract."""
    path.write_text(f"#!/bin/sh\n{script}\n", "ascii")
    path.chmod(0o755)
    return Ocr(str(path), "none")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_program_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows looks there first, and it may be the folder of a stranger's files."""
    program(tmp_path / "tesseract", f"echo chi_sim; touch {tmp_path}/ran")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".:/bin")
    assert Ocr.found() is None
    assert not (tmp_path / "ran").exists()
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert Ocr.found() is not None


@needs_tesseract
def test_a_scanned_page_is_read_and_says_so(scanned: tuple[bytes, str], tmp_path: Path) -> None:
    picture_file, text = scanned
    path = tmp_path / "scan.png"
    path.write_bytes(picture_file)
    found = extract(path, ocr=TESSERACT)
    assert [page.kind for page in found.pages] == ["ocr"]
    assert found.skipped == (
        ("第 1 页的文字由 OCR 识别，可能有误", "page 1: the text was recognised by OCR and may have errors"),
    )
    alike = SequenceMatcher(None, plain(found.text), plain(text), autojunk=False).ratio()
    assert alike > 0.85
    # The judge tells texts apart.
    assert SequenceMatcher(None, plain(found.text), plain(text)[::-1], autojunk=False).ratio() < 0.5


@needs_tesseract
def test_a_scan_pasted_into_a_word_file_is_read(scanned: tuple[bytes, str], tmp_path: Path) -> None:
    shown = '<w:p><w:r><w:drawing><a:blip r:embed="rId0"/></w:drawing></w:r></w:p>'
    path = make_docx(tmp_path / "a.docx", shown, {"word/media/scan.png": scanned[0]}, ["scan.png"])
    found = extract(path, ocr=TESSERACT)
    assert [page.kind for page in found.pages] == ["ocr"]
    assert SequenceMatcher(None, plain(found.text), plain(scanned[1]), autojunk=False).ratio() > 0.85


@needs_tesseract
def test_a_scan_in_a_pdf_is_read_by_the_process_apart(scanned: tuple[bytes, str], tmp_path: Path) -> None:
    picture_file, text = scanned
    path = tmp_path / "scan.pdf"
    Image.open(io.BytesIO(picture_file)).save(path, "PDF", resolution=200)
    with Reader(ocr=TESSERACT) as reader:
        found = reader.extract(path)
    assert [page.kind for page in found.pages] == ["ocr"]
    assert SequenceMatcher(None, plain(found.text), plain(text), autojunk=False).ratio() > 0.85


def test_without_tesseract_there_is_no_reader_of_scans(tmp_path: Path) -> None:
    work = "from bidclient.similarity.reading.ocr import Ocr\nassert Ocr.found() is None"
    for folder in (tmp_path, tmp_path / "english"):
        folder.mkdir(exist_ok=True)
        if folder.name == "english":  # installed, but without Chinese
            program(folder / "tesseract", "echo eng")
        environment = {**os.environ, "PATH": str(folder)}
        subprocess.run([sys.executable, "-c", work], cwd=ROOT, env=environment, check=True, timeout=60)


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 60"], ids=["fails", "slow"])
def test_a_page_that_cannot_be_recognised_is_named(tmp_path: Path, script: str) -> None:
    path = make_scan(tmp_path / "scan.pdf", [encoded(picture(1), "JPEG")])
    found = extract(path, Limits(ocr_seconds=0.5), program(tmp_path / "tesseract", script))
    assert [page.kind for page in found.pages] == ["scan"]
    assert found.skipped[0][0] == "第 1 页文字识别失败或超时，未检查"


def test_a_page_in_which_nothing_is_recognised_stays_a_scan(tmp_path: Path) -> None:
    path = make_scan(tmp_path / "scan.pdf", [encoded(picture(1), "JPEG")])
    found = extract(path, ocr=program(tmp_path / "tesseract", "cat >/dev/null"))
    assert [page.kind for page in found.pages] == ["scan"]
    assert "扫描件" in found.skipped[0][0]


def test_pages_with_text_are_never_shown_to_it(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", ["正文"])
    assert extract(path, ocr=program(tmp_path / "tesseract", f"touch {tmp_path}/asked")).text == "正文\n"
    assert not (tmp_path / "asked").exists()
