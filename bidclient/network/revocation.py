"""Asks issuers whether a certificate is revoked: over HTTP, briefly, and from kept answers while they hold.

Who is asked stands in the certificate, so its chain must have been verified before. Plain http is as good as
https here, because every answer is signed.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path

from bidclient.crypto.certificate import Certificate
from bidclient.crypto.revocation import (
    CLOCK_TOLERANCE,
    CRL_LIMIT,
    OCSP_LIMIT,
    Standing,
    crl_addresses,
    ocsp_addresses,
    ocsp_request,
    read_crl,
    read_ocsp,
    undecided,
)
from bidclient.errors import BadFormat, DiskProblem, NetworkProblem, Unreachable
from bidclient.formats import atomic
from bidclient.network.patience import within
from bidclient.network.transport import impatient, limited, translated

_CONNECT_SECONDS = 2.0
_READ_SECONDS = 4.0
_WHOLE_SECONDS = 10.0
"""A signature must not wait for a service that is down or dribbles: "cannot tell" is an answer, too."""
_NONCE_BYTES = 32
_REQUEST_TYPE = "application/ocsp-request"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """What a service has answered, and the time that its clock showed, None when it did not say."""

    body: bytes
    date: datetime | None


@dataclass(frozen=True)
class Revocations:
    """The services of all issuers. `ocsp` and `crl` are asked besides the addresses in a certificate.

    `cache` is the folder for answers, None to keep none; whatever lies there is verified again each time.
    One service may take `seconds` in all, however it spreads its bytes.
    """

    ca_file: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    ocsp: tuple[str, ...] = ()
    crl: tuple[str, ...] = ()
    cache: Path | None = None
    seconds: float = _WHOLE_SECONDS

    def standing(self, certificate: Certificate, issuer: Certificate, now: datetime) -> Standing:
        """What is known about a certificate at `now`: the first answer that decides, kept ones first.

        When none does, "cannot-tell" with every reason. Raises nothing for services that fail.
        """
        asked = [
            *((address, True) for address in _once(ocsp_addresses(certificate), self.ocsp)),
            *((address, False) for address in _once(crl_addresses(certificate), self.crl)),
        ]
        for address, by_ocsp in asked:
            kept = self._kept(address, by_ocsp, certificate, issuer, now)
            if kept is not None and kept.status != "cannot-tell":
                return kept
        failures: list[Standing] = []
        for address, by_ocsp in asked:
            found = self._fetched(address, by_ocsp, certificate, issuer, now)
            if found.status != "cannot-tell":
                return found
            failures.append(found)
        if not failures:
            return undecided("no-address", "neither certificate nor settings say whom to ask")
        reasons = "; ".join(f"{failure.source}: {failure.reason}" for failure in failures)
        # A wrong clock makes everything else look wrong.
        told = next((one for one in failures if one.cause == "clock"), failures[0])
        return replace(told, reason=reasons)

    def _kept(
        self, address: str, by_ocsp: bool, certificate: Certificate, issuer: Certificate, now: datetime
    ) -> Standing | None:
        place = self._place(address, by_ocsp, certificate, issuer)
        if place is None or not place.is_file():
            return None
        try:
            data = place.read_bytes()
        except OSError:
            return None
        if by_ocsp:
            found = read_ocsp(data, certificate, issuer, now, None, address)
        else:
            found = read_crl(data, certificate, issuer, now, address)
        if found.status == "cannot-tell" and found.cause != "clock":
            with suppress(OSError):
                place.unlink(missing_ok=True)
        return _with_answer(found, data, by_ocsp)

    def _fetched(
        self, address: str, by_ocsp: bool, certificate: Certificate, issuer: Certificate, now: datetime
    ) -> Standing:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        query = ocsp_request(certificate, issuer, nonce) if by_ocsp else None
        try:
            reply = within(self.seconds, address, lambda: self._ask(address, query))
        except BadFormat as error:
            return undecided("bad-answer", error.reason, address)
        except Unreachable as error:
            return undecided("unreachable", error.reason, address)
        except NetworkProblem as error:
            return undecided("unreachable", str(error), address)
        if by_ocsp:
            found = read_ocsp(reply.body, certificate, issuer, now, nonce, address)
        else:
            found = read_crl(reply.body, certificate, issuer, now, address)
        if found.cause == "stale" and reply.date is not None and abs(reply.date - now) > CLOCK_TOLERANCE:
            told = f"the service has {reply.date.isoformat()}, we {now.isoformat()}"
            return undecided("clock", told, address)
        place = self._place(address, by_ocsp, certificate, issuer)
        if place is not None and found.status != "cannot-tell" and found.until is not None:
            _keep(place, reply.body)
        return _with_answer(found, reply.body, by_ocsp)

    def _ask(self, address: str, query: bytes | None) -> Reply:
        """POST an OCSP query (RFC 6960 §A.1), or GET a list. Raises NetworkProblem, BadFormat."""
        with (
            translated(address),
            impatient(self.ca_file, self.proxies) as session,
            session.request(
                "GET" if query is None else "POST",
                address,
                data=query,
                headers={} if query is None else {"Content-Type": _REQUEST_TYPE},
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as reply,
        ):
            if reply.status_code != 200:
                raise Unreachable(address, f"HTTP {reply.status_code}")
            limit = CRL_LIMIT if query is None else OCSP_LIMIT
            return Reply(b"".join(limited(reply, limit, address)), _date(reply.headers.get("Date")))

    def _place(
        self, address: str, by_ocsp: bool, certificate: Certificate, issuer: Certificate
    ) -> Path | None:
        """Where an answer is kept: an OCSP answer by its certificate, a list by its issuer."""
        if self.cache is None:
            return None
        about = certificate if by_ocsp else issuer
        name = sha256(f"{address}\n{about.sha256}".encode()).hexdigest()
        return self.cache / f"{name}.{'ocsp' if by_ocsp else 'crl'}"


def _with_answer(found: Standing, answer: bytes, by_ocsp: bool) -> Standing:
    return replace(found, ocsp_response=answer) if by_ocsp else replace(found, crl=answer)


def _once(*places: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for found in places for address in found))


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else None


def _keep(place: Path, answer: bytes) -> None:
    """Keep an answer; a cache that cannot be written is a pity and no more."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write(place, answer)
    except (OSError, DiskProblem) as error:
        _log.warning("%s: %s", place, error)
