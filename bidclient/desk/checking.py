"""What an evaluator would reject, found before anything is frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bidclient.checks.finding import Finding, blocks
from bidclient.checks.validity import check_certificate
from bidclient.crypto.certificate import Certificate
from bidclient.desk.connection import Clock, Connections
from bidclient.desk.keychain import Keychain
from bidclient.errors import CertificateUnfit, Incomplete
from bidclient.errors.sentence import Sentence
from bidclient.stages.tender import Tender, read_tender
from bidclient.store.bids import BidFolder
from bidclient.store.state import draft_of


@dataclass(frozen=True)
class CheckReport:
    """All findings at once (一次性告知), the worst first. `passed`: nothing blocks."""

    passed: bool
    findings: tuple[Finding, ...]


class Checking:
    """The second pair of eyes."""

    def __init__(self, keychain: Keychain, connections: Connections, now: Clock) -> None:
        self._keychain = keychain
        self._connections = connections
        self._now = now

    def check(
        self, path: Path, with_keys: bool = True, unread: Mapping[str, str] = MappingProxyType({})
    ) -> CheckReport:
        """Check the draft and, with `with_keys`, the company's certificates that are within reach.

        `unread` says by part/file why some documents must not be opened: it is a finding about them.
        Raises NotABidFolder, IntegrityProblem for a damaged tender or draft, SettingProblem and FileProblem
        for trust that is set and cannot be read.
        """
        # Slow to import, for the PDF libraries, and most verbs never come here.
        from bidclient.checks.draft import check_draft
        from bidclient.desk.pdf_verdicts import seal_judge

        folder = BidFolder.open(path)
        draft, tender = draft_of(folder), read_tender(folder.tender).tender
        certificates = self._own_certificates(draft.bidder.uscc) if with_keys else ()
        now = self._now()
        judge = seal_judge(draft.bidder.uscc, self._connections.known_profile, now)
        findings = check_draft(draft, tender, folder.parts, now, certificates, judge.flaw, unread)
        return CheckReport(not blocks(findings), tuple(findings))

    def require_complete(self, path: Path) -> CheckReport:
        """The report, when nothing blocks. Raises Incomplete, naming everything at once."""
        report = self.check(path, with_keys=False)
        if not report.passed:
            blocking = (finding for finding in report.findings if finding.severity == "blocking")
            raise Incomplete(tuple(_sentence(finding) for finding in blocking))
        return report

    def _own_certificates(self, uscc: str) -> tuple[Certificate, ...]:
        return tuple(
            key.certificate for key in self._keychain.listed() if uscc and key.certificate.uscc == uscc
        )


def require_fit(certificate: Certificate, tender: Tender, now: Clock, uscc: str) -> tuple[Finding, ...]:
    """What is worth a word about a certificate that may be used.

    Raises CertificateUnfit when it is not the company's or ends before the opening is over.
    """
    findings = check_certificate(certificate, tender, now(), uscc)
    for finding in findings:
        if finding.severity == "blocking":
            raise CertificateUnfit(certificate.subject, _sentence(finding))
    return tuple(findings)


def _sentence(finding: Finding) -> Sentence:
    return Sentence(finding.message_zh, finding.message_en)
