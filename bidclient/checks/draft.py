"""The whole check of a draft: every finding at once (一次性告知), the worst first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from bidclient.checks.added import read_documents
from bidclient.checks.amounts import check_amounts
from bidclient.checks.anonymity import check_anonymity
from bidclient.checks.completeness import check_completeness
from bidclient.checks.files import check_files
from bidclient.checks.finding import Finding
from bidclient.checks.forms import check_forms
from bidclient.checks.layout import check_layout
from bidclient.checks.periods import check_periods
from bidclient.checks.persons import check_persons
from bidclient.checks.price import check_price
from bidclient.checks.seals import SealJudge, check_seals, unflawed
from bidclient.checks.validity import check_certificate, check_tender_in_force
from bidclient.crypto.certificate import Certificate
from bidclient.stages.draft import Draft
from bidclient.stages.tender import Tender

if TYPE_CHECKING:
    from bidclient.crypto.pdf_verify import PdfSignature

_ORDER = {"blocking": 0, "warning": 1, "info": 2}


def check_draft(
    draft: Draft,
    tender: Tender,
    parts: Path,
    now: datetime,
    certificates: Sequence[Certificate] = (),
    flaw: Callable[["PdfSignature"], str] = unflawed,
    unread: Mapping[str, str] = MappingProxyType({}),
) -> list[Finding]:
    """All that is wrong, doubtful or worth knowing about `draft` as an answer to `tender` at the time `now`.

    `tender` is the one in force, `parts` the folder with <part>/<file>, `certificates` those that will sign
    and open the bid; `flaw` says why the signer of a seal is not trusted, "" when he is; `unread` says by
    part/file why some must not be opened here. Blocking findings come first. A file that cannot be read is a
    finding too.
    """
    documents, findings = read_documents(draft, tender, parts, unread)
    findings += [
        *check_tender_in_force(draft, tender, now),
        *check_completeness(draft, tender),
        *check_forms(draft, tender),
        *check_price(draft, tender),
        *check_files(documents, draft.bidder.name, now),
        *(finding for added in documents for finding in check_layout(added)),
        *check_anonymity(documents, draft.bidder),
        *check_seals(documents, tender, parts, SealJudge(draft.bidder.uscc, flaw)),
        *_once(check_amounts(documents, draft, tender)),
        *_once(check_periods(documents, draft, tender)),
        *_once(check_persons(documents, draft, tender)),
    ]
    for certificate in certificates:
        findings += check_certificate(certificate, tender, now, draft.bidder.uscc)
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Without what was said before of the same words in the same document, as of a running head."""
    told = set()
    for finding in findings:
        said = (finding.rule, finding.subject, *(one.here.quote for one in finding.evidence))
        if said not in told:
            told.add(said)
            yield finding
