"""Keys in files: for the sandbox, for tests, and for companies that have one.

A PFX hides even its certificate, so the certificate lies beside it: NAME.pem, .crt or .cer next to NAME.pfx.
An SM2 key may also be PEM text, as NAME.key.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from asn1crypto.pkcs12 import Pfx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bidclient.ask import Ask, PinState
from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, certificates_from_pem
from bidclient.crypto.der import PARSE_ERRORS
from bidclient.crypto.private_key import PrivateKey, SignatureScheme, WrapScheme
from bidclient.crypto.signature_algorithms import rsa_padding
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.errors import BadCertificate, BadEnvelope, FileProblem, KeyRefused, PinWrong, TokenSwapped
from bidclient.keys.ckr import CANNOT_OPEN
from bidclient.keys.frames import wipe
from bidclient.keys.info import KeyInfo, issuers, key_id
from bidclient.keys.signature import check_request, checked_signature
from bidclient.keys.sm2_file import read_sm2_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates

_LOG = logging.getLogger(__name__)
_SIDECARS = (".pem", ".crt", ".cer")
_SIZE_LIMIT = 1024 * 1024
_PASSWORD = PinState(shortest=0)

SoftPrivate = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Sm2PrivateKey


class SoftSource:
    """The key files that the user named."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)

    def keys(self) -> list[KeyInfo]:
        """One key for each file that is there with its certificate beside it; the others are logged."""
        found = []
        for path in self._files:
            try:
                certificate, *others = _beside(path)
            except (FileProblem, BadCertificate) as error:
                _LOG.warning("%s: %s", path, error)
                continue
            found.append(_info(path, certificate, issuers(certificate, others)))
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
            private, inside = _private(path, data, password, key)
        finally:
            wipe(password)
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

    def sign(self, messages: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One verified signature for each message, ECDSA and SM2 as DER. Raises KeyRefused."""
        return [self._sign(message, scheme) for message in messages]

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

    def open_content(self, encrypted_key: bytes, vector: bytes, ciphertext: bytes) -> bytes:
        """The bare SM2 and SM4 decryption, for the envelope code. Raises BadEnvelope."""
        if not isinstance(self._private, Sm2PrivateKey):
            raise BadEnvelope(CANNOT_OPEN)
        try:
            key = self._private.decrypt(encrypted_key)
        except ValueError as error:
            raise BadEnvelope(CANNOT_OPEN) from error
        return cms.sm4_cbc_decrypt(key, vector, ciphertext)

    def _sign(self, message: bytes, scheme: SignatureScheme) -> bytes:
        check_request(self._certificate, message, scheme)
        if isinstance(self._private, rsa.RSAPrivateKey):
            signature = self._private.sign(message, rsa_padding(scheme), hashes.SHA256())
        elif isinstance(self._private, Sm2PrivateKey):
            signature = self._private.sign(message)
        else:
            signature = self._private.sign(message, ec.ECDSA(hashes.SHA256()))
        return checked_signature(self._certificate, message, scheme, signature)


def _info(path: Path, certificate: Certificate, chain: tuple[Certificate, ...]) -> KeyInfo:
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
        chain=chain,
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
        if sidecar != path and sidecar.is_file():
            data = _read(sidecar)
            return certificates_from_pem(data) or (Certificate.from_der(data),)
    raise FileProblem(str(path), f"no certificate beside it ({', '.join(_SIDECARS)})")


def _private(
    path: Path, data: bytes, password: bytearray, key: KeyInfo
) -> tuple[SoftPrivate, list[Certificate]]:
    """The private key of `key` and the certificates that lie in the file with it."""
    if key.certificate.key_algorithm == "sm2":
        sm2 = read_sm2_key(path, data, password, key.label)
        if sm2.point != key.certificate.sm2_point:
            raise TokenSwapped(key.certificate.sha256, sha256(sm2.point).hexdigest())
        return sm2, []
    content = _opened(path, data, bytes(password), key.label)
    inside = _certificates(content)
    return _matching(content, inside, key.certificate), inside


def _opened(path: Path, data: bytes, password: bytes, label: str) -> "PKCS12KeyAndCertificates":
    """The content of a PFX (RFC 7292). Raises FileProblem for what is none, PinWrong."""
    try:
        Pfx.load(data, strict=True)["auth_safe"]["content_type"].native  # noqa: B018 -- parses lazily
    except PARSE_ERRORS as error:
        raise FileProblem(str(path), "not a PKCS#12 file") from error
    # Imported late: it draws in all of x509, and most commands open no such file.
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    try:
        return load_pkcs12(data, password)
    except UnsupportedAlgorithm as error:
        raise FileProblem(str(path), "encrypted in a way that is not supported") from error
    except ValueError as error:
        # A file whose frame is right and whose MAC is not: the password is what differs.
        raise PinWrong(label, None, False) from error


def _certificates(content: "PKCS12KeyAndCertificates") -> list[Certificate]:
    """The certificates of a PFX, that of the key first."""
    found = [content.cert] if content.cert is not None else []
    found += content.additional_certs
    return [Certificate.from_der(one.certificate.public_bytes(Encoding.DER)) for one in found]


def _matching(
    content: "PKCS12KeyAndCertificates", inside: Sequence[Certificate], wanted: Certificate
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
