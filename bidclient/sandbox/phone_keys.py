"""What the phone's keys do once a person has approved it: sign digests, open keys, prove who they are."""

from base64 import b64encode
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from bidclient.crypto import signature_algorithms, sm
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.phone import LOGIN_CONTEXT, return_information, seal_return
from bidclient.crypto.private_key import SignatureScheme, WrapScheme, usual_scheme
from bidclient.crypto.signature_algorithms import rsa_padding
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.errors import BadEnvelope, BadFormat
from bidclient.keys.phone_wire import NewSession, SessionState
from bidclient.keys.soft import SoftKey
from bidclient.sandbox.certificates import SoftPrivateKey
from bidclient.sandbox.pki import BidderKeys
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import plain_bytes


def logged_in(keys: BidderKeys, nonce: bytes, spoil: bool) -> SessionState:
    """Both certificates with their chains, and a signature over the nonce. `spoil` makes it a wrong one."""
    message = LOGIN_CONTEXT + nonce
    scheme = usual_scheme(keys.signing_cert)
    if scheme is SignatureScheme.SM2_SM3:
        digest = sm.signing_digest(keys.signing_cert.sm2_point, message)
    else:
        digest = signature_algorithms.digest(scheme, message)
    signature = _signature(keys.signing_key, scheme, sha256(digest).digest() if spoil else digest)
    return SessionState(
        "COMPLETED",
        signatures=(_text(signature),),
        certificates=tuple(
            tuple(_text(one.der) for one in (own, *keys.chain))
            for own in (keys.signing_cert, keys.encryption_cert)
        ),
    )


def signed(key: SoftPrivateKey, request: NewSession, spoil: bool) -> SessionState:
    """A signature for each digest, in their order. `spoil` makes the first a wrong one. Raises Refusal."""
    digests = [plain_bytes(one.value) for one in request.digests]
    if spoil:
        digests[0] = sha256(digests[0]).digest()
    scheme = SignatureScheme(request.scheme or "")
    return SessionState("COMPLETED", signatures=tuple(_text(_signature(key, scheme, one)) for one in digests))


def opened(key: SoftPrivateKey, certificate: Certificate, session: str, request: NewSession) -> SessionState:
    """Each opened key, sealed to the asker; none at all when one does not open. Raises Refusal."""
    point, soft = plain_bytes(request.return_point or ""), SoftKey(key, certificate)
    sealed = []
    try:
        for one in request.encrypted_keys:
            encrypted, scheme = plain_bytes(one.value), WrapScheme(one.scheme)
            secret = _opened(soft, key, encrypted, scheme)
            information = return_information(session, sha256(encrypted).digest())
            sealed.append(_text(seal_return(point, secret, information)))
    except BadEnvelope:
        return SessionState("COMPLETED")
    except BadFormat as error:
        raise Refusal("bad-request", error.reason) from error
    return SessionState("COMPLETED", opened=tuple(sealed))


def _opened(soft: SoftKey, key: SoftPrivateKey, encrypted: bytes, scheme: WrapScheme) -> bytes:
    if scheme is WrapScheme.ECDH_SHA256:
        return soft.agree(encrypted)
    if scheme is not WrapScheme.SM2:
        return soft.decrypt(encrypted, scheme)
    if not isinstance(key, Sm2PrivateKey):
        raise BadEnvelope("not an SM2 key")
    try:
        return key.decrypt(encrypted)
    except ValueError as error:
        raise BadEnvelope("it does not open") from error


def _signature(key: SoftPrivateKey, scheme: SignatureScheme, digest: bytes) -> bytes:
    hashed = Prehashed(hashes.SHA256())
    if isinstance(key, Sm2PrivateKey):
        return key.sign_digest(digest)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, rsa_padding(scheme), hashed)
    return key.sign(digest, ec.ECDSA(hashed))


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
