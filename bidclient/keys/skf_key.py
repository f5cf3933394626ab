"""A private key in a container of an SKF device that is logged in, seen from inside the key host.

SKF signs e, not messages, and decrypts nothing with an encryption key but the key of a session, which stays
in the device and opens the content there (GM/T 0016, cryptographic services).
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

from cryptography.hazmat.primitives.asymmetric import rsa

from bidclient.crypto import enveloped_data, sm
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import SignatureScheme, WrapScheme, usual_scheme
from bidclient.errors import BadEnvelope, BidError, DriverFailed, KeyRefused
from bidclient.keys.ckr import CANNOT_OPEN
from bidclient.keys.frames import Learned, TryRow, WayRow
from bidclient.keys.library import StoredCertificate
from bidclient.keys.signature import DIGEST_INFO_SHA256, check_request, checked_signature
from bidclient.keys.skf import Functions, Handle, cipher_parameters, word
from bidclient.keys.skf_layout import FIELD, NUMBER, Width, width_of, widths
from bidclient.keys.skf_tokens import SkfToken

_SM4_ECB, _SM4_CBC = 0x401, 0x402
"""SGD_SM4_ECB, SGD_SM4_CBC (GM/T 0006): all devices should take the second, some take only the first."""
_KEY, _BLOCK, _HASH = 16, 16, 32
_SIGNATURE_BLOB = 2 * FIELD


@dataclass(frozen=True)
class OpeningWay:
    """How session keys are given to this device: under which id, with a ULONG of how many bytes."""

    algorithm: int
    ulong: Width

    @property
    def form(self) -> str:
        """The way in a few characters."""
        return f"ULONG {self.ulong}"


class SkfKey:
    """The key behind one certificate. Its container is opened when needed, and anew after any error."""

    always_authenticate = False
    must_learn = False

    def __init__(self, token: SkfToken, stored: StoredCertificate) -> None:
        """Find the container. Raises KeyRefused, TokenRemoved, DriverFailed."""
        self.token = token
        self.certificate = Certificate.from_der(stored.der)
        usual_scheme(self.certificate)  # refuses the kinds of keys that we cannot use
        if self.certificate.key_algorithm.startswith("p-"):
            raise KeyRefused("find", f"SKF with a key of kind {self.certificate.key_algorithm}")
        self._application = token.application
        self._container_name, _, self._half = stored.id.rpartition(b"\0")
        self._container: Handle | None = None
        self._way: OpeningWay | None = None
        self._reason = ""
        """Why the last way that was tried did not work."""
        self._find()

    def close(self) -> None:
        """Close the container."""
        container, self._container = self._container, None
        if container is not None:
            with suppress(BidError):
                self._functions.call("SKF_CloseContainer", container)

    def sign(self, message: bytes, scheme: SignatureScheme, pin: bytearray | None) -> bytes:
        """A signature over a message that verifies with the certificate.

        Raises KeyRefused, TokenRemoved, DriverFailed.
        """
        check_request(self.certificate, message, scheme)
        try:
            signature = self._sign(message, scheme)
        except BidError:
            self.close()
            raise
        return checked_signature(self.certificate, message, scheme, signature)

    def decrypt(self, ciphertext: bytes, scheme: WrapScheme, pin: bytearray | None) -> bytes:
        """SKF has no such function. Raises KeyRefused naming the scheme."""
        raise KeyRefused("decrypt", f"SKF has no {scheme}")

    def agree(self, point: bytes) -> bytes:
        """SKF has no such function for these keys. Raises KeyRefused naming the scheme."""
        raise KeyRefused("decrypt", f"SKF has no {WrapScheme.ECDH_SHA256}")

    def open_content(
        self, encrypted_key: bytes, vector: bytes, ciphertext: bytes, pin: bytearray | None
    ) -> bytes:
        """SM4-CBC decryption inside the device; the padding stays on.

        The first use finds out how the device takes session keys. Every flaw of what is given is one and the
        same BadEnvelope. Raises KeyRefused, TokenRemoved, DriverFailed.
        """
        if self.certificate.key_algorithm != "sm2":
            raise KeyRefused("decrypt", f"SKF has no {WrapScheme.SM2} with this key")
        try:
            cipher_blob(encrypted_key, 4)
        except ValueError as error:
            raise BadEnvelope(CANNOT_OPEN) from error
        if len(vector) != _BLOCK or not ciphertext or len(ciphertext) % _BLOCK:
            raise BadEnvelope(CANNOT_OPEN)
        if self._way is None:
            self._search()
        way = self._known_way()
        try:
            return self._open(way, encrypted_key, vector, ciphertext)
        except DriverFailed as error:
            # Several libraries answer a bad ciphertext with a general failure. It was the ciphertext if the
            # key is still there to be found.
            self.close()
            self._find()
            raise BadEnvelope(CANNOT_OPEN) from error
        except BidError:
            self.close()
            raise

    def learn(self, anew: bool, pin: bytearray | None) -> Learned:
        """How the device takes session keys, found out if it is not known; signing keys need none.

        Raises KeyRefused when no way works, TokenRemoved.
        """
        if self.certificate.key_algorithm != "sm2" or not self.certificate.can_encrypt:
            return Learned()
        tried = self._search() if anew or self._way is None else ()
        way = self._known_way()
        row = WayRow(use="decrypt", mechanism=way.algorithm, form=way.form, remembered=False)
        return Learned(tried=tried, ways=(row,))

    @property
    def _functions(self) -> Functions:
        return self._application.functions

    def _opened(self) -> Handle:
        application = self._application.handle  # which tells whether the device was let go of
        if self._container is None:
            self._container = self._functions.handle("SKF_OpenContainer", application, self._container_name)
        return self._container

    def _find(self) -> None:
        """Raise TokenRemoved, KeyRefused unless the container is there."""
        self._opened()

    def _sign(self, message: bytes, scheme: SignatureScheme) -> bytes:
        container = self._opened()
        if scheme is SignatureScheme.SM2_SM3:
            e = sm.signing_digest(self.certificate.sm2_point, message)
            blob = self._functions.structure(
                "SKF_ECCSignData", container, e, word(len(e)), room=_SIGNATURE_BLOB
            )
            try:
                return signature_of(blob)
            except ValueError as error:
                raise KeyRefused("SKF_ECCSignData", "no SM2 signature came back") from error
        public = self.certificate.public_key()
        if scheme is not SignatureScheme.RSA_PKCS1_SHA256 or not isinstance(public, rsa.RSAPublicKey):
            raise KeyRefused("sign", f"SKF has no {scheme}")
        signed = DIGEST_INFO_SHA256 + sha256(message).digest()
        room = public.key_size // 8
        return self._functions.filled("SKF_RSASignData", container, signed, word(len(signed)), room=room)

    def _open(self, way: OpeningWay, encrypted_key: bytes, vector: bytes, ciphertext: bytes) -> bytes:
        blob = cipher_blob(encrypted_key, way.ulong)
        functions = self._functions
        key = functions.handle(
            "SKF_ImportSessionKey", self._opened(), word(way.algorithm), blob, word(len(blob))
        )
        try:
            functions.call("SKF_DecryptInit", key, cipher_parameters(vector, way.ulong))
            # The room is known, so the size is not asked for: some devices decrypt on that question already.
            opened = functions.filled(
                "SKF_Decrypt", key, ciphertext, word(len(ciphertext)), room=len(ciphertext)
            )
        finally:
            with suppress(BidError):
                functions.call("SKF_CloseHandle", key)
        if way.algorithm == _SM4_CBC:
            return opened
        # CBC by a device that has only ECB: each block gets the ciphertext before it.
        return bytes(one ^ before for one, before in zip(opened, vector + ciphertext, strict=False))

    def _known_way(self) -> OpeningWay:
        if self._way is None:
            raise KeyRefused("SKF_ImportSessionKey", self._reason)
        return self._way

    def _search(self) -> tuple[TryRow, ...]:
        """Try one way after the other, until a random content comes back. Raises TokenRemoved.

        It costs no PIN: a login lasts.
        """
        self._way, self._reason = None, ""
        tried: list[TryRow] = []
        for way in self._candidates():
            start = monotonic()
            try:
                self._prove(way)
                self._way, reason = way, ""
            except (KeyRefused, BadEnvelope, DriverFailed) as error:
                self.close()
                self._find()
                self._reason = reason = ": ".join(map(str, error.facts.values()))
            seconds = monotonic() - start
            tried.append(TryRow("decrypt", way.algorithm, way.form, seconds, reason))
            if self._way is not None:
                break
        return tuple(tried)

    def _candidates(self) -> list[OpeningWay]:
        first = self._width()
        return [OpeningWay(algorithm, width) for width in widths(first) for algorithm in (_SM4_CBC, _SM4_ECB)]

    def _width(self) -> Width:
        """The size of ULONG: a public key shows it, its point being that of the certificate."""
        flag = word(self._half == b"sign")
        with suppress(KeyRefused, DriverFailed):
            shown = self._functions.data("SKF_ExportPublicKey", self._opened(), flag)
            return width_of(shown, self.certificate.sm2_point) or self.token.layout.ulong
        return self.token.layout.ulong

    def _prove(self, way: OpeningWay) -> None:
        key, vector, block = (secrets.token_bytes(size) for size in (_KEY, _BLOCK, 2 * _BLOCK))
        opened = self._open(way, sm.encrypt(self.certificate.sm2_point, key), vector, block)
        if opened != enveloped_data.sm4_cbc_decrypt(key, vector, block):
            raise KeyRefused("SKF_Decrypt", "another value came back")


def cipher_blob(cipher: bytes, ulong: Width) -> bytes:
    """The ECCCIPHERBLOB of a DER SM2Cipher (GM/T 0009). Raises ValueError for one that is malformed."""
    raw = sm.cipher_to_raw(cipher, "C1C3C2", prefix=False)
    x, y, rest = raw[:NUMBER], raw[NUMBER : 2 * NUMBER], raw[2 * NUMBER :]
    padding = bytes(FIELD - NUMBER)
    size = (len(rest) - _HASH).to_bytes(ulong, "little")
    return padding + x + padding + y + rest[:_HASH] + size + rest[_HASH:]


def signature_of(blob: bytes) -> bytes:
    """The DER signature in an ECCSIGNATUREBLOB. Raises ValueError for what cannot be one."""
    r, s = blob[:FIELD], blob[FIELD:]
    if len(blob) != _SIGNATURE_BLOB or any(r[:-NUMBER]) or any(s[:-NUMBER]):
        raise ValueError("no two numbers of 256 bits")
    return sm.signature_from_raw(r[-NUMBER:] + s[-NUMBER:])
