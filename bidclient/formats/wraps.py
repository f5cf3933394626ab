"""To whom the secret of a sealed bid is wrapped, and how a key, a code or two shares give it back."""

import hmac
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from bidclient.crypto import cms, recovery, stream
from bidclient.crypto.certificate import Certificate
from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadEnvelope, CertificateUnfit, WrongKey, WrongSecret
from bidclient.formats import canonical
from bidclient.formats.bseal import Frame, Header, Role, Share, Wrap

SECRET_LENGTH = 32
_CONTENT_MAGIC = b"BIDCS1\0\0"
_CONTENT_LENGTH = 80


@dataclass(frozen=True)
class Recipient:
    """Whose certificate the secret is wrapped to; the tenderer of policy "all" is named by the tender."""

    role: Literal["bidder", "second-lock"]
    certificate: Certificate


def wipe(secret: bytearray) -> None:
    """Overwrite a secret that is no longer needed."""
    secret[:] = bytes(len(secret))


def wrap_secret(
    bare: Header,
    recipients: Sequence[Recipient],
    tenderer: Certificate | None,
    recovery_code: str | None,
    secret: bytearray,
) -> tuple[Header, list[bytes]]:
    """The header `bare` completed by its wraps, and the wraps.

    Policy "any" wraps the whole secret to each recipient; "all" one share to them and the other to the
    tenderer, whose certificate it needs. Raises CertificateUnfit, BadFormat for a mistyped recovery code.
    """
    if (bare.policy == "all") != (tenderer is not None):
        raise CertificateUnfit("tenderer", "needed under policy all, and only there")
    shares: tuple[str, ...] = ()
    if tenderer is None:
        made = _wraps_of(bare, recipients, recovery_code, secret, 0)
    else:
        own = bytearray(secrets.token_bytes(SECRET_LENGTH))
        other = combine(secret, own)
        try:
            made = _wraps_of(bare, recipients, recovery_code, own, 1)
            made.append(_made(bare, "tenderer", tenderer, other, 2))
            shares = tuple(_share_commitment(bare, share) for share in (own, other))
        finally:
            wipe(own)
            wipe(other)
    offsets = itertools.accumulate((wrap.length for wrap, _ in made), initial=0)
    wraps = tuple(
        msgspec.structs.replace(wrap, offset=at) for (wrap, _), at in zip(made, offsets, strict=False)
    )
    return msgspec.structs.replace(bare, wraps=wraps, shares=shares), [envelope for _, envelope in made]


def _wraps_of(
    bare: Header, recipients: Sequence[Recipient], recovery_code: str | None, secret: bytearray, share: Share
) -> list[tuple[Wrap, bytes]]:
    """The wraps of the secret, or of our share of it, to the bidder's certificates and the recovery code."""
    ordered = sorted(recipients, key=lambda one: one.role)
    made = [_made(bare, one.role, one.certificate, secret, share) for one in ordered]
    if recovery_code is not None:
        content = _content(bare, secret, share)
        try:
            envelope = recovery.wrap(content, recovery_code, bare.salt_bytes)
        finally:
            wipe(content)
        made.append((Wrap("recovery", 0, len(envelope), "", share), envelope))
    return made


def _made(
    bare: Header, role: Role, certificate: Certificate, secret: bytearray, share: Share
) -> tuple[Wrap, bytes]:
    content = _content(bare, secret, share)
    try:
        envelope = _envelope(content, certificate)
    finally:
        wipe(content)
    return Wrap(role, 0, len(envelope), certificate.sha256, share), envelope


def _envelope(content: bytearray, certificate: Certificate) -> bytes:
    if not certificate.can_encrypt:
        raise CertificateUnfit(certificate.holder, "its key usage does not allow encryption")
    return cms.make_envelope(bytes(content), certificate)


def unwrap_secret(frame: Frame, key: PrivateKey) -> bytearray:
    """The secret that this key unwraps, or its share under policy "all"; both checked by their commitment.

    Raises WrongKey when nothing was wrapped to this certificate, WrongSecret, BadEnvelope, KeyProblem.
    """
    own = key.certificate.sha256
    for wrap, envelope in zip(frame.header.wraps, frame.wraps, strict=True):
        if wrap.certificate_sha256 == own:
            return _accepted(frame, wrap, key.unwrap(envelope))
    needed = [f"{wrap.role} {wrap.certificate_sha256[:16]}".strip() for wrap in frame.header.wraps]
    raise WrongKey(", ".join(needed), own[:16])


def unwrap_with_code(frame: Frame, code: str) -> bytearray:
    """The secret, or share 1, that the recovery code opens.

    Raises BadFormat for a slip of the pen, WrongKey when the bid has no recovery code, WrongSecret,
    BadEnvelope.
    """
    for wrap, envelope in zip(frame.header.wraps, frame.wraps, strict=True):
        if wrap.role == "recovery":
            return _accepted(frame, wrap, recovery.unwrap(envelope, code, frame.header.salt_bytes))
    raise WrongKey("no recovery code", "recovery code")


def combine(share1: bytes | bytearray, share2: bytes | bytearray) -> bytearray:
    """The secret of two shares: their exclusive or."""
    return bytearray(one ^ two for one, two in zip(share1, share2, strict=True))


def check_secret(frame: Frame, secret: bytes | bytearray) -> stream.StreamKeys:
    """The payload keys, when this secret is the one that the frame commits to. Raises WrongSecret."""
    header = frame.header
    keys = stream.derive(secret, header.salt_bytes, header.suite, frame.head_digest)
    if not hmac.compare_digest(keys.commitment, frame.commitment):
        raise WrongSecret("the commitment of the sealed bid is another")
    return keys


def _accepted(frame: Frame, wrap: Wrap, content: bytes) -> bytearray:
    value = _read_content(frame.header, content, wrap.share)
    if wrap.share == 0:
        check_secret(frame, value)
    elif _share_commitment(frame.header, value) != frame.header.shares[wrap.share - 1]:
        raise WrongSecret(f"share {wrap.share} is not the one of the header")
    return value


def _binding(header: Header) -> bytes:
    """What ties a secret to this bid: H(salt ‖ canonical JSON of bidder, lot, network and tender)."""
    tied = {
        "bidder": header.bidder,
        "lot": header.lot,
        "network": header.network,
        "tender": header.tender,
        "tender_version": header.tender_version,
    }
    return header.algorithms.hash(header.salt_bytes + canonical.dumps(tied))


def _content(header: Header, secret: bytes | bytearray, share: int) -> bytearray:
    """The 80 bytes that are wrapped to a recipient: magic, secret or share, binding, number of the share."""
    return bytearray(_CONTENT_MAGIC) + secret + _binding(header) + share.to_bytes(8, "big")


def _read_content(header: Header, content: bytes, share: int) -> bytearray:
    """The secret or share in such a content. Raises BadEnvelope when it is not one of this bid."""
    if len(content) != _CONTENT_LENGTH or content[:8] != _CONTENT_MAGIC:
        raise BadEnvelope("content is not a secret of a bid")
    if not hmac.compare_digest(content[40:72], _binding(header)):
        raise BadEnvelope("the secret is bound to another bid")
    if int.from_bytes(content[72:], "big") != share:
        raise BadEnvelope("the secret is another share")
    return bytearray(content[8:40])


def _share_commitment(header: Header, share: bytes | bytearray) -> str:
    """The commitment to one share under policy "all", as the header carries it."""
    return header.algorithms.hash(b"bidclient/share/1\0" + header.salt_bytes + share).hex()
