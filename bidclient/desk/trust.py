"""Whether a certificate can be relied on: its chain, and what its issuers say about revocation."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from bidclient.checks.finding import Finding
from bidclient.checks.rules import found
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.revocation import Revocation, Standing, read_crl, read_ocsp, undecided
from bidclient.desk.connection import Clock, Connections
from bidclient.errors import BadCertificate, CertificateRevoked, UnknownIssuer
from bidclient.explain import in_words
from bidclient.formats.instant import instant_text
from bidclient.network.time_check import clock_ahead
from bidclient.stages.evidence import Verdict

_EMBEDDED_LIMIT = 256 * 1024
"""Bytes of revocation data that a document may carry; some issuers' lists are larger than the document."""
NO_NETWORK = "no trading network is set, so nobody is trusted"


class Trust:
    """Judges certificates by the anchors of the settings' network and by the issuers' own services."""

    def __init__(self, connections: Connections, now: Clock, answers: Path | None) -> None:
        """`answers` is the folder for what services have said, None to keep nothing."""
        self._connections = connections
        self._now = now
        self._answers = answers

    def standing(
        self,
        certificate: Certificate,
        others: Sequence[Certificate],
        at: datetime | None = None,
        proven: bool = True,
        embedded: Revocation | None = None,
    ) -> Standing:
        """What is known about the revocation of a certificate and its issuers, for a chain that holds `at`.

        The chain is judged at `at`, else now; services are asked now, and what they say about `at` counts;
        `proven` is whether a timestamp proves that time.
        `others` are intermediates. Where services cannot tell, `embedded` is asked: what was kept beside the
        signature, judged at the proven time, else now.
        Raises nothing for services that fail; FileProblem, SettingProblem.
        """
        profile = self._connections.known_profile
        if profile is None:
            return undecided("no-chain", NO_NETWORK)
        return self._of_chain(certificate, others, profile.anchors, at, proven, embedded)

    def stamp_standing(
        self, certificate: Certificate, others: Sequence[Certificate], at: datetime
    ) -> Standing:
        """The same of a timestamp service, by the anchors for timestamps."""
        profile = self._connections.known_profile
        if profile is None:
            return undecided("no-chain", NO_NETWORK)
        return self._of_chain(certificate, others, profile.stamp_anchors, at, True)

    def require(
        self, certificate: Certificate, others: Sequence[Certificate], at: datetime | None = None
    ) -> tuple[Finding, ...]:
        """What must be said before this certificate is used: nothing when its chain and standing are good.

        The chain must hold `at`, else now. Raises CertificateRevoked; BadCertificate for a chain that is
        proven wrong. An issuer that is unknown here, and a standing that cannot be told, are warnings: the
        trading network decides, and a service that is down must not cost a deadline.
        """
        profile = self._connections.known_profile
        if profile is not None:
            try:
                verify_chain(certificate, others, profile.anchors, at or self._now(), "certificate")
            except UnknownIssuer as error:
                return (found("CRT-008", certificate.holder, issuer=error.issuer, known=error.known),)
        standing = self.standing(certificate, others)
        if standing.status == "revoked":
            since = "?" if standing.since is None else instant_text(standing.since)
            raise CertificateRevoked(certificate.holder, since, standing.reason, standing.source)
        if standing.status == "good":
            return ()
        why_zh = in_words(f"{standing.cause}: {standing.reason}", "zh")
        rule = "CRT-009" if standing.cause == "clock" else "CRT-007"
        return (found(rule, certificate.holder, why_zh=why_zh, why_en=standing.reason),)

    def proof(self, certificate: Certificate, others: Sequence[Certificate]) -> Revocation | None:
        """What shows later that a certificate was good now; None when it cannot be had, or is too much.

        Its services are asked, or their kept answers used. Raises as `standing`.
        """
        profile = self._connections.known_profile
        if profile is None:
            return None
        now = self._now()
        try:
            chain = verify_chain(certificate, others, profile.anchors, now, "revocation")
        except BadCertificate:
            return None
        services = self._connections.revocations(self._answers)
        found: list[Standing] = []
        for link, issuer in pairwise(chain):
            standing = services.standing(link, issuer, now)
            if standing.status != "good":
                return None
            found.append(standing)
        responses = tuple(one.ocsp_response for one in found if one.ocsp_response)
        crls = tuple(dict.fromkeys(one.crl for one in found if one.crl))
        if not 0 < sum(map(len, (*responses, *crls))) <= _EMBEDDED_LIMIT:
            return None
        return Revocation(tuple(chain[1:]), responses, crls)

    def clock_ahead(self) -> float | None:
        """By how many seconds this computer's clock is ahead of the network's; None when nobody knows."""
        profile = self._connections.known_profile
        return None if profile is None else clock_ahead(profile, self._now)

    def _of_chain(
        self,
        certificate: Certificate,
        others: Sequence[Certificate],
        anchors: Sequence[Certificate],
        at: datetime | None,
        proven: bool,
        embedded: Revocation | None = None,
    ) -> Standing:
        """The worst of all links; the anchor is trusted as it is."""
        now, found = self._now(), list[Standing]()
        silent: Standing | None = None
        try:
            chain = verify_chain(certificate, others, anchors, at or now, "revocation")
        except BadCertificate as error:
            return undecided("no-chain", error.reason)
        services = self._connections.revocations(self._answers)
        for link, issuer in pairwise(chain):
            # Where one service is out of reach, the others would keep us waiting in the same way.
            standing = silent or services.standing(link, issuer, now)
            silent = standing if standing.cause == "unreachable" else None
            if standing.status == "cannot-tell" and embedded is not None:
                moment = at if at is not None and proven else now
                standing = _embedded_standing(embedded, link, issuer, moment) or standing
            found.append(standing if at is None else standing.at(at, proven))
        for status in ("revoked", "cannot-tell", "good"):
            for standing in found:
                if standing.status == status:
                    return standing
        return Standing("good", "a trust anchor")


def standing_verdict(item: str, found: Sequence[tuple[str, Standing]]) -> Verdict:
    """One verdict over what is known about the revocation of several certificates, each with its holder."""
    for who, standing in found:
        if standing.status == "revoked":
            reason = f"revoked: {who}, {standing.reason}"
            if standing.since is not None:
                reason = f"revoked: {who} since {standing.since.isoformat()}, {standing.reason}"
            return Verdict(item, "invalid", reason)
    for who, standing in found:
        if standing.status == "cannot-tell":
            return Verdict(item, "cannot-tell", f"{standing.cause}: {standing.reason} ({who})")
    return Verdict(item, "valid", "; ".join(f"{who} {standing.reason}" for who, standing in found))


def _embedded_standing(
    embedded: Revocation, certificate: Certificate, issuer: Certificate, at: datetime
) -> Standing | None:
    """What the first of the kept answers that decides says about a certificate; None when none does."""
    source = "the document"
    answers = [read_ocsp(one, certificate, issuer, at, None, source) for one in embedded.ocsp_responses]
    answers += [read_crl(one, certificate, issuer, at, source) for one in embedded.crls]
    return next((one for one in answers if one.status != "cannot-tell"), None)
