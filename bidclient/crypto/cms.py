"""The one door to CMS (RFC 5652, GM/T 0010): signatures that stock tools verify, envelopes that they open."""

from bidclient.crypto.envelope_parts import Recipient
from bidclient.crypto.enveloped_data import (
    UnwrapPrimitive,
    envelope_recipients,
    make_envelope,
    open_envelope,
    sm4_cbc_decrypt,
)
from bidclient.crypto.signed_data import (
    ATTACHED_LIMIT,
    Signed,
    sign_attached,
    sign_detached,
    verify_attached,
    verify_detached,
)

__all__ = [
    "ATTACHED_LIMIT",
    "Recipient",
    "Signed",
    "UnwrapPrimitive",
    "envelope_recipients",
    "make_envelope",
    "open_envelope",
    "sign_attached",
    "sign_detached",
    "sm4_cbc_decrypt",
    "verify_attached",
    "verify_detached",
]
