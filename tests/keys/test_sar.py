"""No return code of SKF but one may be called a wrong PIN, and none is nameless."""

import pytest

from bidclient.errors import (
    BadEnvelope,
    DriverFailed,
    KeyProblem,
    KeyRefused,
    PinInvalid,
    PinLocked,
    PinWrong,
    TokenRemoved,
)
from bidclient.keys.ckr import TokenFacts
from bidclient.keys.sar import named

TOKEN = TokenFacts("企业锁", shortest=6, longest=16)
CODES = [*range(1, 0x210), *range(0x0A000000, 0x0A000100), 0x0B000035, 0x80000001, 0xFFFFFFFF]
OPERATIONS = ("SKF_VerifyPIN", "SKF_ECCSignData", "SKF_ImportSessionKey", "SKF_EnumDev")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_pin_incorrect_is_a_wrong_pin(operation: str) -> None:
    wrong = [code for code in CODES if isinstance(named(code, operation, TOKEN), PinWrong)]
    assert wrong == [0x0A000024]


@pytest.mark.parametrize(
    ("code", "operation", "kind"),
    [
        (0x0A000023, "SKF_ECCSignData", TokenRemoved),
        (0x0A000005, "SKF_OpenContainer", TokenRemoved),
        (0x0A000025, "SKF_VerifyPIN", PinLocked),
        (0x0A000027, "SKF_VerifyPIN", PinInvalid),
        (0x0A000011, "SKF_ImportSessionKey", BadEnvelope),
        (0x0A000011, "SKF_ECCSignData", DriverFailed),
        (0x0A000003, "SKF_ImportSessionKey", KeyRefused),
        (0x0A00002D, "SKF_ECCSignData", KeyRefused),
        (0x0B000035, "SKF_OpenContainer", KeyRefused),
        (0x0A00000F, "SKF_Decrypt", DriverFailed),
    ],
)
def test_codes_have_their_names(code: int, operation: str, kind: type[KeyProblem]) -> None:
    assert type(named(code, operation, TOKEN)) is kind


def test_a_code_is_told_by_name_and_number_and_an_unknown_one_by_number() -> None:
    reasons = [named(code, "SKF_Decrypt", TOKEN).facts["reason"] for code in (0x0A000001, 0x0B001234)]
    assert reasons == ["SAR_FAIL (0x0A000001)", "0x0B001234"]


def test_the_attempts_that_are_left_come_along_and_none_left_is_a_lock() -> None:
    facts = [named(0x0A000024, "SKF_VerifyPIN", TOKEN, left).facts for left in (3, 1, None)]
    assert [(fact["attempts_left"], fact["last_try"]) for fact in facts] == [
        (3, False),
        (1, True),
        (None, False),
    ]
    assert isinstance(named(0x0A000024, "SKF_VerifyPIN", TOKEN, 0), PinLocked)
