"""Fills a new SoftHSM token for demonstrations and tests, in a process of its own with its order on stdin.

PyKCS11 is imported only when that process works: whoever gives the order imports this module too.
"""

import secrets
import sys
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from bidclient.crypto.certificate import Certificate
from bidclient.errors import DriverFailed

_P256 = bytes.fromhex("06082a8648ce3d030107")
"""The DER of the object identifier prime256v1, as CKA_EC_PARAMS wants it."""
_COORDINATE = 32


class EntryOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private key as DER PKCS#8 and the DER of its certificate."""

    pkcs8: bytes
    certificate: bytes
    always_authenticate: bool

    def __repr__(self) -> str:
        """Without the key."""
        return "EntryOrder"


class TokenOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be made in the first free slot of the library `module`."""

    module: str
    label: str
    pin: bytes
    entries: tuple[EntryOrder, ...]
    issuers: tuple[bytes, ...]

    def __repr__(self) -> str:
        """Without the PIN."""
        return f"TokenOrder({self.label!r})"


def create(order: TokenOrder) -> None:
    """Initialize a token that was never used and write keys and certificates to it. Raises DriverFailed."""
    import PyKCS11

    library = PyKCS11.PyKCS11Lib()
    try:
        library.load(order.module)
        slot = _free_slot(PyKCS11, library)
        officer = secrets.token_hex(8)
        library.initToken(slot, officer, order.label.ljust(32))
        session = library.openSession(slot, PyKCS11.CKF_RW_SESSION)
        session.login(officer, PyKCS11.CKU_SO)
        session.initPin(order.pin)
        session.logout()
        session.login(order.pin)
        for entry in order.entries:
            for template in _templates(PyKCS11, entry):
                session.createObject(template)
        for issuer in order.issuers:
            session.createObject(_certificate(PyKCS11, Certificate.from_der(issuer), b""))
        session.logout()
        session.closeSession()
    except PyKCS11.PyKCS11Error as error:
        raise DriverFailed("provision", str(error)) from error


def main() -> int:
    """Carry out the order on standard input; the exit code."""
    create(msgspec.json.decode(sys.stdin.buffer.read(), type=TokenOrder))
    return 0


def _free_slot(p11: Any, library: Any) -> int:
    for slot in library.getSlotList(tokenPresent=True):
        if not library.getTokenInfo(slot).flags & p11.CKF_TOKEN_INITIALIZED:
            return int(slot)
    raise DriverFailed("provision", "no free slot")


def _templates(p11: Any, entry: EntryOrder) -> list[list[tuple[int, Any]]]:
    certificate = Certificate.from_der(entry.certificate)
    name = bytes.fromhex(certificate.sha256)[:8]
    private = [
        (p11.CKA_CLASS, p11.CKO_PRIVATE_KEY),
        (p11.CKA_TOKEN, p11.CK_TRUE),
        (p11.CKA_PRIVATE, p11.CK_TRUE),
        (p11.CKA_SENSITIVE, p11.CK_TRUE),
        (p11.CKA_EXTRACTABLE, p11.CK_FALSE),
        (p11.CKA_SIGN, certificate.can_sign),
        (p11.CKA_ALWAYS_AUTHENTICATE, entry.always_authenticate),
        (p11.CKA_ID, name),
        (p11.CKA_LABEL, certificate.common_name),
    ]
    key = load_der_private_key(entry.pkcs8, None)
    if isinstance(key, rsa.RSAPrivateKey):
        private += [(p11.CKA_DECRYPT, certificate.can_encrypt), *_rsa(p11, key.private_numbers())]
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        private += [(p11.CKA_DERIVE, certificate.can_encrypt), *_ec(p11, key.private_numbers())]
    else:
        raise DriverFailed("provision", "neither an RSA nor an EC key")
    return [private, _certificate(p11, certificate, name)]


def _rsa(p11: Any, numbers: rsa.RSAPrivateNumbers) -> list[tuple[int, Any]]:
    values = {
        p11.CKA_MODULUS: numbers.public_numbers.n,
        p11.CKA_PUBLIC_EXPONENT: numbers.public_numbers.e,
        p11.CKA_PRIVATE_EXPONENT: numbers.d,
        p11.CKA_PRIME_1: numbers.p,
        p11.CKA_PRIME_2: numbers.q,
        p11.CKA_EXPONENT_1: numbers.dmp1,
        p11.CKA_EXPONENT_2: numbers.dmq1,
        p11.CKA_COEFFICIENT: numbers.iqmp,
    }
    big = [(kind, value.to_bytes((value.bit_length() + 7) // 8, "big")) for kind, value in values.items()]
    return [(p11.CKA_KEY_TYPE, p11.CKK_RSA), *big]


def _ec(p11: Any, numbers: ec.EllipticCurvePrivateNumbers) -> list[tuple[int, Any]]:
    return [
        (p11.CKA_KEY_TYPE, p11.CKK_EC),
        (p11.CKA_EC_PARAMS, _P256),
        (p11.CKA_VALUE, numbers.private_value.to_bytes(_COORDINATE, "big")),
    ]


def _certificate(p11: Any, certificate: Certificate, name: bytes) -> list[tuple[int, Any]]:
    parsed = certificate.asn1()
    return [
        (p11.CKA_CLASS, p11.CKO_CERTIFICATE),
        (p11.CKA_CERTIFICATE_TYPE, p11.CKC_X_509),
        (p11.CKA_TOKEN, p11.CK_TRUE),
        (p11.CKA_PRIVATE, p11.CK_FALSE),
        (p11.CKA_ID, name),
        (p11.CKA_LABEL, certificate.common_name),
        (p11.CKA_SUBJECT, parsed.subject.dump()),
        (p11.CKA_ISSUER, parsed.issuer.dump()),
        (p11.CKA_SERIAL_NUMBER, parsed["tbs_certificate"]["serial_number"].dump()),
        (p11.CKA_VALUE, certificate.der),
    ]


if __name__ == "__main__":
    sys.exit(main())
