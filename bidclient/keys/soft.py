"""Keys in PFX files: for the sandbox, for tests, and for companies that have one.

A PFX hides even its certificate, so the certificate lies beside it: NAME.pem, .crt or .cer next to NAME.pfx.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from asn1crypto.pkcs12 import Pfx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12KeyAndCertificates,
    load_pkcs12,
)

from bidclient.ask import Ask, PinState
from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, certificates_from_pem
from bidclient.crypto.der import PARSE_ERRORS
from bidclient.crypto.private_key import PrivateKey, SignatureScheme, WrapScheme
from bidclient.errors import BadCertificate, BadEnvelope, FileProblem, KeyRefused, PinWrong, TokenSwapped
from bidclient.keys.ckr import CANNOT_OPEN
from bidclient.keys.frames import wipe
from bidclient.keys.info import KeyInfo, issuers, key_id
from bidclient.keys.signature import PREHASHED, check_request, checked_signature, rsa_padding

_LOG = logging.getLogger(__name__)
_SIDECARS = (".pem", ".crt", ".cer")
_SIZE_LIMIT = 1024 * 1024
_PASSWORD = PinState(shortest=0)

SoftPrivate = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class SoftSource:
    """The PFX files that the user named."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)

    def keys(self) -> list[KeyInfo]:
        """One key for each file that is there with its certificate beside it; the others are logged."""
        found = []
        for path in self._files:
            try:
                certificate = _beside(path)[0]
            except (FileProblem, BadCertificate) as error:
                _LOG.warning("%s: %s", path, error)
                continue
            found.append(_info(path, certificate))
        return found

    @contextmanager
    def unlock(self, key: KeyInfo, ask: Ask) -> Iterator[PrivateKey]:
        """The key for the length of a `with`; its password is asked for once.

        Raises FileProblem, PinWrong, TokenSwapped when the file holds the key of another certificate,
        KeyRefused when it holds none that can be used, Cancelled.
        """
        path = Path(key.id.rpartition(":")[0])
        data = _read(path)
        password = bytearray(ask.pin(key.label, _PASSWORD))
        try:
            content = _opened(path, data, bytes(password), key.label)
        finally:
            wipe(password)
        inside = _certificates(content)
        private = _matching(content, inside, key.certificate)
        yield SoftKey(private, key.certificate, issuers(key.certificate, [*inside, *_beside(path)]))

    def close(self) -> None:
        """Nothing is held open."""


class SoftKey:
    """A PrivateKey in this program's own memory."""

    def __init__(
        self, private: SoftPrivate, certificate: Certificate, chain: tuple[Certificate, ...] = ()
    ) -> None:
        self._private = private
        self._certificate = certificate
        self._chain = chain

    @property
    def certificate(self) -> Certificate:
        """The certificate of this key."""
        return self._certificate

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The issuers that came with the key, nearest first."""
        return self._chain

    def sign(self, digests: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One verified signature for each SHA-256 digest, ECDSA as DER. Raises KeyRefused."""
        return [self._sign(digest, scheme) for digest in digests]

    def unwrap(self, envelope: bytes) -> bytes:
        """The content of a CMS EnvelopedData made to this certificate. Raises WrongKey, BadEnvelope."""
        return cms.open_envelope(envelope, self._certificate, self)

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        """The bare RSA decryption, for the envelope code. Raises BadEnvelope."""
        if not isinstance(self._private, rsa.RSAPrivateKey):
            raise BadEnvelope(CANNOT_OPEN)
        try:
            return self._private.decrypt(ciphertext, _wrap_padding(scheme))
        except ValueError as error:
            raise BadEnvelope(CANNOT_OPEN) from error

    def agree(self, point: bytes) -> bytes:
        """The bare ECDH with an uncompressed point, for the envelope code. Raises BadEnvelope."""
        if not isinstance(self._private, ec.EllipticCurvePrivateKey):
            raise BadEnvelope(CANNOT_OPEN)
        try:
            other = ec.EllipticCurvePublicKey.from_encoded_point(self._private.curve, point)
            return self._private.exchange(ec.ECDH(), other)
        except ValueError as error:
            raise BadEnvelope(CANNOT_OPEN) from error

    def _sign(self, digest: bytes, scheme: SignatureScheme) -> bytes:
        check_request(self._certificate, digest, scheme)
        if isinstance(self._private, rsa.RSAPrivateKey):
            signature = self._private.sign(digest, rsa_padding(scheme), PREHASHED)
        else:
            signature = self._private.sign(digest, ec.ECDSA(PREHASHED))
        return checked_signature(self._certificate, digest, scheme, signature)


def _info(path: Path, certificate: Certificate) -> KeyInfo:
    return KeyInfo(
        id=key_id(str(path), certificate),
        source="pfx",
        label=f"{path.name} · {certificate.common_name}",
        token_serial="",
        token_label=path.name,
        module="",
        certificate=certificate,
        can_sign=certificate.can_sign,
        can_decrypt=certificate.can_encrypt,
        always_authenticate=False,
        pin=_PASSWORD,
    )


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _SIZE_LIMIT:
            raise FileProblem(str(path), f"more than {_SIZE_LIMIT} bytes")
        return path.read_bytes()
    except OSError as error:
        raise FileProblem(str(path), str(error)) from error


def _beside(path: Path) -> tuple[Certificate, ...]:
    """The certificate of the key in `path`, then those of its chain, from the file beside it."""
    if not path.is_file():
        raise FileProblem(str(path), "no such file")
    for suffix in _SIDECARS:
        sidecar = path.with_suffix(suffix)
        if sidecar.is_file():
            data = _read(sidecar)
            return certificates_from_pem(data) or (Certificate.from_der(data),)
    raise FileProblem(str(path), f"no certificate beside it ({', '.join(_SIDECARS)})")


def _opened(path: Path, data: bytes, password: bytes, label: str) -> PKCS12KeyAndCertificates:
    """The content of a PFX (RFC 7292). Raises FileProblem for what is none, PinWrong."""
    try:
        Pfx.load(data, strict=True)["auth_safe"]["content_type"].native  # noqa: B018 -- parses lazily
    except PARSE_ERRORS as error:
        raise FileProblem(str(path), "not a PKCS#12 file") from error
    try:
        return load_pkcs12(data, password)
    except UnsupportedAlgorithm as error:
        raise FileProblem(str(path), "encrypted in a way that is not supported") from error
    except ValueError as error:
        # A file whose frame is right and whose MAC is not: the password is what differs.
        raise PinWrong(label, None, False) from error


def _certificates(content: PKCS12KeyAndCertificates) -> list[Certificate]:
    """The certificates of a PFX, that of the key first."""
    found = [content.cert] if content.cert is not None else []
    found += content.additional_certs
    return [Certificate.from_der(one.certificate.public_bytes(Encoding.DER)) for one in found]


def _matching(
    content: PKCS12KeyAndCertificates, inside: Sequence[Certificate], wanted: Certificate
) -> SoftPrivate:
    """The private key of `content`, which must be the one of `wanted`. Raises TokenSwapped, KeyRefused."""
    private = content.key
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyRefused("open", "no RSA or EC key in the file")
    if content.cert is not None and inside[0].der != wanted.der:
        raise TokenSwapped(wanted.sha256, inside[0].sha256)
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    public = private.public_key().public_bytes(*form)
    if public != wanted.public_key().public_bytes(*form):
        raise TokenSwapped(wanted.sha256, sha256(public).hexdigest())
    return private


def _wrap_padding(scheme: WrapScheme) -> padding.AsymmetricPadding:
    if scheme is WrapScheme.RSA_PKCS1:
        return padding.PKCS1v15()
    # SHA-1 is what RFC 8017 defaults to; OAEP does not rest on collision resistance.
    digest = hashes.SHA256() if scheme is WrapScheme.RSA_OAEP_SHA256 else hashes.SHA1()  # noqa: S303
    return padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)
