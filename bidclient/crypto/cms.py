"""The one door to CMS (RFC 5652): signatures that stock tools verify, envelopes that stock tools open."""

from bidclient.crypto.enveloped_data import (
    Recipient,
    UnwrapPrimitive,
    envelope_recipients,
    make_envelope,
    open_envelope,
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
    "verify_attached",
    "verify_detached",
]
