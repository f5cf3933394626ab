"""The same picture stays near whatever was done to its file; another one is far; none is unpacked blindly."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from bidclient.errors import BadDocument
from bidclient.similarity.pictures import describe, distance
from tests.support.pdf_files import encoded, picture

SAME, DIFFERENT = 40, 50


def hashed(image: Image.Image, form: str = "PNG") -> bytes:
    found = describe(encoded(image, form), 1).phash
    assert found is not None
    return found


def jpeg(image: Image.Image) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=40)
    return Image.open(out)


VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg": jpeg,
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "grey": ImageOps.grayscale,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(6))
def test_a_picture_that_was_worked_on_stays_near(seed: int, variant: str) -> None:
    original = picture(seed)
    assert distance(hashed(original), hashed(VARIANTS[variant](original))) <= SAME


def test_different_pictures_are_far_apart() -> None:
    hashes = [hashed(picture(seed)) for seed in range(12)]
    assert all(len(one) == 32 for one in hashes)
    assert min(distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > DIFFERENT


def test_what_is_small_or_flat_has_no_hash() -> None:
    assert describe(encoded(picture(1, (63, 200)), "PNG"), 1).phash is None
    assert describe(encoded(Image.new("RGB", (200, 200), "white"), "PNG"), 1).phash is None


def test_digest_size_and_page(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(picture(1), "JPEG"))
    found = describe(path.read_bytes(), 7)
    sums = subprocess.run(["sha256sum", str(path)], capture_output=True, check=True, timeout=60).stdout
    assert (found.page, found.width, found.height) == (7, 400, 560)
    assert found.sha256 == sums.split()[0].decode()


def test_the_owner_and_the_camera_are_read() -> None:
    image = picture(1)
    exif = Image.Exif()
    exif[0x013B] = "李某某"
    exif[0x0110] = "D850"
    exif[0x010F] = " "
    exif.get_ifd(0x8769)[0xA431] = "SN-12345"
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    found = dict(describe(out.getvalue(), 1).exif)
    assert found["Model"] == "D850"
    assert found["BodySerialNumber"] == "SN-12345"
    assert "Make" not in found


@given(data=st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "GIF"])
def test_spoilt_bytes_give_a_description_or_a_reason(form: str, data: st.DataObject) -> None:
    content = bytearray(encoded(picture(1, (80, 90)), form))
    places = st.integers(0, len(content) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=5)):
        content[at] = value
    try:
        assert describe(bytes(content), 1).width >= 0
    except BadDocument as error:
        reason = error.reason
        assert reason.startswith("图片")
