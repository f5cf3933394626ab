"""Will the certificates still serve at the opening, and is the tender still the one in force?"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.crypto.certificate import Certificate
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.stages.draft import Draft
from bidclient.stages.tender import Tender

COMFORT = timedelta(days=30)
"""A certificate that ends sooner than this after the opening is worth a word."""
MARGIN = timedelta(days=7)
"""Openings are put off, by days as a rule, and whoever signs in and confirms needs a valid certificate."""


def check_tender_in_force(draft: Draft, tender: Tender, now: datetime) -> list[Finding]:
    """A draft for an older version or another lot; a deadline that has passed by the clock of `now`."""
    findings = []
    if draft.lot != tender.lot.id:
        findings.append(found("TND-002", "lot"))
    elif draft.tender_version != tender.tender_version:
        findings.append(
            found(
                "TND-001",
                "tender",
                current=tender.tender_version,
                made_for=draft.tender_version,
                change=tender.change_summary or "—",
            )
        )
    if now >= parse_instant(tender.deadline):
        findings.append(found("TND-003", "deadline"))
    return findings


def check_certificate(
    certificate: Certificate, tender: Tender, now: datetime, uscc: str = ""
) -> list[Finding]:
    """A certificate against now, against the opening with its decryption window, and against the company."""
    return [*_dates(certificate, tender, now), *_owner(certificate, uscc)]


def _dates(certificate: Certificate, tender: Tender, now: datetime) -> Iterator[Finding]:
    needed = parse_instant(tender.opening_at) + timedelta(minutes=tender.decrypt_minutes)
    ends = instant_text(certificate.not_after)
    if now < certificate.not_before:
        yield found("CRT-002", certificate.holder, begins=instant_text(certificate.not_before))
    if certificate.not_after < needed:
        yield found("CRT-001", certificate.holder, ends=ends, needed=instant_text(needed))
    elif certificate.not_after < needed + MARGIN:
        yield found("CRT-006", certificate.holder, ends=ends, days=MARGIN.days)
    elif certificate.not_after < needed + COMFORT:
        yield found("CRT-005", certificate.holder, ends=ends)


def _owner(certificate: Certificate, uscc: str) -> Iterator[Finding]:
    if uscc and certificate.uscc != uscc:
        yield found("CRT-003", certificate.holder, owner=certificate.uscc or "?", bidder=uscc)
    if not (certificate.can_sign or certificate.can_encrypt):
        yield found("CRT-004", certificate.holder)
