"""The JSON bodies between a program and the phone authority; resources/mobile-ca.yaml describes them too.

Replies may grow: fields that we do not know are ignored, and with them whatever an authority says of persons.
Binary values travel as standard base64 text.
"""

from typing import Annotated, Literal

import msgspec

Operation = Literal["login", "sign", "unwrap"]
State = Literal[
    "CREATED",
    "SCANNED",
    "COMPLETED",
    "REFUSED",
    "EXPIRED",
    "WRONG_CODE",
    "PERSONAL_CERTIFICATE",
    "OTHER_PROVINCE",
    "REVOKED",
    "CANCELLED",
]
OPEN_STATES: tuple[State, ...] = ("CREATED", "SCANNED")
SESSIONS = "/mobile/v1/sessions"
MOST_ITEMS = 1000
"""Digests that one approval may cover."""

Text = Annotated[str, msgspec.Meta(max_length=200)]
Base64 = Annotated[str, msgspec.Meta(max_length=4096, pattern="^[A-Za-z0-9+/]+={0,2}$")]
Word = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,200}$")]
"""What goes into an address or a header line as it stands."""
Address = Annotated[str, msgspec.Meta(pattern="^https?://[!-~]{1,500}$")]
"""Short enough for a QR code with all that is put behind it."""
Fingerprint = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Digest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be signed: SHA-256 of a message, or e = SM3(Z‖M) for an SM2 key (GB/T 32918.2 §6.1)."""

    algorithm: Literal["sha256", "sm3"]
    value: Base64


class EncryptedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be opened: the encrypted key of an envelope, never its content.

    `value` is the RSA ciphertext, the SM2Cipher (GM/T 0009), or for ECDH the sender's uncompressed point.
    """

    scheme: Literal["rsa-oaep-sha1", "rsa-oaep-sha256", "rsa-pkcs1", "ecdh-sha256", "sm2"]
    value: Base64


class NewSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /mobile/v1/sessions.

    `certificate` is the SHA-256 of the certificate that is meant, null at a login; `display` are lines for
    the phone's screen, which say what is approved; `return_point` is the P-256 point to which what is opened
    comes back.
    """

    operation: Operation
    nonce: Base64
    certificate: Fingerprint | None = None
    scheme: Literal["rsa-pkcs1-sha256", "rsa-pss-sha256", "ecdsa-sha256", "sm2-sm3"] | None = None
    digests: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=MOST_ITEMS)] = ()
    encrypted_keys: Annotated[tuple[EncryptedKey, ...], msgspec.Meta(max_length=MOST_ITEMS)] = ()
    return_point: Base64 | None = None
    display: Annotated[tuple[Text, ...], msgspec.Meta(max_length=8)] = ()


class OpenedSession(msgspec.Struct, frozen=True):
    """The answer: who knows `secret` may ask for the result and cancel; the link shows only `token`.

    The session ends after `expires_in` seconds, a link `link_seconds` seconds after it was made.
    """

    id: Word
    token: Word
    secret: Word
    link_base: Address
    expires_in: Annotated[int, msgspec.Meta(ge=10, le=600)]
    link_seconds: int


class SessionState(msgspec.Struct, frozen=True):
    """GET /mobile/v1/sessions/{session}, with the result once it is COMPLETED.

    `certificates` are chains, DER, each from its own certificate upwards; at a login that for signing comes
    first, and `signatures` holds the one that proves it. `opened` are the opened keys, sealed to
    `return_point`. `province` tells where an unrecognised certificate comes from.
    """

    state: State
    signatures: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    certificates: tuple[tuple[str, ...], ...] = ()
    province: Text = ""
