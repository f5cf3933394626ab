"""What fills /Contents of a signature dictionary: for RSA and P-256 keys the CMS of PAdES, by pyHanko."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

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

_T = TypeVar("_T")
Steps = Generator[bytes, bytes, _T]
"""Work that stops for signatures: it yields a message, is sent the signature, and returns what it has made.

So many files can be got ready, and their messages be signed at once: by one approval on a phone.
"""
Sign = Callable[[Sequence[bytes]], list[bytes]]
"""messages → signatures. Raises KeyProblem."""


def one_by_one(steps: Steps[_T], sign: Sign) -> _T:
    """Do the work to its end, with a call of `sign` for each message. Raises what either raises."""
    with closing(steps):
        try:
            message = next(steps)
            while True:
                message = steps.send(sign([message])[0])
        except StopIteration as end:
            made: _T = end.value
            return made


@dataclass(frozen=True)
class Container:
    """One way to sign the digest of a file: `make` is called once for each signature."""

    sub_filter: str
    """The name of the encoding (ISO 32000-1 §12.8.1)."""
    digest: str
    """The name of the hash over the byte range, as pyHanko knows it."""
    room: int
    """Bytes to be reserved."""
    make: Callable[[bytes], Steps[bytes]]
    """digest → DER, with one message to be signed. Raises whatever the timestamp service raises."""
    sign: Sign
    """What the signer's key does with such messages."""


def pades(key: PrivateKey, stamp: Stamp | None = None) -> Container:
    """PAdES-B-B, with `stamp` B-T (EN 319 142-1 §6).

    Raises KeyRefused for a key that is neither RSA nor P-256.
    """
    scheme = usual_scheme(key.certificate)
    if scheme is SignatureScheme.SM2_SM3:
        raise KeyRefused("sign", "PAdES knows no SM2; such a key signs by an electronic seal (SESeal)")

    def make(digest: bytes) -> Steps[bytes]:
        signer = _KeySigner(key, stamp)
        # No signing time inside: PAdES wants it in /M only (EN 319 142-1 §6.3).
        attributes = asyncio.run(
            signer.signed_attrs(digest, "sha256", attr_settings=PdfCMSSignedAttributes(), use_pades=True)
        )
        signer.signature = yield attributes.dump()
        made = signer.async_sign_prescribed_attributes("sha256", attributes)
        return bytes(asyncio.run(made).dump())

    return Container(PADES, "sha256", _ROOM, make, lambda messages: key.sign(messages, scheme))


class _KeySigner(Signer):
    """Where pyHanko meets our keys: what it would sign is signed beforehand."""

    def __init__(self, key: PrivateKey, stamp: Stamp | None) -> None:
        registry = SimpleCertificateStore()
        registry.register_multiple(one.asn1() for one in key.chain)
        super().__init__(signing_cert=key.certificate.asn1(), cert_registry=registry)
        self._stamp = stamp
        self.signature = b""

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature over the signed attributes."""
        return self.signature

    async def unsigned_attrs(
        self, digest_algorithm: str, signature: bytes, *_others: Any, **_named: Any
    ) -> cms.CMSAttributes | None:
        """The timestamp over the signature (EN 319 122-1 §5.3), verified before it is used."""
        if self._stamp is None:
            return None
        token = cms.ContentInfo.load(self._stamp(signature), strict=True)
        return cms.CMSAttributes([{"type": TOKEN, "values": [token]}])
