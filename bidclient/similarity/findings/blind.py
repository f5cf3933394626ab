"""Does a blind document (暗标) that is no PDF, or a picture in one, tell who the bidder is (ANON-001)?

The text and the properties of PDFs are looked at by checks/anonymity.py.
"""

from collections.abc import Iterable

from bidclient.checks.anonymity import bare, telling_names
from bidclient.checks.finding import Evidence, Finding, Place
from bidclient.similarity.findings.catalogue import told
from bidclient.similarity.findings.examined import Examined, page_name
from bidclient.stages.draft import Bidder


def check_blind(documents: Iterable[Examined], bidder: Bidder) -> list[Finding]:
    """The company's name, code and telephone in blind documents, each once per document.

    What is drawn in a picture is not read, its EXIF is.
    """
    names = telling_names(bidder)
    findings = []
    for one in documents:
        places: list[tuple[int, str, str]] = [
            (picture.page, f"{page_name(picture.page)[0]}图片的 EXIF {key}", value)
            for picture in one.extract.pictures
            for key, value in picture.exif
        ]
        if one.extract.kind != "pdf":
            text = one.extract.text
            places += [
                (page.number, page_name(page.number)[0], text[page.start : page.end])
                for page in one.extract.pages
            ]
        seen: set[str] = set()
        for page, where, content in places:
            for name in names:
                if name not in seen and name in bare(content):
                    seen.add(name)
                    evidence = (Evidence(Place(one.where, page), None, name),)
                    findings.append(
                        told("ANON-001", one.where, evidence, title=one.title, place=where, leak=name)
                    )
    return findings
