"""When a PDF of ours was made, and of what: by itself reportlab's reproducible mode dates every one 2000.

Of /ID (ISO 32000-1 §14.4) reportlab makes both halves from title, author, subject and keywords, so it is the
keywords that keep two documents of one title apart.
"""

from datetime import datetime

from reportlab.pdfgen.canvas import Canvas

from bidclient.formats.instant import CHINA


def keyword(sha256: str) -> str:
    """The keyword of a PDF that shows a file for people: that file's hex digest."""
    return f"SHA-256 {sha256}"


def date(page: Canvas, at: datetime) -> None:
    """Date the document, made and changed, to `at` (§7.9.4), before it is saved."""
    text = at.astimezone(CHINA).strftime("D:%Y%m%d%H%M%S+08'00'")
    page.setDateFormatter(lambda *_: text)
