"""Keys that the company keeps on a phone: what is asked is shown there, and a person approves it."""

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from bidclient.ask import Ask
from bidclient.crypto import cms, signature_algorithms, sm
from bidclient.crypto.certificate import Certificate, certificates_from_pem
from bidclient.crypto.phone import LOGIN_CONTEXT, ReturnKey, return_information
from bidclient.crypto.private_key import PrivateKey, SignatureScheme, WrapScheme, usual_scheme
from bidclient.errors import (
    BadCertificate,
    BadEnvelope,
    BadFormat,
    BadSignature,
    KeyRefused,
    PersonalCertificate,
)
from bidclient.formats import atomic
from bidclient.keys.info import KeyInfo, issuers, key_id
from bidclient.keys.phone_session import Phone, PhoneLine, base64_text, plain_bytes
from bidclient.keys.phone_wire import MOST_ITEMS, Digest, EncryptedKey, NewSession, SessionState
from bidclient.keys.signature import check_request, checked_signature

_PLACE = "phone"
"""Begins the ids of these keys, and stands for a serial number: `--key phone` is the phone's."""
_SIZE_LIMIT = 1024 * 1024
_NONCE_BYTES = 32
_LONGEST_LINE = 200
_LOG = logging.getLogger(__name__)
ChainCheck = Callable[[Certificate, Sequence[Certificate]], object]


@dataclass(frozen=True)
class MobileSource:
    """The certificates that a phone authority has shown us; `memory` is the PEM file where they are kept.

    Companies' certificates only: no person's name or number is kept anywhere. `check_chain` judges each
    with what was shown above it before it is kept, and raises BadCertificate; None where nothing is trusted.
    """

    line: PhoneLine
    memory: Path
    ticks: Callable[[], float]
    check_chain: ChainCheck | None = None
    pause: Callable[[float], object] = time.sleep

    def keys(self) -> list[KeyInfo]:
        """Every certificate that has been paired; the phone is not asked."""
        return [_info(one, self.line.name) for one in self._kept() if not one.is_ca]

    @contextmanager
    def unlock(self, key: KeyInfo, ask: Ask) -> Iterator[PrivateKey]:
        """The key for the length of a `with`; each use of it asks the person at the phone."""
        chain = issuers(key.certificate, self._kept())
        yield MobileKey(key.certificate, chain, self._phone, ask)

    def pair(self, ask: Ask) -> list[KeyInfo]:
        """Have the person choose a certificate on the phone and prove it; it and its partner are kept.

        Certificates of the same company that were kept before are replaced. Raises KeyProblem,
        NetworkProblem, BadFormat, BadCertificate, DiskProblem, Cancelled.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        lines = _lines(("登录，选用手机证书 / log in, choose the certificates",))
        request = NewSession(operation="login", nonce=base64_text(nonce), display=lines)
        _, result = self._phone.ask(request, [sha256(nonce).digest()], self.line.name, ask)
        chains = _shown(result, LOGIN_CONTEXT + nonce)
        if self.check_chain is not None:
            for own, *above in chains:
                self.check_chain(own, above)
        shown = [certificate for chain in chains for certificate in chain]
        company = shown[0].uscc
        others = [one for one in self._kept() if one.uscc != company or one.is_ca]
        distinct = {one.sha256: one for one in (*shown, *others)}
        self.memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write(self.memory, b"".join(one.pem for one in distinct.values()))
        return [_info(one, self.line.name) for one in shown if not one.is_ca]

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def _phone(self) -> Phone:
        return Phone(self.line, self.ticks, self.pause)

    def _kept(self) -> tuple[Certificate, ...]:
        """What is in the file; one that cannot be read hides nothing but itself, and is paired anew."""
        try:
            if self.memory.stat().st_size <= _SIZE_LIMIT:
                return certificates_from_pem(self.memory.read_bytes())
            _LOG.warning("%s: more than %d bytes", self.memory, _SIZE_LIMIT)
        except FileNotFoundError:
            return ()
        except (OSError, BadCertificate) as error:
            _LOG.warning("%s: %s", self.memory, error)
        return ()


@dataclass(frozen=True)
class MobileKey:
    """A PrivateKey on the company's phone."""

    certificate: Certificate
    chain: tuple[Certificate, ...]
    """The issuers that the phone authority has shown, nearest first."""
    phone: Phone = field(repr=False)
    ask: Ask = field(repr=False)
    purpose: tuple[str, ...] = ()
    """What it is wanted for, in lines that the phone shows above those about the request."""

    def about(self, purpose: tuple[str, ...]) -> "MobileKey":
        """The same key for another purpose."""
        return replace(self, purpose=purpose)

    def sign(self, messages: Sequence[bytes], scheme: SignatureScheme) -> list[bytes]:
        """One verified signature for each message, all of them approved at once, ECDSA and SM2 as DER.

        The messages stay here, the phone gets their digests. Raises KeyProblem, NetworkProblem, BadFormat,
        Cancelled.
        """
        for message in messages:
            check_request(self.certificate, message, scheme)
        if not messages:
            return []
        if len(messages) > MOST_ITEMS:
            raise KeyRefused("sign", f"{len(messages)} signatures at once, at most {MOST_ITEMS} allowed")
        digests = [self._digest(message, scheme) for message in messages]
        name: Literal["sha256", "sm3"] = "sm3" if scheme is SignatureScheme.SM2_SM3 else "sha256"
        request = NewSession(
            operation="sign",
            nonce=base64_text(secrets.token_bytes(_NONCE_BYTES)),
            certificate=self.certificate.sha256,
            scheme=scheme.value,
            digests=tuple(Digest(name, base64_text(one)) for one in digests),
            display=self._display(f"签名 {len(digests)} 项 / {len(digests)} to sign"),
        )
        _, result = self.phone.ask(request, digests, self.certificate.common_name, self.ask)
        if len(result.signatures) != len(messages):
            raise KeyRefused("sign", f"{len(result.signatures)} signatures for {len(messages)} messages")
        return [
            checked_signature(self.certificate, message, scheme, plain_bytes(signature))
            for message, signature in zip(messages, result.signatures, strict=True)
        ]

    def unwrap(self, envelope: bytes) -> bytes:
        """The content of a CMS EnvelopedData made to this certificate; only its encrypted key leaves us.

        Raises WrongKey, BadEnvelope, KeyProblem, NetworkProblem, BadFormat, Cancelled.
        """
        return cms.open_envelope(envelope, self.certificate, self)

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme) -> bytes:
        """The bare RSA decryption on the phone, for the envelope code. Raises as `unwrap`."""
        return self._open(ciphertext, scheme)

    def agree(self, point: bytes) -> bytes:
        """The bare ECDH on the phone, for the envelope code. Raises as `unwrap`."""
        return self._open(point, WrapScheme.ECDH_SHA256)

    def open_content(self, encrypted_key: bytes, vector: bytes, ciphertext: bytes) -> bytes:
        """SM2 on the phone, SM4 here, for the envelope code. Raises as `unwrap`."""
        return cms.sm4_cbc_decrypt(self._open(encrypted_key, WrapScheme.SM2), vector, ciphertext)

    def _open(self, encrypted: bytes, scheme: WrapScheme) -> bytes:
        """What the phone opens; it comes back encrypted to a key of this one request."""
        back, item = ReturnKey(), sha256(encrypted).digest()
        request = NewSession(
            operation="unwrap",
            nonce=base64_text(secrets.token_bytes(_NONCE_BYTES)),
            certificate=self.certificate.sha256,
            encrypted_keys=(EncryptedKey(scheme.value, base64_text(encrypted)),),
            return_point=base64_text(back.point),
            display=self._display("解密一个密钥 / one key to open"),
        )
        session, result = self.phone.ask(request, [item], self.certificate.common_name, self.ask)
        if len(result.opened) != 1:
            # An authority that could not open it says so by an empty result: the envelope is bad.
            raise BadEnvelope("the phone could not open it")
        return back.open(plain_bytes(result.opened[0]), return_information(session, item))

    def _display(self, request: str) -> tuple[str, ...]:
        return _lines((*self.purpose, request, self.certificate.common_name))

    def _digest(self, message: bytes, scheme: SignatureScheme) -> bytes:
        if scheme is SignatureScheme.SM2_SM3:
            return sm.signing_digest(self.certificate.sm2_point, message)
        return signature_algorithms.digest(scheme, message)


def _lines(texts: Sequence[str]) -> tuple[str, ...]:
    """For the phone's screen: whoever names a project may not add lines or turn the reading direction."""
    plain = ("".join(one if one.isprintable() else " " for one in text) for text in texts)
    return tuple(" ".join(text.split())[:_LONGEST_LINE] for text in plain)


def _info(certificate: Certificate, host: str) -> KeyInfo:
    return KeyInfo(
        id=key_id(_PLACE, certificate),
        source="phone",
        label=f"{host} · {certificate.common_name}",
        token_serial=_PLACE,
        token_label=host,
        module="",
        certificate=certificate,
        can_sign=certificate.can_sign,
        can_decrypt=certificate.can_encrypt,
        always_authenticate=True,
    )


def _shown(result: SessionState, message: bytes) -> list[list[Certificate]]:
    """The chains of a login: the first has signed `message`, all are the same company's by the same issuer.

    The others prove nothing themselves: that issuer is who says that they are the company's too.

    Raises PersonalCertificate, KeyRefused, BadFormat, BadCertificate.
    """
    chains = [[Certificate.from_der(plain_bytes(one)) for one in chain] for chain in result.certificates]
    if not chains or not all(chains) or len(result.signatures) != 1:
        raise BadFormat("phone authority's reply", "a login without certificate or proof")
    owners = [chain[0] for chain in chains]
    if any(owner.uscc is None for owner in owners):
        raise PersonalCertificate
    if len({owner.uscc for owner in owners}) != 1 or any(owner.is_ca for owner in owners):
        raise KeyRefused("login", "the certificates are not one company's")
    if any(not one.is_ca for _, *above in chains for one in above):
        # It would be kept beside the owners' without any of the proofs that they have.
        raise KeyRefused("login", "what stands above a certificate is no issuer")
    if len({owner.asn1().issuer.hashable for owner in owners}) != 1:
        raise KeyRefused("login", "the certificates are not by one issuer")
    first, scheme = owners[0], usual_scheme(owners[0])
    try:
        signature_algorithms.verify(first, message, scheme, plain_bytes(result.signatures[0]), "login")
    except BadSignature as error:
        raise KeyRefused("login", "the signature does not match the certificate") from error
    return chains
