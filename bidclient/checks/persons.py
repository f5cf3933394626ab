"""Are persons named alike everywhere, and can their numbers be right: identity cards, telephones?"""

import re
from collections.abc import Iterable, Iterator, Sequence

from bidclient.checks.added import AddedDocument
from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.formats.citizen_id import is_citizen_id
from bidclient.formats.codes import is_phone
from bidclient.stages.draft import Draft
from bidclient.stages.tender import Tender

_IDENTITY = re.compile(
    r"(?:身份证|公民身份)(?:件|号|号码|证号)?[^0-9。;]{0,12}?(?<![0-9A-Za-z])(\d{17}[0-9Xx])(?![0-9A-Za-z])"
)
_LEGAL = re.compile("法定代表人|法人代表|授权委托|委托书")
_AGENT = re.compile("授权委托|委托书")
_STAFF = re.compile("人员|项目班子|管理机构|项目负责人|项目经理|简历|团队")
_PHONE_FIELD = re.compile("电话|手机|联系方式")
_BETWEEN_PHONES = re.compile("[/、,;，；]")
_FIGURE = re.compile(r"\d")
_FEWEST_FIGURES = 5
"""Fewer are words, such as 见投标函第 2 页."""
_SHOWN = 4


def check_persons(documents: Iterable[AddedDocument], draft: Draft, tender: Tender) -> Iterator[Finding]:
    """FRM-005, FRM-007 and FRM-009; names are looked for in documents that are wholly searchable only."""
    open_documents = [added for added in documents if not added.blind]
    yield from _phones(draft, tender)
    for added in open_documents:
        yield from _identities(added)
    bidder = draft.bidder
    roles = [("法定代表人", bidder.legal_representative, _LEGAL), ("委托代理人", bidder.agent, _AGENT)]
    roles += [
        (field.title, draft.form.get(field.name, ""), _STAFF)
        for field in tender.form
        if field.type == "person"
    ]
    for role, name, titles in roles:
        yield from _named(role, name, [added for added in open_documents if titles.search(added.title)])


def _identities(added: AddedDocument) -> Iterator[Finding]:
    for page, text in added.texts:
        for match in _IDENTITY.finditer(text):
            number = match[1].upper()
            if not is_citizen_id(number):
                mask = _masked(number)
                evidence = added.evidence(page, mask)
                yield found("FRM-005", added.where, evidence, title=added.title, page=page, mask=mask)


def _phones(draft: Draft, tender: Tender) -> Iterator[Finding]:
    phones = [("bidder.phone", "联系电话", draft.bidder.phone)]
    phones += [
        (field.name, field.title, draft.form.get(field.name, ""))
        for field in tender.form
        if field.type == "text" and _PHONE_FIELD.search(field.title)
    ]
    for name, title, number in phones:
        for one in _BETWEEN_PHONES.split(number):
            if len(_FIGURE.findall(one)) >= _FEWEST_FIGURES and not is_phone(one):
                yield found("FRM-007", name, title=title, mask=_masked(one))


def _named(role: str, name: str, documents: Sequence[AddedDocument]) -> Iterator[Finding]:
    """A name that none of the documents which should have it names; pictures may hold it, so no scans."""
    wanted = "".join(name.split())
    if (
        not wanted
        or not documents
        or any(page.kind != "text" for one in documents for page in one.content.pages)
    ):
        return
    if not any(wanted in text for one in documents for _, text in one.texts):
        listed = "、".join(f"《{one.title}》" for one in documents)
        yield found("FRM-009", documents[0].where, role=role, name=name, documents=listed)


def _masked(number: str) -> str:
    """The last figures, by which its owner knows it: a number is never spelt out."""
    return "****" + number[-_SHOWN:]
