"""Documents as the self-check sees them, made of plain strings: a page for each."""

import hashlib
from collections.abc import Sequence

from bidclient.similarity.findings.examined import Counterpart, Examined
from bidclient.similarity.findings.ours import Ours
from bidclient.similarity.passages.passage import Owner
from bidclient.similarity.reading.document import Extract, Page, Picture
from tests.support.bids import BIDDER, LEGAL_REPRESENTATIVE

OURS = Ours((BIDDER, "陇原示范"), (LEGAL_REPRESENTATIVE,))
RIVAL = "另一家建设集团有限公司"


def extracted(
    *pages: str, name: str = "方案.docx", kind: str = "docx", pictures: Sequence[Picture] = ()
) -> Extract:
    """An extract with these pages, one after the other."""
    found, start = [], 0
    for number, text in enumerate(pages, 1):
        found.append(Page(number, start, start + len(text), "text"))
        start += len(text)
    text = "".join(pages)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Extract(name, digest, kind, text, tuple(found), tuple(pictures))


def examined(*pages: str, where: str = "technical/plan", title: str = "施工组织设计") -> Examined:
    """A document of the draft."""
    return Examined(where, title, extracted(*pages))


def counterpart(
    *pages: str, owner: Owner = "own", bid: str = "去年的标书", project: str = "", lot: str = ""
) -> Counterpart:
    """A text that a draft is compared with."""
    return Counterpart(owner, f"{bid}/方案.docx", bid, extracted(*pages), project, lot)
