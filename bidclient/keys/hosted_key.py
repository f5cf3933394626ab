"""A private key on a logged-in token, seen from inside the key host: our schemes by its mechanisms."""

from contextlib import suppress
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bidclient.crypto import enveloped_data
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme, WrapScheme, usual_scheme
from bidclient.errors import BadEnvelope, BidError, DriverFailed, KeyRefused, TokenRemoved
from bidclient.keys import pkcs11
from bidclient.keys.ckr import CANNOT_OPEN
from bidclient.keys.dialect import Mechanism
from bidclient.keys.frames import KeyUse, Learned
from bidclient.keys.library import StoredCertificate
from bidclient.keys.memory import Memory, Model
from bidclient.keys.pkcs11 import Library, Session, Token
from bidclient.keys.signature import DIGEST_INFO_SHA256, check_request, checked_signature
from bidclient.keys.sm2 import Facts, Sm2Key

_EXPONENT = 65537
_SM2_ROOM = 256
"""Bytes for an SM2 signature, more than any form of it takes: some libraries want more than they fill."""


class HostedKey:
    """The key behind one certificate.

    It works in a session of its own, which is replaced after any error: some libraries leave a session
    unusable for good. The login belongs to the token and lasts while another session stays open.
    """

    def __init__(self, library: Library, token: Token, stored: StoredCertificate, memory: Memory) -> None:
        """Find the key of `stored` on a token that is logged in; `memory` of how its model uses SM2.

        Raises KeyRefused, TokenRemoved, DriverFailed.
        """
        self.token = token
        self.certificate = Certificate.from_der(stored.der)
        self._library = library
        self._stored = stored
        self._session: Session | None = None
        self._was_found = False
        usual_scheme(self.certificate)  # refuses the kinds of keys that we cannot use
        try:
            self.always_authenticate = self._opened().always_authenticates(self._key())
            is_sm2 = self.certificate.key_algorithm == "sm2"
            self._sm2 = Sm2Key(self, self._sm2_facts(), memory) if is_sm2 else None
        except BidError:
            self.close()
            raise

    @property
    def must_learn(self) -> bool:
        """Whether it must be found out first how the token uses the key."""
        return self._sm2 is not None and self._sm2.must_learn

    def learn(self, anew: bool, pin: bytearray | None) -> Learned:
        """Find that out: see Sm2Key.learn. Nothing is to be learned of RSA and NIST keys."""
        return Learned() if self._sm2 is None else self._sm2.learn(anew, pin)

    def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def sign(self, message: bytes, scheme: SignatureScheme, pin: bytearray | None) -> bytes:
        """A signature over a message that verifies with the certificate; ECDSA and SM2 as DER.

        `pin` for always-authenticate keys. Raises KeyRefused, TokenRemoved, DriverFailed, PinWrong.
        """
        check_request(self.certificate, message, scheme)
        if self._sm2 is not None:
            return self._sm2.sign(message, pin)
        try:
            signature = self._sign(message, scheme, pin)
        except BidError:
            self.close()
            raise
        return checked_signature(self.certificate, message, scheme, signature)

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme, pin: bytearray | None) -> bytes:
        """The secret in an RSA ciphertext. Every flaw of the ciphertext is one and the same BadEnvelope.

        Raises KeyRefused naming a scheme that the token cannot do, TokenRemoved, DriverFailed, PinWrong.
        """
        if len(ciphertext) != self._size():
            raise BadEnvelope(CANNOT_OPEN)
        try:
            return self._decrypt(ciphertext, scheme, pin)
        except DriverFailed as error:
            self.close()
            if error.operation != "C_Decrypt":
                raise
            # Several libraries answer a bad ciphertext with a general failure. It was the ciphertext if the
            # key is still there to be found in a new session.
            self._key()
            raise BadEnvelope(CANNOT_OPEN) from error
        except BidError:
            self.close()
            raise

    def agree(self, point: bytes) -> bytes:
        """The x coordinate shared with an uncompressed point; the point is checked to be on the curve.

        Raises BadEnvelope, KeyRefused, TokenRemoved, DriverFailed.
        """
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        except ValueError as error:
            raise BadEnvelope(CANNOT_OPEN) from error
        try:
            return self._opened().derive(self._key(), point, self._size())
        except BidError:
            self.close()
            raise

    def open_content(
        self, encrypted_key: bytes, vector: bytes, ciphertext: bytes, pin: bytearray | None
    ) -> bytes:
        """SM4-CBC decryption under a key that is encrypted with SM2; the padding stays on.

        Raises BadEnvelope, KeyRefused, TokenRemoved, DriverFailed, PinWrong.
        """
        if self._sm2 is None:
            raise KeyRefused("decrypt", WrapScheme.SM2)
        key = self._sm2.decrypt(encrypted_key, pin)
        return enveloped_data.sm4_cbc_decrypt(key, vector, ciphertext)

    def operate(self, use: KeyUse, mechanism: int, data: bytes, pin: bytearray | None) -> bytes:
        """One use of a mechanism by number, for the SM2 code. Raises KeyProblem, BadEnvelope."""
        native = pkcs11.by_number(mechanism)
        try:
            session, key = self._opened(), self._key()
            if use == "sign":
                return session.sign(key, native, data, _SM2_ROOM, pin)
            return session.decrypt(key, native, data, len(data), pin)
        except BidError:
            self.close()
            raise

    def find(self) -> None:
        """Raise TokenRemoved unless the key can be found in a new session."""
        self.close()
        self._key()

    def _sign(self, message: bytes, scheme: SignatureScheme, pin: bytearray | None) -> bytes:
        digest = sha256(message).digest()
        session, key, size = self._opened(), self._key(), self._size()
        if scheme is SignatureScheme.RSA_PKCS1_SHA256:
            return session.sign(key, pkcs11.rsa_pkcs1(), DIGEST_INFO_SHA256 + digest, size, pin)
        if scheme is SignatureScheme.RSA_PSS_SHA256:
            return session.sign(key, pkcs11.rsa_pss(), digest, size, pin)
        raw = session.sign(key, pkcs11.ecdsa(), digest, 2 * size, pin)
        if len(raw) != 2 * size:
            raise KeyRefused("C_Sign", f"{len(raw)} bytes for r and s")
        return encode_dss_signature(int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big"))

    def _decrypt(self, ciphertext: bytes, scheme: WrapScheme, pin: bytearray | None) -> bytes:
        session, key, size = self._opened(), self._key(), self._size()
        if scheme is WrapScheme.RSA_PKCS1:
            return session.decrypt(key, pkcs11.rsa_pkcs1(), ciphertext, size, pin)
        if scheme is WrapScheme.RSA_OAEP_SHA1:
            return session.decrypt(key, pkcs11.rsa_oaep_sha1(), ciphertext, size, pin)
        if scheme is not WrapScheme.RSA_OAEP_SHA256:
            raise KeyRefused("decrypt", scheme)
        try:
            return session.decrypt(key, pkcs11.rsa_oaep_sha256(), ciphertext, size, pin)
        except KeyRefused as error:
            if error.operation != "C_DecryptInit":
                raise
        return self._decrypt_oaep_sha256_raw(ciphertext, pin)

    def _decrypt_oaep_sha256_raw(self, ciphertext: bytes, pin: bytearray | None) -> bytes:
        """OAEP-SHA256 on a token whose OAEP knows only SHA-1: the bare operation there, the padding here."""
        self.close()
        session, key, size = self._opened(), self._key(), self._size()
        try:
            padded = session.decrypt(key, pkcs11.rsa_raw(), ciphertext, size, pin)
        except KeyRefused as error:
            raise KeyRefused("decrypt", WrapScheme.RSA_OAEP_SHA256) from error
        return _unpad_oaep_sha256(padded, size)

    def _sm2_facts(self) -> Facts:
        library, token, slot = self._library, self.token, self.token.slot
        uses: dict[KeyUse, bool] = {
            "sign": self.certificate.can_sign,
            "decrypt": self.certificate.can_encrypt,
        }
        return Facts(
            token=token.name,
            model=Model(library.sha256, token.manufacturer, token.model, token.firmware),
            mechanisms=tuple(
                Mechanism(number, library.mechanism_flags(slot, number))
                for number in library.mechanisms(slot)
            ),
            key_type=self._opened().key_type(self._key()),
            point=self.certificate.sm2_point,
            uses=tuple(use for use, is_meant in uses.items() if is_meant),
            always_authenticate=self.always_authenticate,
        )

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._library.session(self.token)
        return self._session

    def _key(self) -> Any:
        """The one private key of the certificate, looked up anew each time: handles die with a login."""
        session = self._opened()
        found = session.private_keys(self._stored.id) if self._stored.id else []
        if len(found) == 1:
            self._was_found = True
            return found[0]
        # A key that was here and is no longer to be seen has lost its login: the token was out meanwhile.
        with suppress(DriverFailed):
            if not self._was_found and any(
                stored.der == self._stored.der for stored in session.certificates()
            ):
                raise KeyRefused("find", f"{len(found)} private keys for this certificate")
        raise TokenRemoved(self.token.name)

    def _size(self) -> int:
        public = self.certificate.public_key()
        bits = getattr(public, "key_size", 0)
        return (int(bits) + 7) // 8


@cache
def _throwaway(size: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(_EXPONENT, 8 * size)


def _unpad_oaep_sha256(padded: bytes, size: int) -> bytes:
    """Take off OAEP-SHA256 (RFC 8017 §7.1.2) without code of our own, which would have to be constant-time.

    The padded block is encrypted, bare, to a throwaway key of the same size, and the crypto library opens
    that: it takes the padding off in its own careful way. Right padding begins with a zero byte and so is
    smaller than any modulus of the size; a wrong one fails whatever it becomes.
    """
    key = _throwaway(size)
    numbers = key.public_key().public_numbers()
    again = pow(int.from_bytes(padded, "big"), numbers.e, numbers.n).to_bytes(size, "big")
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    try:
        return key.decrypt(again, oaep)
    except ValueError as error:
        raise BadEnvelope(CANNOT_OPEN) from error
