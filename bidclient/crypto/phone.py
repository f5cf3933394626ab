"""What ties an approval on a phone to the request on this screen, and brings an opened key back to it."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from urllib.parse import urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bidclient.errors import BadEnvelope, BadFormat

LOGIN_CONTEXT = b"bidclient/phone-login/1\0"
"""What a phone signs at a login begins with this, so that it can never be taken for anything else."""
_CONTEXT = b"bidclient/phone/1\0"
_CHECK_BYTES = 16
_HPKE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def bound_digest(
    operation: str, items: Sequence[bytes], point: bytes = b"", display: Sequence[str] = ()
) -> bytes:
    """SHA-256 over an operation and the digests that it is about, in their order: what is approved.

    What the phone shows of it, the lines of `display`, is the first item, as one digest. `point` is the
    public key to which the answer comes back, where there is one; it is the last item then.
    """
    shown = hashlib.sha256(_joined([line.encode() for line in display])).digest()
    ends = (point,) if point else ()
    return hashlib.sha256(_CONTEXT + operation.encode() + _joined([shown, *items, *ends])).digest()


def verification_code(token: str, bound: bytes) -> str:
    """Four digits for both screens, derived from what is approved and from the session."""
    mixed = hmac.digest(token.encode(), _CONTEXT + bound, "sha256")
    return f"{int.from_bytes(mixed[:8], 'big') % 10_000:04d}"


def link_check(secret: str, token: str, elapsed: int, bound: bytes) -> str:
    """The proof in a link that it was made `elapsed` seconds after the session began, for just this.

    HMAC-SHA-256 under the session's secret, which the link does not show, as base64url text.
    """
    mixed = hmac.digest(secret.encode(), _CONTEXT + f"{token}\0{elapsed}\0".encode() + bound, "sha256")
    return urlsafe_b64encode(mixed[:_CHECK_BYTES]).decode().rstrip("=")


def phone_link(base: str, token: str, secret: str, elapsed: int, bound: bytes) -> str:
    """The address that the QR code carries, good for a few seconds around `elapsed`."""
    check = link_check(secret, token, elapsed, bound)
    return f"{base}?{urlencode({'v': 1, 't': token, 'e': elapsed, 'a': check})}"


def return_information(session: str, item: bytes) -> bytes:
    """What an opened key is bound to on its way back: the session, and the encrypted key's digest."""
    return _CONTEXT + session.encode() + b"\0" + item


def _joined(parts: Sequence[bytes]) -> bytes:
    """Each with its length in 4 bytes before it, so that no two lists are joined to the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class ReturnKey:
    """A key for one session, to which the phone encrypts what it has opened: HPKE (RFC 9180).

    DHKEM(P-256), HKDF-SHA-256 and AES-256-GCM in base mode. That it is the phone who answers is not proven
    by this: what comes back is judged by the envelope that it opens.
    """

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())

    @property
    def point(self) -> bytes:
        """The public key as an uncompressed point."""
        return self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def open(self, sealed: bytes, information: bytes) -> bytes:
        """What was sealed to this key for `information`. Raises BadEnvelope."""
        try:
            return _HPKE.decrypt(sealed, self._private, information)
        except (InvalidTag, ValueError) as error:
            raise BadEnvelope("the phone's answer does not open") from error


def seal_return(point: bytes, secret: bytes, information: bytes) -> bytes:
    """`secret` for the holder of the ReturnKey with this point. Raises BadFormat for a point that is none."""
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise BadFormat("return_point", "not a point of P-256") from error
    return _HPKE.encrypt(secret, public, information)
