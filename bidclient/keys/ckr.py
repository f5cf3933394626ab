"""What the return codes of PKCS#11 (v2.40, 5.1) mean for a person; a PIN is called wrong only if it is."""

from dataclasses import dataclass

from bidclient.errors import (
    BadEnvelope,
    BidError,
    Cancelled,
    DriverFailed,
    KeyRefused,
    PinInvalid,
    PinLocked,
    PinWrong,
    TokenRemoved,
)

PIN_INCORRECT = 0xA0
PIN_INVALID = 0xA1
PIN_LEN_RANGE = 0xA2
PIN_LOCKED = 0xA4
FUNCTION_CANCELED = 0x50
FUNCTION_REJECTED = 0x200

_REMOVED = frozenset(
    {
        0x30,  # DEVICE_ERROR: what most drivers say when the token was pulled out in the middle
        0x32,  # DEVICE_REMOVED
        0xB0,  # SESSION_CLOSED
        0xB3,  # SESSION_HANDLE_INVALID
        0xE0,  # TOKEN_NOT_PRESENT
        0xE1,  # TOKEN_NOT_RECOGNIZED
    }
)
_REFUSED = frozenset(
    {
        0x07,  # ARGUMENTS_BAD
        0x54,  # FUNCTION_NOT_SUPPORTED
        0x60,  # KEY_HANDLE_INVALID
        0x62,  # KEY_SIZE_RANGE
        0x63,  # KEY_TYPE_INCONSISTENT
        0x68,  # KEY_FUNCTION_NOT_PERMITTED
        0x70,  # MECHANISM_INVALID
        0x71,  # MECHANISM_PARAM_INVALID
        0x82,  # OBJECT_HANDLE_INVALID
        0xA3,  # PIN_EXPIRED: the token first wants another PIN
        0x101,  # USER_NOT_LOGGED_IN
        0x102,  # USER_PIN_NOT_INITIALIZED
    }
)
_BAD_INPUT = frozenset(
    {
        0x20,  # DATA_INVALID
        0x21,  # DATA_LEN_RANGE
        0x40,  # ENCRYPTED_DATA_INVALID
        0x41,  # ENCRYPTED_DATA_LEN_RANGE
    }
)
CANNOT_OPEN = "the key does not open it"


@dataclass(frozen=True)
class TokenFacts:
    """What an error may need to say about the token."""

    label: str
    last_try: bool = False
    shortest: int = 1
    longest: int = 255


def named(code: int, text: str, operation: str, token: TokenFacts) -> BidError:
    """The error that `code` stands for when the C function `operation` returned it; `text` is its CKR name.

    Only CKR_PIN_INCORRECT becomes PinWrong: a driver's general failure must never cost a person an attempt.
    """
    pin_error = _about_pin(code, token)
    if pin_error is not None:
        return pin_error
    if code in _REMOVED:
        return TokenRemoved(token.label)
    if code in _BAD_INPUT and operation == "C_Decrypt":
        return BadEnvelope(CANNOT_OPEN)
    if code in _REFUSED:
        return KeyRefused(operation, text)
    return DriverFailed(operation, text)


def _about_pin(code: int, token: TokenFacts) -> BidError | None:
    if code == PIN_INCORRECT:
        return PinWrong(token.label, None, token.last_try)
    if code == PIN_LOCKED:
        return PinLocked(token.label)
    if code in (PIN_INVALID, PIN_LEN_RANGE):
        return PinInvalid(token.label, token.shortest, token.longest)
    if code in (FUNCTION_CANCELED, FUNCTION_REJECTED):
        return Cancelled()
    return None
