"""What fills /Contents of a signature dictionary: for RSA and P-256 keys the CMS of PAdES, by pyHanko."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore

from bidclient.crypto.private_key import PrivateKey, SignatureScheme, usual_scheme
from bidclient.crypto.signed_parts import TOKEN
from bidclient.crypto.timestamp import Stamp
from bidclient.errors import KeyRefused

PADES = "/ETSI.CAdES.detached"
_ROOM = 32 * 1024
"""Bytes for a CMS with a chain and a timestamp; what takes more gets twice as much at the second try."""


@dataclass(frozen=True)
class Container:
    """One way to sign the digest of a file: `make` is called once for each signature."""

    sub_filter: str
    """The name of the encoding (ISO 32000-1 §12.8.1)."""
    digest: str
    """The name of the hash over the byte range, as pyHanko knows it."""
    room: int
    """Bytes to be reserved."""
    make: Callable[[bytes], bytes]
    """digest → DER. Raises KeyProblem and whatever the timestamp service raises."""


def pades(key: PrivateKey, stamp: Stamp | None = None) -> Container:
    """PAdES-B-B, with `stamp` B-T (EN 319 142-1 §6): one `key.sign` of one message per signature.

    Raises KeyRefused for a key that is neither RSA nor P-256.
    """
    scheme = usual_scheme(key.certificate)
    if scheme is SignatureScheme.SM2_SM3:
        raise KeyRefused("sign", "PAdES knows no SM2; such a key signs by an electronic seal (SESeal)")
    signer = _KeySigner(key, scheme, stamp)

    def make(digest: bytes) -> bytes:
        # No signing time inside: PAdES wants it in /M only (EN 319 142-1 §6.3).
        made = signer.async_sign(
            digest, "sha256", use_pades=True, signed_attr_settings=PdfCMSSignedAttributes()
        )
        return bytes(asyncio.run(made).dump())

    return Container(PADES, "sha256", _ROOM, make)


class _KeySigner(Signer):
    """Where pyHanko meets our keys."""

    def __init__(self, key: PrivateKey, scheme: SignatureScheme, stamp: Stamp | None) -> None:
        registry = SimpleCertificateStore()
        registry.register_multiple(one.asn1() for one in key.chain)
        super().__init__(signing_cert=key.certificate.asn1(), cert_registry=registry)
        self._key = key
        self._scheme = scheme
        self._stamp = stamp

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature over the signed attributes."""
        return self._key.sign([data], self._scheme)[0]

    async def unsigned_attrs(
        self, digest_algorithm: str, signature: bytes, *_others: Any, **_named: Any
    ) -> cms.CMSAttributes | None:
        """The timestamp over the signature (EN 319 122-1 §5.3), verified before it is used."""
        if self._stamp is None:
            return None
        token = cms.ContentInfo.load(self._stamp(signature), strict=True)
        return cms.CMSAttributes([{"type": TOKEN, "values": [token]}])
