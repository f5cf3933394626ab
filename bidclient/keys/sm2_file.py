"""SM2 private keys in files: encrypted PKCS #8 in PEM text or in a PFX, both of which OpenSSL writes.

The library that opens every other PFX refuses the curve; its frame is read here, its MAC is not checked: what
comes out must belong to the certificate anyway.
"""

from pathlib import Path

from asn1crypto import pem
from asn1crypto.pkcs12 import Pfx, SafeContents

from bidclient.crypto.der import PARSE_ERRORS
from bidclient.crypto.sm import Sm2PrivateKey
from bidclient.crypto.sm_pkcs8 import WrongPassword
from bidclient.errors import FileProblem, KeyRefused, PinWrong

_ENCRYPTED = "ENCRYPTED PRIVATE KEY"


def read_sm2_key(path: Path, data: bytes, password: bytearray, label: str) -> Sm2PrivateKey:
    """The one SM2 key in `data`, the content of `path`: PEM text (RFC 7468 §11) or a PFX (RFC 7292).

    Raises FileProblem for what is neither, KeyRefused for another kind of key or none, PinWrong naming
    `label`, Sm2Missing.
    """
    try:
        found = _from_pem(data) if data.lstrip().startswith(b"-----BEGIN") else _from_pfx(data)
    except PARSE_ERRORS as error:
        raise FileProblem(str(path), "neither PEM text nor a PKCS#12 file") from error
    if len(found) != 1:
        raise KeyRefused("open", f"{len(found)} encrypted private keys in the file")
    try:
        return Sm2PrivateKey.from_pkcs8(found[0], password)
    except WrongPassword as error:
        raise PinWrong(label, None, False) from error
    except ValueError as error:
        raise KeyRefused("open", str(error)) from error


def _from_pem(data: bytes) -> list[bytes]:
    return [bytes(block) for name, _, block in pem.unarmor(data, multiple=True) if name == _ENCRYPTED]


def _from_pfx(data: bytes) -> list[bytes]:
    """The EncryptedPrivateKeyInfo of every shrouded key bag; certificates may stay encrypted."""
    found = []
    for content in Pfx.load(data, strict=True).authenticated_safe:
        if content["content_type"].native != "data":
            continue
        for bag in SafeContents.load(content["content"].native, strict=True):
            if bag["bag_id"].native == "pkcs8_shrouded_key_bag":
                found.append(bytes(bag["bag_value"].untag().dump()))
    return found
