"""Can every page be printed and read: size, direction, blank and damaged pages, fonts, active content?"""

from collections.abc import Iterator, Sequence

from bidclient.checks.added import AddedDocument, page_ranges
from bidclient.checks.finding import Finding
from bidclient.checks.pdf_active import Active
from bidclient.checks.pdf_content import PageContent, PageKind
from bidclient.checks.rules import found

_A4_MM = (210.0, 297.0)
_TOLERANCE_MM = 2.0
_LISTED = 10
_KINDS: dict[Active, tuple[str, str]] = {
    "attachment": ("附件", "embedded files"),
    "javascript": (" JavaScript 脚本", "JavaScript"),
    "launch": ("启动程序的动作", "actions that start a program"),
    "multimedia": ("音视频", "sound or video"),
}
_BY_KIND: dict[PageKind, str] = {"blank": "PDF-005", "garbled": "PDF-006", "broken": "PDF-007"}


def check_layout(added: AddedDocument) -> Iterator[Finding]:
    """What is odd about the pages of a PDF, and what of the file was not checked."""
    pages = added.content.pages
    yield from _sizes(added, [page for page in pages if page.kind != "broken"])
    for kind, rule in _BY_KIND.items():
        yield from _pages(added, rule, [page for page in pages if page.kind == kind])
    yield from _fonts(added)
    if added.content.active:
        kinds = [_KINDS[kind] for kind in sorted(added.content.active)]
        kinds_zh, kinds_en = "、".join(zh for zh, _ in kinds), ", ".join(en for _, en in kinds)
        yield found(
            "PDF-010", added.where, added.evidence(0), title=added.title, kinds_zh=kinds_zh, kinds_en=kinds_en
        )
    yield from _unchecked(added)


def _sizes(added: AddedDocument, pages: Sequence[PageContent]) -> Iterator[Finding]:
    odd = [page for page in pages if not _is_a4(page)]
    sizes = dict.fromkeys(f"{page.width_mm:.0f} × {page.height_mm:.0f} mm" for page in odd)
    yield from _pages(added, "PDF-002", odd, sizes="、".join(list(sizes)[:_LISTED]))
    lying = [page for page in pages if page.width_mm > page.height_mm]
    fewer = lying if 2 * len(lying) <= len(pages) else [page for page in pages if page not in lying]
    if lying and len(lying) < len(pages):
        yield from _pages(added, "PDF-003", fewer)
    turned = [page for page in pages if page.turned]
    degrees = "、".join(str(one) for one in sorted({page.turned for page in turned}))
    yield from _pages(added, "PDF-004", turned, degrees=degrees)


def _is_a4(page: PageContent) -> bool:
    sides = sorted((page.width_mm, page.height_mm))
    return all(abs(side - wanted) <= _TOLERANCE_MM for side, wanted in zip(sides, _A4_MM, strict=True))


def _pages(
    added: AddedDocument, rule: str, pages: Sequence[PageContent], **facts: object
) -> Iterator[Finding]:
    """One finding for all these pages; none for none."""
    if pages:
        zh, en = page_ranges([page.number for page in pages])
        evidence = tuple(one for page in pages[:_LISTED] for one in added.evidence(page.number))
        yield found(rule, added.where, evidence, title=added.title, pages=zh, pages_en=en, **facts)


def _fonts(added: AddedDocument) -> Iterator[Finding]:
    for rule, chinese in (("PDF-008", True), ("PDF-009", False)):
        names = [font.name for font in added.content.loose_fonts if font.chinese == chinese]
        if names:
            listed = "、".join(names[:_LISTED]) + ("…" if len(names) > _LISTED else "")
            yield found(rule, added.where, added.evidence(0, fact=listed), title=added.title, fonts=listed)


# ------------------------------------------------------------------------------------ what was not checked


def _unchecked(added: AddedDocument) -> Iterator[Finding]:
    content = added.content
    scans = [page.number for page in content.pages if page.kind == "scan"]
    unread = [page.number for page in content.pages if page.kind == "unread"]
    if not content.pages:
        yield _not_checked(added, "不是 PDF，只核对了文件没有被改动", "no PDF: only that it is unchanged")
    elif scans and not content.searchable:
        yield found("PDF-001", added.where, added.evidence(0), title=added.title)
    elif scans:
        zh, en = page_ranges(scans)
        yield _not_checked(added, f"第 {zh} 页是图片，其中的文字", f"the text of pictures on page {en}")
    if unread:
        zh, en = page_ranges(unread)
        yield _not_checked(added, f"第 {zh} 页（文字过多）", f"page {en}, because there is too much text")
    if content.active is None:
        yield _not_checked(added, "脚本、附件和动作（文件结构异常）", "scripts, files and actions inside it")
    pictures = [page.number for page in content.pages if page.pictures and page.kind != "scan"]
    if added.blind and (pictures or scans or not content.pages):
        zh, en = page_ranges(sorted({*pictures, *scans}))
        where_zh, where_en = (f"第 {zh} 页", f" on page {en}") if zh else ("", "")
        yield _not_checked(
            added,
            f"暗标{where_zh}的图片是否透露投标人，无法判断",
            f"a blind document: whether its pictures{where_en} tell who the bidder is cannot be told",
        )


def _not_checked(added: AddedDocument, what_zh: str, what_en: str) -> Finding:
    return found(
        "NCK-001", added.where, added.evidence(0), title=added.title, what_zh=what_zh, what_en=what_en
    )
