"""What the return codes of SKF (GM/T 0016, annex) mean for a person; a PIN is called wrong only if it is."""

from bidclient.errors import (
    BadEnvelope,
    BidError,
    DriverFailed,
    KeyRefused,
    PinInvalid,
    PinLocked,
    PinWrong,
    TokenRemoved,
)
from bidclient.keys.ckr import CANNOT_OPEN, TokenFacts

OK = 0
BUFFER_TOO_SMALL = 0x0A000020
PIN_INCORRECT = 0x0A000024
PIN_LOCKED = 0x0A000025

_NAMES = {
    0x0A000001: "SAR_FAIL",
    0x0A000002: "SAR_UNKNOWNERR",
    0x0A000003: "SAR_NOTSUPPORTYETERR",
    0x0A000004: "SAR_FILEERR",
    0x0A000005: "SAR_INVALIDHANDLEERR",
    0x0A000006: "SAR_INVALIDPARAMERR",
    0x0A000007: "SAR_READFILEERR",
    0x0A000008: "SAR_WRITEFILEERR",
    0x0A000009: "SAR_NAMELENERR",
    0x0A00000A: "SAR_KEYUSAGEERR",
    0x0A00000B: "SAR_MODULUSLENERR",
    0x0A00000C: "SAR_NOTINITIALIZEERR",
    0x0A00000D: "SAR_OBJERR",
    0x0A00000E: "SAR_MEMORYERR",
    0x0A00000F: "SAR_TIMEOUTERR",
    0x0A000010: "SAR_INDATALENERR",
    0x0A000011: "SAR_INDATAERR",
    0x0A000014: "SAR_HASHERR",
    0x0A000018: "SAR_RSAENCERR",
    0x0A000019: "SAR_RSADECERR",
    0x0A00001A: "SAR_HASHNOTEQUALERR",
    0x0A00001B: "SAR_KEYNOTFOUNTERR",
    0x0A00001C: "SAR_CERTNOTFOUNTERR",
    0x0A00001D: "SAR_NOTEXPORTERR",
    0x0A00001E: "SAR_DECRYPTPADERR",
    BUFFER_TOO_SMALL: "SAR_BUFFER_TOO_SMALL",
    0x0A000021: "SAR_KEYINFOTYPEERR",
    0x0A000023: "SAR_DEVICE_REMOVED",
    PIN_INCORRECT: "SAR_PIN_INCORRECT",
    PIN_LOCKED: "SAR_PIN_LOCKED",
    0x0A000026: "SAR_PIN_INVALID",
    0x0A000027: "SAR_PIN_LEN_RANGE",
    0x0A000028: "SAR_USER_ALREADY_LOGGED_IN",
    0x0A000029: "SAR_USER_PIN_NOT_INITIALIZED",
    0x0A00002A: "SAR_USER_TYPE_INVALID",
    0x0A00002B: "SAR_APPLICATION_NAME_INVALID",
    0x0A00002D: "SAR_USER_NOT_LOGGED_IN",
    0x0A00002E: "SAR_APPLICATION_NOT_EXISTS",
    0x0A000031: "SAR_FILE_NOT_EXIST",
    0x0A000034: "SAR_CONTAINER_NOT_EXISTS",
    0x0B000035: "SAR_CONTAINER_NOT_FOUND",
}
_PIN_INVALID = frozenset({0x0A000026, 0x0A000027})
_REMOVED = frozenset(
    {
        0x0A000005,  # INVALIDHANDLE: what some drivers say of a handle once the lock was pulled out
        0x0A000023,  # DEVICE_REMOVED
    }
)
_REFUSED = frozenset(
    {
        0x0A000003,  # NOTSUPPORTYET
        0x0A000006,  # INVALIDPARAM
        0x0A00000A,  # KEYUSAGE
        0x0A00001B,  # KEYNOTFOUND
        0x0A00001C,  # CERTNOTFOUND
        0x0A00001D,  # NOTEXPORT
        0x0A000021,  # KEYINFOTYPE
        0x0A000029,  # USER_PIN_NOT_INITIALIZED
        0x0A00002B,  # APPLICATION_NAME_INVALID
        0x0A00002D,  # USER_NOT_LOGGED_IN
        0x0A00002E,  # APPLICATION_NOT_EXISTS
        0x0A000034,  # CONTAINER_NOT_EXISTS
        0x0B000035,  # another number for it, seen in public code
    }
)
_BAD_INPUT = frozenset(
    {
        0x0A000010,  # INDATALEN
        0x0A000011,  # INDATA
        0x0A000019,  # RSADEC
        0x0A00001A,  # HASHNOTEQUAL: C3 of an SM2 ciphertext
        0x0A00001E,  # DECRYPTPAD
    }
)
_OPENING = frozenset({"SKF_ImportSessionKey", "SKF_Decrypt"})


def name_of(code: int) -> str:
    """The code as support knows it."""
    number = f"0x{code:08X}"
    return f"{_NAMES[code]} ({number})" if code in _NAMES else number


def named(code: int, operation: str, token: TokenFacts, attempts_left: int | None = None) -> BidError:
    """The error that `code` stands for when the C function `operation` returned it.

    `attempts_left` is what a login said beside it. Only SAR_PIN_INCORRECT becomes PinWrong, with attempts
    left: a driver's general failure must never cost a person an attempt.
    """
    if code == PIN_LOCKED or (code == PIN_INCORRECT and attempts_left == 0):
        return PinLocked(token.label)
    if code == PIN_INCORRECT:
        return PinWrong(token.label, attempts_left, attempts_left == 1)
    if code in _PIN_INVALID:
        return PinInvalid(token.label, token.shortest, token.longest)
    if code in _REMOVED:
        return TokenRemoved(token.label)
    if code in _BAD_INPUT and operation in _OPENING:
        return BadEnvelope(CANNOT_OPEN)
    if code in _REFUSED:
        return KeyRefused(operation, name_of(code))
    return DriverFailed(operation, name_of(code))
