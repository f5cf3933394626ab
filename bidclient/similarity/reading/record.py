"""An extract while it is being made: pages behind each other, and what was left off written down."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from bidclient.errors import BadDocument
from bidclient.explain import in_words
from bidclient.similarity.reading.document import Extract, Page, PageKind, Picture, Trait
from bidclient.similarity.reading.limits import Limits


@dataclass(frozen=True)
class Missed:
    """Why something was not checked, in both languages; `{pages}` stands for where, `{fact}` for what."""

    zh: str
    en: str


SCAN = Missed(
    "第 {pages} 页是扫描件或图形，几乎没有可提取的文字，图中内容未检查",
    "page {pages}: a scan or a drawing with hardly any text of its own, what it shows was not checked",
)
PICTURE_TEXT = Missed(
    "第 {pages} 页：图片中的文字未检查", "page {pages}: what is written in pictures was not checked"
)
BROKEN_FONT = Missed(
    "第 {pages} 页的字体没有文字编码，提取出的是乱码，未检查",
    "page {pages}: the fonts do not tell which characters they show, not checked",
)
DAMAGED = Missed("第 {pages} 页已损坏，未检查", "page {pages}: damaged, not checked")
OCR_FAILED = Missed(
    "第 {pages} 页文字识别失败或超时，未检查",
    "page {pages}: the text recognition failed or took too long, not checked",
)
OCR_USED = Missed(
    "第 {pages} 页的文字由 OCR 识别，可能有误",
    "page {pages}: the text was recognised by OCR and may have errors",
)
OUT_OF_TIME = Missed(
    "第 {pages} 页：读取时间已到上限，未检查", "page {pages}: the time for this file was up, not checked"
)
TOO_MANY_PAGES = Missed(
    "第 {pages} 页超过页数上限，未检查", "page {pages}: beyond the limit of pages, not checked"
)
TOO_LONG = Missed(
    "第 {pages} 页：文字超过数量上限，超出部分未检查",
    "page {pages}: more text than the limit, what is beyond it was not checked",
)
BAD_PICTURE = Missed(
    "第 {pages} 页有无法读取的图片，未检查 ({fact})",
    "page {pages}: a picture that cannot be read, not checked ({fact})",
)
TOO_MANY_PICTURES = Missed(
    "第 {pages} 页：图片超过数量上限，未检查", "page {pages}: beyond the limit of pictures, not checked"
)
EMBEDDED = Missed("嵌入的文件或对象未检查：{fact}", "files or objects inside were not checked: {fact}")
NO_TRAITS = Missed(
    "文件的制作信息无法读取：{fact}", "what the file says about its making cannot be read: {fact}"
)


class Record:
    """What has been read of the file `name` so far, within `limits`."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self._parts: list[str] = []
        self._length = 0
        self._pages: list[Page] = []
        self._pictures: dict[str, Picture | None] = {}
        self._missed: dict[tuple[Missed, str], list[int]] = {}

    @property
    def full(self) -> bool:
        """Whether no more text is taken."""
        return self._length >= self.limits.characters

    def page(self, number: int, text: str, kind: PageKind) -> None:
        """Put a page behind the others. Its text ends with a line end, so that pages never grow together."""
        room = min(self.limits.page_characters, self.limits.characters - self._length)
        if len(text) > room:
            self.miss(TOO_LONG, number)
            text = text[: max(0, room)]
        if text and not text.endswith("\n"):
            text += "\n"
        self._parts.append(text)
        self._pages.append(Page(number, self._length, self._length + len(text), kind))
        self._length += len(text)

    def has_picture(self, sha256: str) -> bool:
        """Whether a picture of this digest was seen, readable or not."""
        return sha256 in self._pictures

    def picture(self, data: bytes, page: int, sha256: str = "", size: tuple[int, int] | None = None) -> bool:
        """Take a picture file that `page` shows, each once; whether it can be read.

        `sha256` is the digest of the stream in the document and `size` its pixels, where `data` is a smaller
        rendering of it.
        """
        # Imported here: numpy and Pillow are a good part of the start, and most price files need neither.
        from bidclient.similarity.reading.pictures import describe

        sha256 = sha256 or hashlib.sha256(data).hexdigest()
        if sha256 in self._pictures:
            return self._pictures[sha256] is not None
        if len(self._pictures) >= self.limits.pictures:
            self.miss(TOO_MANY_PICTURES, page)
            return False
        try:
            seen = describe(data, page)
        except BadDocument as error:
            self.bad_picture(sha256, page, error.reason)
            return False
        width, height = size or (seen.width, seen.height)
        self._pictures[sha256] = replace(seen, sha256=sha256, width=width, height=height)
        return True

    def bad_picture(self, sha256: str, page: int, reason: str) -> None:
        """A picture on `page` that cannot be read; it is named once."""
        self._pictures[sha256] = None
        self.miss(BAD_PICTURE, page, reason)

    def miss(self, why: Missed, pages: int | Iterable[int] = 0, fact: str = "") -> None:
        """Write down that pages, or the file as a whole, were not checked."""
        self._missed.setdefault((why, fact), []).extend([pages] if isinstance(pages, int) else pages)

    def extract(self, sha256: str, kind: str, traits: tuple[Trait, ...]) -> Extract:
        """All of it."""
        return Extract(
            name=self.name,
            sha256=sha256,
            kind=kind,
            text="".join(self._parts),
            pages=tuple(self._pages),
            pictures=tuple(one for one in self._pictures.values() if one is not None),
            traits=traits,
            skipped=tuple(_said(why, pages, fact) for (why, fact), pages in self._missed.items() if pages),
            hurried=any(why in (OUT_OF_TIME, OCR_FAILED) for why, _ in self._missed),
        )


def _said(why: Missed, pages: list[int], fact: str) -> tuple[str, str]:
    """The sentence in both languages."""
    ranges = _ranges(sorted(set(pages) - {0}))
    zh, en = why.zh, why.en
    if not ranges:  # what stands on no page
        zh, en = zh.replace("第 {pages} 页", "文件中"), en.replace("page {pages}", "in the file")
    return (
        zh.format(pages="、".join(ranges), fact=in_words(fact, "zh")),
        en.format(pages=", ".join(ranges), fact=fact),
    )


def _ranges(numbers: list[int]) -> list[str]:
    """Numbers in rising order as ranges: 3, 7-9."""
    # Within a run a number and its place in the list grow alike.
    runs = [
        [number for _, number in run] for _, run in groupby(enumerate(numbers), lambda one: one[1] - one[0])
    ]
    return [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
