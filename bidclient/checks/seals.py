"""Does every document carry the seals that the tender wants, unbroken, and the company's own?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bidclient.checks.added import AddedDocument
from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.errors import BadDocument, IntegrityProblem, Sm2Missing
from bidclient.explain import in_words
from bidclient.stages.tender import RequiredDocument, Tender

if TYPE_CHECKING:
    from bidclient.crypto.pdf_verify import PdfSignature

KINDS_ZH = {
    "company": "公章",
    "legal-representative": "法定代表人章",
    "cost-engineer": "造价工程师章",
    "cross-page": "骑缝章",
}
COMPANY_KINDS = frozenset({"company", "cross-page"})
"""Kinds that only a certificate of the company itself may set."""


def unflawed(_signature: "PdfSignature") -> str:
    """Where nobody is trusted, nobody is objected to."""
    return ""


@dataclass(frozen=True)
class SealJudge:
    """Whose seals count: those of the company with this USCC ("" for any) by signers without a `flaw`."""

    uscc: str
    flaw: Callable[["PdfSignature"], str] = unflawed

    def objection(self, kinds: Sequence[str], signature: "PdfSignature") -> tuple[str, str]:
        """The rule that a verified signature with these kinds of seals breaks, and the fact; "" for none."""
        signer = signature.signer
        own = COMPANY_KINDS.intersection(kinds) or ("legal-representative" in kinds and signer.uscc)
        if own and self.uscc and signer.uscc != self.uscc:
            return "SEAL-004", signer.common_name
        flaw = self.flaw(signature) if kinds else ""
        return ("SEAL-006", flaw) if flaw else ("", signer.common_name)


def check_seals(
    documents: Iterable[AddedDocument], tender: Tender, parts: Path, judge: SealJudge
) -> Iterator[Finding]:
    """Missing, broken and foreign seals; blind parts are left to check_anonymity. Raises FileProblem."""
    wanted = {(part.id, required.name): required for part in tender.parts for required in part.documents}
    for added in documents:
        document = added.document
        required = wanted.get((document.part, document.name))
        if required is not None and added.content.pages and not added.blind:
            yield from _seals(added, required, parts / document.part / document.file, judge)


def _seals(
    added: AddedDocument, required: RequiredDocument, path: Path, judge: SealJudge
) -> Iterator[Finding]:
    where, title = added.where, added.title
    missing: dict[str, None] = dict.fromkeys(position.kind for position in required.seals)
    count = added.content.facts.signatures
    strange = ""
    if count:
        yield found("SEAL-005", where, title=title, count=count)
        for rule, kinds, fact in _signatures(path, judge):
            if rule:
                yield found(rule, where, title=title, fact_zh=in_words(fact, "zh"), fact=fact)
            elif not kinds:
                strange = fact
            for kind in kinds:
                missing.pop(kind, None)
    if missing and strange:
        yield found("SEAL-003", where, title=title, fact=strange)
    elif missing:
        names = "、".join(KINDS_ZH[kind] for kind in missing)
        yield found("SEAL-001", where, title=title, kinds=", ".join(missing), kinds_zh=names)


def _signatures(path: Path, judge: SealJudge) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """For each signature the rule that it breaks, else the kinds of its seals; and what to say of it."""
    # Slow to import, and needed for sealed documents only.
    from bidclient.crypto.pdf_verify import find_signatures

    with path.open("rb") as file:
        try:
            signatures = find_signatures(file, path.name)
        except BadDocument as error:
            yield "SEAL-002", (), error.reason
            return
        for one in signatures:
            if one.form == "unknown":
                yield "", (), one.sub_filter
                continue
            try:
                signature = one.verify()
            except (IntegrityProblem, Sm2Missing) as error:
                yield "SEAL-002", (), str(error.facts.get("reason", error))
                continue
            rule, fact = judge.objection(one.kinds, signature)
            yield rule, one.kinds, fact
