"""The same picture stays near whatever was done to its file; another one is far; none is unpacked blindly."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageDraw, ImageEnhance, ImageOps

from bidclient.errors import BadDocument
from bidclient.explain import in_words
from bidclient.similarity.reading.pictures import describe, distance
from tests.support.manuals import debian_manuals
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


def watermarked(image: Image.Image) -> Image.Image:
    marked = image.convert("RGB")
    draw = ImageDraw.Draw(marked)
    for place in range(0, image.width, 120):
        draw.text((place, place), "WATERMARK", fill=(190, 190, 190))
    return marked


VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg": jpeg,
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "grey": ImageOps.grayscale,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "watermark": watermarked,
    "askew": lambda image: image.rotate(0.7, fillcolor="white"),
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


def test_pages_of_a_real_manual_are_told_apart_and_known_again() -> None:
    """Pages of text in one layout are what certificates are like: the hardest kind."""
    with pypdfium2.PdfDocument(debian_manuals() / "installation-guide.pdf") as manual:
        pages = [manual[number].render(scale=0.8).to_pil() for number in range(4, 104, 3)]
    hashes = [hashed(page) for page in pages]
    assert min(distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > DIFFERENT
    for one, page in zip(hashes[::6], pages[::6], strict=True):
        assert max(distance(one, hashed(worked_on(page))) for worked_on in VARIANTS.values()) <= SAME


def test_a_picture_turned_by_its_exif_and_one_over_nothing_look_as_they_are_shown() -> None:
    image, out = picture(3), io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image.rotate(90, expand=True).save(out, "PNG", exif=exif)
    shown = describe(out.getvalue(), 1).phash
    assert shown is not None
    assert distance(shown, hashed(image)) <= SAME
    clear = image.convert("RGBA")
    clear.putalpha(ImageOps.grayscale(image).point([255] * 255 + [0]))
    assert distance(hashed(clear), hashed(image)) <= SAME


def test_a_small_file_with_many_pixels_is_not_unpacked() -> None:
    bomb = io.BytesIO()
    Image.new("1", (10_001, 10_001)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 200_000
    with pytest.raises(BadDocument) as caught:
        describe(bomb.getvalue(), 1)
    assert "10001 × 10001 pixels" in caught.value.reason


def test_a_drawing_that_only_windows_can_show_has_a_reason() -> None:
    with pytest.raises(BadDocument):
        describe(b"\xd7\xcd\xc6\x9a" + bytes(200), 1)


def test_place_and_owner_are_read_whatever_they_are_written_in() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.XPAuthor] = "乙公司\0".encode("utf-16-le")
    exif[ExifTags.Base.Copyright] = "乙路桥有限公司".encode("gb18030")
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (36.0, 3.0, 25.2)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (103.0, 50.0, 2.4)
    out = io.BytesIO()
    picture(1).save(out, "JPEG", exif=exif)
    found = dict(describe(out.getvalue(), 1).exif)
    assert found["XPAuthor"] == "乙公司"
    assert found["Copyright"] == "乙路桥有限公司"
    assert found["GPS"] == "N 36 3 25.2 E 103 50 2.4"


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
        assert in_words(error.reason, "zh").startswith("图片")  # noqa: PT017 - either way is right
