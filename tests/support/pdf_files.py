"""Odd PDFs for the tests of extraction: scans, fonts without an encoding, pages that never end."""

import io
from collections.abc import Sequence
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image, ImageDraw
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

FONT = "STSong-Light"
A4 = (595.0, 842.0)


def canvas(path: Path) -> Canvas:
    """A canvas with the Chinese font at hand."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    return Canvas(str(path), pagesize=A4, invariant=1)


def picture(seed: int, size: tuple[int, int] = (400, 560)) -> Image.Image:
    """A drawing that differs from one seed to the next."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for number in range(12):
        x, y = (seed * 37 + number * 61) % size[0], (seed * 53 + number * 97) % size[1]
        draw.rectangle((x, y, x + 40 + number * 3, y + 25), fill=((seed * 40) % 200, number * 20, 120))
    return image


def encoded(image: Image.Image, form: str) -> bytes:
    """A picture file: PNG or JPEG."""
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def make_scan(path: Path, pictures: Sequence[bytes], head: str = "") -> Path:
    """A PDF with a page for each picture file, which covers it, and perhaps a line of real text on top."""
    page = canvas(path)
    for data in pictures:
        page.drawImage(ImageReader(io.BytesIO(data)), 0, 0, *A4)
        page.setFont(FONT, 10)
        page.drawString(72, 820, head)
        page.showPage()
    page.save()
    return path


def make_many_pages(path: Path, count: int) -> Path:
    """`count` pages that share one content: small as a file, long to read."""
    content = (
        b"BT /F1 11 Tf 72 760 Td 14 TL "
        + b"(The quick brown fox jumps over the lazy dog.) Tj T* " * 4
        + b"ET"
    )
    kids = b" ".join(b"%d 0 R" % (number + 5) for number in range(count))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Kids[%s]>>"
        % (count, kids),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        *[b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>"] * count,
    ]
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, data in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, data)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    path.write_bytes(out)
    return path


def make_nested_forms(path: Path, depth: int, width: int) -> Path:
    """A page that draws a form, which draws another `width` times, and so on: width to the depth in all."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=A4)
    inner = pdf.make_stream(
        b"BT /F1 9 Tf (x) Tj ET",
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, 9, 9]),
        Resources=Dictionary(Font=Dictionary(F1=_helvetica())),
    )
    for _ in range(depth):
        inner = pdf.make_stream(
            b"/X Do " * width,
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=Array([0, 0, 9, 9]),
            Resources=Dictionary(XObject=Dictionary(X=inner)),
        )
    pdf.pages[0].Resources = Dictionary(XObject=Dictionary(X=inner))
    pdf.pages[0].Contents = pdf.make_stream(b"/X Do")
    pdf.save(path)
    return path


def make_broken_font(path: Path, lines: Sequence[str], unicode_map: bytes = b"") -> Path:
    """A page in a font whose glyph numbers mean nothing without `unicode_map` (ISO 32000-1 §9.10.3)."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=A4)
    name = Name("/ABCDEF+Odd")
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=name,
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
        FontDescriptor=Dictionary(
            Type=Name.FontDescriptor,
            FontName=name,
            Flags=4,
            FontBBox=Array([0, 0, 1000, 1000]),
            ItalicAngle=0,
            Ascent=800,
            Descent=-200,
            CapHeight=700,
            StemV=80,
        ),
        DW=600,
    )
    font = Dictionary(
        Type=Name.Font,
        Subtype=Name.Type0,
        BaseFont=name,
        Encoding=Name("/Identity-H"),
        DescendantFonts=Array([pdf.make_indirect(descendant)]),
    )
    if unicode_map:
        font.ToUnicode = pdf.make_stream(unicode_map)
    drawn = b" ".join(b"<%s> Tj T*" % b"".join(b"%04X" % ord(one) for one in line) for line in lines)
    pdf.pages[0].Resources = Dictionary(Font=Dictionary(F1=pdf.make_indirect(font)))
    pdf.pages[0].Contents = pdf.make_stream(b"BT /F1 12 Tf 50 700 Td 14 TL " + drawn + b" ET")
    pdf.save(path)
    return path


def unicode_map(pairs: dict[int, str]) -> bytes:
    """A ToUnicode map from glyph numbers."""
    rows = "\n".join(f"<{code:04X}> <{text.encode('utf-16-be').hex()}>" for code, text in pairs.items())
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def /CMapType 2 def "
        "1 begincodespacerange <0000> <FFFF> endcodespacerange "
        f"{len(pairs)} beginbfchar\n{rows}\nendbfchar endcmap end end"
    ).encode()


def make_claiming_image(path: Path, width: int, height: int) -> Path:
    """A page with a picture of a few bytes that says it has this many pixels."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=A4)
    image = pdf.make_stream(
        bytes(100),
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=width,
        Height=height,
        ColorSpace=Name.DeviceGray,
        BitsPerComponent=8,
    )
    pdf.pages[0].Resources = Dictionary(XObject=Dictionary(X=image))
    pdf.pages[0].Contents = pdf.make_stream(b"500 0 0 700 20 20 cm /X Do")
    pdf.save(path)
    return path


def _helvetica() -> Dictionary:
    return Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
