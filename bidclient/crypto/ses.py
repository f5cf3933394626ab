"""Electronic seals of the Chinese standard (GB/T 38540-2020, GM/T 0031): made, checked, and used with SM2.

A seal is a picture, its owner's name and the certificates that may use it, signed by a seal maker. A seal
signature carries the whole seal, the digest of the document and the signer's certificate.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asn1crypto.core import Void

from bidclient.crypto import der, signature_algorithms, sm
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.message_syntax import SM3, SM3_WITH_SM2
from bidclient.crypto.pdf_container import Container, Steps
from bidclient.crypto.pdf_picture import SealPicture
from bidclient.crypto.private_key import MESSAGE_LIMIT, PrivateKey, SignatureScheme
from bidclient.crypto.ses_forms import DIGESTS, CertificateDigest, ESeal, SealInfo, SealSignature, ToBeSigned
from bidclient.crypto.timestamp import Stamp
from bidclient.errors import BadFormat, BadSignature, KeyRefused

SUB_FILTER = "/GM.sm2seal"
"""What programs in use write into PDF for a seal signature in /Contents; no standard names it."""
COMPANY_SEAL, PERSON_SEAL = 1, 2
"""SES_ESPropertyInfo.type: a seal of an organisation, or of a person."""
_ID, _VERSION, _VENDOR = "ES", 4, "bidclient"
_SIZE_LIMIT = 16 * 1024 * 1024
_ROOM = 32 * 1024
_BESIDES = 1024
"""Room in a message to be signed for what stands beside the seal."""
_PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPG"}
_SM3_NAMES = frozenset({"sm3", SM3})


@dataclass(frozen=True)
class ElectronicSeal:
    """A seal whose signature verifies with the maker's certificate inside, which is not trusted yet."""

    der: bytes
    id: str
    name: str
    picture: SealPicture
    maker: Certificate
    valid_start: datetime
    valid_end: datetime

    def check_signer(self, signer: Certificate, at: datetime, what: str) -> None:
        """Raises BadSignature unless the seal is for this certificate and valid at that time, BadFormat."""
        if not self.valid_start <= at <= self.valid_end:
            raise BadSignature(what, f"the seal {self.name} is not valid at {at.isoformat()}")
        with der.reading(what):
            listed = any(
                _names(one, signer) for one in ESeal.load(self.der)["e_seal_info"]["property"]["cert_list"]
            )
        if not listed:
            raise BadSignature(what, f"the seal {self.name} is not for the certificate of {signer.holder}")


@dataclass(frozen=True)
class SesSigned:
    """A seal signature that verifies, over a digest; neither signer nor maker is trusted yet."""

    seal: ElectronicSeal
    signer: Certificate
    signing_time: datetime
    signature: bytes
    timestamp: bytes | None


def make_seal(
    name: str,
    picture: SealPicture,
    signers: Sequence[Certificate],
    maker: PrivateKey,
    valid: tuple[datetime, datetime],
    seal_id: str,
    kind: int = COMPANY_SEAL,
) -> bytes:
    """A DER SESeal that `signers` may use during `valid`, made at its beginning. Raises KeyProblem."""
    info = SealInfo(
        {
            "header": {"id": _ID, "version": _VERSION, "vid": _VENDOR},
            "es_id": seal_id,
            "property": {
                "type": kind,
                "name": name,
                "cert_list_type": DIGESTS,
                "cert_list": [{"type": "SM3", "value": sm.sm3(one.der)} for one in signers],
                "create_date": _whole(valid[0]),
                "valid_start": _whole(valid[0]),
                "valid_end": _whole(valid[1]),
            },
            "picture": {
                "type": next(kind for magic, kind in _PICTURES.items() if picture.data.startswith(magic)),
                "data": picture.data,
                "width": round(picture.width_mm),
                "height": round(picture.height_mm),
            },
        }
    )
    made = {
        "e_seal_info": info,
        "cert": maker.certificate.der,
        "sign_alg_id": SM3_WITH_SM2,
        "signed_value": _sign(maker, info.dump()),
    }
    return bytes(ESeal(made).dump())


def read_seal(data: bytes, what: str) -> ElectronicSeal:
    """The seal in a DER SESeal, its maker's signature verified (GB/T 38540 §6.3 without the trust).

    Raises BadFormat, BadSignature, BadCertificate, Sm2Missing.
    """
    der.check(data, what, _SIZE_LIMIT)
    with der.reading(what):
        seal = ESeal.load(data, strict=True)
        return _read_seal(seal, what)


def container(key: PrivateKey, seal: ElectronicSeal, at: datetime, stamp: Stamp | None = None) -> Container:
    """How `key` signs a PDF with `seal`: SES_Signature over the SM3 digest of the byte range.

    `at` becomes timeInfo. Raises KeyRefused for another kind of key, BadSignature when the seal is not for
    the key's certificate or not valid at `at`.
    """
    if key.certificate.key_algorithm != "sm2":
        raise KeyRefused("sign", f"a seal signature is by SM2, not by {key.certificate.key_algorithm}")
    if len(seal.der) > MESSAGE_LIMIT - _BESIDES:
        # The key signs the seal with everything in it; no token takes more at once.
        raise KeyRefused(
            "sign", f"a seal of {len(seal.der)} bytes, at most {MESSAGE_LIMIT - _BESIDES} allowed"
        )
    seal.check_signer(key.certificate, at, seal.name)

    def make(digest: bytes) -> Steps[bytes]:
        to_sign = ToBeSigned(
            {
                "version": _VERSION,
                "eseal": ESeal.load(seal.der),
                "time_info": _whole(at),
                "data_hash": digest,
                "property_info": SUB_FILTER,
            }
        )
        signature = yield to_sign.dump()
        made: dict[str, Any] = {
            "to_sign": to_sign,
            "cert": key.certificate.der,
            "signature_alg_id": SM3_WITH_SM2,
            "signature": signature,
        }
        if stamp is not None:
            made["time_stamp"] = stamp(signature)
        return bytes(SealSignature(made).dump())

    return Container(
        SUB_FILTER,
        "sm3",
        _ROOM + len(seal.der),
        make,
        lambda messages: key.sign(messages, SignatureScheme.SM2_SM3),
    )


def verify_ses(data: bytes, digest: bytes, what: str) -> SesSigned:
    """The seal signature in `data` over a document with this SM3 digest (GB/T 38540 §7.3).

    Verified: the seal and its maker's signature, that the seal is for the signer and valid at the time of
    signing, digest, signature. NOT checked: the chains of signer and maker, the timestamp. Raises BadFormat,
    BadSignature, BadCertificate, Sm2Missing.
    """
    der.check(data, what, _SIZE_LIMIT)
    with der.reading(what):
        parsed = SealSignature.load(data, strict=True)
        to_sign = parsed["to_sign"]
        seal = _read_seal(to_sign["eseal"], what)
        _check_names(parsed["signature_alg_id"], to_sign["version"], what)
        signer = Certificate.from_der(parsed["cert"].native)
        if not signer.can_sign:
            raise BadSignature(what, "the signer's certificate is not for signatures")
        at = der.moment(to_sign["time_info"])
        seal.check_signer(signer, at, what)
        if not hmac.compare_digest(_octets(to_sign["data_hash"], what), digest):
            raise BadSignature(what, "the content is not what was signed")
        signature = _octets(parsed["signature"], what)
        _verify(signer, to_sign.dump(), signature, what)
        stamp = parsed["time_stamp"]
        stamped = None if isinstance(stamp, Void) else _octets(stamp, what)
    return SesSigned(seal, signer, at, signature, stamped)


def _read_seal(seal: ESeal, what: str) -> ElectronicSeal:
    info = seal["e_seal_info"]
    if info["header"]["id"].native != _ID:
        raise BadFormat(what, "no electronic seal")
    _check_names(seal["sign_alg_id"], info["header"]["version"], what)
    maker = Certificate.from_der(seal["cert"].native)
    if not maker.can_sign:
        raise BadSignature(what, "the seal maker's certificate is not for signatures")
    _verify(maker, info.dump(), _octets(seal["signed_value"], what), what)
    picture, owner = info["picture"], info["property"]
    size = float(picture["width"].native), float(picture["height"].native)
    return ElectronicSeal(
        der=seal.dump(),
        id=info["es_id"].native,
        name=owner["name"].native,
        picture=SealPicture(bytes(picture["data"].native), *size),
        maker=maker,
        valid_start=der.moment(owner["valid_start"]),
        valid_end=der.moment(owner["valid_end"]),
    )


def _names(listed: Any, signer: Certificate) -> bool:
    """Whether an entry of a seal's list of certificates, or of their digests, is the signer's."""
    if isinstance(listed, CertificateDigest):
        is_sm3 = listed["type"].native.lower() in _SM3_NAMES
        return is_sm3 and hmac.compare_digest(bytes(listed["value"].native), sm.sm3(signer.der))
    return bytes(listed.native) == signer.der


def _octets(value: Any, what: str) -> bytes:
    """The octets in a BIT STRING; the first, its count of unused bits, is signed by nobody: it must be 0."""
    if value.contents[:1] != b"\0":
        raise BadFormat(what, "a BIT STRING that does not end with an octet")
    return bytes(value.native)


def _check_names(algorithm: Any, version: Any, what: str) -> None:
    if version.native != _VERSION:
        raise BadFormat(what, f"version {version.native} of electronic seals, only {_VERSION} is read")
    if algorithm.dotted != SM3_WITH_SM2:
        raise BadSignature(what, f"signature algorithm {algorithm.dotted} is not accepted")


def _sign(key: PrivateKey, message: bytes) -> bytes:
    if key.certificate.key_algorithm != "sm2":
        raise KeyRefused("sign", f"a seal is signed by SM2, not by {key.certificate.key_algorithm}")
    return key.sign([message], SignatureScheme.SM2_SM3)[0]


def _verify(signer: Certificate, message: bytes, signature: bytes, what: str) -> None:
    signature_algorithms.verify(signer, message, SignatureScheme.SM2_SM3, signature, what)


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
