"""What a seal looks like in the file: one image per picture, and a small form for each place of it."""

from math import cos, radians, sin
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.images import pil_image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from bidclient.crypto.pdf_picture import SealPicture
from bidclient.crypto.pdf_places import POINTS_PER_MM, PageFrame, Place, Strip

Box = tuple[float, float, float, float]
_STAMP_FLAGS = 4 | 64 | 128 | 512
"""Print, ReadOnly, Locked, LockedContents (ISO 32000-1 §12.5.3): nobody moves a seal by mistake."""
_FULL_TURN = 360


class Drawing:
    """Puts one picture into one revision of a file; forms that look alike are shared."""

    def __init__(self, writer: IncrementalPdfFileWriter, picture: SealPicture) -> None:
        self._writer = writer
        self._picture = picture
        self._image = pil_image(picture.image, writer)
        self._forms: dict[tuple[Strip | None, int], generic.IndirectObject] = {}

    def box(self, frame: PageFrame, place: Place) -> Box:
        """The rectangle on its page that the seal takes at `place`."""
        width = self._picture.width_mm / (place.strip.count if place.strip else 1)
        return frame.box(place.x_mm, place.y_mm, width, self._picture.height_mm)

    def appearance(self, frame: PageFrame, place: Place) -> generic.DictionaryObject:
        """The appearance dictionary (ISO 32000-1 §12.5.5) of an annotation at `place`."""
        return generic.DictionaryObject({pdf_name("/N"): self._form(place.strip, frame.rotation)})

    def stamp(self, page: generic.IndirectObject, frame: PageFrame, place: Place, text: str) -> None:
        """A stamp annotation (§12.5.6.12) at `place`; `text` is what it says where it cannot be seen."""
        annotation = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/Stamp"),
                pdf_name("/Rect"): _numbers(self.box(frame, place)),
                pdf_name("/F"): generic.NumberObject(_STAMP_FLAGS),
                pdf_name("/Contents"): generic.pdf_string(text),
                pdf_name("/P"): page,
                pdf_name("/AP"): self.appearance(frame, place),
            }
        )
        self._writer.register_annotation(page, self._writer.add_object(annotation))

    def _form(self, strip: Strip | None, rotation: int) -> generic.IndirectObject:
        if (strip, rotation) not in self._forms:
            self._forms[strip, rotation] = self._writer.add_object(self._new_form(strip, rotation))
        return self._forms[strip, rotation]

    def _new_form(self, strip: Strip | None, rotation: int) -> generic.StreamObject:
        """The picture in a box of its size. A strip is a narrower box in front of the whole picture."""
        strip = strip or Strip(0, 1)
        whole = self._picture.width_mm * POINTS_PER_MM
        height = self._picture.height_mm * POINTS_PER_MM
        width = whole / strip.count
        turn = radians(rotation)
        return generic.StreamObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): _numbers((0, 0, width, height)),
                # The page is turned when it is shown, the seal is not.
                pdf_name("/Matrix"): _numbers((cos(turn), sin(turn), -sin(turn), cos(turn), 0, 0)),
                pdf_name("/Resources"): generic.DictionaryObject(
                    {pdf_name("/XObject"): generic.DictionaryObject({pdf_name("/Seal"): self._image})}
                ),
            },
            stream_data=b"q %.3f 0 0 %.3f %.3f 0 cm /Seal Do Q" % (whole, height, -strip.index * width),
        )


def page_references(root: generic.DictionaryObject) -> list[generic.IndirectObject]:
    """All pages in order (ISO 32000-1 §7.7.3), walked once: pyHanko looks for each from the root again.

    Raises ValueError for a tree that is none.
    """
    pages: list[generic.IndirectObject] = []
    seen = set()
    pending = [root.raw_get("/Pages")]
    while pending:
        reference = pending.pop()
        if not isinstance(reference, generic.IndirectObject) or reference.reference in seen:
            raise ValueError("a page tree that is none")
        seen.add(reference.reference)
        node = reference.get_object()
        if "/Kids" in node:
            pending += reversed([*node["/Kids"]])
        else:
            pages.append(reference)
    return pages


def page_frame(page: generic.DictionaryObject) -> PageFrame:
    """The frame of a page, with what it inherits (ISO 32000-1 §7.7.3.4). Raises ValueError without a box."""
    media = _box(_inherited(page, "/MediaBox"))
    crop = _inherited(page, "/CropBox")
    if crop is not None:
        # A crop box counts as far as it lies on the medium.
        left, bottom, right, top = _box(crop)
        inside = max(left, media[0]), max(bottom, media[1]), min(right, media[2]), min(top, media[3])
        media = inside if inside[0] < inside[2] and inside[1] < inside[3] else media
    rotation = _inherited(page, "/Rotate")
    return PageFrame(*media, rotation=int(rotation or 0) % _FULL_TURN)


def _inherited(page: generic.DictionaryObject, name: str) -> Any:
    node, seen = page, 0
    while name not in node and "/Parent" in node and seen < 64:
        node, seen = node["/Parent"], seen + 1
    # Not get(): it does not follow references.
    return node[name] if name in node else None  # noqa: SIM401


def _box(values: Any) -> Box:
    if not isinstance(values, generic.ArrayObject) or len(values) != 4:
        raise ValueError("a page without a box")
    x1, y1, x2, y2 = (float(value.get_object()) for value in values)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _numbers(values: tuple[float, ...]) -> generic.ArrayObject:
    return generic.ArrayObject(generic.FloatObject(f"{value:.4f}") for value in values)
