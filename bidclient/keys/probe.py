"""The test of a key before it is needed: it signs something, it opens something, and how long that takes."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from bidclient.crypto import cms
from bidclient.crypto.private_key import PrivateKey, SignatureScheme, usual_scheme
from bidclient.errors import CertificateUnfit, Mismatch
from bidclient.keys.frames import Api, MechanismRow, TryRow, WayRow
from bidclient.keys.signature import checked_signature


@dataclass(frozen=True)
class TokenReport:
    """A token and its library in their own words, and how the token is used where the standard is silent."""

    module: str
    """Path of the vendor library."""
    api: Api
    layout: str
    """How it lays out C structures, where libraries differ in it; else empty."""
    library: str
    manufacturer: str
    model: str
    firmware: str
    mechanisms: tuple[MechanismRow, ...]
    tried: tuple[TryRow, ...]
    """What was tried since the key was unlocked; empty when everything was known."""
    ways: tuple[WayRow, ...]


@dataclass(frozen=True)
class Probe:
    """What a key did, with the seconds it took; None for what its certificate is not for."""

    fingerprint: str
    scheme: SignatureScheme | None
    sign_seconds: float | None
    open_seconds: float | None
    token: TokenReport | None = None
    """None for a key that is in no token."""


def probe(key: PrivateKey, clock: Callable[[], float]) -> Probe:
    """Sign random data and verify it, wrap a random secret and open it: what the certificate allows.

    `clock` gives seconds from any start. Raises KeyProblem, BadEnvelope, Mismatch when the secret comes back
    changed, CertificateUnfit for a certificate that is for neither.
    """
    certificate = key.certificate
    if not certificate.can_sign and not certificate.can_encrypt:
        raise CertificateUnfit(certificate.holder, "for neither signing nor encryption")
    scheme = usual_scheme(certificate) if certificate.can_sign else None
    return Probe(
        fingerprint=certificate.sha256,
        scheme=scheme,
        sign_seconds=_sign(key, scheme, clock) if scheme is not None else None,
        open_seconds=_open(key, clock) if certificate.can_encrypt else None,
    )


def _sign(key: PrivateKey, scheme: SignatureScheme, clock: Callable[[], float]) -> float:
    message = secrets.token_bytes(32)
    start = clock()
    (signature,) = key.sign([message], scheme)
    seconds = clock() - start
    checked_signature(key.certificate, message, scheme, signature)
    return seconds


def _open(key: PrivateKey, clock: Callable[[], float]) -> float:
    secret = secrets.token_bytes(32)
    envelope = cms.make_envelope(secret, key.certificate)
    start = clock()
    opened = key.unwrap(envelope)
    seconds = clock() - start
    if not secrets.compare_digest(opened, secret):
        raise Mismatch("secret", sha256(secret).hexdigest(), sha256(opened).hexdigest())
    return seconds
